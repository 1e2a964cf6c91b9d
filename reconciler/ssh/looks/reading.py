"""One look being read: its answers, what the settings say beside the host, and what could not be read.

Made by a driver for each look, filled by what reads it. Knows no command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconciler.core.names import printable
from reconciler.ssh.looks.sections import NOTHING, Section, Unreadable

EXCERPT = 400
"""How much of what a host printed is shown where it could not be read."""

Value = TypeVar("Value")
Stated = TypeVar("Stated")
"""A driver's own: what the operator's settings say of a host."""


@dataclass(frozen=True)
class Note:
    """Something that could not be read, and what was printed in its place."""

    about: str
    text: str
    excerpt: str = ""


class Reading(Generic[Stated]):
    """One look being read: its answers, and what was noted on the way."""

    def __init__(self, host: str, sections: Mapping[str, Section], stated: Stated, chatter: str = "") -> None:
        self.host = host
        self.sections = sections
        self.stated = stated
        self.notes: list[Note] = []
        self.chatter = chatter
        """What the commands printed beside their answers."""

    def text(self, name: str) -> str:
        """What a command printed."""
        return self.sections.get(name, NOTHING).text

    def status(self, name: str) -> int | None:
        """A command's exit status; None where there is no whole answer of it."""
        return self.sections.get(name, NOTHING).status

    def or_else(self, about: str, read: Callable[[], Value], otherwise: Value) -> Value:
        """What was read, or what stands for "not known"; noted."""
        try:
            return read()
        except Unreadable as error:
            self.notes.append(Note(about, error.what, printable(error.excerpt[:EXCERPT])))
            return otherwise
