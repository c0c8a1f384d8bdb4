"""Scanners: USB keyboards, serial ports on USB, Bluetooth keyboards, and bare input devices."""
import fcntl
import os
import struct
import time

from . import usbip
from .keyboard import LEFT_SHIFT, RELEASED, REPORT_DESCRIPTOR, Typing


class KeyboardScanner(usbip.UsbDevice):
    """A USB scanner that imitates a boot keyboard. Its lamps are recorded as the kernel sets them."""

    REPORTS = 0x81
    GET_REPORT, SET_REPORT = 0x01, 0x09
    HID_DESCRIPTOR, HID_REPORT_DESCRIPTOR = 0x21, 0x22

    def __init__(self, vendor=0x0C2E, product=0x0B61, serial="SN-1", product_name="Barcode Scanner"):
        super().__init__(vendor, product, serial, product_name)
        self.typing = Typing()
        self.lamps = []  # (monotonic time, byte: 1 Num Lock, 2 Caps Lock, 4 Scroll Lock, 8 Compose, 16 Kana)

    def configuration(self):
        hid = struct.pack(
            "<BBHBBBH", 9, self.HID_DESCRIPTOR, 0x0111, 0, 1, self.HID_REPORT_DESCRIPTOR, len(REPORT_DESCRIPTOR)
        )
        keyboard = usbip.interface(0, 1, 3, 1, 1) + hid + usbip.endpoint(self.REPORTS, 3, 8, interval=1)
        return usbip.configuration(1, keyboard)

    def class_descriptor(self, kind):
        return REPORT_DESCRIPTOR if kind == self.HID_REPORT_DESCRIPTOR else None

    def class_request(self, request, value, data):
        if request == self.GET_REPORT:
            return bytes(8)
        if request == self.SET_REPORT and data:
            self.lamps.append((time.monotonic(), data[0]))
        return b""

    def serve(self):
        while urb := self.oldest(self.REPORTS):
            if not self.typing.deliver(lambda report: self.answer(urb, report)):
                return

    def due(self):
        return self.typing.due if self.oldest(self.REPORTS) else None

    def unplug(self):
        super().unplug()
        self.typing.clear()

    def info(self):
        return {**self.typing.info(), "lamps": self.lamps}


class HidPosScanner(usbip.UsbDevice):
    """A USB scanner in HID-POS mode: it makes a hidraw node, and sends reports of 64 bytes (HID Point of Sale Usage Tables
    1.02): number 2, length, AIM identifier, 56 bytes of data, two of the maker's, and whether another report follows."""

    DESCRIPTOR = bytes.fromhex(
        "058c0902a1010912a1028502150026ff00750895010501093b8102058c09fb09fc09fd9503810209fe95388202010666ff950209040900"
        "8102058c25017501950809ff8102c0c0"
    )
    REPORTS, GET_REPORT = 0x81, 0x01
    HID_DESCRIPTOR, HID_REPORT_DESCRIPTOR = 0x21, 0x22

    def __init__(self, vendor=0x0C2E, product=0x0B67, serial="POS-1", product_name="Barcode Imager"):
        super().__init__(vendor, product, serial, product_name)
        self.delivered = []
        self._reports = []  # (report, text if it is the last one of a code)

    def configuration(self):
        hid = struct.pack(
            "<BBHBBBH", 9, self.HID_DESCRIPTOR, 0x0111, 0, 1, self.HID_REPORT_DESCRIPTOR, len(self.DESCRIPTOR)
        )
        reports = usbip.interface(0, 1, 3, 0, 0) + hid + usbip.endpoint(self.REPORTS, 3, 64, interval=1)
        return usbip.configuration(1, reports)

    def class_descriptor(self, kind):
        return self.DESCRIPTOR if kind == self.HID_REPORT_DESCRIPTOR else None

    def class_request(self, request, value, data):
        return bytes(64) if request == self.GET_REPORT else b""

    def type(self, texts, symbology="]C0"):
        """Sends each text as soon as the kernel asks for a report."""
        for text in texts:
            data = text.encode()
            starts = range(0, len(data), 56)
            for start in starts:
                part, is_last = data[start : start + 56], start == starts[-1]
                report = bytes([2, len(part)]) + symbology.encode() + part.ljust(56, b"\0") + bytes([0, 0, not is_last])
                self._reports.append((report, text if is_last else None))
        self.serve()

    def serve(self):
        while self._reports and (urb := self.oldest(self.REPORTS)):
            report, text = self._reports.pop(0)
            if text is not None:
                self.delivered.append((text, time.monotonic(), time.monotonic(), 0.0))
            self.answer(urb, report)

    def unplug(self):
        super().unplug()
        self._reports.clear()

    def info(self):
        return {"waiting": len(self._reports), "delivered": self.delivered}


