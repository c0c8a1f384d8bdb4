"""What a power cut leaves on a disk.

QEMU's `blklogwrites` writes down every write and every flush of the guest's disk, in the format of the kernel's
dm-log-writes (include/uapi or drivers/md/dm-log-writes.c). From the disk as it was at the start and this log, the disk
can be made as it is after a cut: what the guest flushed is there, and of what was written after the last flush each
write may be there or not. Killing QEMU alone would show far less: its writes are safe in the page cache of the host.
"""
import pathlib
import random
import struct

MAGIC = 0x6A736677736872
SUPERBLOCK = struct.Struct("<QQQI")  # magic, version, number of entries, size of a sector
ENTRY = struct.Struct("<QQQQ")  # sector, number of sectors, flags, length of data
FLUSH, FORCE_UNIT_ACCESS, DISCARD = 1, 2, 4


def _entries(log):
    """The entries of a log file as (flags, offset on the disk, data)."""
    magic, _, _, sector_size = SUPERBLOCK.unpack(log.read(SUPERBLOCK.size))
    if magic != MAGIC:
        raise ValueError("the log of writes has no superblock")
    position = sector_size
    # The number of entries in the superblock is that of the last flush; the file itself goes on to the cut.
    while True:
        log.seek(position)
        header = log.read(ENTRY.size)
        if len(header) < ENTRY.size:
            return
        sector, sectors, flags, _ = ENTRY.unpack(header)
        length = 0 if flags & DISCARD else sectors * sector_size
        if not flags and not sectors:
            return
        log.seek(position + sector_size)
        data = log.read(length)
        if len(data) < length:
            return
        yield flags, sector * sector_size, data
        position += sector_size + length


def cut_power(disk: pathlib.Path, log: pathlib.Path, seed: int) -> tuple[int, int]:
    """Makes the disk as a power cut leaves it. Answers how many writes were not flushed, and how many of them are lost.

    The same seed loses the same writes.
    """
    chance = random.Random(seed)
    with open(log, "rb") as entries, open(disk, "r+b") as target:
        unflushed = []

        def write(offset, data):
            target.seek(offset)
            target.write(data)

        for flags, offset, data in _entries(entries):
            if flags & FORCE_UNIT_ACCESS:
                write(offset, data)
            elif data:
                unflushed.append((offset, data))
            if flags & FLUSH:
                for waiting in unflushed:
                    write(*waiting)
                unflushed.clear()
        kept = [waiting for waiting in unflushed if chance.random() < 0.5]
        for waiting in kept:
            write(*waiting)
    return len(unflushed), len(unflushed) - len(kept)
