"""Scanners that are plugged in, pulled out and mistaken for each other."""

import time

from bed import ID_PATH as PORT, Device
from daemon import Opens, Pairing, check, plant, site, wait


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
              "2 devices have this serial number" in told["problem"] and f"{PORT}1" in told["problem"]
              and f"{PORT}2" in told["problem"], told)
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
        check("it is absent, and device list says so in a word",
              told["problem"] in ("unplugged", "not plugged in"), told)
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
        told = daemon.wait_for_state(f"port:{PORT}2.1", "unbound")
        check("what is behind a hub at that port is not meant", told["node"] == behind_hub.nodes[0].path, told)
        check("and is not opened", daemon.has_open(behind_hub) == 0)
        told = daemon.wait_for_state("serial:SN-1", "error")
        check("a second binding of the same device says which is the first", f"port:{PORT}2" in told["problem"], told)
        check("a port with nothing in it is absent", daemon.device(f"port:{PORT}3")["state"] == "absent")
        bed.scan(direct, "A-1")
        daemon.wait_for_code("QA", "A-1")
        check("the code is recorded at one station only", daemon.codes("REWORK") == [], daemon.codes("REWORK"))


def loose_contact(bed):
    """A scanner whose cable makes it come and go all the time"""
    scanner = Device("2", serial="SN-1")
    name = f"port:{PORT}2"
    with plant(bed, QA=f'scanners: [{{ port: "{PORT}2" }}]') as daemon:
        daemon.wait_for_state(name, "absent")
        for _ in range(13):
            bed.plug(scanner)
            daemon.wait_for_state(name, "connected")
            bed.unplug(scanner)
            daemon.wait_for_state(name, "absent")
        daemon.stop()
        daemon.start()
        changes = daemon.log_items("QA")
        notes = [each["note"] for each in changes if "changes" in each["note"]]
        check("the first changes are on record one by one, the others as one with their number",
              notes == ["unplugged; the last of 7 changes in a short time, look at its contacts"]
              and [each["note"] for each in changes].index(notes[0]) == 20, changes)


def unbound_and_bound_again(bed):
    """Unbound and bound again, quickly"""
    scanner = Device("2", serial="SN-1")
    bed.plug(scanner)
    bound = site({"QA": f'scanners: [{{ port: "{PORT}2" }}]'})
    with plant(bed, QA="scanners: []") as daemon:
        for number in range(1, 9):
            daemon.apply(bound)
            wait("it is open", lambda: daemon.has_open(scanner) == 1)
            daemon.wait_for_state(f"port:{PORT}2", "connected")
            daemon.ctl("device", "unbind", f"port:{PORT}2", "--yes")
            if number % 2:
                wait("it is closed", lambda: daemon.has_open(scanner) == 0)
        wait("it is closed", lambda: daemon.has_open(scanner) == 0)
        wait("the last loss on record", lambda: daemon.comings("QA")[-1] == "disconnected")
        check("each time it came and went is on record", daemon.comings("QA") == ["connected", "disconnected"] * 8,
              daemon.comings("QA"))


def key_held_down(bed):
    """A scanner whose key is down when it is bound, such as the Enter that ended the pairing code"""
    scanner = Device("2", serial="SN-1", key_down=True)
    other = Device("3", serial="SN-2")
    name = f"port:{PORT}2"
    with plant(bed, QA=f'scanners: [{{ port: "{PORT}2" }}]', PACK=f'scanners: [{{ port: "{PORT}3" }}]') as daemon:
        daemon.wait_for_state(name, "absent")
        began = time.monotonic()
        bed.plug(scanner)
        bed.plug(other)
        daemon.wait_for_state(f"port:{PORT}3", "connected")
        daemon.wait_for_state(name, "connected")
        taken = time.monotonic() - began
        check("it is not taken before a second is over: a desktop that saw the press must see the release", taken >= 1,
              taken)
        bed.scan(scanner, "A-1")
        daemon.wait_for_code("QA", "A-1")
        check("then it is, and reads", True)


def site_file_changed(bed):
    """The site file gives a scanner that is plugged in another layout, another station, and none"""
    scanner = Device("2", serial="SN-1")
    name = f"port:{PORT}2"
    bed.plug(scanner)
    with plant(bed, QA=f'scanners: [{{ port: "{PORT}2" }}]', PACK="scanners: []") as daemon:
        daemon.wait_for_state(name, "connected")
        bed.scan(scanner, "ZY-1")
        daemon.wait_for_code("QA", "ZY-1")
        daemon.apply(site({"QA": f'scanners: [{{ port: "{PORT}2", layout: de }}]', "PACK": "scanners: []"}))
        wait("the new layout", lambda: daemon.has_open(scanner) == 1 and bed.scan(scanner, "ZY-2", layout="de")
             and daemon.codes("QA")[-1] == "ZY-2")
        told = daemon.device(name)
        check("in another layout it is read so, and is still connected",
              (told["state"], told["layout"]) == ("connected", "de"), told)
        check("it was never away", daemon.comings("QA") == ["connected"], daemon.comings("QA"))
        daemon.apply(site({"QA": "scanners: []", "PACK": f'scanners: [{{ port: "{PORT}2", layout: de }}]'}))
        bed.scan(scanner, "ZY-3", layout="de")
        daemon.wait_for_code("PACK", "ZY-3")
        told = daemon.device(name)
        check("at another station it is that one's", (told["state"], told["station"]) == ("connected", "PACK"), told)
        wait("the move on record", lambda: daemon.comings("PACK") == ["connected"])
        check("that it left one station and came to the other is on record",
              daemon.comings("QA") == ["connected", "disconnected"], daemon.comings("QA"))
        daemon.apply(site({"QA": "scanners: []", "PACK": "scanners: []"}))
        daemon.wait_for_state(f"port:{PORT}2", "unbound")
        wait("it closed", lambda: daemon.has_open(scanner) == 0)
        wait("its loss on record", lambda: daemon.comings("PACK") == ["connected", "disconnected"])
        check("bound to none it is closed, and that is on record", True)


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
        told = daemon.wait_for_state(f"port:{PORT}4", "unbound")
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


CASES = [twins_at_two_ports, twins_by_serial, unplugged_and_back, ports_in_short, loose_contact,
         unbound_and_bound_again, key_held_down, site_file_changed, strangers_keyboard]
