"""The real travelerd in a bed of devices, the real travelerctl beside it, and what is checked of them."""

import contextlib
import ctypes
import glob
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time


COMINGS = ("connected", "disconnected")


class Failed(Exception):
    """A check did not hold, or what was waited for did not come."""


def check(what, holds, seen=None):
    """Prints a line if it holds, and ends the case if it doesn't."""
    if not holds:
        raise Failed(f"{what}; instead: {seen}" if seen is not None else what)
    print(f"  ok  {what}", flush=True)


def wait(what, probe, seconds=30):
    """Waits until the probe answers something true, and answers it."""
    end = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed(f"waited {seconds} s in vain for: {what}")
        time.sleep(0.02)


class Daemon:
    def __init__(self, bed, site_file):
        self.bed = bed
        self.directory = tempfile.mkdtemp(prefix="traveler-hotplug.")
        self.socket = self.directory + "/control.sock"
        self.log_file = self.directory + "/log"
        # travelerctl is a program as any other: it needs no bed.
        self.environment = {**os.environ, "TRAVELER_SOCKET": self.socket}
        self.environment.pop("LD_PRELOAD", None)
        try:
            self.start()
            self.apply(site_file)
        except Failed:
            print(self.log())
            self.close()
            raise

    def start(self):
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [self.bed.programs + "/travelerd", "serve", "--directory", self.directory, "--socket", self.socket],
                env=self.bed.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait("the daemon's first answer", self._answers)

    def stop(self):
        """Ends the daemon as systemd does."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed("travelerd did not end within 20 s") from None

    def _answers(self):
        if self.process.poll() is not None:
            raise Failed(f"travelerd ended with {self.process.returncode}")
        return self.ctl("whoami").returncode == 0

    def close(self):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.directory)

    def log(self):
        with open(self.log_file, errors="replace") as file:
            return file.read()

    def command(self, *arguments):
        return [self.bed.programs + "/travelerctl", *arguments]

    def ctl(self, *arguments):
        """Runs travelerctl to its end."""
        return subprocess.run(
            self.command(*arguments), env=self.environment, capture_output=True, text=True, timeout=120)

    def json(self, *arguments):
        done = self.ctl(*arguments, "--json")
        if done.returncode != 0:
            raise Failed(f"travelerctl {' '.join(arguments)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def apply(self, site_file):
        path = self.directory + "/site.yaml"
        with open(path, "w") as file:
            file.write(site_file)
        done = self.ctl("site", "apply", path, "--yes")
        if done.returncode != 0:
            raise Failed(f"travelerctl site apply: {done.stderr}")

    def http(self, method, path, body=None):
        """A call of the control interface: its status and its JSON."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self.socket)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    # What it says of its devices.

    def devices(self, station=None):
        arguments = ["--station", station] if station else []
        return self.json("device", "list", *arguments)["items"]

    def device(self, name):
        """A device by its address, or by a node of it."""
        return next((each for each in self.devices() if name in (each["device"], each.get("node"))), None)

    def wait_for_state(self, name, state):
        """Waits until a device is in a state; answers what is said of it then."""
        def probe():
            found = self.device(name)
            return found if found and found["state"] == state else None
        try:
            return wait(f"{name} {state}", probe)
        except Failed as failed:
            raise Failed(f"{failed}; it is {self.device(name)}") from None

    def wait_until_gone(self, name):
        wait(f"{name} gone from device list", lambda: self.device(name) is None)

    # What is on record, oldest first.

    def log_items(self, station=None):
        arguments = ["--station", station] if station else []
        return sorted(self.json("log", "scans", "--all", *arguments)["items"], key=lambda item: int(item["event"]))

    def codes(self, station):
        """The codes that were read at a station."""
        return [item.get("code") for item in self.log_items(station) if item["result"] not in COMINGS]

    def comings(self, station):
        """`connected` and `disconnected` of a station's devices."""
        return [item["result"] for item in self.log_items(station) if item["result"] in COMINGS]

    def wait_for_code(self, station, code):
        try:
            wait(f"the code {code} at {station}", lambda: code in self.codes(station))
        except Failed as failed:
            raise Failed(f"{failed}; on record is {self.log_items()}") from None

    def files_with(self, text):
        """Which of its files, the ledger's and the log, have this text somewhere in them."""
        return [path for path in glob.glob(self.directory + "/**", recursive=True)
                if os.path.isfile(path) and text.encode() in open(path, "rb").read()]

    def has_open(self, device):
        """How many of a device's nodes the daemon has open."""
        files = {os.path.realpath(node.file) for node in device.nodes}
        return len(files & {os.path.realpath(link) for link in glob.glob(f"/proc/{self.process.pid}/fd/*")})


class Opens:
    """Tells whether anybody has opened a file since this was made, however briefly (inotify)."""

    IN_OPEN = 0x20

    def __init__(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0 or libc.inotify_add_watch(self.fd, path.encode(), self.IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), "inotify")

    def any(self):
        try:
            return len(os.read(self.fd, 4096)) > 0
        except BlockingIOError:
            return False


def site(stations):
    """A site file of stations with these scanners and printers, by station."""
    lines = [f"  - {{ name: {name}, mode: lookup, {devices} }}" for name, devices in stations.items()]
    return "stations:\n" + "\n".join(lines) + "\n"


@contextlib.contextmanager
def plant(bed, **stations):
    """A daemon whose stations have these scanners and printers."""
    daemon = Daemon(bed, site(stations))
    try:
        yield daemon
    except Exception:
        print("  The daemon's log:\n    " + daemon.log().replace("\n", "\n    "))
        raise
    finally:
        daemon.close()


class Pairing:
    """A `travelerctl device pair` that waits for its scanner."""

    def __init__(self, daemon, station, *options):
        self.process = subprocess.Popen(
            daemon.command("device", "pair", station, "--json", *options), env=daemon.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said = self.process.stderr.readline()
        found = re.search(r"\bZ[0-9]{10}\b", said)
        if not found:
            self.process.kill()
            raise Failed(f"travelerctl device pair showed no code: {said}{self.process.stderr.read()}")
        self.code = found.group()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def is_waiting(self):
        return self.process.poll() is None

    def result(self):
        output, errors = self.process.communicate(timeout=30)
        if not output:
            raise Failed(f"travelerctl device pair said nothing: {errors}")
        return json.loads(output)
