"""Sends the daemon's stream of events to the host, each with the time at which it was read here.

A line of JSON for each event, {"read": monotonic seconds, "event": {...}}, and for each connection {"after": number}:
what follows comes after this event. A new start of this program begins with the first event.
"""
import http.client
import json
import os
import time

from http_over_unix import ControlConnection

PORT = "/dev/virtio-ports/traveler.events"


class Follower:
    def __init__(self, port):
        self.port = port
        self.after = 0

    def tell(self, message):
        os.write(self.port, json.dumps(message).encode() + b"\n")

    def follow(self):
        """Follows until the stream ends."""
        connection = ControlConnection(timeout=60)
        connection.request("GET", "/v1/events", headers={"Last-Event-ID": str(self.after)})
        stream = connection.getresponse()
        self.tell({"after": self.after})
        while line := stream.readline():
            read = time.monotonic()
            if line.startswith(b"data: "):
                event = json.loads(line[6:])
                self.after = int(event["event"])
                self.tell({"read": read, "event": event})


def main():
    follower = Follower(os.open(PORT, os.O_WRONLY))
    while True:
        try:
            follower.follow()
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.1)


main()
