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
    guest.type("scanner", *codes, keys_per_second=500, pause=0.08)
    guest.await_typed("scanner", 180)
    guest.wait("the last scan", lambda: len(guest.events.scans()) >= scans, 60)
    delivered = {text: at for text, _, at, _ in guest.info("scanner")["delivered"]}
    waits = [1000 * (event["read"] - delivered[event["code"]]) for event in guest.events.of_kind("unit.passed")]
    hundredths = statistics.quantiles(waits, n=100, method="inclusive")
    # The rest was broken by an emulation that stood still for more than 100 ms.
    broken = len(guest.events.of_kind("scan.refused", reason="broken_scan"))
    guest.checks.that("every scan was answered, and few are broken", len(waits) >= scans * 0.9, f"{broken} are broken")
    guest.figures.append(("scans that the emulation broke", f"{broken} of {scans}"))
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
        guest.await_typed("scanner", 180)
        guest.wait("all scans", lambda: len(guest.events.scans()) >= before + scans, 60)
        seen = guest.events.scans()[before:]
        broken = sum(scan.get("reason") == "broken_scan" for scan in seen)
        times = guest.info("scanner")["delivered"][typed:]
        keys_per_second = statistics.median(len(text) / (end - begin) for text, begin, end, _ in times)
        asked = f"{rate} keys/s" if rate else "as fast as the kernel takes them"
        guest.figures.append((f"typed at {asked}", f"{keys_per_second:.0f} keys/s, {broken} of {scans} scans broken"))
        if not broken:
            fastest = max(fastest, keys_per_second)
            guest.checks.equal(f"{asked}: the codes as they were typed", [scan["code"] for scan in seen], codes)
    guest.figures.append(("fastest typing without a broken scan", f"{fastest:.0f} keys/s"))
