"""Device discovery and hot-plug: the real travelerd and travelerctl in a bed of devices. scripts/test-hotplug runs it.

Usage: umockdev-wrapper /usr/bin/python3 hotplug.py PROGRAMS [CASE...]
"""

import sys
import traceback

import kinds
import pairing
import scanners
from bed import Bed
from daemon import Failed


def main():
    programs, chosen = sys.argv[1], sys.argv[2:]
    cases = {case.__name__: case for case in scanners.CASES + pairing.CASES + kinds.CASES}
    for name in chosen:
        if name not in cases:
            sys.exit(f"there is no case {name}; there are: {', '.join(cases)}")
    failed = []
    for name in chosen or cases:
        print(f"{cases[name].__doc__} ({name})", flush=True)
        bed = Bed(programs)
        try:
            cases[name](bed)
        except Exception as error:
            failed.append(name)
            if not isinstance(error, Failed):
                traceback.print_exc()
            print(f"  FAILED  {error}", flush=True)
        finally:
            bed.close()
    print(f"{len(chosen or cases)} cases, {len(failed)} failed{': ' if failed else ''}{', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
