"""The service: plugs devices in and out and lets them type, as it is told over a Unix socket.

A request is a line of JSON, {"do": "plug", "name": "s1", "kind": "keyboard", "port": 0, ...}, and so is the answer.
What is plugged in is remembered, and plugged in again when the machine comes up: nobody pulls cables at a reboot.
"""
import json
import os
import select
import socket
import time

from .printer import LabelPrinter
from .scanners import BluetoothScanner, HidPosScanner, InputScanner, KeyboardScanner, SerialScanner

SOCKET = "/run/emulator.sock"
CABLES = "/var/lib/emulator/plugged.json"
KINDS = {
    "keyboard": KeyboardScanner,
    "serial": SerialScanner,
    "hid-pos": HidPosScanner,
    "bluetooth": BluetoothScanner,
    "input": InputScanner,
    "printer": LabelPrinter,
}


class Emulator:
    """All devices, by name. One that was unplugged is kept, with what it has recorded."""

    def __init__(self):
        self.devices = {}
        self.cables = {}  # for each device the request by which it was plugged in
        self.pull_when_typed = {}  # name of a device: whether to unplug it as soon as it has typed what it shall

    def take(self, request):
        """Does what a request says; answers an object."""
        action = request.pop("do")
        if action == "plug":
            return self.plug(**request)
        if action == "unplug_all":
            for device in self.devices.values():
                device.unplug()
            self.devices.clear()
            self.pull_when_typed.clear()
            self._remember()
            return {}
        name = request.pop("name")
        device = self.devices[name]
        if action == "unplug":
            self.unplug(name)
        elif action == "type":
            # A serial port has no keys to type one by one.
            self.pull_when_typed[name] = request.pop("then_unplug", False)
            (device.typing.add if hasattr(device, "typing") else device.type)(**request)
            device.serve()
        elif action == "set":
            device.set(**request)
        elif action == "info":
            return {"plugged": device.is_plugged, **self.cables[name], **device.info()}
        else:
            raise ValueError(f"cannot {action}")
        return {}

    def plug(self, name, kind=None, port=None, **properties):
        """Makes a device and plugs it in; or plugs one in again that was unplugged, at the same port if none is given."""
        device = self.devices.get(name)
        if device is None:
            device = KINDS[kind](**properties)
            self.cables[name] = {"name": name, "kind": kind, "port": port, **properties}
        elif device.is_plugged:
            raise ValueError(f"{name} is plugged in already")
        if port is not None:
            self.cables[name]["port"] = port
        device.plug(self.cables[name]["port"])
        self.devices[name] = device
        self._remember()
        return {}

    def unplug(self, name):
        self.devices[name].unplug()
        self._remember()

    def _remember(self):
        plugged = [self.cables[name] for name, device in self.devices.items() if device.is_plugged]
        os.makedirs(os.path.dirname(CABLES), exist_ok=True)
        with open(CABLES + ".new", "w") as file:
            json.dump(plugged, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(CABLES + ".new", CABLES)

    def restore(self):
        """Plugs in what was plugged in before the machine went down."""
        try:
            with open(CABLES) as file:
                cables = json.load(file)
        except FileNotFoundError:
            return
        for cable in cables:
            self.plug(**cable)

    def run(self, listener):
        """Serves requests and devices for ever."""
        while True:
            plugged = [device for device in self.devices.values() if device.is_plugged]
            due = [at for at in (device.due() for device in plugged) if at is not None]
            timeout = max(0, min(due) - time.monotonic()) if due else None
            sending = [device for device in plugged if device.has_output]
            readable, writable, _ = select.select([listener, *plugged], sending, [], timeout)
            for device in plugged:
                if device in writable and device.is_plugged:
                    device.write()
                if device in readable and device.is_plugged:
                    device.read()
                if device.is_plugged:
                    device.serve()
            for name, pulls in self.pull_when_typed.items():
                if pulls and not self.devices[name].typing.waiting:
                    self.pull_when_typed[name] = False
                    self.unplug(name)
            if listener in readable:
                self._answer(listener)

    def _answer(self, listener):
        connection, _ = listener.accept()
        with connection:
            try:
                answer = self.take(json.loads(connection.makefile().readline()))
            except Exception as error:  # a test's mistake is the test's to see; the devices go on
                answer = {"error": f"{type(error).__name__}: {error}"}
            try:
                connection.sendall(json.dumps(answer).encode() + b"\n")
            except OSError:
                pass


def tell_systemd_ready():
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(b"READY=1", address.replace("@", "\0", 1))


def main():
    if os.path.exists(SOCKET):
        os.unlink(SOCKET)
    emulator = Emulator()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(SOCKET)
        listener.listen(16)
        emulator.restore()
        tell_systemd_ready()
        emulator.run(listener)


main()
