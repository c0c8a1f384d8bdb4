"""The machine goes down, on purpose or not."""
import json

from guest import Guest
from plant import scanner, site


def bindings_outlive_a_reboot(guest: Guest) -> None:
    """After a reboot the scanner at its port scans at its station again, and nobody has touched anything."""
    checks = guest.checks
    guest.begin_anew(site(PASS_1=scanner(port=2), PASS_2=scanner(serial="SN-2")))
    guest.make_units("BOX-1", "BOX-2", "BOX-3")
    guest.plug("by port", "keyboard", port=2, serial="SN-1")
    guest.plug("by serial number", "keyboard", port=3, serial="SN-2")
    guest.await_connected("PASS_1")
    guest.await_connected("PASS_2")
    guest.read("by port", "BOX-1")
    before = guest.run("cat /proc/sys/kernel/random/boot_id")
    guest.machine.reboot()
    checks.that("the machine was restarted", guest.run("cat /proc/sys/kernel/random/boot_id") != before)
    guest.wait("the daemon answers", lambda: _status(guest) == 200, 120)
    guest.run("systemctl start event-follower")
    guest.await_connected("PASS_1", times=2)
    guest.await_connected("PASS_2", times=2)
    checks.equal("the scanner at its port", guest.read("by port", "BOX-2").get("station"), "PASS_1")
    checks.equal("the scanner with its serial number", guest.read("by serial number", "BOX-3").get("station"), "PASS_2")
    checks.that("what was scanned before", guest.events.of_kind("unit.passed", code="BOX-1"))
    _check_ledger(guest)


def answered_scans_outlive_a_power_cut(guest: Guest) -> None:
    """The power goes while everybody scans. What was answered is there, and the ledger is whole; three times."""
    checks = guest.checks
    guest.begin_anew(site(PASS_0="", **{f"PASS_{port + 1}": scanner(port=port) for port in range(3)}))
    for port in range(3):
        guest.plug(f"scanner {port}", "keyboard", port=port, serial=f"SN-{port}")
    losses = 0
    for cut in range(3):
        for port in range(3):
            guest.await_connected(f"PASS_{port + 1}", times=cut + 1)
        _load(guest, cut)
        unflushed, lost = guest.machine.cut_power(seed=cut)
        losses += lost
        print(f"          power cut {cut + 1}: {unflushed} writes were not flushed, {lost} of them are lost")
        answered, seen = _answers(guest), list(guest.events.all)
        guest.machine.start()
        guest.wait("the daemon answers", lambda: _status(guest) == 200, 120)
        guest.run("systemctl start event-follower")
        kept = {event["event"]: event for event in guest.list("/v1/audit?order=event")}
        lost = [answer for answer in answered if kept.get(answer["event"], {}).get("code") != answer["code"]]
        checks.that(f"all {len(answered)} answers to terminals are in the ledger", not lost, lost[:3])
        lost = [event for event in seen if kept.get(event["event"], {}).get("kind") != event["kind"]]
        checks.that(f"all {len(seen)} events that a reader has seen are in the ledger", not lost, lost[:3])
        _check_ledger(guest)
    checks.that(f"the cuts did take what was not flushed ({losses} writes)", losses > 0)


def _load(guest: Guest, cut: int) -> None:
    """Lets eight terminals and three scanners scan as fast as they can; returns in the middle of it."""
    answered, seen = len(_answers(guest)), len(guest.events.all)
    guest.make_units(*[f"CUT{cut}-{number}" for number in range(2000)])
    guest.run(
        "systemd-run --quiet --collect --unit=scan-load --working-directory=/mnt/host/guest "
        f"python3 scan_load.py 8 PASS_0 CUT{cut}- 2000"
    )
    for number in range(4):
        careless = f"/mnt/host/guest/careless_writes.py /var/tmp/careless{number}"
        guest.run(f"systemd-run --quiet --collect python3 {careless}")
    for port in range(3):
        guest.type(f"scanner {port}", *[f"SCANNED{cut}-{port}-{number}" for number in range(500)], pause=0.05)
    guest.wait("200 answers", lambda: len(_answers(guest)) >= answered + 200, 120)
    guest.wait(
        "scans of every scanner",
        lambda: all(
            any(event.get("code", "").startswith(f"SCANNED{cut}-{port}") for event in guest.events.all[seen:])
            for port in range(3)
        ),
    )


def _answers(guest: Guest) -> list[dict]:
    """The answers that terminals got, as they came to the host."""
    lines = guest.machine.answers_file.read_bytes().split(b"\n")
    answers = []
    for line in lines[:-1]:
        try:
            answers.append(json.loads(line))
        except ValueError:
            pass  # cut off by the power cut; nobody has read it
    return answers


def _status(guest: Guest) -> int:
    try:
        return guest.http("GET", "/v1/status")[0]
    except Exception:
        return 0  # not yet


def _check_ledger(guest: Guest) -> None:
    status, output = guest.try_to_run("travelerctl audit verify", 300)
    guest.checks.that("travelerctl audit verify finds the ledger whole", status == 0, output)
