"""File systems, files and devices behind disks, folders and free room, as Linux prints them. Called by facts and
registrations."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.drivers.libvirt.looking.parse.figures import mib, number
from reconciler.ssh.looks.sections import Unreadable

SHARED_TYPES = frozenset(
    {"nfs", "nfs4", "gfs2", "ocfs2", "afs", "smbfs", "smb3", "cifs", "ceph", "gpfs", "acfs", "beegfs"}
    | {"fuse.glusterfs", "fuse.quobyte"}
)
"""What libvirt takes for shared: virFileIsSharedFS in src/util/virfile.c, as of a version after 9.3. It goes by the
magic number of a file system, and of FUSE by the type in /proc/mounts; these are their names there. An older one that
knows less refuses the migration, which harms nobody."""
ESCAPED = re.compile(r"\\([0-7]{3})")
HEX = re.compile(r"[0-9a-f]{1,16}", re.ASCII)
SECTOR = 512
REGULAR, BLOCK = 0o100000, 0o060000
KIND = 0o170000
QCOW2_MAGIC = b"QFI\xfb"
QCOW2_HEADER = struct.Struct(">4sIQIIQIIQQIIQ")
"""Magic, version, backing file's offset and size, cluster bits, size, encryption, L1 size and offset, refcounts' offset
and clusters, number of snapshots, their offset: 72 bytes (QEMU docs/interop/qcow2.txt)."""
DATA_FILE = 4
"""Bit of the incompatible features: the data lies in another file."""


@dataclass(frozen=True)
class Mount:
    """A mounted file system."""

    point: str
    kind: str
    source: str
    """Where it comes from; a part of it that is mounted alone in brackets behind it."""

    @property
    def store(self) -> str:
        """What hosts that mount the same there have in common; "" for one that others cannot see."""
        return f"{self.kind} {self.source} at {self.point}" if self.kind in SHARED_TYPES else ""


@dataclass(frozen=True)
class File:
    """What lies behind a path."""

    mode: int
    size: int
    identity: str
    """The same for two names of one file, or of one device."""

    @property
    def regular(self) -> bool:
        """Whether it is a file that holds data itself."""
        return self.mode & KIND == REGULAR

    @property
    def block(self) -> bool:
        """Whether it is a block device."""
        return self.mode & KIND == BLOCK


@dataclass(frozen=True)
class Header:
    """What the beginning of an image says."""

    qcow2: bool
    backed: bool = False
    """It needs another file: what it was derived from, or one that holds its data."""
    snapshots: int = 0


def mounts(text: str) -> tuple[Mount, ...]:
    """/proc/self/mountinfo, in the order of mounting. Raises Unreadable."""
    found = []
    for line in filter(None, text.split("\n")):
        before, sign, behind = line.partition(" - ")
        words, last = before.split(" "), behind.split(" ")
        if not sign or len(words) < 6 or len(last) < 2:
            raise Unreadable("mountinfo: not a mount", line)
        root, point, source = _plain(words[3]), _plain(words[4]), _plain(last[1])
        found.append(Mount(point, last[0], source if root == "/" else f"{source}[{root}]"))
    return tuple(found)


def mount_of(found: tuple[Mount, ...], path: str) -> Mount | None:
    """Where a path without symbolic links lies: the mount with the longest name above it, of several the last."""
    best: Mount | None = None
    for mount in found:
        if within(mount.point, path) and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def within(folder: str, path: str) -> bool:
    """Whether the path is the folder or lies in it."""
    return path == folder or path.startswith(folder if folder.endswith("/") else f"{folder}/")


def resolved(paths: str, answers: str) -> Mapping[str, str]:
    """`readlink -m` of all paths, one a line each. Raises Unreadable where there are not as many. Asked for none, it
    complains."""
    if not paths.strip("\n"):
        return {}
    asked, told = paths.strip("\n").split("\n"), answers.strip("\n").split("\n")
    if asked == [""]:
        return {}
    if len(asked) != len(told):
        raise Unreadable("readlink: not as many answers as paths", answers)
    return {path: place for path, place in zip(asked, told, strict=True) if path.startswith("/")}


def files(text: str) -> Mapping[str, File]:
    """`stat -c '%f %s %D %i %t %T %n'`, by path. What it says of files that are not there is passed over."""
    found = {}
    for line in text.split("\n"):
        words = line.split(" ", 6)
        if len(words) < 7 or not words[6].startswith("/") or not all(HEX.fullmatch(word) for word in words[:6]):
            continue
        mode, size = int(words[0], 16), number(words[1], what="stat") if words[1].isdecimal() else 0
        block = mode & KIND == BLOCK
        found[words[6]] = File(mode, size, " ".join(("device", *words[4:6]) if block else ("file", *words[2:4])))
    return found


def sizes(text: str) -> Mapping[str, tuple[int, bool]]:
    """The section of block devices: size in MiB, and whether it is a logical volume, by path."""
    found = {}
    for line in text.split("\n"):
        words = line.split(" ", 2)
        if len(words) == 3 and words[0].isdecimal() and words[0].isascii() and len(words[0]) <= 15:
            found[words[2]] = (mib(int(words[0]) * SECTOR), words[1].startswith("LVM-"))
    return found


def headers(text: str) -> Mapping[str, Header]:
    """The section of images' first bytes, by path: a path, then its bytes in hexadecimal."""
    found: dict[str, Header] = {}
    path = ""
    for line in text.split("\n"):
        if line.startswith("/"):
            path = line
        elif path and line.strip():
            header = _header(line)
            if header is not None:
                found.setdefault(path, header)
            path = ""
    return found


def _header(line: str) -> Header | None:
    try:
        raw = bytes.fromhex(line)
    except ValueError:
        return None
    if not raw.startswith(QCOW2_MAGIC):
        return Header(qcow2=False)
    if len(raw) < QCOW2_HEADER.size:
        return None
    _, version, backing, *_, snapshots, _ = QCOW2_HEADER.unpack(raw[: QCOW2_HEADER.size])
    features = int.from_bytes(raw[72:80], "big") if version >= 3 else 0
    if version >= 3 and len(raw) < 80:
        return None
    return Header(True, backing != 0 or bool(features & DATA_FILE), snapshots)


def folders(text: str) -> Mapping[str, str]:
    """`stat -c '%D %n'`: the device of each folder's file system, by path."""
    pairs = (line.partition(" ") for line in text.split("\n"))
    return {path: device for device, _, path in pairs if path.startswith("/") and HEX.fullmatch(device)}


def room_mib(text: str) -> int:
    """`df -P -k FOLDER`: free room in its file system. Raises Unreadable."""
    rows = [line for line in text.split("\n") if line.strip()]
    words = rows[-1].split() if len(rows) == 2 else []
    place = next((place for place, word in enumerate(words) if place >= 4 and (word.endswith("%") or word == "-")), 0)
    if place == 0:
        raise Unreadable("df: not one file system", text)
    return number(words[place - 1], what="df") // 1024


def _plain(text: str) -> str:
    r"""A word of mountinfo without its escapes: `\040` is a blank."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)
