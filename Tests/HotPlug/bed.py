"""Devices that come and go, as udev tells of them, on a machine that has none of them (umockdev).

Behind an evdev node stands a named pipe, and what is written to it is read as a scanner's keys; so does behind a hidraw
node, and what is written to it is read as reports; behind a serial port stands a pseudo-terminal. What only a kernel can do, such as a real grab or ENODEV at an unplug, is not to be had here.
"""

import array
import errno
import fcntl
import glob
import os
import pty
import shutil
import subprocess
import tempfile
import termios
import tty

import gi

gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev  # noqa: E402 (the version comes first)

# The report descriptor of a hand-held imager in HID-POS mode: a report numbered 2 with a length, an AIM identifier, 56
# bytes of data, two bytes of the maker's, and a bit that says whether another report follows.
HID_POS_DESCRIPTOR = bytes.fromhex(
    "058c0902a1010912a1028502150026ff0075089501"
    "0501093b8102058c09fb09fc09fd9503810209fe95388202010666ff9502090409008102058c25017501950809ff8102c0c0")
# That of a keyboard, which has a hidraw node, too, and sends no scans there.
KEYBOARD_DESCRIPTOR = bytes.fromhex("05010906a1010507190029ff150026ff00750895068100c0")

USB_CONTROLLER = "/devices/pci0000:00/0000:00:14.0/usb1"
ID_PATH = "pci-0000:00:14.0-usb-0:"


class Device:
    """A device that can be plugged in again and again; each time its nodes have other numbers."""

    def __init__(self, usb_port=None, serial=None, name="Maker Barcode Scanner", kind="keyboard", interfaces=1,
                 known=False, bluetooth=None, adapter=None, ieee1284_id=None,
                 key_down=False):
        """usb_port: where on the bus, such as "2" or, behind a hub, "2.1"; kind: keyboard, serial, hid-pos, hid-keyboard (only its
        hidraw node), printer or mouse;
        bluetooth: its address, for a device that is on no USB port; adapter: the USB port of the adapter that connects
        it, for one that the kernel itself speaks to (hidp) and not BlueZ (uhid); known: whether the udev rules know its
        make; key_down: whether its Enter key is always down."""
        self.usb_port, self.serial, self.name, self.kind = usb_port, serial, name, kind
        self.interfaces, self.known, self.ieee1284_id = interfaces, known, ieee1284_id
        self.bluetooth, self.adapter, self.key_down = bluetooth, adapter, key_down
        self.nodes = []

    def address(self, interface=0):
        """Where it is plugged in, as ID_PATH of udev."""
        return f"{ID_PATH}{self.usb_port}:1.{interface}"


class Node:
    """A node of a device that is plugged in."""

    def __init__(self, path, file, system_path):
        self.path, self.file, self.system_path = path, file, system_path
        self.writer = None

    def write(self, data):
        """What the device sends; False if nobody has the node open, so that it is lost."""
        try:
            if self.writer is None:
                self.writer = os.open(self.file, os.O_WRONLY | os.O_NONBLOCK)
            return os.write(self.writer, data) == len(data)
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.EPIPE):
                return False
            raise

    def is_read(self):
        """Whether all that was written has been read."""
        if self.writer is None:
            return True
        waiting = array.array("i", [0])
        fcntl.ioctl(self.writer, termios.FIONREAD, waiting)
        return waiting[0] == 0


