"""USB devices on the kernel's virtual host controller.

vhci_hcd is given one end of a socket pair; on the other this speaks the USB/IP protocol (the kernel's
Documentation/usb/usbip_protocol.rst), without a network and without the usbip program. What the kernel asks of a device
comes as URBs (requests of an endpoint), and a device that has nothing to say yet lets them wait.
"""
import collections
import errno
import os
import socket
import struct
import time

CONTROLLER = "/sys/devices/platform/vhci_hcd.0"
FREE_PORT = 4  # VDEV_ST_NULL
SPEEDS = {"low": 1, "full": 2, "high": 3}

SUBMIT, UNLINK, SUBMITTED, UNLINKED = 1, 2, 3, 4
COMMAND = struct.Struct(">IIIII")  # command, sequence number, device, direction (1 is in), endpoint
COMMAND_LENGTH = 48
STALL = -errno.EPIPE

GET_STATUS, CLEAR_FEATURE, SET_FEATURE, SET_ADDRESS = 0, 1, 3, 5
GET_DESCRIPTOR, SET_CONFIGURATION, SET_INTERFACE = 6, 9, 11
DEVICE, CONFIGURATION, STRING = 1, 2, 3
CLASS_REQUEST = 0x20

Urb = collections.namedtuple("Urb", "sequence endpoint length data")


def _port_status(port):
    """The state of a port of the controller, as its file says: `hs  0000 004 000 00000000 000000 0-0`."""
    with open(f"{CONTROLLER}/status") as file:
        for line in file.readlines()[1:]:
            hub, number, status = line.split()[:3]
            if hub == "hs" and int(number) == port:
                return int(status)
    raise OSError(errno.ENODEV, f"vhci_hcd has no port {port}")


