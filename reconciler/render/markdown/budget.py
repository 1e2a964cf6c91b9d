"""Fit a page of markdown into a limit without breaking it: what is left out is left out as a whole, and said.

Called by the pages of this folder. Knows sections and their parts, nothing of what they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NOTE_CHARACTERS = 120
"""Kept free for the sentence that says what a section left out."""


@dataclass(frozen=True)
class Section:
    """Part of a page. `parts` are table rows, list entries or folded blocks: each is shown whole or not at all."""

    head: str
    parts: tuple[str, ...] = ()
    noun: str = ""
    """What a part is, in the plural, for the sentence on what is left out."""
    share: float = 0.0
    """How much of the room this section may take before the others had theirs."""
    close: str = ""

    @property
    def size(self) -> int:
        """Characters of the whole section."""
        return len(self._text(len(self.parts)))

    @property
    def least(self) -> int:
        """Characters without any part."""
        return len(self.head) + len(self.close) + (NOTE_CHARACTERS if self.parts else 0) + 2

    def _text(self, shown: int) -> str:
        left_out = len(self.parts) - shown
        note = f"\n\n*{left_out} more {self.noun} are left out for want of room.*" if left_out else ""
        return "\n".join([self.head, *self.parts[:shown]]).strip("\n") + note + self.close

    def within(self, characters: int) -> str:
        """As many parts as fit."""
        if self.size <= characters:
            return self._text(len(self.parts))
        left, shown = characters - self.least, 0
        while shown < len(self.parts) and len(self.parts[shown]) + 1 <= left:
            left -= len(self.parts[shown]) + 1
            shown += 1
        return self._text(shown)


def page(sections: Sequence[Section], limit: int) -> str:
    """The sections in their order, at most `limit` characters. Each gets its share first; what is over goes to the
    sections in their order. Sections without parts are always shown."""
    sections = [section for section in sections if section.head or section.parts]
    spent = 2 * len(sections) + 1
    grants = [min(section.size, section.least + int(section.share * limit)) for section in sections]
    over = limit - spent - sum(grants)
    for at, section in enumerate(sections):
        more = max(0, min(over, section.size - grants[at]))
        grants[at] += more
        over -= more
    return "\n\n".join(section.within(grant) for section, grant in zip(sections, grants, strict=True)) + "\n"