class SerialScanner(usbip.UsbDevice):
    """A USB scanner that imitates a serial port (CDC-ACM): /dev/ttyACM*. Its lines end with carriage return."""

    NOTICES, INPUT, OUTPUT = 0x82, 0x81, 0x01
    SET_LINE_CODING, GET_LINE_CODING = 0x20, 0x21

    def __init__(self, vendor=0x0C2E, product=0x0BB1, serial="ACM-1", product_name="Serial Barcode Scanner"):
        super().__init__(vendor, product, serial, product_name)
        self.line_coding = struct.pack("<IBBB", 9600, 0, 0, 8)
        self.delivered = []
        self.received = b""  # what the computer sent to the scanner
        self._lines = []

    def device_class(self):
        return (2, 0, 0)

    def configuration(self):
        functions = bytes([5, 0x24, 0x00, 0x10, 0x01])  # header: CDC 1.10
        functions += bytes([5, 0x24, 0x01, 0x00, 0x01])  # call management: none; data interface 1
        functions += bytes([4, 0x24, 0x02, 0x02])  # abstract control: line coding
        functions += bytes([5, 0x24, 0x06, 0x00, 0x01])  # union of interfaces 0 and 1
        control = usbip.interface(0, 1, 2, 2, 1) + functions + usbip.endpoint(self.NOTICES, 3, 8, interval=255)
        data = usbip.interface(1, 2, 10, 0, 0) + usbip.endpoint(self.INPUT, 2, 64) + usbip.endpoint(self.OUTPUT, 2, 64)
        return usbip.configuration(2, control + data)

    def class_request(self, request, value, data):
        if request == self.GET_LINE_CODING:
            return self.line_coding
        if request == self.SET_LINE_CODING:
            self.line_coding = data
        return b""

    def type(self, texts, end="\r"):
        """Sends each text with its line end as soon as the port is open."""
        self._lines += [(text, (text + end).encode()) for text in texts]
        self.serve()

    def serve(self):
        while urb := self.oldest(self.OUTPUT):
            self.received += urb.data
            self.answer(urb)
        while self._lines and (urb := self.oldest(self.INPUT)):
            text, data = self._lines.pop(0)
            if len(data) > 64:
                self._lines.insert(0, (text, data[64:]))
            else:
                self.delivered.append((text, time.monotonic(), time.monotonic(), 0.0))
            self.answer(urb, data[:64])

    def unplug(self):
        super().unplug()
        self._lines.clear()

    def info(self):
        rate, _, _, _ = struct.unpack("<IBBB", self.line_coding)
        return {
            "waiting": len(self._lines),
            "delivered": self.delivered,
            "baud": rate,
            "received": self.received.decode("latin-1"),
        }


class BluetoothScanner:
    """A Bluetooth scanner, as the Bluetooth daemon shows it to the kernel (uhid). It has no port, but an address.

    When it sleeps its node vanishes; see linux/uhid.h.
    """

    UHID_DESTROY, UHID_OUTPUT, UHID_CREATE2, UHID_INPUT2 = 1, 6, 11, 12
    EVENT_LENGTH = 4380
    BUS_BLUETOOTH = 5

    def __init__(self, serial="aa:bb:cc:00:00:01", vendor=0x05E0, product=0x1200, product_name="Bluetooth Barcode Scanner"):
        self.address, self.vendor, self.product, self.name = serial, vendor, product, product_name
        self.typing = Typing()
        self.lamps = []
        self._file = None

    @property
    def is_plugged(self):
        return self._file is not None

    has_output = False

    def fileno(self):
        return self._file

    def plug(self, port=None):
        self._file = os.open("/dev/uhid", os.O_RDWR | os.O_NONBLOCK)
        create = struct.pack(
            "<I128s64s64sHHIIII", self.UHID_CREATE2, self.name.encode(), b"bluetooth", self.address.encode(),
            len(REPORT_DESCRIPTOR), self.BUS_BLUETOOTH, self.vendor, self.product, 0, 0,
        )  # fmt: skip
        os.write(self._file, create + REPORT_DESCRIPTOR)

    def unplug(self):
        if self._file is None:
            return
        os.write(self._file, struct.pack("<I", self.UHID_DESTROY))
        os.close(self._file)
        self._file = None
        self.typing.clear()

    def read(self):
        event = os.read(self._file, self.EVENT_LENGTH)
        (kind,) = struct.unpack_from("<I", event)
        if kind == self.UHID_OUTPUT:
            self.lamps.append((time.monotonic(), event[4]))

    def serve(self):
        while self.is_plugged and self.typing.deliver(self._send):
            pass

    def _send(self, report):
        os.write(self._file, struct.pack("<IH", self.UHID_INPUT2, len(report)) + report)

    def due(self):
        return self.typing.due

    def info(self):
        return {**self.typing.info(), "lamps": self.lamps}


