"""Numbers, sizes and shares as the platform prints them. Raises Unreadable for anything else."""

from __future__ import annotations

import re

from reconciler.ssh.looks.sections import Unreadable

SIZE = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,6}))? ?(KB|MB|GB|TB)", re.ASCII)
SHARE = re.compile(r"([0-9]{1,5})(?:\.([0-9]{1,3}))? ?%", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
KIB = {"KB": 1, "MB": 1024, "GB": 1024 * 1024, "TB": 1024 * 1024 * 1024}


def number(text: str, *, what: str) -> int:
    """A whole number, of so few digits that it can be meant."""
    found = NUMBER.fullmatch(text.strip())
    if found is None:
        raise Unreadable(f"{what}: not a number", text)
    return int(found[0])


def size_mib(text: str, *, what: str) -> int:
    """`16 GB`, `2048MB`, `80.0 GB`, `65536 KB` in MiB, rounded up: what a guest may take is never counted too low."""
    found = SIZE.fullmatch(text.strip())
    if found is None:
        raise Unreadable(f"{what}: not a size", text)
    whole, part, unit = found[1], found[2] or "0", found[3]
    thousandths: int = int(whole) * 10 ** len(part) + int(part)
    per_mib: int = 1024 * 10 ** len(part)
    return -(-thousandths * KIB[unit] // per_mib)


def share_percent(text: str, *, what: str) -> int:
    """`10.0%` as 10, rounded up: a guaranteed share is never counted too low."""
    found = SHARE.fullmatch(text.strip())
    if found is None:
        raise Unreadable(f"{what}: not a share", text)
    return int(found[1]) + (1 if int(found[2] or "0") else 0)
