"""Terminals that scan as fast as they are answered: scan_load.py TERMINALS STATION PREFIX COUNT

Scans PREFIX0, PREFIX1, ... PREFIX<COUNT-1> at a station, shared out over so many terminals. Each answer is sent to the
host as it comes, a line of JSON, and before anything else is scanned at that terminal.
"""
import os
import sys
import threading

from http_over_unix import ControlConnection

PORT = "/dev/virtio-ports/traveler.answers"


def main():
    terminals, station, prefix, count = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    port = os.open(PORT, os.O_WRONLY)
    sending = threading.Lock()

    def scan(terminal):
        connection = ControlConnection()
        for number in range(terminal, count, terminals):
            body = f'{{"code":"{prefix}{number}"}}'
            status, answer = connection.ask("POST", f"/v1/stations/{station}/scans", body)
            if status == 200:
                with sending:
                    os.write(port, answer.encode() + b"\n")

    threads = [threading.Thread(target=scan, args=(terminal,)) for terminal in range(terminals)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
