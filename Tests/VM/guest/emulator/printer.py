"""A label printer on USB that understands as much ZPL as it takes to tell labels apart and to say how it is."""
import re
import struct
import time

from . import usbip

LABEL = re.compile(rb"\^XA.*?\^XZ", re.DOTALL)
HOST_STATUS = b"~HS"


class LabelPrinter(usbip.UsbDevice):
    """A printer of class 7/1/2 (usblp makes /dev/usb/lp* of it).

    `labels` are the labels that came out, and outlive an unplug; what was received and not printed does not.
    """

    speed = "high"
    OUTPUT, INPUT = 0x01, 0x82
    GET_DEVICE_ID, GET_PORT_STATUS, SOFT_RESET = 0, 1, 2
    PAPER_EMPTY, SELECTED, NO_ERROR = 0x20, 0x10, 0x08

    def __init__(self, vendor=0x0A5F, product=0x0120, serial="PRT0001", product_name="Label Printer", id_serial=None):
        """`id_serial` is the serial number in the IEEE 1284 id; the one of the USB descriptor if not given."""
        super().__init__(vendor, product, serial, product_name)
        self.id_serial = serial if id_serial is None else id_serial
        self.paper_out = self.head_open = self.paused = False
        self.buffer_size = 16384  # bytes that it takes while it can't print; 0: none, the computer's writing hangs
        self.bytes_per_second = 0  # 0 is as fast as they come
        self.unplug_after = 0  # pulled out as soon as it has taken so many bytes since it was plugged in
        self.labels = []  # (monotonic time, text)
        self.bytes_taken = 0
        self.resets = 0
        self._received = b""
        self._replies = b""
        self._next_taking = 0.0

    def configuration(self):
        printer = usbip.interface(0, 2, 7, 1, 2)
        return usbip.configuration(
            1, printer + usbip.endpoint(self.OUTPUT, 2, 512) + usbip.endpoint(self.INPUT, 2, 512)
        )

    @property
    def device_id(self):
        """The IEEE 1284 id."""
        text = f"MFG:Emulated;CMD:ZPL;MDL:{self.strings[1]};CLS:PRINTER;"
        return text + (f"SN:{self.id_serial};" if self.id_serial else "")

    @property
    def can_print(self):
        return not (self.paper_out or self.head_open or self.paused)

    def class_request(self, request, value, data):
        if request == self.GET_DEVICE_ID:
            text = self.device_id.encode()
            return struct.pack(">H", 2 + len(text)) + text
        if request == self.GET_PORT_STATUS:
            status = self.SELECTED
            status |= self.PAPER_EMPTY if self.paper_out else 0
            status |= 0 if self.paper_out or self.head_open else self.NO_ERROR
            return bytes([status])
        if request == self.SOFT_RESET:
            self.resets += 1
            self._received = b""
            return b""
        return None

    def plug(self, port):
        super().plug(port)
        self._received = self._replies = b""
        self.bytes_taken = 0

    def set(self, **settings):
        """Changes how the printer is: paper_out, head_open, paused, buffer_size, bytes_per_second, unplug_after."""
        for name, value in settings.items():
            if not hasattr(self, name):
                raise ValueError(f"a printer has no {name}")
            setattr(self, name, value)
        if self.is_plugged:
            self.serve()

    def serve(self):
        self._print()
        while self.is_plugged and (urb := self.oldest(self.OUTPUT)) and self._has_room(len(urb.data)):
            if self.bytes_per_second:
                if time.monotonic() < self._next_taking:
                    break
                self._next_taking = time.monotonic() + len(urb.data) / self.bytes_per_second
            self.bytes_taken += len(urb.data)
            if self.unplug_after and self.bytes_taken >= self.unplug_after:
                self.unplug_after = 0
                self.unplug()
                return
            self._received += urb.data
            self.answer(urb)
            self._answer_questions()
            self._print()
        while self.is_plugged and self._replies and (urb := self.oldest(self.INPUT)):
            reply, self._replies = self._replies[: urb.length], self._replies[urb.length :]
            self.answer(urb, reply)

    def due(self):
        return self._next_taking if self.bytes_per_second and self.oldest(self.OUTPUT) else None

    def _has_room(self, length):
        return self.can_print or len(self._received) + length <= self.buffer_size

    def _print(self):
        if not self.can_print:
            return
        while match := LABEL.search(self._received):
            self.labels.append((time.monotonic(), match[0].decode("utf-8", "replace")))
            self._received = self._received[match.end() :]

    def _answer_questions(self):
        """A host status question is answered at once, also between the lines of a label."""
        while HOST_STATUS in self._received:
            self._received = self._received.replace(HOST_STATUS, b"", 1)
            formats = self._received.count(b"^XZ")
            lines = [
                f"030,{self.paper_out:d},{self.paused:d},0420,{formats:03d},0,0,0,000,0,0,0",
                f"000,0,{self.head_open:d},0,0,2,4,0,{formats:08d},1,000",
                "1234,0",
            ]
            self._replies += b"".join(b"\x02" + line.encode() + b"\x03\r\n" for line in lines)

    def info(self):
        return {
            "labels": self.labels,
            "bytes_taken": self.bytes_taken,
            "bytes_unprinted": len(self._received),
            "urbs_waiting": len(self.waiting),
            "resets": self.resets,
            "device_id": self.device_id,
        }