class InputScanner:
    """An input device made through uinput, with lamps and a beeper. On no bus: it has neither port nor serial number."""

    UI_DEV_CREATE, UI_DEV_DESTROY = 0x5501, 0x5502
    UI_DEV_SETUP, UI_SET_PHYS = 0x405C5503, 0x4008556C
    UI_SET_EVBIT, UI_SET_KEYBIT, UI_SET_LEDBIT, UI_SET_SNDBIT = 0x40045564, 0x40045565, 0x40045569, 0x4004556A
    EV_SYN, EV_KEY, EV_LED, EV_SND = 0x00, 0x01, 0x11, 0x12
    KEY_LEFTSHIFT = 42
    EVENT = struct.Struct("<qqHHi")

    # Key codes of linux/input-event-codes.h by HID usage, from usage 4 on.
    CODES = [30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44]
    CODES += [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    CODES += [28, 1, 14, 15, 57, 12, 13, 26, 27, 43, 43, 39, 40, 41, 51, 52, 53]

    def __init__(self, vendor=0x0C2E, product=0x0B61, product_name="Input Barcode Scanner", place="emulated/input0"):
        self.vendor, self.product, self.name, self.place = vendor, product, product_name, place
        self.typing = Typing()
        self.lamps = []  # (monotonic time, LED_*, 0 or 1)
        self.sounds = []  # (monotonic time, SND_*, value: on or off, or a frequency)
        self._file = None
        self._held = RELEASED

    @property
    def is_plugged(self):
        return self._file is not None

    has_output = False

    def fileno(self):
        return self._file

    def plug(self, port=None):
        self._file = os.open("/dev/uinput", os.O_RDWR | os.O_NONBLOCK)
        for kind in (self.EV_KEY, self.EV_LED, self.EV_SND):
            fcntl.ioctl(self._file, self.UI_SET_EVBIT, kind)
        for key in range(1, 128):
            fcntl.ioctl(self._file, self.UI_SET_KEYBIT, key)
        for lamp in range(5):
            fcntl.ioctl(self._file, self.UI_SET_LEDBIT, lamp)
        for sound in (0, 1, 2):  # SND_CLICK, SND_BELL, SND_TONE
            fcntl.ioctl(self._file, self.UI_SET_SNDBIT, sound)
        fcntl.ioctl(self._file, self.UI_SET_PHYS, self.place.encode() + b"\0")
        identity = struct.pack("<HHHH80sI", 3, self.vendor, self.product, 0x0100, self.name.encode(), 0)
        fcntl.ioctl(self._file, self.UI_DEV_SETUP, identity)
        fcntl.ioctl(self._file, self.UI_DEV_CREATE)

    def unplug(self):
        if self._file is None:
            return
        fcntl.ioctl(self._file, self.UI_DEV_DESTROY)
        os.close(self._file)
        self._file = None
        self.typing.clear()

    def read(self):
        data = os.read(self._file, 64 * self.EVENT.size)
        for _, _, kind, code, value in self.EVENT.iter_unpack(data):
            if kind == self.EV_LED:
                self.lamps.append((time.monotonic(), code, value))
            elif kind == self.EV_SND:
                self.sounds.append((time.monotonic(), code, value))

    def serve(self):
        while self.is_plugged and self.typing.deliver(self._send):
            pass

    def _send(self, report):
        """Writes what has changed since the report before."""
        events = b""
        for held, value in ((self._held, 0), (report, 1)):
            other = report if value == 0 else self._held
            if held[0] & LEFT_SHIFT and not other[0] & LEFT_SHIFT:
                events += self._event(self.EV_KEY, self.KEY_LEFTSHIFT, value)
            if held[2] and held[2] != other[2]:
                events += self._event(self.EV_KEY, self.CODES[held[2] - 4], value)
        os.write(self._file, events + self._event(self.EV_SYN, 0, 0))
        self._held = report

    def _event(self, kind, code, value):
        return self.EVENT.pack(0, 0, kind, code, value)

    def due(self):
        return self.typing.due

    def info(self):
        return {**self.typing.info(), "lamps": self.lamps, "sounds": self.sounds}
