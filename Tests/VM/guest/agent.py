"""Does in the guest what the tests on the host ask for, over a virtio serial port.

A request is a line of JSON with an `id`, and so is the answer; several requests may be under way at once.
    {"id": 1, "run": "uname -r", "timeout": 60}                   {"id": 1, "status": 0, "output": "6.1.0-..."}
    {"id": 2, "http": ["GET", "/v1/status", null]}                {"id": 2, "status": 200, "body": "..."}
    {"id": 3, "emulator": {"do": "info", "name": "s1"}}           {"id": 3, "plugged": true, ...}
Its first line, {"ready": boot id}, says that it is there.
"""
import json
import os
import socket
import subprocess
import threading
import time

from http_over_unix import ControlConnection

PORT = "/dev/virtio-ports/traveler.agent"
EMULATOR_SOCKET = "/run/emulator.sock"


def run(command, timeout=60):
    """Runs a shell command; answers its exit status and all that it printed."""
    try:
        done = subprocess.run(
            ["/bin/bash", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
        )
        return {"status": done.returncode, "output": done.stdout.decode("utf-8", "replace")}
    except subprocess.TimeoutExpired as expired:
        return {"status": 124, "output": (expired.output or b"").decode("utf-8", "replace")}


def ask_daemon(method, path, body):
    """Sends one request to the daemon's control socket."""
    connection = ControlConnection()
    try:
        status, text = connection.ask(method, path, body)
        return {"status": status, "body": text}
    finally:
        connection.close()


def ask_emulator(request):
    """Sends one request to the emulated devices."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(EMULATOR_SOCKET)
        connection.sendall(json.dumps(request).encode() + b"\n")
        return json.loads(connection.makefile().readline())


class Agent:
    def __init__(self, port):
        self.port = port
        self.sending = threading.Lock()

    def send(self, answer):
        line = json.dumps(answer).encode() + b"\n"
        with self.sending:
            while line:
                line = line[os.write(self.port, line) :]

    def take(self, request):
        try:
            if "run" in request:
                answer = run(request["run"], request.get("timeout", 60))
            elif "http" in request:
                answer = ask_daemon(*request["http"])
            else:
                answer = ask_emulator(request["emulator"])
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        self.send({"id": request["id"], **answer})

    def serve(self):
        rest = b""
        while True:
            received = os.read(self.port, 65536)
            if not received:  # nobody is at the other end yet
                time.sleep(0.02)
                continue
            *lines, rest = (rest + received).split(b"\n")
            for line in lines:
                threading.Thread(target=self.take, args=(json.loads(line),), daemon=True).start()


def main():
    while not os.path.exists(PORT):
        time.sleep(0.02)
    agent = Agent(os.open(PORT, os.O_RDWR))
    with open("/proc/sys/kernel/random/boot_id") as file:
        agent.send({"ready": file.read().strip()})
    agent.serve()


main()
