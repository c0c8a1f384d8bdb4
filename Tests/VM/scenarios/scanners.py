"""Scanners of every kind: bound, unplugged, starved, asleep."""
import re
import time

from guest import Guest, path_of
from plant import scanner, site


def identical_scanners_never_mix(guest: Guest) -> None:
    """Four scanners of the same make and serial number, each at its own port, all scanning at once."""
    checks = guest.checks
    ports, scans = range(4), 50
    guest.begin_anew(site(**{f"PASS_{port}": scanner(port=port) for port in ports}))
    codes = {port: [f"LINE{port}-{number:03d}" for number in range(scans)] for port in ports}
    for port in ports:
        guest.make_units(*codes[port])
        guest.plug(f"scanner {port}", "keyboard", port=port, serial="SAME")
    for port in ports:
        guest.await_connected(f"PASS_{port}")
    for port in ports:
        guest.type(f"scanner {port}", *codes[port], keys_per_second=100, pause=0.15)
    for port in ports:
        guest.await_typed(f"scanner {port}", seconds=180)
    guest.run("sleep 1.2")  # what comes within a second of a break is taken for the rest of it
    last = {port: guest.read(f"scanner {port}", f"LAST-AT-{port}") for port in ports}
    for port in ports:
        checks.equal(f"the last scan of scanner {port}", last[port].get("station"), f"PASS_{port}")

    recorded = [scan for scan in reversed(guest.list("/v1/scans")) if "code" in scan]
    counted = {port: [] for port in ports}
    for scan in recorded:
        if scan["result"] == "accepted":
            counted[int(scan["station"][-1])].append(scan["code"])
    for port in ports:
        in_order = [code for code in codes[port] if code in counted[port]]
        checks.equal(f"at PASS_{port} count scans of its own scanner only, each once, in order", counted[port], in_order)
    count = sum(map(len, counted.values()))
    broken = [scan for scan in recorded if scan.get("reason") == "broken_scan"]
    # A busy machine stalls between two keys for longer than a scanner may; there must be enough left to tell by.
    checks.that(f"most scans counted ({count} of {scans * len(ports)})", count >= scans * len(ports) // 2)
    if not broken:
        checks.equal("as none was broken, all did", count, scans * len(ports))
    others = {scan["code"] for scan in recorded if scan["result"] == "refused" and scan not in broken}
    checks.equal("nothing was taken for a code that is none", others, {f"LAST-AT-{port}" for port in ports})
    passed = {unit["serial"] for unit in guest.list("/v1/units?stage=testing")}
    checks.equal("the units that took their step", passed, {code for those in counted.values() for code in those})


def a_scanner_is_unplugged_a_hundred_times(guest: Guest) -> None:
    """After each time it is back, and its first scan counts."""
    checks = guest.checks
    times, begun = 100, time.monotonic()
    guest.begin_anew(site(PASS_1=scanner(port=0)))
    guest.make_units(*[f"BOX-{number}" for number in range(times + 1)])
    name, last = f"port:{path_of(0)}", ""
    read_again = len(guest.read_again)

    def connected():
        device = guest.devices()[name]
        return device["since"] if device["state"] == "connected" and device["since"] > last else None

    guest.plug("scanner", "keyboard", port=0)
    for number in range(times + 1):
        # By the list: of so many changes in a minute most are not on record one by one.
        last = guest.wait(f"it is connected for the time {number + 1}", connected)
        guest.run("sleep 0.1")
        guest.read("scanner", f"BOX-{number}", keys_per_second=500)
        if number < times:
            guest.unplug("scanner")
            guest.plug("scanner")
    passed = guest.events.of_kind("unit.passed", station="PASS_1")
    checks.equal("scans that counted", [event["code"] for event in passed], [f"BOX-{n}" for n in range(times + 1)])
    again = guest.read_again[read_again:]
    checks.that(f"the emulation let nearly all count at once ({len(again)} were read again)", len(again) <= times // 5, again)

    def changes() -> list[int]:
        """Of how many changes each event of the device speaks."""
        kinds = ("device.connected", "device.disconnected")
        events = [event for event in guest.events.all if event["kind"] in kinds and event.get("station") == "PASS_1"]
        counts = [re.search(r"the last of (\d+) changes", event.get("note", "")) for event in events]
        return [int(count[1]) if count else 1 for count in counts]

    # The first says that it was not there when the station was set up.
    guest.wait("every change is on record", lambda: sum(changes()) >= 2 * (times + 1), 120)
    checks.equal("changes on record", sum(changes()), 2 * (times + 1))
    minutes = (time.monotonic() - begun) / 60
    checks.that(f"in few events ({len(changes())})", len(changes()) <= 21 * (minutes + 1), changes())
    addresses = {scan["device"] for scan in guest.list("/v1/scans") if scan["result"] == "disconnected"}
    checks.equal("they name the device", addresses, {name})
    device, frames = guest.devices()[name], len(guest.events.scans(station="PASS_1"))
    checks.equal("the list of devices counts its scans", (device["state"], device["scans"]), ("connected", frames))


def a_scanner_is_unplugged_while_it_reads(guest: Guest) -> None:
    """Half a code is recorded as broken and never used."""
    checks = guest.checks
    guest.begin_anew(site(PASS_1=scanner(port=0)))
    guest.make_units("BOX-1", "BOX-12")
    guest.plug("scanner", "keyboard", port=0)
    guest.await_connected("PASS_1")
    # BOX-1, the first half of BOX-12, is a serial, too.
    guest.type("scanner", "BOX-1", enter=False, then_unplug=True, keys_per_second=500)
    broken = guest.wait("a broken scan", lambda: guest.events.of_kind("scan.refused", reason="broken_scan"))
    checks.equal("it is recorded as far as it came", [scan["code"] for scan in broken], ["BOX-1"])
    guest.await_unplugged("PASS_1")
    checks.equal("nothing is half-used", guest.events.of_kind("unit.passed"), [])
    guest.plug("scanner")
    guest.await_connected("PASS_1", times=2)
    checks.equal("read again, it counts", guest.read("scanner", "BOX-12")["kind"], "unit.passed")


def unbound_keyboards_are_left_alone(guest: Guest) -> None:
    """Every program may have a keyboard that is bound to no station, and none has one that is."""
    checks = guest.checks
    guest.begin_anew(site(PASS_1=scanner(port=0)))
    guest.plug("scanner", "keyboard", port=0)
    guest.plug("keyboard", "keyboard", port=1, vendor=0x046D, product=0xC31C, product_name="USB Keyboard")
    guest.plug("unbound scanner", "keyboard", port=2)
    guest.await_connected("PASS_1")

    def grab(name: str) -> str:
        return guest.run(f"python3 /mnt/host/guest/hold.py grab {guest.node(name)}").strip()

    checks.equal("a keyboard", grab("keyboard"), "free")
    checks.equal("a scanner that nobody bound", grab("unbound scanner"), "free")
    checks.equal("the scanner of a station", grab("scanner"), "Device or resource busy")
    guest.type("keyboard", "SECRET-1")
    guest.type("unbound scanner", "SECRET-2")
    guest.await_typed("keyboard")
    guest.await_typed("unbound scanner")
    guest.read("scanner", "BOX-1")
    recorded = [scan["code"] for scan in guest.events.scans() if scan.get("reason") != "broken_scan"]
    checks.equal("codes that were recorded", recorded, ["BOX-1"])
    checks.that("nothing of what the others typed", not any("SEC" in scan["code"] for scan in guest.events.scans()))


def keys_are_lost_while_the_daemon_stands_still(guest: Guest) -> None:
    """The kernel keeps some 60 events; what it drops is a broken scan, and the scans after it count."""
    checks = guest.checks
    guest.begin_anew(site(PASS_1=scanner(port=0)))
    codes = [f"A-LONG-SERIAL-NUMBER-{number}" for number in range(6)]
    guest.make_units(*codes, "BOX-1")
    guest.plug("scanner", "keyboard", port=0)
    guest.await_connected("PASS_1")
    guest.run(f"kill -STOP {guest.daemon_pid}")
    guest.type("scanner", *codes[:4], keys_per_second=500, pause=0.1)
    guest.await_typed("scanner")
    guest.run(f"kill -CONT {guest.daemon_pid}")
    guest.wait("a broken scan", lambda: guest.events.of_kind("scan.refused", reason="broken_scan"))
    checks.that("what was cut is a broken scan", True)
    guest.run("sleep 1")  # what comes sooner after a pause in a broken scan is taken for its rest
    for code in (codes[4], codes[5], "BOX-1"):
        guest.read("scanner", code)
    passed = [event["code"] for event in guest.events.of_kind("unit.passed")]
    checks.equal("the scans after it", passed[-3:], [codes[4], codes[5], "BOX-1"])
    checks.that("none was put together of two", set(passed) <= {*codes, "BOX-1"}, passed)
    strange = [scan for scan in guest.events.of_kind("scan.refused") if scan["reason"] != "broken_scan"]
    checks.equal("no piece was taken for a code", strange, [])


def the_daemon_goes_on_in_the_middle_of_a_scan(guest: Guest) -> None:
    """After keys were lost, and after a start, what is left of the scan that is being typed is no scan of its own."""
    checks = guest.checks
    guest.begin_anew(site(PASS_1=scanner(port=0)))
    # The end of each is another one of its own, as with BOX-1 and BOX-11.
    codes = [f"{'-'.join(['CODE'] * 12)}-{number}" for number in range(12)]
    tails = [code[start:] for code in codes for start in range(1, len(code))]
    guest.plug("scanner", "keyboard", port=0)
    guest.await_connected("PASS_1")
    # Some 60 characters at 60 keys a second: a second each, stopped and continued wherever that happens to be.
    guest.type("scanner", *codes[:6], keys_per_second=60, pause=0.15)
    for _ in range(3):
        guest.run(f"kill -STOP {guest.daemon_pid}; sleep 1.3; kill -CONT {guest.daemon_pid}; sleep 0.4")
    guest.await_typed("scanner")
    broken = guest.wait("a broken scan", lambda: guest.events.of_kind("scan.refused", reason="broken_scan"))
    checks.that(f"what was cut by keys that were lost is broken ({len(broken)} scans)", broken)
    guest.type("scanner", *codes[6:], keys_per_second=60, pause=0.15)
    for _ in range(3):
        guest.run("systemctl restart travelerd; sleep 0.7")
    guest.await_typed("scanner")
    guest.run("sleep 1.2")
    guest.read("scanner", "THE-LAST")
    read = [scan["code"] for scan in guest.events.scans() if scan.get("reason") != "broken_scan"]
    checks.equal("tails that were taken for codes", [code for code in read if code in tails], [])
    checks.that("only whole codes were taken for codes", set(read) <= {*codes, "THE-LAST"}, read)


def more_happens_than_udev_can_tell(guest: Guest) -> None:
    """The daemon stands still until the kernel drops udev's events: what is plugged in again by then is found."""
    guest.begin_anew(site(PASS_1=scanner(port=0)))
    guest.plug("scanner", "keyboard", port=0)
    guest.await_connected("PASS_1")

    def dropped() -> int:
        return int(guest.run("awk 'NR > 1 { drops += $9 } END { print drops + 0 }' /proc/net/netlink"))

    def dropped_more() -> bool:
        guest.run("udevadm trigger --action=change --subsystem-match=tty --subsystem-match=input; udevadm settle")
        return dropped() > before

    guest.run(f"kill -STOP {guest.daemon_pid}")
    guest.unplug("scanner")
    guest.run("udevadm settle")
    before = dropped()
    guest.wait("udev's events are dropped", dropped_more, 180)
    # Nobody tells of this one; that its last node went is still in the queue, and it gets the same again.
    guest.plug("scanner")
    guest.node("scanner")
    guest.run(f"kill -CONT {guest.daemon_pid}")
    guest.await_connected("PASS_1", times=2)
    guest.checks.that("what is plugged in is found, and read", guest.read("scanner", "BOX-1"))


def a_serial_scanner_is_bound_by_its_serial_number(guest: Guest) -> None:
    """A scanner that is a serial port (ttyACM): its lines are scans, also after it was unplugged."""
    checks = guest.checks
    guest.begin_anew(site(PASS_1=scanner(serial="ACM-77", baud=115200), PASS_2=scanner(port=1)))
    guest.make_units("BOX-1", "BOX-2", "BOX-3", "BOX-4")
    guest.plug("by serial number", "serial", port=0, serial="ACM-77")
    guest.plug("by port", "serial", port=1, serial="ACM-78")
    guest.await_connected("PASS_1")
    guest.await_connected("PASS_2")
    scan = guest.read("by serial number", "BOX-1")
    checks.equal("the scan of one", scan.get("station"), "PASS_1")
    checks.equal("the scan of the other", guest.read("by port", "BOX-2").get("station"), "PASS_2")
    checks.equal("the port's speed is the site file's", guest.info("by serial number")["baud"], 115200)
    checks.equal("where none is given it is", guest.info("by port")["baud"], 9600)
    guest.unplug("by serial number")
    guest.await_unplugged("PASS_1")
    guest.plug("by serial number", port=5)
    guest.await_connected("PASS_1", times=2)
    scan = guest.read("by serial number", "BOX-3", end="\r\n")
    checks.equal("plugged in elsewhere, it is the same station's", scan.get("station"), "PASS_1")
    guest.read("by serial number", "BOX-4", end="\n")
    codes = [scan["code"] for scan in guest.events.scans()]
    checks.equal("a line is one scan, whatever ends it", codes, ["BOX-1", "BOX-2", "BOX-3", "BOX-4"])


def a_scanner_in_hid_pos_mode_sends_reports(guest: Guest) -> None:
    """A scanner that has a hidraw node and no keys: bound, read, unplugged, paired."""
    checks = guest.checks
    guest.begin_anew(site(PASS_1=scanner(port=0), PASS_2="scanners: []"))
    guest.make_units("BOX-1", "BOX-2", "BOX-3")
    guest.plug("imager", "hid-pos", port=0)
    guest.await_connected("PASS_1")
    told = guest.devices()[f"port:{path_of(0)}"]
    checks.equal("what it is", (told["kind"], told["known"], told["serial"]), ("hid-pos", True, "POS-1"))
    guest.type("imager", "BOX-1")
    checks.equal("its scan counts", guest.await_scan("]C0BOX-1")["kind"], "unit.passed")
    long = "X" * 150
    guest.type("imager", long)
    checks.equal("a code of three reports is one scan", guest.await_scan("]C0" + long)["reason"], "unknown_serial")
    guest.unplug("imager")
    guest.await_unplugged("PASS_1")
    guest.plug("imager")
    guest.await_connected("PASS_1", times=2)
    guest.type("imager", "BOX-2")
    checks.equal("plugged in again, its first scan counts", guest.await_scan("]C0BOX-2")["kind"], "unit.passed")
    codes = [scan["code"] for scan in guest.events.scans()]
    checks.equal("codes that were recorded", codes, ["]C0BOX-1", "]C0" + long, "]C0BOX-2"])


def a_bluetooth_scanner_sleeps_and_wakes(guest: Guest) -> None:
    """It vanishes and returns, all day; its first scan after waking counts."""
    checks = guest.checks
    address, times = "aa:bb:cc:12:34:56", 5
    guest.begin_anew(site(PASS_1=scanner(serial=address)))
    guest.make_units(*[f"BOX-{number}" for number in range(times)])
    guest.plug("other scanner", "bluetooth", serial="aa:bb:cc:00:00:00")
    guest.plug("scanner", "bluetooth", serial=address)
    for number in range(times):
        guest.await_connected("PASS_1", times=number + 1)
        guest.read("scanner", f"BOX-{number}")
        guest.unplug("scanner")
        guest.await_unplugged("PASS_1", times=number + 1)
        if number + 1 < times:
            guest.plug("scanner")
    passed = [event["code"] for event in guest.events.of_kind("unit.passed", station="PASS_1")]
    checks.equal("the first scans after waking", passed, [f"BOX-{number}" for number in range(times)])


def a_scanner_shows_what_came_of_a_scan(guest: Guest) -> None:
    """The lamp and the beeper of the scanner tell an accepted scan from a refused one."""
    checks = guest.checks
    guest.begin_anew(site(PASS_1=scanner(port=0)))
    guest.make_units("BOX-1", "BOX-2")
    guest.plug("beeper", "input")
    node = guest.wait(
        "the node of the scanner with a beeper",
        lambda: guest.try_to_run("cd /sys/class/input && grep -l 'Input Barcode' event*/device/name | cut -d/ -f1")[1],
    )
    guest.apply(site(PASS_1=scanner(port=0), PASS_2=scanner(node=f"/dev/input/{node}")))
    guest.plug("lamp", "keyboard", port=0)
    guest.await_connected("PASS_1")
    guest.await_connected("PASS_2")

    def seconds_on(name: str, kind: str, code: str) -> float:
        """Scans a code; answers for how long, together, the lamp or beeper was on after it."""
        before = len(guest.info(name)[kind])
        guest.type(name, code)
        guest.await_scan(code)

        def changes():
            new = guest.info(name)[kind][before:]
            return new if new and not new[-1][-1] else None  # it is off again

        last = None
        while (new := guest.wait(f"{name} shows what came of {code}", changes)) != last:
            last = new
            guest.run("sleep 1")  # longer than a signal's pauses
        return sum(off[0] - on[0] for on, off in zip(new, new[1:]) if on[-1])

    accepted, refused = seconds_on("lamp", "lamps", "BOX-1"), seconds_on("lamp", "lamps", "NO-SUCH-BOX")
    checks.that("the lamp: short when it counts, long when not", 0 < accepted < refused, (accepted, refused))
    accepted, refused = seconds_on("beeper", "sounds", "BOX-2"), seconds_on("beeper", "sounds", "NOR-THIS-ONE")
    checks.that("the beeper: short when it counts, long when not", 0 < accepted < refused, (accepted, refused))
    pitches = {value for _, _, value in guest.info("beeper")["sounds"] if value}
    checks.equal("and with another pitch", len(pitches), 2)
