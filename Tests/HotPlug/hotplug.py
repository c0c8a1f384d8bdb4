"""Scanners and printers that are plugged in, pulled out, mistaken for each other and paired: the real travelerd and
travelerctl in a bed of devices. scripts/test-hotplug runs it.

Usage: umockdev-wrapper /usr/bin/python3 hotplug.py PROGRAMS [CASE...]
"""

import contextlib
import json
import re
import subprocess
import sys
import time
import traceback

from bed import Bed, Device
from daemon import Daemon, Failed, Opens, wait

PORT = "pci-0000:00:14.0-usb-0:"
checks = 0


def check(what, holds, seen=None):
    global checks
    if not holds:
        raise Failed(f"{what}; instead: {seen}" if seen is not None else what)
    checks += 1
    print(f"  ok  {what}", flush=True)


@contextlib.contextmanager
def plant(bed, **stations):
    """A daemon whose stations have these scanners and printers."""
    site = "stations:\n"
    for name, devices in stations.items():
        site += f"  - {{ name: {name}, mode: lookup, {devices} }}\n"
    daemon = Daemon(bed, site)
    try:
        yield daemon
    except Exception:
        print("  The daemon's log:\n    " + daemon.log().replace("\n", "\n    "))
        raise
    finally:
        daemon.close()


