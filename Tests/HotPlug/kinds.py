"""Scanners that are no plain USB keyboard, many of them, a daemon that restarts, and printers."""

from bed import ID_PATH as PORT, Device
from daemon import Pairing, check, plant, site, wait


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
            check("a known one is paired", (told["state"], told.get("device")) == ("paired", f"port:{PORT}4"), told)
        check("the modem is listed as unbound", daemon.device(f"port:{PORT}3")["state"] == "unbound")


def hid_pos(bed):
    """A scanner in HID-POS mode, which sends reports"""
    scanner = Device("2", serial="POS-1", kind="hid-pos", name="Maker Imager", known=True)
    keyboard = Device("3", kind="hid-keyboard", name="Maker Keyboard")
    bed.plug(scanner)
    bed.plug(keyboard)
    with plant(bed, QA=f'scanners: [{{ port: "{PORT}2" }}]', PACK="scanners: []") as daemon:
        told = daemon.wait_for_state(f"port:{PORT}2", "connected")
        check("it is connected, by its name", (told["kind"], told["name"], told["serial"], told["known"])
              == ("hid-pos", "Maker Imager", "POS-1", True), told)
        check("the hidraw node of a keyboard is none of the line's", len(daemon.devices()) == 1, daemon.devices())
        long = "ORDER-" + "1234567890" * 12
        bed.scan(scanner, "A-1")
        daemon.wait_for_code("QA", "]C0A-1")
        bed.scan(scanner, long)
        daemon.wait_for_code("QA", "]C0" + long)
        check("a code of several reports is one scan", daemon.codes("QA") == ["]C0A-1", "]C0" + long],
              daemon.codes("QA"))
        bed.unplug(scanner)
        daemon.wait_for_state(f"port:{PORT}2", "absent")
        bed.plug(scanner)
        daemon.wait_for_state(f"port:{PORT}2", "connected")
        bed.scan(scanner, "A-2")
        daemon.wait_for_code("QA", "]C0A-2")
        check("back at another node, its first code counts", True)
        new = Device("4", serial="POS-4", kind="hid-pos", name="Maker Imager")
        bed.plug(new)
        daemon.wait_for_state(f"port:{PORT}4", "unbound")
        check("one that is nobody's is not opened", daemon.has_open(new) == 0)
        with Pairing(daemon, "PACK") as pairing:
            wait("it is listened to", lambda: daemon.has_open(new) == 1)
            bed.scan(new, pairing.code)
            told = pairing.result()
            check("it is paired", (told["state"], told.get("device")) == ("paired", f"port:{PORT}4"), told)
        daemon.wait_for_state(f"port:{PORT}4", "connected")
        bed.scan(new, "B-1")
        daemon.wait_for_code("PACK", "]C0B-1")
        check("and reads for its station", daemon.codes("PACK") == ["]C0B-1"], daemon.codes("PACK"))


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
        codes = daemon.codes("QA")
        check("each time it wakes its first code counts", codes == ["A-1", "A-2", "A-3"], codes)
        check("it has no port", "port" not in told and told["serial"] == "aa:bb:cc:01:02:03", told)
        daemon.ctl("device", "unbind", name, "--yes")
        bed.plug(scanner)
        told = daemon.wait_for_state(name, "unbound")
        check("unbound, it goes by its own address", told["node"] == scanner.nodes[0].path, told)
        with Pairing(daemon, "QA") as pairing:
            wait("it is listened to", lambda: daemon.has_open(scanner) == 1)
            bed.scan(scanner, pairing.code)
            told = pairing.result()
            check("paired, it is bound by that", (told["state"], told.get("device")) == ("paired", name), told)
            daemon.wait_for_state(name, "connected")


