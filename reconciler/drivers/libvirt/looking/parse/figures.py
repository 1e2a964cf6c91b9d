"""Numbers and lists of UUIDs, as virsh prints them. Called by the other parsers. Anything else is Unreadable."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.ssh.looks.sections import Unreadable

NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def number(text: str, *, what: str) -> int:
    """A whole number, of so few digits that it can be meant."""
    found = NUMBER.fullmatch(text.strip())
    if found is None:
        raise Unreadable(f"{what}: not a number", text)
    return int(found[0])


def mib(count: int, unit: int = 1024) -> int:
    """So many bytes, or KiB with a unit of 1, as MiB, rounded up: what something takes is never counted too low."""
    return -(-count // (1024 * unit))


def uuids(text: str, *, what: str) -> frozenset[str]:
    """`virsh list --uuid` and its like."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if not all(UUID.fullmatch(line) for line in lines):
        raise Unreadable(f"{what}: not a list of UUIDs", text)
    return frozenset(lines)


def guests(text: str) -> dict[str, str]:
    """`virsh list --all --uuid --name`: name by UUID."""
    found: dict[str, str] = {}
    for line in _lines(text):
        uuid, blank, name = line.partition(" ")
        if not UUID.fullmatch(uuid) or not blank or not name.strip():
            raise Unreadable("virsh list: not a list of guests", text)
        if uuid in found:
            raise Unreadable(f"virsh list: the guest {uuid} is in it twice", text)
        found[uuid] = name.strip()
    return found


def _lines(text: str) -> Iterator[str]:
    return (line for line in text.split("\n") if line.strip())
