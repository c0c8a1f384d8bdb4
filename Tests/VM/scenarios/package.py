"""The package in a fresh Debian: what it installs, and what its udev rules and its service's sandbox do."""

from guest import Guest
from plant import scanner, site


def install(guest: Guest, package: str) -> None:
    """The package installs, and the daemon runs."""
    checks = guest.checks
    status, output = guest.try_to_run(f"dpkg --install /mnt/host/{package}", 300)
    checks.that("the package installs", status == 0, output)
    for question, answer in (("is-active", "active"), ("is-enabled", "enabled")):
        checks.equal(f"systemctl {question} travelerd", guest.try_to_run(f"systemctl {question} travelerd")[1], answer)
    status, output = guest.try_to_run("travelerctl status")
    checks.that("without a site file it runs and says what to do", "travelerctl site apply" in output, output)
    user = guest.run(f"stat --format=%U /proc/{guest.daemon_pid}")
    checks.equal("the daemon runs as its own user", user.strip(), "traveler")
    ledger = guest.run("stat --format='%U %a' /var/lib/traveler").strip()
    checks.equal("nobody else may look into the directory of its ledger", ledger, "traveler 750")
    socket = guest.run("stat --format='%F %a' /run/traveler/control.sock").strip()
    checks.that("everybody may open its socket", socket in ("socket 666", "socket 777"), socket)


def known_devices_belong_to_the_daemon(guest: Guest) -> None:
    """The udev rules give known scanners and label printers to the daemon's group, and leave other devices alone."""
    checks = guest.checks
    guest.begin_anew(site())
    guest.plug("scanner", "keyboard", port=0)
    guest.plug("keyboard", "keyboard", port=1, vendor=0x046D, product=0xC31C, product_name="USB Keyboard")
    guest.plug("serial scanner", "serial", port=2)
    guest.plug("printer", "printer", port=3)
    nodes = {name: guest.node(name) for name in ("scanner", "keyboard", "serial scanner", "printer")}

    def group(name: str) -> str:
        return guest.run(f"stat --format=%G {nodes[name]}").strip()

    for name in ("scanner", "serial scanner"):
        properties = guest.properties(nodes[name])
        checks.equal(f"the {name}'s TRAVELER_SCANNER", properties.get("TRAVELER_SCANNER"), "1")
        checks.equal(f"the {name}'s group", group(name), "traveler")
    properties = guest.properties(nodes["printer"])
    checks.equal("the label printer's TRAVELER_PRINTER", properties.get("TRAVELER_PRINTER"), "1")
    checks.equal("the label printer's ID_PATH", properties.get("ID_PATH"), "platform-vhci_hcd.0-usb-0:4:1.0")
    checks.equal("the label printer's group", group("printer"), "traveler")
    properties = guest.properties(nodes["keyboard"])
    checks.that("an office keyboard has no TRAVELER_SCANNER", "TRAVELER_SCANNER" not in properties)
    checks.equal("an office keyboard's group", group("keyboard"), "input")
    listed = guest.wait("four devices are listed", lambda: len(guest.devices()) >= 4 and guest.devices())
    checks.equal(
        "the devices that are listed as known",
        sorted(device["kind"] for device in listed.values() if device["known"]),
        ["keyboard", "printer", "serial"],
    )
    checks.equal("none of them is bound", {device["state"] for device in listed.values()}, {"unbound"})


def the_sandbox_is_in_force(guest: Guest) -> None:
    """The kernel itself keeps the daemon from devices that are not its own, and lets it have those that come later."""
    checks = guest.checks
    guest.begin_anew(site(PASS_1=scanner(port=0)))
    guest.make_units("BOX-1")
    guest.plug("scanner", "keyboard", port=0)
    guest.plug("printer", "printer", port=1)
    guest.plug("serial scanner", "serial", port=2)
    nodes = [guest.node(name) for name in ("scanner", "printer", "serial scanner")]

    # Root, but in the daemon's control group, to which the kernel's device filter belongs.
    group = "/sys/fs/cgroup" + guest.run("systemctl show --property=ControlGroup --value travelerd").strip()
    program = (
        "import os, sys\n"
        f"if sys.argv[1] == 'inside': open('{group}/cgroup.procs', 'w').write(str(os.getpid()))\n"
        "for node in sys.argv[2:]:\n"
        "    try: os.close(os.open(node, os.O_RDWR | os.O_NONBLOCK)); print('opened')\n"
        "    except OSError as error: print(error.strerror)\n"
    )
    guest.run(f"cat >/run/try-to-open.py <<'END'\n{program}END")

    def tries(where: str, *names: str) -> list[str]:
        return guest.run(f"python3 /run/try-to-open.py {where} {' '.join(names)}").split("\n")[: len(names)]

    forbidden = ["/dev/mem", "/dev/vda", "/dev/uinput"]
    checks.equal(f"outside of its group, {', '.join(forbidden)}", tries("outside", *forbidden), ["opened"] * 3)
    checks.equal("inside of its group", tries("inside", *forbidden), ["Operation not permitted"] * 3)
    checks.equal("scanner, printer and serial port that came later", tries("inside", *nodes), ["opened"] * 3)

    guest.await_connected("PASS_1")
    checks.that("the daemon itself reads a scanner that came later", guest.read("scanner", "BOX-1"))
    pid = guest.daemon_pid
    status = dict(line.split(":\t", 1) for line in guest.run(f"cat /proc/{pid}/status").splitlines() if ":\t" in line)
    checks.equal("its capabilities", {status[name] for name in ("CapEff", "CapPrm", "CapBnd")}, {"0" * 16})
    checks.equal("its system calls are filtered (mode 2)", status["Seccomp"], "2")
    checks.equal("it can't gain privileges", status["NoNewPrivs"], "1")
    complaints = guest.run("journalctl --unit travelerd --output cat --no-pager --grep '(?i)fail|denied|not permitted' || true")
    checks.equal("it has nothing to complain of", complaints.replace("-- No entries --", "").strip(), "")