class UsbDevice:
    """A device that can be plugged into a port of the controller, numbered from 0.

    In udev's ID_PATH ports are numbered from 1: port 0 is `platform-vhci_hcd.0-usb-0:1`.
    """

    speed = "full"

    def __init__(self, vendor, product, serial, product_name, maker="Emulated"):
        self.vendor, self.product = vendor, product
        self.strings = [maker, product_name, serial]
        self.port = None
        self.waiting = collections.deque()  # URBs that were not answered yet, oldest first
        self._socket = None
        self._input = b""
        self._output = bytearray()

    # --- what a kind of device says for itself

    def configuration(self):
        """The configuration descriptor with all that follows it."""
        raise NotImplementedError

    def class_descriptor(self, kind):
        """A descriptor of the device's class; None if there is none."""
        return None

    def class_request(self, request, value, data):
        """Answers a control request of the device's class: bytes, or None for a stall."""
        return None

    def serve(self):
        """Answers the waiting URBs as far as possible; called whenever something may have changed."""

    def due(self):
        """The monotonic time at which `serve` has something to do again, or None."""
        return None

    # --- the cable

    @property
    def is_plugged(self):
        return self._socket is not None

    def fileno(self):
        return self._socket.fileno()

    @property
    def has_output(self):
        return bool(self._output)

    def plug(self, port):
        """Plugs the device in; returns once the kernel has taken it."""
        deadline = time.monotonic() + 5
        while _port_status(port) != FREE_PORT:
            if time.monotonic() > deadline:
                raise OSError(errno.EBUSY, f"port {port} is in use")
            time.sleep(0.002)
        ours, kernels = socket.socketpair()
        ours.setblocking(False)
        device_id = 1 << 16 | port + 2
        with open(f"{CONTROLLER}/attach", "w") as file:
            file.write(f"{port} {kernels.fileno()} {device_id} {SPEEDS[self.speed]}")
        kernels.close()
        self.port, self._socket = port, ours
        self._input, self._output = b"", bytearray()
        self.waiting.clear()

    def unplug(self):
        """Pulls the device out, in whatever it is doing."""
        if self._socket is None:
            return
        try:
            with open(f"{CONTROLLER}/detach", "w") as file:
                file.write(str(self.port))
        except OSError:
            pass  # the kernel has let go of it already
        self._socket.close()
        self._socket = None
        self.waiting.clear()

    # --- the protocol

    def write(self):
        """Sends what the socket takes."""
        try:
            while self._output:
                del self._output[: self._socket.send(self._output)]
        except BlockingIOError:
            pass
        except OSError:
            self.unplug()

    def read(self):
        """Takes what the kernel sent."""
        try:
            received = self._socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self.unplug()
            return
        self._input += received
        while self.is_plugged and self._take_command():
            pass
        if self.is_plugged:
            self.serve()

    def _take_command(self):
        if len(self._input) < COMMAND_LENGTH:
            return False
        command, sequence, _, is_in, endpoint = COMMAND.unpack_from(self._input)
        if command == UNLINK:
            (victim,) = struct.unpack_from(">I", self._input, 20)
            self._input = self._input[COMMAND_LENGTH:]
            waits = [urb for urb in self.waiting if urb.sequence == victim]
            for urb in waits:
                self.waiting.remove(urb)
            self._send(struct.pack(">IIIIIi24x", UNLINKED, sequence, 0, 0, 0, -errno.ECONNRESET if waits else 0))
            return True
        (length,) = struct.unpack_from(">i", self._input, 24)
        setup = self._input[40:48]
        end = COMMAND_LENGTH + (0 if is_in else length)
        if len(self._input) < end:
            return False
        data = self._input[COMMAND_LENGTH:end]
        self._input = self._input[end:]
        if endpoint == 0:
            self._control(sequence, setup, data)
        else:
            self.waiting.append(Urb(sequence, endpoint | (0x80 if is_in else 0), length, data))
        return True

    def answer(self, urb, data=b""):
        """Answers a waiting URB: with data if the kernel reads, else as taken."""
        self.waiting.remove(urb)
        length = len(data) if urb.endpoint & 0x80 else len(urb.data)
        self._return(urb.sequence, 0, length, data)

    def oldest(self, endpoint):
        """The URB of an endpoint that waits longest, or None."""
        for urb in self.waiting:
            if urb.endpoint == endpoint:
                return urb
        return None

    def _return(self, sequence, status, length, data=b""):
        self._send(struct.pack(">IIIIIiiiii8x", SUBMITTED, sequence, 0, 0, 0, status, length, 0, 0, 0) + data)

    def _send(self, data):
        self._output += data
        self.write()

    def _control(self, sequence, setup, data):
        kind, request, value, _, length = struct.unpack("<BBHHH", setup)
        answer = None
        if kind & 0x60 == CLASS_REQUEST:
            answer = self.class_request(request, value, data)
        elif request == GET_DESCRIPTOR:
            answer = self._descriptor(kind, value >> 8, value & 0xFF)
        elif request == GET_STATUS:
            answer = b"\0\0"
        elif request in (CLEAR_FEATURE, SET_FEATURE, SET_ADDRESS, SET_CONFIGURATION, SET_INTERFACE):
            answer = b""
        if answer is None:
            self._return(sequence, STALL, 0)
        elif kind & 0x80:
            answer = answer[:length]
            self._return(sequence, 0, len(answer), answer)
        else:
            self._return(sequence, 0, len(data))

    def _descriptor(self, request_type, kind, index):
        if request_type == 0x81:  # of an interface
            return self.class_descriptor(kind)
        if kind == DEVICE:
            serial_index = 3 if self.strings[2] else 0
            return struct.pack(
                "<BBHBBBBHHHBBBB", 18, DEVICE, 0x0200, *self.device_class(), 64, self.vendor, self.product, 0x0100, 1, 2,
                serial_index, 1,
            )  # fmt: skip
        if kind == CONFIGURATION:
            return self.configuration()
        if kind == STRING and index == 0:
            return bytes([4, STRING, 0x09, 0x04])  # English (United States)
        if kind == STRING and index <= len(self.strings):
            text = self.strings[index - 1].encode("utf-16-le")
            return bytes([2 + len(text), STRING]) + text
        return None

    def device_class(self):
        """Class, subclass and protocol of the whole device; zeroes where each interface has its own."""
        return (0, 0, 0)


def interface(number, endpoints, *class_codes):
    """An interface descriptor."""
    return bytes([9, 4, number, 0, endpoints, *class_codes, 0])


def endpoint(address, kind, packet_size, interval=0):
    """An endpoint descriptor; kind 2 is bulk, 3 is interrupt."""
    return struct.pack("<BBBBHB", 7, 5, address, kind, packet_size, interval)


def configuration(interfaces, body):
    """A configuration descriptor with its interfaces, of a device that draws 100 mA from the bus."""
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), interfaces, 1, 0, 0x80, 50) + body
