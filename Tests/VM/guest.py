"""What a scenario says to a running guest, and how it says what it found."""
from __future__ import annotations  # `list` is also a method here

import json
import pathlib
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

from machine import Machine


class Unmet(Exception):
    """Something that a scenario cannot go on without did not happen."""


class Checks:
    """The findings of all scenarios, printed as they come."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, what: str, holds: object, seen: object = "") -> bool:
        """Prints whether something holds; what was seen instead is shown where it does not."""
        if holds:
            self.passed += 1
            print(f"  ok      {what}", flush=True)
        else:
            self.failed += 1
            print(f"  FAILED  {what}" + (f"; seen: {seen}" if seen != "" else ""), flush=True)
        return bool(holds)

    def equal(self, what: str, value: object, expected: object) -> bool:
        """Prints whether a value is what it should be."""
        return self.that(what, value == expected, f"{value!r} instead of {expected!r}")


class Events:
    """The daemon's events as they came to the host, each with the time at which it was read in the guest."""

    def __init__(self, file: pathlib.Path):
        self._file = file
        self._position = 0
        self._events: list[dict] = []
        self._beginnings = 0

    @property
    def beginnings(self) -> int:
        """How often the stream was followed from its first event on."""
        _ = self.all
        return self._beginnings

    @property
    def all(self) -> list[dict]:
        """All events of the ledger so far, oldest first. `read` is in seconds of the guest's monotonic clock."""
        with open(self._file, "rb") as file:
            file.seek(self._position)
            new = file.read()
        # The last line may be half there.
        whole = new[: new.rfind(b"\n") + 1]
        self._position += len(whole)
        for line in whole.splitlines():
            try:
                message = json.loads(line)
            except ValueError:
                continue  # the power went while it was sent
            if message.get("after") == 0:
                self._events.clear()
                self._beginnings += 1
            elif "event" in message:
                self._events.append({**message["event"], "read": message["read"]})
        return self._events

    def of_kind(self, kind: str, **fields: str) -> list[dict]:
        """Events of one kind whose fields have these values."""
        return [event for event in self.all if event["kind"] == kind and _has(event, fields)]

    def scans(self, **fields: str) -> list[dict]:
        """Events that a scan made, with the code that was read."""
        return [event for event in self.all if "code" in event and _has(event, fields)]


def _has(event: dict, fields: dict) -> bool:
    return all(event.get(name) == value for name, value in fields.items())


def _stood_still(scan: dict) -> bool:
    """Whether a scan is broken, by a pause or by keys that the kernel dropped."""
    note = scan.get("note", "")
    return scan.get("reason") == "broken_scan" and ("stopped in the middle" in note or "keys were lost" in note)