def bluetooth_adapter(bed):
    """Two Bluetooth scanners and a Bluetooth keyboard, all by one adapter on USB, which has a serial number"""
    addresses = ("aa:bb:cc:00:00:01", "aa:bb:cc:00:00:02", "dd:ee:ff:00:00:03")
    names = ("Maker Cordless Scanner", "Maker Cordless Scanner", "Office Bluetooth Keyboard")
    one, two, keyboard = (Device(bluetooth=address, name=name, adapter="7") for address, name in zip(addresses, names))
    for device in (one, two, keyboard):
        bed.plug(device)
    with plant(bed, QA="scanners: []", PACK="scanners: []") as daemon:
        for address in addresses:
            told = daemon.wait_for_state(f"serial:{address}", "unbound")
            check(f"{address} goes by its own address, not by the adapter's port or serial number",
                  told["serial"] == address and "port" not in told, told)
        with Pairing(daemon, "QA") as pairing:
            wait("it is listened to", lambda: daemon.has_open(one) == 1)
            bed.scan(one, pairing.code)
            told = pairing.result()
            check("one is paired", (told["state"], told.get("device")) == ("paired", f"serial:{addresses[0]}"), told)
        daemon.wait_for_state(f"serial:{addresses[0]}", "connected")
        wait("the others closed", lambda: daemon.has_open(two) == daemon.has_open(keyboard) == 0)
        check("neither the other scanner nor the keyboard is taken", True)
        with Pairing(daemon, "PACK") as pairing:
            wait("it is listened to", lambda: daemon.has_open(two) == 1)
            bed.scan(two, pairing.code)
            told = pairing.result()
            check("the other is paired with another station",
                  (told["state"], told.get("device")) == ("paired", f"serial:{addresses[1]}"), told)
        daemon.wait_for_state(f"serial:{addresses[1]}", "connected")
        wait("the keyboard closed", lambda: daemon.has_open(keyboard) == 0)
        bed.scan(one, "A-1")
        bed.scan(two, "B-1")
        check("what is typed at the keyboard reaches nobody", not bed.scan(keyboard, "SECRET"))
        daemon.wait_for_code("QA", "A-1")
        daemon.wait_for_code("PACK", "B-1")
        check("each reads for its own station", (daemon.codes("QA"), daemon.codes("PACK")) == (["A-1"], ["B-1"]),
              (daemon.codes("QA"), daemon.codes("PACK")))
        bed.unplug(one)
        daemon.wait_for_state(f"serial:{addresses[0]}", "absent")
        check("one that sleeps takes nobody with it",
              daemon.device(f"serial:{addresses[1]}")["state"] == "connected")


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
        daemon.ctl("device", "unbind", f"port:{PORT}2", "--yes")
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
    with plant(bed, **stations) as daemon:
        def wait_for(count, state):
            wait(f"{count} {state}", lambda: [each["state"] for each in daemon.devices()].count(state) == count)

        wait_for(16, "absent")
        for turn in range(1, 3):
            # umockdev ends the process if more is told than the daemon has room for: four at a time.
            for count, scanner in enumerate(scanners.values(), start=1):
                bed.plug(scanner)
                if count % 4 == 0:
                    wait_for(count, "connected")
            for name, scanner in scanners.items():
                bed.scan(scanner, f"{name}-{turn}")
            for name in scanners:
                daemon.wait_for_code(name, f"{name}-{turn}")
            for count, scanner in enumerate(scanners.values(), start=1):
                bed.unplug(scanner)
                if count % 4 == 0:
                    wait_for(count, "absent")
        codes = {name: daemon.codes(name) for name in scanners}
        check("each came, went, and read only its own codes",
              all(codes[name] == [f"{name}-1", f"{name}-2"] for name in scanners), codes)
        expected = ["disconnected", "connected", "disconnected", "connected", "disconnected"]
        comings = {name: daemon.comings(name) for name in scanners}
        check("and that is on record", all(comings[name] == expected for name in scanners), comings)


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
        "ONE": 'printers: ["serial:PRT0001"]',
        "TWO": 'printers: ["serial:PRT0002"]',
        "THREE": f'printers: ["port:{PORT}1"]',
    }
    with plant(bed, **stations) as daemon:
        told = wait("the first printer", lambda: daemon.device("serial:PRT0001"))
        check("one is known by the serial number in its IEEE 1284 id", told["state"] in there
              and (told["kind"], told["node"], told["station"]) == ("printer", by_1284.nodes[0].path, "ONE"), told)
        told = daemon.device(f"port:{PORT}1")
        check("and by its port", told["state"] in there and told["node"] == by_1284.nodes[0].path, told)
        told = daemon.wait_for_state("serial:PRT0002", "absent")
        check("one that is not there is absent", "node" not in told and told["station"] == "TWO", told)
        told = daemon.wait_for_state(f"port:{PORT}3", "unbound")
        check("one that is nobody's is unbound", told["kind"] == "printer" and "station" not in told, told)
        bed.plug(by_usb)
        told = wait("the second printer", lambda: next(
            (each for each in daemon.devices("TWO") if each["state"] in there), None))
        check("plugged in, it is there, by its USB serial number",
              told["node"] == by_usb.nodes[0].path and told["known"], told)
        bed.unplug(by_1284)
        daemon.wait_for_state("serial:PRT0001", "absent")
        daemon.wait_for_state(f"port:{PORT}1", "absent")
        check("unplugged, it is absent by either name", True)
        wait("its loss on record", lambda: daemon.comings("ONE")[-1] == "disconnected")
        told = daemon.log_items("ONE")
        check("that it was there, and went, is on record at its station",
              [(each["result"], each["device"], each["note"]) for each in told]
              == [("connected", "serial:PRT0001", "printer Maker Label Printer"),
                  ("disconnected", "serial:PRT0001", "printer unplugged")], told)
        check("and at the other that has it by its port", daemon.comings("THREE") == ["connected", "disconnected"],
              daemon.log_items("THREE"))
        check("one that came later was away before", daemon.comings("TWO") == ["disconnected", "connected"],
              daemon.log_items("TWO"))
        _, status = daemon.http("GET", "/v1/status")
        check("what is wrong with the stations says so", "ONE: printer serial:PRT0001: not plugged in, or switched off"
              in status["problems"], status["problems"])
        bed.plug(by_1284)
        wait("it is back on record", lambda: daemon.comings("ONE")[-1] == "connected")
        _, status = daemon.http("GET", "/v1/status")
        check("back again, that is over", not any("PRT0001: not plugged" in each for each in status["problems"]),
              status["problems"])
        daemon.apply(site({"ONE": "printers: []", "TWO": 'printers: ["serial:PRT0002"]', "THREE": "printers: []"}))
        wait("its station's loss on record", lambda: daemon.comings("ONE")[-1] == "disconnected")
        daemon.stop()
        daemon.start()
        wait("its return on record", lambda: daemon.comings("TWO")[-1] == "connected")
        check("a stop is on record for printers, too",
              daemon.comings("TWO") == ["disconnected", "connected", "disconnected", "connected"],
              daemon.log_items("TWO"))
        check("and a printer that is no longer a station's is none of its record",
              daemon.comings("ONE") == ["connected", "disconnected", "connected", "disconnected"],
              daemon.log_items("ONE"))
        bed.unplug(by_1284)
        bed.unplug(nobodys)
        daemon.wait_until_gone(f"port:{PORT}3")
        check("and what is nobody's is out of the list", True)


CASES = [serial_port, hid_pos, bluetooth, bluetooth_adapter, composite, restarted, many_at_once, printers]