class Bed:
    """A machine's devices. Programs that are started with its `environment` see these and no others."""

    def __init__(self, programs):
        self.programs = programs
        self.testbed = UMockdev.Testbed.new()
        self.root = self.testbed.get_root_dir()
        self.environment = {**os.environ, "UMOCKDEV_DIR": self.root}
        self.scratch = tempfile.mkdtemp(prefix="traveler-bed.")
        self.plugged = []
        self.adapters = {}
        self.count = 0
        os.makedirs(self.root + "/dev/input")
        os.makedirs(self.root + "/dev/usb")

    def close(self):
        for device in reversed(self.plugged[:]):
            self.unplug(device)
        shutil.rmtree(self.scratch)
        self.testbed = None

    def plug(self, device, node_is_late=False):
        """Plugs a device in. With node_is_late, udev tells of it before its node is there: call make_nodes then."""
        self.count += 1
        body, description = self._body(device)
        for interface in range(device.interfaces):
            node, text = self._node(device, body, interface)
            device.nodes.append(node)
            description += text
        device.body = body
        if not node_is_late:
            self.make_nodes(device)
        self.plugged.append(device)
        self.testbed.add_from_string(description)

    def make_nodes(self, device):
        for node in device.nodes:
            if device.kind == "serial":
                # The master is ours; what the daemon opens is the other end, and is a terminal as a serial port is.
                node.writer, end = pty.openpty()
                tty.setraw(end)
                os.symlink(os.ttyname(end), node.file)
                node.held = end
                # umockdev knows no TIOCEXCL; the other settings don't pass through it.
                handler = UMockdev.IoctlBase()
                handler.connect("handle-ioctl", lambda _, client: client.complete(0, 0) or True)
                self.testbed.attach_ioctl(node.path, handler)
            elif device.kind == "printer":
                open(node.file, "x").close()
            elif device.kind.startswith("hid-"):
                self._answer_hidraw(node, device)
                os.mkfifo(node.file)
            else:
                self._answer(node, device.name, device.key_down)
                os.mkfifo(node.file)

    def unplug(self, device):
        while device.nodes:
            self.unplug_node(device)
        self.testbed.remove_device("/sys" + device.body)
        # umockdev leaves links to what is gone, and ends the process where it would make them again.
        for link in glob.glob(self.root + "/sys/bus/*/devices/*") + glob.glob(self.root + "/sys/class/*/*"):
            if not os.path.exists(link):
                os.unlink(link)
        self.plugged.remove(device)

    def unplug_node(self, device):
        """The first of a device's nodes goes, as it does a moment before the others."""
        node = device.nodes.pop(0)
        if node.writer is not None:
            os.close(node.writer)
        if device.kind == "serial":
            os.close(node.held)
        if os.path.lexists(node.file):
            os.unlink(node.file)
        self.testbed.uevent("/sys" + node.system_path, "remove")

    def keys(self, text, layout="us"):
        """What a scanner sends that reads this code: records of struct input_event."""
        return subprocess.run(
            [self.programs + "/travelerd", "keystrokes", "--layout", layout, text], stdout=subprocess.PIPE, check=True,
        ).stdout

    def scan(self, device, text, layout="us", interface=0):
        """Reads a code; False if nobody has the scanner's node open."""
        if device.kind == "hid-pos":
            return all(self._send_report(device.nodes[interface], report) for report in self.reports(text))
        data = text.encode() + b"\r" if device.kind == "serial" else self.keys(text, layout)
        return device.nodes[interface].write(data)

    @staticmethod
    def reports(text, symbology=b"]C0"):
        """What a scanner in HID-POS mode sends that reads this code."""
        data = text.encode()
        parts = [data[start : start + 56] for start in range(0, len(data), 56)]
        return [
            b"\x02" + bytes([len(part)]) + symbology + part.ljust(56, b"\0") + b"a\0" + bytes([number < len(parts)])
            for number, part in enumerate(parts, start=1)
        ]

    @staticmethod
    def _send_report(node, report):
        """One report, once the one before it was read: a pipe would run them together."""
        while not node.is_read():
            pass
        return node.write(report)

    def _body(self, device):
        """The path in sysfs of what has all of the device's nodes, and its description for umockdev."""
        if device.bluetooth:
            above, text = self._link(device.adapter) if device.adapter else ("/devices/virtual/misc/uhid", "")
            path = f"{above}/0005:0C2E:0B61.{self.count:04X}"
            return path, f"{text}P: {path}\nE: SUBSYSTEM=hid\nE: HID_UNIQ={device.bluetooth}\n\n"
        path = USB_CONTROLLER
        hub = ""
        for number in device.usb_port.split("."):
            hub = f"{hub}.{number}" if hub else f"1-{number}"
            path += "/" + hub
        lines = ["E: SUBSYSTEM=usb", "E: DEVTYPE=usb_device", "A: idVendor=0c2e\\n", "A: idProduct=0b61\\n"]
        lines += ["A: manufacturer=Maker\\n", f"A: product={device.name.removeprefix('Maker ')}\\n"]
        if device.serial:
            lines.append(f"A: serial={device.serial}\\n")
        return path, f"P: {path}\n" + "\n".join(lines) + "\n\n"

    def _link(self, adapter):
        """The path of one more connection of the Bluetooth adapter at a USB port, and its description, with that of the
        adapter if it is the first."""
        usb = f"{USB_CONTROLLER}/1-{adapter}"
        interface = f"{usb}/1-{adapter}:1.0"
        host = f"{interface}/bluetooth/hci0"
        text = ""
        if adapter not in self.adapters:
            text = f"P: {usb}\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nA: idVendor=0bda\\n\nA: idProduct=8771\\n\n"
            text += "A: product=Bluetooth Radio\\n\nA: serial=00E04C239987\\n\n\n"
            text += f"P: {interface}\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_interface\n\n"
            text += f"P: {host}\nE: SUBSYSTEM=bluetooth\nE: DEVTYPE=host\n\n"
        self.adapters[adapter] = number = self.adapters.get(adapter, 0) + 1
        link = f"{host}/hci0:{number}"
        return link, f"{text}P: {link}\nE: SUBSYSTEM=bluetooth\nE: DEVTYPE=link\n\n"

    def _node(self, device, body, interface):
        number = self.count * 10 + interface
        properties = {}
        if device.usb_port:
            properties = {"ID_BUS": "usb", "ID_PATH": device.address(interface)}
        if device.adapter:
            # path_id finds the adapter, as it does everything above a device.
            properties = {"ID_BUS": "bluetooth", "ID_PATH": f"{ID_PATH}{device.adapter}:1.0"}
        if device.serial:
            properties["ID_SERIAL_SHORT"] = device.serial
        if device.known:
            properties["TRAVELER_PRINTER" if device.kind == "printer" else "TRAVELER_SCANNER"] = "1"
        above = f"{body}/{body.split('/')[-1]}:1.{interface}" if device.usb_port else body
        text = ""
        if device.usb_port:
            text = f"P: {above}\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_interface\nA: bInterfaceNumber=0{interface}\\n\n"
            if device.ieee1284_id:
                text += f"A: ieee1284_id={device.ieee1284_id}\\n\n"
            text += "\n"
        if device.kind == "serial":
            name, subsystem, path = f"ttyACM{number}", "tty", f"/dev/ttyACM{number}"
            system_path = f"{above}/tty/{name}"
        elif device.kind.startswith("hid-"):
            name, subsystem, path = f"hidraw{number}", "hidraw", f"/dev/hidraw{number}"
            parent = above if device.bluetooth else f"{above}/0003:0C2E:0B62.{number:04X}"
            system_path = f"{parent}/hidraw/{name}"
            descriptor = HID_POS_DESCRIPTOR if device.kind == "hid-pos" else KEYBOARD_DESCRIPTOR
            text += f"P: {parent}\nE: SUBSYSTEM=hid\nE: HID_NAME={device.name}\nE: HID_UNIQ={device.serial or ''}\n"
            text += f"H: report_descriptor={descriptor.hex().upper()}\n\n"
        elif device.kind == "printer":
            name, subsystem, path = f"lp{number}", "usbmisc", f"/dev/usb/lp{number}"
            system_path = f"{above}/usbmisc/{name}"
        else:
            name, subsystem, path = f"event{number}", "input", f"/dev/input/event{number}"
            parent = f"{above}/input/input{number}"
            system_path = f"{parent}/{name}"
            properties["ID_INPUT"] = "1"
            properties["ID_INPUT_MOUSE" if device.kind == "mouse" else "ID_INPUT_KEYBOARD"] = "1"
            text += f"P: {parent}\nE: SUBSYSTEM=input\nA: name={device.name}\\n\n"
            text += f"A: uniq={device.bluetooth or ''}\\n\n\n"
        text += f"P: {system_path}\nE: SUBSYSTEM={subsystem}\nE: DEVNAME={path}\n"
        text += "".join(f"E: {key}={value}\n" for key, value in properties.items()) + "\n"
        return Node(path, self.root + path, system_path), text

    def _answer_hidraw(self, node, device):
        """Lets the node answer what a hidraw node is asked (linux/hidraw.h): its report descriptor, and its name."""
        descriptor = HID_POS_DESCRIPTOR if device.kind == "hid-pos" else KEYBOARD_DESCRIPTOR

        def answer(_, client):
            request, argument = client.get_request() & 0xFFFFFFFF, client.get_arg()
            if request == 0x80044801:  # HIDIOCGRDESCSIZE
                argument.resolve(0, 4).update(0, len(descriptor).to_bytes(4, "little"))
                client.complete(0, 0)
            elif request == 0x90044802:  # HIDIOCGRDESC
                argument.resolve(0, 4 + 4096).update(4, descriptor)
                client.complete(0, 0)
            elif request & 0xC000FFFF == 0x80004804:  # HIDIOCGRAWNAME
                name = device.name.encode() + b"\0"
                argument.resolve(0, request >> 16 & 0x3FFF).update(0, name)
                client.complete(len(name), 0)
            else:
                client.complete(-1, errno.ENOTTY)
            return True

        handler = UMockdev.IoctlBase()
        handler.connect("handle-ioctl", answer)
        self.testbed.attach_ioctl(node.path, handler)

    def _answer(self, node, name, key_down):
        """Lets the node answer what an evdev node is asked: its name, and which keys are down."""
        recording = os.path.join(self.scratch, os.path.basename(node.path))
        name = name.encode() + b"\0"
        with open(recording, "w") as file:
            file.write(f"@DEV {node.path}\n")
            file.write(f"EVIOCGNAME(0) {len(name)} {name.ljust(256, bytes(1)).hex().upper()}\n")
            file.write(f"EVIOCGKEY(0) 96 {('000000' + ('10' if key_down else '00')).ljust(192, '0')}\n")
        self.testbed.load_ioctl(node.path, recording)


if __name__ == "__main__":
    # Whether there can be a bed on this machine: whether programs are shown its devices, not the machine's own.
    testbed = UMockdev.Testbed.new()
    testbed.add_from_string("P: /devices/bed\nE: SUBSYSTEM=input\n")
    seen = os.listdir("/sys/class/input")
    if seen != ["bed"]:
        raise SystemExit(f"programs are shown {seen} as input devices, not the bed's")
