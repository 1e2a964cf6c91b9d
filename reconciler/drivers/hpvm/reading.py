"""One look being read: its answers, what the settings say instead of the host, and what could not be read.

Made by the driver for each look, filled by facts and registrations, shown by check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from reconciler.core.model import Processor
from reconciler.core.names import printable
from reconciler.core.observed import BootFloor
from reconciler.ssh.looks.sections import NOTHING, Section, Unreadable

EXCERPT = 400
"""How much of what a host printed is shown where it could not be read."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Stated:
    """What the operator's settings say of a host, in place of what it does not tell."""

    version: str = ""
    memory_mib: int = 0
    cpus: int = 0
    processor: Processor | None = None
    bandwidth_mib_s: float = 100.0
    kit_everywhere: bool = False
    attested: Mapping[str, BootFloor] = field(default_factory=dict)
    """Guest uuid -> the version that its present boot began on."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """What hosts call each other on the migration network -> host name."""


@dataclass(frozen=True)
class Note:
    """Something that could not be read, and what was printed in its place."""

    about: str
    text: str
    excerpt: str = ""


class Reading:
    """One look being read: its answers, and what was noted on the way."""

    def __init__(self, host: str, sections: Mapping[str, Section], stated: Stated) -> None:
        self.host = host
        self.sections = sections
        self.stated = stated
        self.notes: list[Note] = []
        self.chatter = ""
        """What the commands printed beside their answers."""

    def text(self, name: str) -> str:
        """What a command printed."""
        return self.sections.get(name, NOTHING).text

    def or_else(self, about: str, read: Callable[[], Value], otherwise: Value) -> Value:
        """What was read, or what stands for "not known"; noted."""
        try:
            return read()
        except Unreadable as error:
            self.notes.append(Note(about, error.what, printable(error.excerpt[:EXCERPT])))
            return otherwise