def twins_at_two_ports(bed):
    """Two scanners that differ in nothing but the port, at two stations"""
    left = Device("1", serial="SAME")
    right = Device("2", serial="SAME")
    bed.plug(left)  # before the daemon starts
    scanners = {"LEFT": f'scanners: [{{ port: "{PORT}1:1.0" }}]', "RIGHT": f'scanners: [{{ port: "{PORT}2:1.0" }}]'}
    with plant(bed, **scanners) as daemon:
        bed.plug(right)  # after it
        daemon.wait_for_state(f"port:{PORT}1:1.0", "connected")
        daemon.wait_for_state(f"port:{PORT}2:1.0", "connected")
        check("both are connected, whether plugged in before the start or after", True)
        expected = {"LEFT": [], "RIGHT": []}
        for number in range(20):
            # One stops in the middle of its code while the other sends all of its own.
            codes = {"LEFT": f"LEFT-{number}", "RIGHT": f"RIGHT-{number}"}
            keys = {station: bed.keys(code) for station, code in codes.items()}
            half = 24 * (len(keys["LEFT"]) // 48)
            began = time.monotonic()
            left.nodes[0].write(keys["LEFT"][:half])
            right.nodes[0].write(keys["RIGHT"])
            left.nodes[0].write(keys["LEFT"][half:])
            expected["RIGHT"].append(codes["RIGHT"])
            # Had the machine stood still in between, the code would be broken by the pause, and rightly so.
            if time.monotonic() - began < 0.05:
                expected["LEFT"].append(codes["LEFT"])
        for station, other in (("LEFT", "RIGHT"), ("RIGHT", "LEFT")):
            wanted = expected[station]
            daemon.wait_for_code(station, wanted[-1])
            read = daemon.codes(station)
            check(f"{len(wanted)} codes, sent at the same time as others, are whole and in order at {station}",
                  [code for code in read if code in wanted] == wanted, read)
            check("and nothing of the other scanner's", not any(other in code for code in read), read)
            told = daemon.devices(station)[0]
            check("device list counts them", told["scans"] == len(read), told)


def twins_by_serial(bed):
    """A serial number that two devices have"""
    first = Device("1", serial="TWIN")
    second = Device("2", serial="TWIN")
    bed.plug(first)
    bed.plug(second)
    with plant(bed, QA='scanners: [{ serial: "TWIN" }]') as daemon:
        told = daemon.wait_for_state("serial:TWIN", "error")
        check("device list says why, and names the ports by which to bind them",
              "2 devices have this serial number" in told["problem"] and f"{PORT}1:1.0" in told["problem"]
              and f"{PORT}2:1.0" in told["problem"], told)
        check("the table has the sentence, too", "2 devices have this" in daemon.ctl("device", "list").stdout)
        check("neither is used", daemon.has_open(first) == daemon.has_open(second) == 0)
        check("what they read reaches nobody", not bed.scan(first, "A-1") and not bed.scan(second, "A-2"))
        bed.unplug(first)
        daemon.wait_for_state("serial:TWIN", "connected")
        bed.scan(second, "B-1")
        daemon.wait_for_code("QA", "B-1")
        check("with one of them unplugged, the other works", True)
        bed.plug(first)
        daemon.wait_for_state("serial:TWIN", "error")
        wait("both closed", lambda: daemon.has_open(first) == daemon.has_open(second) == 0)
        check("with both there again, neither is used", True)
        check("and only the code read in between is on record", daemon.codes("QA") == ["B-1"], daemon.codes("QA"))


def unplugged_and_back(bed):
    """Unplugged and plugged in again"""
    scanner = Device("2", serial="SN-1")
    name = f"port:{PORT}2:1.0"
    bed.plug(scanner)
    with plant(bed, QA=f'scanners: [{{ port: "{PORT}2:1.0" }}]') as daemon:
        daemon.wait_for_state(name, "connected")
        bed.scan(scanner, "A-1")
        daemon.wait_for_code("QA", "A-1")
        old_node = scanner.nodes[0].path
        half = bed.keys("A-2")
        scanner.nodes[0].write(half[: 24 * (len(half) // 48)])
        wait("half a code read", scanner.nodes[0].is_read)
        bed.unplug(scanner)
        told = daemon.wait_for_state(name, "absent")
        check("it is absent, and device list says so in a word", told["problem"] in ("unplugged", "not plugged in"), told)
        wait("the loss on record", lambda: daemon.comings("QA")[-1] == "disconnected")
        events = daemon.json("log", "audit", "--kind", "device.disconnected")["items"]
        check("device.disconnected is in the ledger, with station and address",
              [(each["station"], each["details"]["device"]) for each in events] == [("QA", name)], events)
        wait("the half code on record", lambda: len(daemon.codes("QA")) == 2)
        broken = [each for each in daemon.log_items("QA") if each["result"] == "refused"][-1]
        check("the half code is refused, not lost", broken["reason"] == "broken_scan", broken)
        bed.plug(scanner)
        check("it comes back at another node", scanner.nodes[0].path != old_node)
        told = daemon.wait_for_state(name, "connected")
        check("it is connected again, and nobody did anything", told["node"] == scanner.nodes[0].path, told)
        bed.scan(scanner, "A-3")
        daemon.wait_for_code("QA", "A-3")
        check("its first code counts", daemon.codes("QA")[-1] == "A-3", daemon.codes("QA"))
        check("it came, went and came, each on record once",
              daemon.comings("QA") == ["connected", "disconnected", "connected"], daemon.comings("QA"))
        bed.unplug(scanner)
        daemon.wait_for_state(name, "absent")
        bed.plug(scanner, node_is_late=True)
        check("told of before its node is there, it is not yet connected", daemon.device(name)["state"] != "connected")
        bed.make_nodes(scanner)
        daemon.wait_for_state(name, "connected")
        bed.scan(scanner, "A-4")
        daemon.wait_for_code("QA", "A-4")
        check("once the node is there it works", True)
        for _ in range(5):
            bed.unplug(scanner)
            bed.plug(scanner)
        daemon.wait_for_state(scanner.nodes[0].path, "connected")
        wait("its newest node open", lambda: daemon.has_open(scanner) == 1)
        bed.scan(scanner, "A-5")
        daemon.wait_for_code("QA", "A-5")
        check("in and out five times in a row, it works as well", True)


def ports_in_short(bed):
    """A port without its interface; a hub; two bindings of one device"""
    direct = Device("2", serial="SN-1")
    behind_hub = Device("2.1", serial="SN-2")
    bed.plug(direct)
    bed.plug(behind_hub)
    stations = {
        "QA": f'scanners: [{{ port: "{PORT}2" }}]', "REWORK": 'scanners: [{ serial: "SN-1" }]',
        "OTHER": f'scanners: [{{ port: "{PORT}3" }}]',
    }
    with plant(bed, **stations) as daemon:
        told = daemon.wait_for_state(f"port:{PORT}2", "connected")
        check("the port without its interface is that of the scanner", told["node"] == direct.nodes[0].path, told)
        told = daemon.wait_for_state(f"port:{PORT}2.1:1.0", "unbound")
        check("what is behind a hub at that port is not meant", told["node"] == behind_hub.nodes[0].path, told)
        check("and is not opened", daemon.has_open(behind_hub) == 0)
        told = daemon.wait_for_state("serial:SN-1", "error")
        check("a second binding of the same device says which is the first", f"port:{PORT}2" in told["problem"], told)
        check("a port with nothing in it is absent", daemon.device(f"port:{PORT}3")["state"] == "absent")
        bed.scan(direct, "A-1")
        daemon.wait_for_code("QA", "A-1")
        check("the code is recorded at one station only", daemon.codes("REWORK") == [], daemon.codes("REWORK"))


def strangers_keyboard(bed):
    """Somebody's own keyboard"""
    keyboard = Device("4", serial="KB-1", name="Maker Office Keyboard")
    mouse = Device("5", serial="M-1", name="Maker Mouse", kind="mouse")
    scanner = Device("1", serial="SN-1")
    bed.plug(keyboard)
    bed.plug(mouse)
    bed.plug(scanner)
    opened = Opens(keyboard.nodes[0].file)
    mouse_opened = Opens(mouse.nodes[0].file)
    with plant(bed, QA=f'scanners: [{{ port: "{PORT}1" }}]', PACK="scanners: []") as daemon:
        daemon.wait_for_state(f"port:{PORT}1", "connected")
        told = daemon.wait_for_state(f"port:{PORT}4:1.0", "unbound")
        check("device list has it as unbound, of no station", "station" not in told and not told["known"], told)
        check("a mouse is not in the list", daemon.device(mouse.nodes[0].path) is None)
        check("it is not open", daemon.has_open(keyboard) == 0)
        bed.scan(scanner, "POSITIVE-CONTROL")
        daemon.wait_for_code("QA", "POSITIVE-CONTROL")
        check("it has not been opened, however briefly", not opened.any())
        check("what is typed at it reaches nobody", not bed.scan(keyboard, "SECRET-BEFORE"))
        with Pairing(daemon, "PACK") as pairing:
            wait("the keyboard open", lambda: daemon.has_open(keyboard) == 1)
            check("while a code is waited for, it is open", opened.any())
            bed.scan(keyboard, "SECRET-WHILE")
            bed.scan(keyboard, "SECRET-" + pairing.code)
            half = bed.keys("SECRET-HALF")
            keyboard.nodes[0].write(half[: len(half) - 10 * 24])
            wait("all of it read", keyboard.nodes[0].is_read)
            new = Device("6", serial="SN-6")
            bed.plug(new)
            wait("the new scanner listened to", lambda: daemon.has_open(new) == 1)
            bed.scan(new, pairing.code)
            check("another scanner reads the code, and is the station's", pairing.result()["state"] == "paired")
        wait("the keyboard closed", lambda: daemon.has_open(keyboard) == 0)
        check("after that the keyboard is closed again", True)
        check("what is typed now reaches nobody", not bed.scan(keyboard, "SECRET-AFTER"))
        bed.scan(scanner, "LAST")
        daemon.wait_for_code("QA", "LAST")
        check("what scanners read is found in the ledger's files", daemon.files_with("POSITIVE-CONTROL") != [])
        check("what was typed is in none of the daemon's files", daemon.files_with("SECRET") == [],
              daemon.files_with("SECRET"))
        check("the mouse was never opened", not mouse_opened.any())


class Pairing:
    """A `travelerctl device pair` that waits for its scanner."""

    def __init__(self, daemon, station, *options):
        self.process = subprocess.Popen(
            daemon.command("device", "pair", station, "--json", *options), env=daemon.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said = self.process.stderr.readline()
        found = re.search(r"\bZ[0-9]{10}\b", said)
        if not found:
            self.process.kill()
            raise Failed(f"travelerctl device pair showed no code: {said}{self.process.stderr.read()}")
        self.code = found.group()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def is_waiting(self):
        return self.process.poll() is None

    def result(self):
        output, errors = self.process.communicate(timeout=30)
        if not output:
            raise Failed(f"travelerctl device pair said nothing: {errors}")
        return json.loads(output)


def pairing(bed):
    """Pairing by a code that the scanner reads"""
    german = Device("1", serial="SN-1")
    bound = Device("2", serial="SN-2")
    other = Device("3", serial="SN-3")
    for device in (german, bound, other):
        bed.plug(device)
    with plant(bed, QA="scanners: []", PACK=f'scanners: [{{ port: "{PORT}2" }}]') as daemon:
        daemon.wait_for_state(f"port:{PORT}2", "connected")
        before = daemon.devices()
        with Pairing(daemon, "QA") as pairing:
            for device in (german, other):
                wait("the scanners listened to", lambda: daemon.has_open(device) == 1)
            digit = "1" if pairing.code[-1] == "0" else "0"
            bed.scan(other, pairing.code[:-1] + digit)
            bed.scan(other, "PCB-100-2611-0001")
            wait("the wrong codes read", other.nodes[0].is_read)
            bed.scan(bound, pairing.code)
            daemon.wait_for_code("PACK", pairing.code)
            status, told = daemon.http("GET", "/v1/devices/pair/QA")
            check("a wrong code, and the right one read by a scanner of another station, change nothing",
                  (status, told["state"]) == (200, "waiting") and pairing.is_waiting(), told)
            check("and the list is as before", [(each["device"], each["state"]) for each in daemon.devices()]
                  == [(each["device"], each["state"]) for each in before], daemon.devices())
            bed.scan(german, pairing.code, layout="de")
            told = pairing.result()
            check("a scanner that types as a German keyboard is bound, by its port, with its layout",
                  (told["state"], told["device"], told["layout"]) == ("paired", f"port:{PORT}1:1.0", "de"), told)
            check("travelerctl ends well", pairing.process.returncode == 0, pairing.process.returncode)
        told = daemon.wait_for_state(f"port:{PORT}1:1.0", "connected")
        check("device list has it at its station", (told["station"], told["layout"]) == ("QA", "de"), told)
        wait("the others closed", lambda: daemon.has_open(other) == 0)
        check("the scanner of the other station is still that one's", daemon.device(f"port:{PORT}2")["station"] == "PACK")
        bed.scan(german, "ZY-1", layout="de")
        daemon.wait_for_code("QA", "ZY-1")
        check("what it reads is read in that layout", True)
        done = daemon.ctl("device", "unbind", f"port:{PORT}1:1.0")
        check("unbind says which station has lost what", done.returncode == 0 and "QA" in done.stdout
              and f"{PORT}1:1.0" in done.stdout, done)
        daemon.wait_for_state(f"port:{PORT}1:1.0", "unbound")
        wait("its node closed", lambda: daemon.has_open(german) == 0)
        check("its node is closed, and it is nobody's", not bed.scan(german, "ZY-2", layout="de"))
        done = daemon.ctl("device", "unbind", f"port:{PORT}1:1.0")
        check("to unbind it again fails with a sentence", done.returncode != 0 and f"{PORT}1:1.0" in done.stderr, done)
        done = daemon.ctl("device", "pair", "NOWHERE", "--json")
        check("a station that is none can't be paired", done.returncode != 0 and "NOWHERE" in done.stderr, done)
        with Pairing(daemon, "QA") as pairing:
            wait("it is listened to again", lambda: daemon.has_open(german) == 1)
            bed.scan(german, pairing.code, layout="fr")
            told = pairing.result()
            check("it can be paired again, in another layout", (told["state"], told["layout"]) == ("paired", "fr"), told)
        changes = daemon.json("log", "audit", "--kind", "plant", "--all")["items"]
        check("who paired and who unbound is on record, as changes of the plant by a person",
              len([each for each in changes if each.get("actor")]) >= 3, changes)


def pairing_at_two_stations(bed):
    """Two stations that pair at the same time; a code read twice; a pairing begun anew"""
    first = Device("1", serial="SN-1")
    second = Device("2", serial="SN-2")
    third = Device("3", serial="SN-3")
    for device in (first, second, third):
        bed.plug(device)
    with plant(bed, QA="scanners: []", PACK="scanners: []", SHIP="scanners: []") as daemon:
        with Pairing(daemon, "QA") as qa, Pairing(daemon, "PACK") as pack:
            for device in (first, second):
                wait("the scanner listened to", lambda: daemon.has_open(device) == 1)
            bed.scan(second, pack.code)
            told = pack.result()
            check("each code is its station's", (told["station"], told["device"]) == ("PACK", f"port:{PORT}2:1.0"), told)
            check("the other station waits on", qa.is_waiting())
            bed.scan(first, "]C0" + qa.code)
            told = qa.result()
            check("an AIM identifier in front of the code is no hindrance", told.get("device") == f"port:{PORT}1:1.0", told)
        with Pairing(daemon, "SHIP") as stale, Pairing(daemon, "SHIP") as fresh:
            check("a pairing that was begun anew ends", stale.result()["state"] == "expired")
            wait("the scanner listened to", lambda: daemon.has_open(third) == 1)
            bed.scan(third, stale.code)
            wait("the old code read", third.nodes[0].is_read)
            check("its code counts no more", fresh.is_waiting())
            third.nodes[0].write(bed.keys(fresh.code) + bed.keys(fresh.code))
            told = fresh.result()
            check("a code read twice in a row pairs once", (told["state"], told.get("device"))
                  == ("paired", f"port:{PORT}3:1.0"), told)


def restarted(bed):
    """The daemon stops and starts again"""
    scanner = Device("2", serial="SN-1")
    name = f"port:{PORT}2"
    bed.plug(scanner)
    with plant(bed, QA=f'scanners: [{{ port: "{PORT}2" }}]') as daemon:
        daemon.wait_for_state(name, "connected")
        bed.scan(scanner, "A-1")
        daemon.wait_for_code("QA", "A-1")
        daemon.stop()
        check("while it is stopped nobody has the scanner", not bed.scan(scanner, "A-2"))
        bed.unplug(scanner)
        bed.plug(scanner)
        daemon.start()
        told = daemon.wait_for_state(name, "connected")
        check("started again, it finds the scanner, and knows when it last read", "last_scan_at" in told, told)
        bed.scan(scanner, "A-3")
        daemon.wait_for_code("QA", "A-3")
        check("and the first code counts", daemon.codes("QA") == ["A-1", "A-3"], daemon.codes("QA"))
        check("that it was away while the daemon was is on record",
              daemon.comings("QA") == ["connected", "disconnected", "connected"], daemon.comings("QA"))


def many_at_once(bed):
    """A hub with sixteen scanners is switched off and on"""
    scanners = {f"S{number}": Device(f"1.{number}", serial="SAME") for number in range(1, 17)}
    stations = {name: f'scanners: [{{ port: "{PORT}{scanner.usb_port}" }}]' for name, scanner in scanners.items()}

    def states(daemon):
        return {each["state"] for each in daemon.devices()}

    with plant(bed, **stations) as daemon:
        for turn in range(1, 3):
            for scanner in scanners.values():
                bed.plug(scanner)
            wait("all connected", lambda: states(daemon) == {"connected"})
            for name, scanner in scanners.items():
                bed.scan(scanner, f"{name}-{turn}")
            for name in scanners:
                daemon.wait_for_code(name, f"{name}-{turn}")
            for scanner in scanners.values():
                bed.unplug(scanner)
            wait("all absent", lambda: states(daemon) == {"absent"})
        check("each came, went, and read only its own codes",
              all(daemon.codes(name) == [f"{name}-1", f"{name}-2"] for name in scanners),
              {name: daemon.codes(name) for name in scanners})
        comings = {tuple(daemon.comings(name)) for name in scanners}
        check("and that is on record", comings == {("disconnected", "connected", "disconnected", "connected",
                                                     "disconnected")}, comings)


def pairing_by_serial(bed):
    """Pairing by serial number"""
    twins = [Device("1", serial="TWIN"), Device("2", serial="TWIN")]
    nameless = Device("3")
    single = Device("4", serial="SN-4")
    for device in (*twins, nameless, single):
        bed.plug(device)
    with plant(bed, QA="scanners: []") as daemon:
        for device, words in ((twins[0], "2 devices have the serial number TWIN"), (nameless, "no serial number")):
            with Pairing(daemon, "QA", "--by", "serial") as pairing:
                wait("the scanner listened to", lambda: daemon.has_open(device) == 1)
                bed.scan(device, pairing.code)
                told = pairing.result()
                check(f"refused in a sentence: {told.get('problem')}",
                      told["state"] == "failed" and words in told["problem"], told)
                check("travelerctl ends as refused", pairing.process.returncode != 0)
        check("and nothing is bound", daemon.devices("QA") == [], daemon.devices("QA"))
        with Pairing(daemon, "QA", "--by", "serial") as pairing:
            wait("the scanner listened to", lambda: daemon.has_open(single) == 1)
            bed.scan(single, pairing.code)
            told = pairing.result()
            check("one that is the only one with its serial number is bound by it",
                  (told["state"], told.get("device")) == ("paired", "serial:SN-4"), told)
        bed.unplug(single)
        daemon.wait_for_state("serial:SN-4", "absent")
        single.usb_port = "7"
        bed.plug(single)
        daemon.wait_for_state("serial:SN-4", "connected")
        bed.scan(single, "A-1")
        daemon.wait_for_code("QA", "A-1")
        check("and works at any other port", True)


def serial_port(bed):
    """A scanner on a serial port, behind which is a pseudo-terminal"""
    scanner = Device("2", serial="ACM-1", kind="serial", known=True)
    modem = Device("3", serial="ACM-2", kind="serial", name="Maker Modem")
    bed.plug(scanner)
    bed.plug(modem)
    with plant(bed, QA=f'scanners: [{{ port: "{PORT}2", baud: 115200 }}]', PACK="scanners: []") as daemon:
        told = daemon.wait_for_state(f"port:{PORT}2", "connected")
        check("it is connected, as a serial one", (told["kind"], told["known"]) == ("serial", True), told)
        bed.scan(scanner, "A-1")
        daemon.wait_for_code("QA", "A-1")
        check("its lines are codes", True)
        bed.unplug(scanner)
        daemon.wait_for_state(f"port:{PORT}2", "absent")
        bed.plug(scanner)
        daemon.wait_for_state(f"port:{PORT}2", "connected")
        bed.scan(scanner, "A-2")
        daemon.wait_for_code("QA", "A-2")
        check("back at another node, its first code counts", daemon.codes("QA") == ["A-1", "A-2"], daemon.codes("QA"))
        new = Device("4", serial="ACM-4", kind="serial", known=True)
        bed.plug(new)
        with Pairing(daemon, "PACK") as pairing:
            wait("the known one listened to", lambda: daemon.has_open(new) == 1)
            check("a serial port of unknown make is not opened to look for a code", daemon.has_open(modem) == 0)
            bed.scan(new, pairing.code)
            told = pairing.result()
            check("a known one is paired", (told["state"], told.get("device")) == ("paired", f"port:{PORT}4:1.0"), told)
        check("the modem is listed as unbound", daemon.device(f"port:{PORT}3:1.0")["state"] == "unbound")


def bluetooth(bed):
    """A Bluetooth scanner, which sleeps and wakes"""
    scanner = Device(bluetooth="aa:bb:cc:01:02:03", name="Maker Cordless Scanner")
    name = "serial:aa:bb:cc:01:02:03"
    with plant(bed, QA='scanners: [{ serial: "aa:bb:cc:01:02:03" }]') as daemon:
        daemon.wait_for_state(name, "absent")
        check("it sleeps, and is absent", True)
        for number in range(1, 4):
            bed.plug(scanner)
            told = daemon.wait_for_state(name, "connected")
            bed.scan(scanner, f"A-{number}")
            daemon.wait_for_code("QA", f"A-{number}")
            bed.unplug(scanner)
            daemon.wait_for_state(name, "absent")
        check("each time it wakes its first code counts", daemon.codes("QA") == ["A-1", "A-2", "A-3"], daemon.codes("QA"))
        check("it has no port", "port" not in told and told["serial"] == "aa:bb:cc:01:02:03", told)
        daemon.ctl("device", "unbind", name)
        bed.plug(scanner)
        told = daemon.wait_for_state(name, "unbound")
        check("unbound, it goes by its own address", told["node"] == scanner.nodes[0].path, told)
        with Pairing(daemon, "QA") as pairing:
            wait("it is listened to", lambda: daemon.has_open(scanner) == 1)
            bed.scan(scanner, pairing.code)
            told = pairing.result()
            check("paired, it is bound by that", (told["state"], told.get("device")) == ("paired", name), told)
            daemon.wait_for_state(name, "connected")


def composite(bed):
    """A scanner that is two keyboards in one"""
    scanner = Device("2", serial="SN-1", interfaces=2)
    bed.plug(scanner)
    with plant(bed, QA=f'scanners: [{{ port: "{PORT}2" }}]', PACK="scanners: []") as daemon:
        daemon.wait_for_state(f"port:{PORT}2", "connected")
        wait("both nodes open", lambda: daemon.has_open(scanner) == 2)
        check("both of its nodes are the station's", True)
        check("device list has it once", len(daemon.devices()) == 1, daemon.devices())
        bed.scan(scanner, "A-1", interface=0)
        daemon.wait_for_code("QA", "A-1")
        bed.scan(scanner, "A-2", interface=1)
        daemon.wait_for_code("QA", "A-2")
        check("what either of them reads counts", daemon.codes("QA") == ["A-1", "A-2"], daemon.codes("QA"))
        bed.unplug_node(scanner)
        wait("the first node closed", lambda: daemon.device(f"port:{PORT}2")["node"] == scanner.nodes[0].path)
        bed.unplug(scanner)
        daemon.wait_for_state(f"port:{PORT}2", "absent")
        bed.plug(scanner)
        daemon.wait_for_state(f"port:{PORT}2", "connected")
        wait("both nodes open again", lambda: daemon.has_open(scanner) == 2)
        comings = ["connected", "disconnected", "connected"]
        wait("its return on record", lambda: len(daemon.comings("QA")) >= 3)
        check("it went and came once, not once for each node", daemon.comings("QA") == comings, daemon.comings("QA"))
        daemon.ctl("device", "unbind", f"port:{PORT}2")
        wait("both nodes closed", lambda: daemon.has_open(scanner) == 0)
        with Pairing(daemon, "PACK") as pairing:
            wait("both listened to", lambda: daemon.has_open(scanner) == 2)
            bed.scan(scanner, pairing.code, interface=1)
            told = pairing.result()
            check("it can be paired by either", told["state"] == "paired", told)
        daemon.wait_for_state(told["device"], "connected")
        wait("both nodes open", lambda: daemon.has_open(scanner) == 2)
        bed.scan(scanner, "A-3", interface=0)
        bed.scan(scanner, "A-4", interface=1)
        daemon.wait_for_code("PACK", "A-3")
        daemon.wait_for_code("PACK", "A-4")
        check("and then both are the station's", True)


def printers(bed):
    """USB label printers: present, absent, whose (what they print takes a real kernel)"""
    by_1284 = Device("1", serial="USB-1", kind="printer", name="Maker Label Printer",
                     ieee1284_id="MFG:Maker;CMD:ZPL;MDL:LP-2;SN:PRT0001;")
    by_usb = Device("2", serial="PRT0002", kind="printer", known=True)
    nobodys = Device("3", serial="PRT0003", kind="printer", name="Maker Office Printer")
    bed.plug(by_1284)
    bed.plug(nobodys)
    there = ("connected", "error")  # it is no printer that could say how it is
    stations = {
        "ONE": 'printers: ["serial:PRT0001"]', "TWO": 'printers: ["serial:PRT0002"]', "THREE": f'printers: ["port:{PORT}1"]',
    }
    with plant(bed, **stations) as daemon:
        told = wait("the first printer", lambda: daemon.device("serial:PRT0001"))
        check("one is known by the serial number in its IEEE 1284 id", told["state"] in there
              and (told["kind"], told["node"], told["station"]) == ("printer", by_1284.nodes[0].path, "ONE"), told)
        told = daemon.device(f"port:{PORT}1")
        check("and by its port", told["state"] in there and told["node"] == by_1284.nodes[0].path, told)
        told = daemon.wait_for_state("serial:PRT0002", "absent")
        check("one that is not there is absent", "node" not in told and told["station"] == "TWO", told)
        told = daemon.wait_for_state(f"port:{PORT}3:1.0", "unbound")
        check("one that is nobody's is unbound", told["kind"] == "printer" and "station" not in told, told)
        bed.plug(by_usb)
        told = wait("the second printer", lambda: next(
            (each for each in daemon.devices("TWO") if each["state"] in there), None))
        check("plugged in, it is there, by its USB serial number", told["node"] == by_usb.nodes[0].path and told["known"],
              told)
        bed.unplug(by_1284)
        daemon.wait_for_state("serial:PRT0001", "absent")
        daemon.wait_for_state(f"port:{PORT}1", "absent")
        check("unplugged, it is absent by either name", True)
        bed.unplug(nobodys)
        daemon.wait_until_gone(f"port:{PORT}3:1.0")
        check("and what is nobody's is out of the list", True)


CASES = [
    twins_at_two_ports, twins_by_serial, unplugged_and_back, ports_in_short, strangers_keyboard, pairing, pairing_by_serial,
    pairing_at_two_stations, serial_port, bluetooth, composite, restarted, many_at_once, printers,
]


def main():
    programs, chosen = sys.argv[1], sys.argv[2:]
    failures = 0
    for case in CASES:
        if chosen and case.__name__ not in chosen:
            continue
        print(f"{case.__doc__} ({case.__name__})", flush=True)
        bed = Bed(programs)
        try:
            case(bed)
        except Exception as error:
            failures += 1
            if not isinstance(error, Failed):
                traceback.print_exc()
            print(f"  FAILED  {error}", flush=True)
        finally:
            bed.close()
    print(f"{checks} checks held, {failures} cases failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
