"""Writes to the disk and never flushes: careless_writes.py FILE

It is what a power cut takes. Programs that flush what they promise lose nothing beside it.
"""
import itertools
import mmap
import os
import sys
import time

PAGES = 256

page = mmap.mmap(-1, mmap.PAGESIZE)  # aligned, as O_DIRECT wants it
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT | os.O_DIRECT)
for number in itertools.count():
    page[:8] = number.to_bytes(8, "little")
    os.pwrite(file, page, number % PAGES * mmap.PAGESIZE)
    time.sleep(0.002)
