"""LUNs, sizes of disks, and room for copies. Called by facts."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.drivers.hpvm.parse.sections import Unreadable

LUN = re.compile(r"(/dev/\S+?):(0x[0-9A-Fa-f.x]{4,64})(?::.*)?")
LV_SIZE = re.compile(r"^LV Size \(Mbytes\)\s+(\d+)\s*$", re.MULTILINE)
LISTED_FILE = re.compile(r"^-\S*\s+\d+\s+\S+\s+\S+\s+(\d+)\s", re.MULTILINE)


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
    if text.strip().isdecimal():
        return -(-int(text.strip()) // 1024)
    raise Unreadable("no size in it", text)


def room_mib(text: str) -> int:
    """`bdf FOLDER`: free room in its file system; a long device name has a line of its own. Raises Unreadable."""
    words = " ".join(text.split("\n")[1:]).split()
    if len(words) != 6 or not words[3].isdecimal() or not text.startswith("Filesystem"):
        raise Unreadable("bdf: not one file system", text)
    return int(words[3]) // 1024
