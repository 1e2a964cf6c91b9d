"""Recordings of the real commands, in tests/drivers/hpvm/transcripts: origin, `----`, the literal output.

Used by the tests of what the stand-ins print, and by those of the parsers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "hpvm" / "transcripts"


@dataclass(frozen=True)
class Transcript:
    """A recording: what was lost of it on its way to us, and its text."""

    copy: str
    text: str

    @staticmethod
    def named(name: str) -> Transcript:
        """Read it."""
        head, _, text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").partition("----\n")
        fields = dict(line.split(": ", 1) for line in head.splitlines())
        assert {"command", "platform", "origin"} <= set(fields)
        return Transcript(fields.get("copy", ""), text)

    def as_copied(self, text: str) -> str:
        """The text, as it would be after the same losses."""
        if self.copy == "trailing blanks lost":
            return "".join(f"{line.rstrip()}\n" for line in text.splitlines())
        if self.copy == "runs of blanks collapsed":
            return "".join(f"{re.sub(' +', ' ', line).strip()}\n" for line in text.splitlines())
        return text
