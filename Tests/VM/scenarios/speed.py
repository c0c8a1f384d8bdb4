"""What is measured, on the guest's own clock. Figures are printed, not judged: emulation is slow."""
import statistics

from guest import Guest
from plant import scanner, site


def how_long_an_answer_takes(guest: Guest) -> None:
    """From the report with the Enter key to the event at a program that follows the daemon's events."""
    scans = 300
    guest.begin_anew(site(PASS_1=scanner(port=0)))
    codes = [f"BOX-{number:04d}" for number in range(scans)]
    guest.make_units(*codes)
    guest.plug("scanner", "keyboard", port=0)
    guest.await_connected("PASS_1")
    guest.type("scanner", *codes, keys_per_second=200, pause=0.08)
    _await_end(guest)
    delivered = {text: at for text, _, at, _ in guest.info("scanner")["delivered"]}
    waits = [1000 * (event["read"] - delivered[event["code"]]) for event in guest.events.of_kind("unit.passed")]
    hundredths = statistics.quantiles(waits, n=100, method="inclusive")
    # The rest was broken, as the emulation stood still: it gave keys too late, or gave the daemon no time to take them.
    guest.checks.that("most scans counted", len(waits) >= scans // 2, len(waits))
    refused = {scan["reason"] for scan in guest.events.of_kind("scan.refused") if scan["code"] != _END}
    guest.checks.that("the rest is broken, and nothing was taken for a code", refused <= {"broken_scan"}, refused)
    guest.figures.append(("scans that counted", f"{len(waits)} of {scans}"))
    guest.figures.append((f"last key to answer, p50 of {scans} scans", f"{hundredths[49]:.1f} ms"))
    guest.figures.append((f"last key to answer, p99 of {scans} scans", f"{hundredths[98]:.1f} ms"))


def how_fast_a_scanner_may_type(guest: Guest) -> None:
    """Scans of 24 characters, faster and faster, until one breaks."""
    scans = 20
    guest.begin_anew(site(LOOKUP_1=scanner(port=0)))
    guest.plug("scanner", "keyboard", port=0)
    guest.await_connected("LOOKUP_1")
    fastest = 0.0
    for rate in (100, 200, 500, 1000, 2000, 0):
        codes = [f"RATE-{rate:04d}-OF-KEYS-NUMBER-{number:02d}"[:24] + f"{number:02d}" for number in range(scans)]
        before, typed = len(guest.events.scans()), len(guest.info("scanner")["delivered"])
        guest.type("scanner", *codes, keys_per_second=rate, pause=0.12)
        _await_end(guest)
        seen = guest.events.scans()[before:-1]
        broken = scans - sum(scan["code"] in codes and scan.get("reason") != "broken_scan" for scan in seen)
        times = guest.info("scanner")["delivered"][typed : typed + scans]
        keys_per_second = statistics.median(len(text) / (end - begin) for text, begin, end, _ in times)
        asked = f"{rate} keys/s" if rate else "as fast as the kernel takes them"
        guest.figures.append((f"typed at {asked}", f"{keys_per_second:.0f} keys/s, {broken} of {scans} scans broken"))
        if not broken:
            fastest = max(fastest, keys_per_second)
            guest.checks.equal(f"{asked}: the codes as they were typed", [scan["code"] for scan in seen], codes)
    guest.figures.append(("fastest typing without a broken scan", f"{fastest:.0f} keys/s"))


_END = "X"


def _await_end(guest: Guest) -> None:
    """Waits until all that was typed is answered: keys that are lost can make one broken scan of two, so that scans can't
    be counted. One key and Enter are always read."""
    guest.await_typed("scanner", 180)
    guest.run("sleep 1.5")  # what comes within a second of a break is taken for the rest of it
    guest.read("scanner", _END, keys_per_second=100)
