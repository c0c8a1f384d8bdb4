#!/usr/bin/env python3
"""Runs scenarios in an emulated computer. Called by scripts/test-devices, which makes the image and the package.

run.py --image DIRECTORY --package FILE.deb --directory SCRATCH [--list] [--shell] [SCENARIO...]
"""
import argparse
import pathlib
import sys
import time
import traceback

from guest import Checks, Guest, Unmet, path_of
from machine import Machine, MachineError
from scenarios import SCENARIOS
from scenarios.package import install

HERE = pathlib.Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser(description="Tries the package in an emulated computer with emulated devices.")
    parser.add_argument("--image", type=pathlib.Path, help="what build-image made")
    parser.add_argument("--package", type=pathlib.Path, help="the Debian package to try")
    parser.add_argument("--directory", type=pathlib.Path, help="scratch directory for the disk and the logs")
    parser.add_argument("--list", action="store_true", help="list the scenarios")
    parser.add_argument("--shell", action="store_true", help="after the scenarios, run commands in the guest")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="only these (all if none is named)")
    arguments = parser.parse_args()
    if arguments.list:
        for scenario in SCENARIOS:
            print(f"{scenario.__name__}\n    {scenario.__doc__}")
        return 0
    known = {scenario.__name__: scenario for scenario in SCENARIOS}
    unknown = [name for name in arguments.scenarios if name not in known]
    if unknown:
        parser.error(f"there is no scenario {', '.join(unknown)}; --list shows all")
    chosen = [known[name] for name in arguments.scenarios]
    if not chosen and not arguments.shell:
        chosen = SCENARIOS

    machine = Machine(arguments.image, arguments.directory)
    try:
        return _run(machine, arguments.package, chosen, arguments.shell)
    finally:
        machine.kill()


def _run(machine: Machine, package: pathlib.Path, chosen: list, with_shell: bool) -> int:
    checks = Checks()
    guest = Guest(machine, checks)
    machine.share(HERE / "guest", "guest")
    machine.share(package, package.name)
    begun = time.monotonic()
    machine.start()
    print(f"The guest is up after {time.monotonic() - begun:.0f} s.")
    failed = []
    if not _try(guest, "the_package_installs", lambda guest: install(guest, package.name)):
        failed.append("the_package_installs")
        chosen = []
    for scenario in chosen:
        if not _try(guest, scenario.__name__, scenario):
            failed.append(scenario.__name__)
    if guest.figures:
        print("\n== measured (emulated processors)")
        width = max(len(name) for name, _ in guest.figures)
        for name, value in guest.figures:
            print(f"  {name:{width}}  {value}")
    if with_shell:
        _shell(guest)
    print(f"\n{checks.passed} checks passed, {checks.failed} failed, in {time.monotonic() - begun:.0f} s")
    if failed:
        print("failed: " + " ".join(failed))
    return 1 if failed else 0


def _try(guest: Guest, name: str, scenario) -> bool:
    """Runs one scenario; answers whether all of its checks held."""
    print(f"\n== {name}", flush=True)
    begun, failed_before = time.monotonic(), guest.checks.failed
    try:
        scenario(guest)
    except Unmet as unmet:
        guest.checks.that(str(unmet), False)
    except MachineError:
        raise
    except Exception:
        guest.checks.that("the scenario itself is without a mistake", False, traceback.format_exc())
    print(f"  {time.monotonic() - begun:.0f} s")
    if guest.checks.failed == failed_before:
        return True
    print("  The daemon's journal ends:")
    for line in guest.journal().splitlines():
        print(f"    {line}")
    return False


def _shell(guest: Guest) -> None:
    """Runs commands that are typed: in the guest, or after a colon Python for its emulated devices."""
    print("\nCommands run as root in the guest; end with Ctrl-D. For devices, Python on `guest`, after a `:`, such as")
    print(f'  :guest.plug("s1", "keyboard", port=0)        (at {path_of(0)})')
    print('  :guest.type("s1", "HELLO")\n  :guest.info("s1")')
    while True:
        print("guest# ", end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        try:
            if line.startswith(":"):
                print(eval(line[1:], {"guest": guest}))
            elif line.strip():
                print(guest.try_to_run(line, 600)[1])
        except Exception as error:
            print(error)


if __name__ == "__main__":
    sys.exit(main())
