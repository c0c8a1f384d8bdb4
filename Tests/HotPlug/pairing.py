"""Scanners that become a station's by reading a code that only the station shows."""

from bed import ID_PATH as PORT, Device
from daemon import Pairing, check, plant, wait


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
                  (told["state"], told["device"], told["layout"]) == ("paired", f"port:{PORT}1", "de"), told)
            check("travelerctl ends well", pairing.process.returncode == 0, pairing.process.returncode)
        told = daemon.wait_for_state(f"port:{PORT}1", "connected")
        check("device list has it at its station", (told["station"], told["layout"]) == ("QA", "de"), told)
        wait("the others closed", lambda: daemon.has_open(other) == 0)
        told = daemon.device(f"port:{PORT}2")
        check("the scanner of the other station is still that one's", told["station"] == "PACK", told)
        bed.scan(german, "ZY-1", layout="de")
        daemon.wait_for_code("QA", "ZY-1")
        check("what it reads is read in that layout", True)
        done = daemon.ctl("device", "unbind", f"port:{PORT}1", "--yes")
        check("unbind says which station has lost what", done.returncode == 0 and "QA" in done.stdout
              and f"{PORT}1" in done.stdout, done)
        daemon.wait_for_state(f"port:{PORT}1", "unbound")
        wait("its node closed", lambda: daemon.has_open(german) == 0)
        check("its node is closed, and it is nobody's", not bed.scan(german, "ZY-2", layout="de"))
        done = daemon.ctl("device", "unbind", f"port:{PORT}1", "--yes")
        check("to unbind it again fails with a sentence", done.returncode != 0 and f"{PORT}1" in done.stderr, done)
        done = daemon.ctl("device", "pair", "NOWHERE", "--json")
        check("a station that is none can't be paired", done.returncode != 0 and "NOWHERE" in done.stderr, done)
        with Pairing(daemon, "QA") as pairing:
            wait("it is listened to again", lambda: daemon.has_open(german) == 1)
            bed.scan(german, pairing.code, layout="fr")
            told = pairing.result()
            check("it can be paired again, in another layout",
                  (told["state"], told["layout"]) == ("paired", "fr"), told)
        changes = daemon.json("log", "audit", "--kind", "plant", "--all")["items"]
        check("who paired and who unbound is on record, as changes of the plant by a person",
              len([each for each in changes if each.get("actor")]) >= 3, changes)


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
            check("each code is its station's", (told["station"], told["device"]) == ("PACK", f"port:{PORT}2"), told)
            check("the other station waits on", qa.is_waiting())
            bed.scan(first, "]C0" + qa.code)
            told = qa.result()
            check("an AIM identifier in front of the code is no hindrance",
                  told.get("device") == f"port:{PORT}1", told)
        with Pairing(daemon, "SHIP") as stale, Pairing(daemon, "SHIP") as fresh:
            check("a pairing that was begun anew ends", stale.result()["state"] == "expired")
            wait("the scanner listened to", lambda: daemon.has_open(third) == 1)
            bed.scan(third, stale.code)
            wait("the old code read", third.nodes[0].is_read)
            check("its code counts no more", fresh.is_waiting())
            third.nodes[0].write(bed.keys(fresh.code) + bed.keys(fresh.code))
            told = fresh.result()
            check("a code read twice in a row pairs once", (told["state"], told.get("device"))
                  == ("paired", f"port:{PORT}3"), told)


CASES = [pairing, pairing_by_serial, pairing_at_two_stations]
