"""What a scanner that imitates a keyboard types: text to strokes of a keyboard in the US layout, and when."""
import collections
import time

# Usages of the HID usage table's keyboard page (0x07), each with its character without and with Shift.
_KEYS = [(0x04 + index, letter, letter.upper()) for index, letter in enumerate("abcdefghijklmnopqrstuvwxyz")]
_KEYS += [(0x1E + index, digit, sign) for index, (digit, sign) in enumerate(zip("1234567890", "!@#$%^&*()"))]
_KEYS += [
    (0x28, "\n", None), (0x2B, "\t", None), (0x2C, " ", None), (0x2D, "-", "_"), (0x2E, "=", "+"), (0x2F, "[", "{"),
    (0x30, "]", "}"), (0x31, "\\", "|"), (0x33, ";", ":"), (0x34, "'", '"'), (0x35, "`", "~"), (0x36, ",", "<"),
    (0x37, ".", ">"), (0x38, "/", "?"),
]  # fmt: skip

LEFT_SHIFT = 0x02  # bit of the modifiers in a boot keyboard's report
RELEASED = bytes(8)

# A boot keyboard with its five lamps (Device Class Definition for HID 1.11, appendix B.1).
REPORT_DESCRIPTOR = bytes.fromhex(
    "05010906a101050719e029e71500250175019508810295017508810195057501050819012905910295017503910195067508150026ff00"
    "0507190029ff8100c0"
)


def _reports_of_characters():
    reports = {}
    for usage, plain, shifted in _KEYS:
        reports[plain] = bytes([0, 0, usage, 0, 0, 0, 0, 0])
        if shifted:
            reports[shifted] = bytes([LEFT_SHIFT, 0, usage, 0, 0, 0, 0, 0])
    return reports


_REPORTS = _reports_of_characters()


class Typing:
    """Scans that wait to be typed, report by report, each at its time.

    `delivered` has for each scan that was typed its text, the monotonic times at which the reports with its first key
    and with its Enter key were handed to the kernel, and the longest pause between two reports. All in seconds.
    """

    def __init__(self):
        self.delivered = []
        self._reports = collections.deque()  # (seconds to wait before it, report, text if it is the one with Enter)
        self._due = 0.0
        self._begun = None
        self._last = 0.0
        self._longest_pause = 0.0

    def add(self, texts, keys_per_second=200, pause=0.0, enter=True):
        """Queues scans with a pause in seconds after each; 0 keys a second means as fast as the kernel takes them."""
        gap = 0.5 / keys_per_second if keys_per_second else 0.0  # a key is two reports: pressed, released
        if not self._reports:
            self._due = time.monotonic()
        for text in texts:
            for character in text:
                self._reports.append((gap, _REPORTS[character], None))
                self._reports.append((gap, RELEASED, None))
            if enter:
                self._reports.append((gap, _REPORTS["\n"], text))
                self._reports.append((gap, RELEASED, None))
            self._reports.append((pause, None, None))

    def clear(self):
        """Forgets what is not typed yet."""
        self._reports.clear()
        self._begun = None

    @property
    def waiting(self):
        """How many reports are not typed yet."""
        return len(self._reports)

    @property
    def due(self):
        """When the next report is to be delivered, in monotonic seconds; None if there is none."""
        return self._due if self._reports else None

    def deliver(self, send):
        """Hands the next report to `send`, if its time has come. Answers whether it did."""
        if not self._reports or time.monotonic() < self._due:
            return False
        gap, report, text = self._reports.popleft()
        if report is not None:
            now = time.monotonic()
            if self._begun is not None:
                self._longest_pause = max(self._longest_pause, now - self._last)
            elif report != RELEASED:
                self._begun, self._longest_pause = now, 0.0
            self._last = now
            if text is not None:
                self.delivered.append((text, self._begun, now, self._longest_pause))
                self._begun = None
            send(report)
        # A late report does not make the next one early by more than this.
        self._due = max(self._due + gap, time.monotonic() - 0.002)
        return True

    def info(self):
        """For the tests: what was typed, and how many reports wait."""
        return {"waiting": self.waiting, "delivered": self.delivered}
