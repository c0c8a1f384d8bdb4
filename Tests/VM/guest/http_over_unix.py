"""HTTP to the daemon's control socket."""
import http.client
import socket

CONTROL_SOCKET = "/run/traveler/control.sock"


class ControlConnection(http.client.HTTPConnection):
    """A connection that is opened at the first request, and used for all that follow."""

    def __init__(self, timeout=30):
        super().__init__("localhost", timeout=timeout)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(CONTROL_SOCKET)

    def ask(self, method, path, body=None, headers=None):
        """Answers the status and the text of the answer."""
        self.request(method, path, body.encode() if body is not None else None, headers or {})
        response = self.getresponse()
        return response.status, response.read().decode()
