"""One look's output, parted into the answers of its commands. Called by drivers that read it; knows no command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.names import printable
from reconciler.core.observed import Unreachable


class Unreadable(ValueError):
    """Text that is not what it should be. `what` names the command and the trouble; `excerpt` shows the text."""

    def __init__(self, what: str, excerpt: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.excerpt = excerpt

    def look(self, host: str) -> Unreachable:
        """A host that cannot be read beyond doubt is one that was not read."""
        shown = printable(self.excerpt.strip()[:80])
        return Unreachable(host, f"what it says cannot be read: {self.what}{': ' if shown else ''}{shown}")


TIMED_OUT = (124, 137)
"""What `timeout` makes of a command that it had to end."""


@dataclass(frozen=True)
class Section:
    """What one command printed, and its exit status; None where its answer was cut off."""

    text: str = ""
    status: int | None = None

    @property
    def timed_out(self) -> bool:
        """Whether `timeout` had to end the command."""
        return self.status in TIMED_OUT

    @property
    def unfinished(self) -> bool:
        """Whether the command did not come to its own end, as far as that is known."""
        return self.status is None or self.timed_out


NOTHING = Section()
STATUS = re.compile(r"[0-9]{1,3}", re.ASCII)


def split(output: str, token: str) -> Mapping[str, Section]:
    """Section name -> answer, in the order in which they came. The first of two of a name counts."""
    found: dict[str, Section] = {}
    name, lines = "", list[str]()
    for line in output.split("\n"):
        if not line.startswith(f"{token} "):
            lines.append(line)
            continue
        word = line[len(token) + 1 :]
        if not word.startswith("= "):
            name, lines = word, []
        elif name:
            status = word[2:].strip()
            text = "\n".join(lines)
            found.setdefault(name, Section(text, int(status) if STATUS.fullmatch(status) else None))
            name, lines = "", []
    if name:
        found.setdefault(name, Section("\n".join(lines)))
    return found


def numbered(sections: Mapping[str, Section], prefix: str) -> Mapping[str, Section]:
    """The sections whose names begin with this word, by what follows it."""
    return {name[len(prefix) + 1 :]: found for name, found in sections.items() if name.startswith(f"{prefix} ")}