class Guest:
    """A running guest with the package installed."""

    def __init__(self, machine: Machine, checks: Checks):
        self.machine, self.checks = machine, checks
        self.events = Events(machine.events_file)
        self.figures: list[tuple[str, str]] = []  # what was measured: name, value
        self.read_again: list[str] = []  # codes whose scans the emulation broke

    # --- the system

    def run(self, command: str, seconds: float = 120) -> str:
        """Runs a shell command that must work; answers what it printed."""
        status, output = self.try_to_run(command, seconds)
        if status != 0:
            raise Unmet(f"{command}: exit status {status}: {output}")
        return output

    def try_to_run(self, command: str, seconds: float = 120) -> tuple[int, str]:
        """Runs a shell command; answers its exit status and what it printed."""
        answer = self._ask({"run": command, "timeout": seconds}, seconds + 30)
        return answer["status"], answer["output"].strip()

    def wait(self, what: str, condition: Callable[[], Any], seconds: float = 60) -> Any:
        """Waits until a condition holds; answers its value. The scenario ends if it never does."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise Unmet(f"waited {seconds:.0f} s in vain: {what}")
            time.sleep(0.03)

    def properties(self, node: str) -> dict[str, str]:
        """udev's properties of a node."""
        lines = self.run(f"udevadm info --query=property {node}").splitlines()
        return dict(line.split("=", 1) for line in lines)

    # --- the daemon

    def http(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Sends a request to the control socket as root; answers its status and its JSON. A text is sent as it is."""
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        answer = self._ask({"http": [method, path, text]})
        return answer["status"], json.loads(answer["body"]) if answer["body"] else None

    def get(self, path: str) -> Any:
        """The JSON of a GET that must work."""
        return self._must("GET", path, None)

    def post(self, path: str, body: object) -> Any:
        """The JSON of a POST that must work."""
        return self._must("POST", path, body)

    def list(self, path: str) -> list[dict]:
        """All pages of a list."""
        items, cursor = [], None
        while True:
            more = f"&cursor={urllib.parse.quote(cursor)}" if cursor else ""
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit=1000{more}")
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    def _must(self, method: str, path: str, body: object) -> Any:
        status, answer = self.http(method, path, body)
        if status >= 400:
            raise Unmet(f"{method} {path}: {status} {answer}")
        return answer

    def begin_anew(self, site: str) -> None:
        """Unplugs everything, and starts the daemon with an empty ledger and a site file."""
        self.emulator(do="unplug_all")
        beginnings = self.events.beginnings
        self.run(
            "systemctl stop event-follower travelerd; rm -rf /var/lib/traveler/*; systemctl reset-failed; "
            "systemctl start travelerd && systemctl start event-follower"
        )
        self.wait("the stream of the empty ledger's events", lambda: self.events.beginnings > beginnings)
        self.apply(site)

    def apply(self, site: str) -> None:
        """Applies a site file."""
        self._must("PUT", "/v1/site", site)
        self.wait("the event of the new site", lambda: self.events.of_kind("plant.changed"))

    def make_units(self, *serials: str) -> None:
        """Registers units of the test's product, ready for their first stage."""
        status, _ = self.http("GET", "/v1/work-orders/1001")
        if status == 404:
            self.post("/v1/work-orders", {"number": "1001", "product": "BOARD", "quantity": 100_000, "team": "line"})
            self.http("POST", "/v1/work-orders/1001/release")
        self.post("/v1/units", {"product": "BOARD", "serials": list(serials), "work_order": "1001"})

    def scan(self, station: str, code: str) -> dict:
        """Scans at a terminal; the answer."""
        return self.post(f"/v1/stations/{station}/scans", {"code": code})

    def await_scan(self, code: str) -> dict:
        """Waits for the first event of a scan of a code."""
        return self.wait(f"the scan of {code}", lambda: next(iter(self.events.scans(code=code)), None))

    def read(self, name: str, code: str, **how: object) -> dict:
        """Lets a scanner read a code; waits for its event. Where the emulation stood still in the middle, between two keys
        or until the kernel had no room for more, the scan is rightly a broken one, and is read again, as people do."""
        for _ in range(5):
            last = max((int(event["event"]) for event in self.events.all), default=0)
            self.type(name, code, **how)

            def answered():
                new = [scan for scan in self.events.scans() if int(scan["event"]) > last]
                return next((scan for scan in new if scan["code"] == code or _stood_still(scan)), None)

            scan = self.wait(f"the scan of {code}", answered)
            if not _stood_still(scan):
                return scan
            self.read_again.append(code)
            self.await_typed(name)
            self.run("sleep 1.2")  # what begins within a second of a pause is taken for the rest of what broke
        raise Unmet(f"the emulation stood still in each of five scans of {code}")

    def await_connected(self, station: str, times: int = 1, seconds: float = 60) -> None:
        """Waits until devices were connected at a station so many times since its ledger began."""
        self.wait(
            f"device {times} is connected at {station}",
            lambda: len(self.events.of_kind("device.connected", station=station)) >= times,
            seconds,
        )
        # What begins less than 100 ms after the opening may be the rest of a scan, and is taken for that.
        self.run("sleep 0.1")

    def devices(self) -> dict[str, dict]:
        """What GET /v1/devices lists, by device."""
        return {device["device"]: device for device in self.get("/v1/devices")["items"]}

    @property
    def daemon_pid(self) -> int:
        return int(self.run("systemctl show --property=MainPID --value travelerd"))

    def daemon_cpu_seconds(self) -> float:
        """The processor time that the daemon has used."""
        fields = self.run(f"cat /proc/{self.daemon_pid}/stat; getconf CLK_TCK").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / int(fields[-1])

    def journal(self) -> str:
        """The end of what the daemon logged."""
        return self.run("journalctl --unit travelerd --output cat --no-pager --lines 25")

    # --- the emulated devices

    def emulator(self, **request: object) -> dict:
        """One request to the emulated devices; see guest/emulator."""
        return self._ask({"emulator": request})

    def plug(self, name: str, kind: str | None = None, port: int | None = None, **properties: object) -> None:
        """Plugs in a device: a new one of a kind, or again one that was unplugged."""
        self.emulator(do="plug", name=name, kind=kind, port=port, **properties)

    def unplug(self, name: str) -> None:
        """Pulls a device out."""
        self.emulator(do="unplug", name=name)

    def type(self, name: str, *texts: str, **how: object) -> None:
        """Lets a scanner read codes, one after the other; returns at once."""
        self.emulator(do="type", name=name, texts=list(texts), **how)

    def info(self, name: str) -> dict:
        """What a device has recorded."""
        return self.emulator(do="info", name=name)

    def await_unplugged(self, station: str, times: int = 1, seconds: float = 60) -> None:
        """Waits until a station has lost devices so many times since its ledger began."""
        self.wait(f"loss {times} of a device at {station}", lambda: len(self.unplugged(station)) >= times, seconds)

    def unplugged(self, station: str) -> list[dict]:
        """The events of devices that a station had and lost; that one was never there is not among them."""
        return self.events.of_kind("device.disconnected", station=station, note="unplugged")

    def await_typed(self, name: str, seconds: float = 60) -> None:
        """Waits until a scanner has typed all that it was told."""
        self.wait(f"{name} has typed everything", lambda: self.info(name)["waiting"] == 0, seconds)

    def node(self, name: str) -> str:
        """The node of a plugged USB device, once udev is done with it."""
        info = self.info(name)
        path, usb = path_of(info["port"]), f"1-{info['port'] + 1}"
        commands = {
            "keyboard": f"readlink -e /dev/input/by-path/{path}-event-kbd",
            "serial": f"readlink -e /dev/serial/by-path/{path}",
            "printer": f"ls /sys/bus/usb/devices/{usb}/{usb}:1.0/usbmisc && udevadm settle",
        }

        def found():
            status, output = self.try_to_run(commands[info["kind"]])
            return output if status == 0 else None

        node = self.wait(f"the node of {name}", found, 30)
        return f"/dev/usb/{node}" if info["kind"] == "printer" else node

    def _ask(self, request: dict, seconds: float = 120) -> dict:
        answer = self.machine.agent.ask(request, seconds)
        if "error" in answer:
            raise Unmet(f"{request}: {answer['error']}")
        return answer


def socket_of(port: int) -> str:
    """Where the whole device at a port is plugged in: its ID_PATH without the interface."""
    return path_of(port).rsplit(":", 1)[0]


def path_of(port: int) -> str:
    """udev's ID_PATH of the first interface of what is plugged into a port of the emulated controller."""
    return f"platform-vhci_hcd.0-usb-0:{port + 1}:1.0"
