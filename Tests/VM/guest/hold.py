"""Another program that wants a device: hold.py grab|open NODE [SECONDS]

`grab` takes an input device for itself (EVIOCGRAB), `open` opens a node for writing. Without SECONDS it only says whether
it could: `free`, or the error, `Device or resource busy`. With SECONDS it tries until it can, and keeps it for so long.
"""
import fcntl
import os
import sys
import time

EVIOCGRAB = 0x40044590


def take(action, node):
    """Takes the device; answers what keeps from it, or `free`. It is given back when this program ends."""
    try:
        file = os.open(node, os.O_RDONLY if action == "grab" else os.O_RDWR)
        if action == "grab":
            fcntl.ioctl(file, EVIOCGRAB, 1)
        return "free"
    except OSError as error:
        return error.strerror


def main():
    action, node, *seconds = sys.argv[1:]
    answer = take(action, node)
    while seconds and answer != "free":
        time.sleep(0.05)
        answer = take(action, node)
    print(answer, flush=True)
    if seconds:
        time.sleep(float(seconds[0]))


main()
