"""A scanner comes to its station by reading a code there."""
import urllib.parse

from guest import Guest, socket_of
from plant import site


def a_scanner_is_paired_by_a_code(guest: Guest) -> None:
    """The device that reads the code is bound to the station; of other keyboards nothing is kept."""
    checks = guest.checks
    secret = "correct-horse-battery-staple"
    guest.begin_anew(site(PASS_1="", PASS_2=""))
    guest.make_units("BOX-1", "BOX-2", "BOX-3")
    guest.plug("scanner", "keyboard", port=0, serial="SN-77001")
    guest.plug("keyboard", "keyboard", port=1, vendor=0x046D, product=0xC31C, serial="", product_name="USB Keyboard")
    keyboard = guest.node("keyboard")

    def pair(station: str, **how: object) -> dict:
        status, answer = guest.http("POST", "/v1/devices/pair", {"station": station, **how})
        checks.equal(f"the status of pairing at {station}", status, 201)
        return answer

    def state(station: str) -> dict:
        return guest.get(f"/v1/devices/pair/{station}")

    pairing = pair("PASS_1")
    checks.equal("it waits for the code", pairing["state"], "waiting")
    guest.type("keyboard", secret, "PASS_1", keys_per_second=100)
    guest.await_typed("keyboard")
    checks.equal("what a keyboard types meanwhile is not taken for the code", state("PASS_1")["state"], "waiting")
    checks.equal(
        "the keyboard is not grabbed meanwhile",
        guest.run(f"python3 /mnt/host/guest/hold.py grab {keyboard}").strip(),
        "free",
    )
    guest.type("scanner", pairing["code"])
    paired = guest.wait("the scanner is paired", lambda: state("PASS_1")["state"] == "paired" and state("PASS_1"))
    checks.equal("it is bound by its port", paired.get("device"), f"port:{socket_of(0)}")
    guest.await_connected("PASS_1")
    checks.equal("its next scan counts at its station", guest.read("scanner", "BOX-1").get("station"), "PASS_1")
    bound = guest.devices()[f"port:{socket_of(0)}"]
    checks.equal("it is listed at its station", (bound["station"], bound["state"]), ("PASS_1", "connected"))

    guest.type("keyboard", secret)
    guest.await_typed("keyboard")
    guest.read("scanner", "BOX-2")
    traces = guest.try_to_run(
        f"grep --recursive --text --count '{secret[8:20]}' /var/lib/traveler | grep -v ':0$'; "
        f"journalctl --no-pager | grep -e '{secret[8:20]}'"
    )[1]
    checks.equal("of what the keyboard typed nothing is in the ledger or the journal", traces, "")

    device = urllib.parse.quote(f"port:{socket_of(0)}", safe="")
    status, _ = guest.http("POST", f"/v1/devices/{device}/unbind")
    checks.that("it is unbound", status == 200, status)
    node = guest.node("scanner")
    guest.wait("it is free", lambda: guest.run(f"python3 /mnt/host/guest/hold.py grab {node}").strip() == "free")
    checks.that("what is not bound is not grabbed", True)

    pairing = pair("PASS_2", by="serial")
    guest.type("scanner", pairing["code"])
    paired = guest.wait("the scanner is paired", lambda: state("PASS_2")["state"] == "paired" and state("PASS_2"))
    checks.equal("it is bound by its serial number", paired.get("device"), "serial:SN-77001")
    guest.await_connected("PASS_2")
    guest.unplug("scanner")
    guest.plug("scanner", port=4)
    guest.await_connected("PASS_2", times=2)
    checks.equal("at another port it is still its station's", guest.read("scanner", "BOX-3").get("station"), "PASS_2")
