"""Migrations that run on a host, by its list of processes: whoever began them, they take the host's slot.

Called by facts.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

PROGRAM = "hpvmmigrate"
PID = re.compile(r"[0-9]{1,15}", re.ASCII)
RECEIVES = "-#"
"""With which the target end is started, by the source, over SSH (Integrity VM 6.1 guide, p. 211)."""


@dataclass(frozen=True)
class Migration:
    """One `hpvmmigrate`. `guest` and `target` are empty where its words are cut off, or on the receiving end."""

    pid: int
    guest: str = ""
    target: str = ""
    receives: bool = False
    checks: bool = False
    """It only asks whether a guest could move."""
    parent: int = 0


def migrations(processes: str) -> tuple[Migration, ...]:
    """`ps -f` of all processes of that name; whichever words they show, each is one."""
    lines = (line.split() for line in processes.split("\n"))
    return tuple(_told(words) for words in lines if len(words) > 2 and PID.fullmatch(words[1]))


def _told(words: list[str]) -> Migration:
    place = next((place for place, word in enumerate(words) if word.rpartition("/")[2] == PROGRAM), None)
    arguments = words[place + 1 :] if place is not None else []
    flags = dict(itertools.pairwise(arguments))
    guest = flags.get("-P", "")
    target = flags.get("-h", "")
    safe = re.compile(r"[A-Za-z0-9._:-]{1,253}")
    return Migration(
        int(words[1]),
        guest if safe.fullmatch(guest) else "",
        target if safe.fullmatch(target) else "",
        RECEIVES in arguments,
        "-s" in arguments,
        int(words[2]) if PID.fullmatch(words[2]) else 0,
    )
