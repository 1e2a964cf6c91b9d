"""LUNs, sizes of disks, and room for copies. Called by facts."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.drivers.hpvm.parse.sizes import number
from reconciler.ssh.looks.sections import Unreadable

LUN = re.compile(r"(/dev/\S+?):(0x[0-9A-Fa-f.x]{4,64})(?::.*)?")
LV_SIZE = re.compile(r"^LV Size \(Mbytes\)[ \t]+([0-9]{1,15})[ \t]*$", re.MULTILINE)
LISTED_FILE = re.compile(r"^-\S* +\d+ +\S+ +\S+ +([0-9]{1,18}) ", re.MULTILINE)

COLUMNS, AVAILABLE = 6, 3
"""Of `bdf`: device, size, used, available, percent used, mounted on."""


def luns(text: str) -> Mapping[str, str]:
    """`scsimgr -p get_attr all_lun -a device_file -a wwid`: device file -> WWID. Other lines are passed over."""
    found = (LUN.fullmatch(line.strip()) for line in text.split("\n"))
    return {line[1]: line[2].lower() for line in found if line is not None}


def size_mib(text: str) -> int:
    """The size of a disk by what was asked for it: `lvdisplay`, `ls -l` or `diskinfo -b`. Raises Unreadable."""
    volume = LV_SIZE.search(text)
    if volume is not None:
        return int(volume[1])
    file = LISTED_FILE.search(text)
    if file is not None:
        return -(-int(file[1]) // (1024 * 1024))
    *_, last = text.strip().split("\n")  # what a login prints stands above it
    return -(-number(last, what="size") // 1024)


def room_mib(text: str) -> int:
    """`bdf FOLDER`: free room in its file system; a long device name has a line of its own. Raises Unreadable."""
    lines = text.split("\n")
    title = next((place for place, line in enumerate(lines) if line.startswith("Filesystem ")), len(lines))
    words = " ".join(lines[title + 1 :]).split()
    if len(words) != COLUMNS:
        raise Unreadable("bdf: not one file system", text)
    return number(words[AVAILABLE], what="bdf") // 1024
