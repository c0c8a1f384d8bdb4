"""Another program that wants a device: hold.py grab|open NODE [SECONDS]

`grab` takes an input device for itself (EVIOCGRAB), `open` opens a node for writing. Without SECONDS it only says whether
it could: `free`, or the error, `Device or resource busy`. With SECONDS it keeps it for so long, or until it is ended.
"""
import fcntl
import os
import sys
import time

EVIOCGRAB = 0x40044590


def main():
    action, node, *seconds = sys.argv[1:]
    try:
        file = os.open(node, os.O_RDONLY if action == "grab" else os.O_RDWR)
        if action == "grab":
            fcntl.ioctl(file, EVIOCGRAB, 1)
    except OSError as error:
        print(error.strerror)
        return
    print("free", flush=True)
    if seconds:
        time.sleep(float(seconds[0]))


main()
