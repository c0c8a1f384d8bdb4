"""Label printers on USB: everything that goes wrong with them on a shop floor."""
import time

from guest import Guest, Unmet, path_of
from plant import printer, site


def _print_label(guest: Guest, station: str = "LABEL_1", number: str = "5001") -> dict:
    """Asks for a label at a station, as an operator does; the label job."""
    if guest.http("GET", f"/v1/work-orders/{number}")[0] == 404:
        guest.post("/v1/work-orders", {"number": number, "product": "BOARD", "quantity": 1000, "team": "line"})
        guest.http("POST", f"/v1/work-orders/{number}/release")
    guest.scan(station, f"TRV:WO:{number}")
    serial = guest.scan(station, "TRV:NEW")["serial"]
    return next(job for job in guest.list("/v1/labels") if job["serial"] == serial)


def _job(guest: Guest, job: dict) -> dict:
    return guest.get(f"/v1/labels/{job['id']}")


def _await_status(guest: Guest, job: dict, status: str, seconds: float = 90) -> dict:
    """Waits for a job's status; the job."""

    def reached():
        now = _job(guest, job)
        return now if now["status"] == status else None

    return guest.wait(f"the label of {job['serial']} is {status}", reached, seconds)


def _await_problem(guest: Guest, job: dict, *words: str) -> str:
    """Waits until a job says that it has one of these problems; what it says."""

    def said():
        problem = _job(guest, job).get("problem", "")
        return problem if any(word in problem.lower() for word in words) else None

    try:
        return guest.wait(f"the label's job speaks of {' or '.join(words)}", said)
    except Unmet as unmet:
        raise Unmet(f"{unmet}; it is {_job(guest, job)}") from None


def _labels(guest: Guest, name: str) -> list[str]:
    return [text for _, text in guest.info(name)["labels"]]


def a_label_arrives_whole(guest: Guest) -> None:
    """Small and large labels come out as they were made, also one after the other."""
    checks = guest.checks
    guest.begin_anew(site(LABEL_1=printer(port=0)))
    guest.plug("printer", "printer", port=0)
    guest.wait("the printer is connected", lambda: guest.devices()[f"port:{path_of(0)}"]["state"] == "connected")
    job = _print_label(guest)
    _await_status(guest, job, "printed")
    expected = f"^XA^FO40,30^A0N,40^FD{job['serial']}^FS^XZ"
    checks.that("a small label", len(_labels(guest, "printer")) == 1, guest.info("printer"))
    first = _labels(guest, "printer")[0]
    checks.that("with its serial", job["serial"] in first and first.startswith("^XA"), (first, expected))
    guest.apply(site(label="large", LABEL_1=printer(port=0)))
    jobs = [_print_label(guest) for _ in range(3)]
    for job in jobs:
        _await_status(guest, job, "printed")
    large = _labels(guest, "printer")[1:]
    checks.equal("large labels", len(large), 3)
    checks.equal(
        "each whole, with its serial, in order",
        [(label.count("^FDLine"), job["serial"] in label) for label, job in zip(large, jobs)],
        [(600, True)] * 3,
    )


def the_paper_runs_out(guest: Guest) -> None:
    """The job says why, nothing spins meanwhile, and the label comes when there is paper again."""
    checks = guest.checks
    guest.begin_anew(site(LABEL_1=printer(port=0)))
    for name, buffer_size in (("without a buffer", 0), ("with a buffer", 16384)):
        guest.plug(name, "printer", port=0)
        guest.wait("the printer is connected", lambda: guest.devices()[f"port:{path_of(0)}"]["state"] == "connected")
        guest.emulator(do="set", name=name, paper_out=True, buffer_size=buffer_size)
        job = _print_label(guest)
        problem = _await_problem(guest, job, "paper")
        checks.that(f"a printer {name}: the job says why ({problem})", True)
        device = guest.devices()[f"port:{path_of(0)}"]
        checks.that("so does the list of devices", "paper" in device.get("problem", "").lower(), device)
        checks.that("`travelerctl device list` shows it", "paper" in guest.run("travelerctl device list").lower())
        _check_that_nothing_spins(guest)
        checks.equal("nothing came out meanwhile", _labels(guest, name), [])
        guest.emulator(do="set", name=name, paper_out=False)
        _await_status(guest, job, "printed")
        labels = guest.wait("the label", lambda: _labels(guest, name))
        checks.that("with paper it comes, once", len(labels) == 1 and job["serial"] in labels[0], labels)
        guest.wait("no problem is left", lambda: "problem" not in guest.devices()[f"port:{path_of(0)}"])
        guest.unplug(name)
        guest.wait("it is gone", lambda: guest.devices()[f"port:{path_of(0)}"]["state"] == "absent")


def _check_that_nothing_spins(guest: Guest) -> None:
    before, begun = guest.daemon_cpu_seconds(), time.monotonic()
    guest.run("sleep 8")
    share = (guest.daemon_cpu_seconds() - before) / (time.monotonic() - begun)
    # Of an emulated processor; a loop that waits for nothing takes all of one.
    guest.checks.that(f"the daemon uses {share:.1%} of a processor while it waits", share < 0.15)


