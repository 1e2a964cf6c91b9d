"""`scsimgr`, `diskinfo -b`, `lvdisplay`, `bdf`, `ls -l` of a file: what there is to store guests on. Pure."""

from __future__ import annotations

from collections.abc import Iterable

BDF_HEAD = "Filesystem          kbytes    used   avail %used Mounted on\n"
BDF_NAME_MAX = 18
"""A longer name has a line of its own."""


def scsimgr(luns: Iterable[tuple[str, str]]) -> str:
    """`-p get_attr all_lun -a device_file -a wwid`."""
    return "".join(f"{device}:0x{wwid}\n" for device, wwid in luns)


def diskinfo_b(size_mib: int) -> str:
    """The size in KiB, and nothing else."""
    return f"{size_mib * 1024}\n"


def lvdisplay(path: str, size_mib: int, extent_mib: int = 16) -> str:
    """One logical volume. Values keep the blanks behind them."""
    extents = -(-size_mib // extent_mib)
    rows = (
        ("LV Name", path),
        ("VG Name", path.rpartition("/")[0]),
        ("LV Permission", f"{'read/write':<26}"),
        ("LV Status", f"{'available/syncd':<26}"),
        ("Mirror copies", f"{0:<13}"),
        ("Consistency Recovery", f"{'MWC':<20}"),
        ("Schedule", f"{'parallel':<14}"),
        ("LV Size (Mbytes)", f"{size_mib:<16}"),
        ("Current LE", f"{extents:<15}"),
        ("Allocated PE", f"{extents:<15}"),
        ("Stripes", f"{0:<8}"),
        ("Stripe Size (Kbytes)", f"{0:<20}"),
        ("Bad block", f"{'on':<11}"),
        ("Allocation", f"{'strict':<26}"),
        ("IO Timeout (Seconds)", f"{'default':<20}"),
    )
    lines = "".join(f"{label:<28}{value}\n" for label, value in rows)
    return f"--- Logical volumes ---\n{lines}\n"


def bdf(rows: Iterable[tuple[str, int, int, int, str]]) -> str:
    """File systems: (device, KiB, used, free, where)."""
    return BDF_HEAD + "".join(_file_system(*row) for row in rows)


def _file_system(device: str, size_kib: int, used_kib: int, free_kib: int, where: str) -> str:
    percent = _percent(used_kib, free_kib)
    name = f"{device:<{BDF_NAME_MAX}}" if len(device) <= BDF_NAME_MAX else f"{device}\n{'':<{BDF_NAME_MAX}}"
    return f"{name} {size_kib:>7} {used_kib:>7} {free_kib:>7} {percent:>4}% {where}\n"


def _percent(used: int, free: int) -> int:
    there = used + free
    return (used * 100 + there // 2) // there if there else 0


def ls_l(path: str, size_bytes: int) -> str:
    """A plain file, by its own line."""
    return f"-rw-------   1 root       sys        {size_bytes:>10} Nov 20 10:28 {path}\n"