def the_head_is_open_or_the_printer_paused(guest: Guest) -> None:
    """What the status byte does not tell, the printer's own answer (~HS) does."""
    checks = guest.checks
    guest.begin_anew(site(LABEL_1=printer(port=0)))
    guest.plug("printer", "printer", port=0)
    guest.wait("the printer is connected", lambda: guest.devices()[f"port:{path_of(0)}"]["state"] == "connected")
    for setting, word in (("head_open", "head"), ("paused", "paus")):
        guest.emulator(do="set", name="printer", **{setting: True})
        before = len(_labels(guest, "printer"))
        job = _print_label(guest)
        problem = _await_problem(guest, job, word)
        checks.that(f"{setting}: the job says why ({problem})", True)
        guest.emulator(do="set", name="printer", **{setting: False})
        _await_status(guest, job, "printed")
        labels = guest.wait("the label", lambda: _labels(guest, "printer")[before:])
        checks.that("then it comes, once", len(labels) == 1 and job["serial"] in labels[0], labels)


def a_printer_is_unplugged_while_it_prints(guest: Guest) -> None:
    """The label is printed again when the printer is back, and the job says that it may exist twice."""
    checks = guest.checks
    guest.begin_anew(site(label="large", LABEL_1=printer(port=0)))
    guest.plug("printer", "printer", port=0)
    guest.wait("the printer is connected", lambda: guest.devices()[f"port:{path_of(0)}"]["state"] == "connected")
    guest.emulator(do="set", name="printer", unplug_after=10000)
    job = _print_label(guest)
    guest.wait("it is unplugged", lambda: not guest.info("printer")["plugged"])
    problem = _await_problem(guest, job, "twice")
    checks.that(f"the job says so: {problem}", True)
    checks.equal("half a label is none", _labels(guest, "printer"), [])
    guest.plug("printer")
    _await_status(guest, job, "printed")
    labels = guest.wait("the label", lambda: _labels(guest, "printer"))
    checks.that("the label comes, whole and once", [text.count("^FDLine") for text in labels] == [600], labels)
    name, kinds = f"port:{path_of(0)}", ("device.connected", "device.disconnected")
    plugs = [event for event in guest.events.all if event["kind"] in kinds]
    expected = ["disconnected", "connected", "disconnected", "connected"]
    checks.equal(
        "that it came and went is on record, at its station",
        [(event["kind"], event.get("station"), event["details"]["device"]) for event in plugs],
        [(f"device.{kind}", "LABEL_1", name) for kind in expected],
    )
    guest.unplug("printer")
    away = "LABEL_1: printer %s: not plugged in, or switched off" % name
    guest.wait("its station is told that it is away", lambda: away in guest.get("/v1/status")["problems"])
    guest.plug("printer")
    guest.wait("and that it is back", lambda: away not in guest.get("/v1/status")["problems"])
    checks.that("so is an idle one", True)


def another_program_holds_the_printer(guest: Guest) -> None:
    """One program at a time can have a printer; the daemon waits for its turn."""
    checks = guest.checks
    guest.begin_anew(site(LABEL_1=printer(port=0)))
    guest.plug("printer", "printer", port=0)
    node = guest.node("printer")
    guest.wait("the printer is connected", lambda: guest.devices()[f"port:{path_of(0)}"]["state"] == "connected")
    guest.run(f"systemd-run --quiet --unit=other-program python3 /mnt/host/guest/hold.py open {node} 600")
    guest.wait(
        "another program holds it",
        lambda: guest.run(f"python3 /mnt/host/guest/hold.py open {node}").strip() == "Device or resource busy",
    )
    job = _print_label(guest)
    problem = _await_problem(guest, job, "busy", "another program", "in use")
    checks.that(f"the job says why ({problem})", True)
    guest.run("systemctl stop other-program")
    _await_status(guest, job, "printed")
    checks.equal("then the label comes, once", len(_labels(guest, "printer")), 1)


def identical_printers_are_told_apart_by_port(guest: Guest) -> None:
    """Two printers of the same make and serial number, and one known by the serial number in its IEEE 1284 id."""
    checks = guest.checks
    stations = {"LABEL_1": printer(port=0), "LABEL_2": printer(port=1), "LABEL_3": printer(serial="XYZ-9")}
    guest.begin_anew(site(**stations))
    guest.plug("printer 2", "printer", port=1, serial="SAME")
    guest.plug("printer 1", "printer", port=0, serial="SAME")
    guest.plug("printer 3", "printer", port=5, serial="", id_serial="XYZ-9")
    for number in (1, 2, 3):
        jobs = [_print_label(guest, f"LABEL_{number}", f"500{number}") for _ in range(3)]
        for job in jobs:
            _await_status(guest, job, "printed")
        labels = _labels(guest, f"printer {number}")
        mine = [job["serial"] in label for job, label in zip(jobs, labels)]
        checks.equal(f"the labels of LABEL_{number} come out of its own printer", (len(labels), mine), (3, [True] * 3))
