"""Tables with a rule of `=` below their titles, as all of the platform's listings are. Called by the other parsers.

Widths come from the rule, never from white space: cells hold spaces and may be empty. A name longer than its column
pushes the rest of its line to the right, as printf does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.ssh.looks.sections import Unreadable

RULE = re.compile(r"=+(?: +=+)* *")
TITLE = re.compile(r"\[[^\[\]]{1,80}\]\s*")
COLUMNS_MAX = 64
"""No listing has more than fifteen; a host that lost its mind may print any number."""


@dataclass(frozen=True)
class Table:
    """Titles as the line above the rule has them, and the rows below it."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, title: str) -> int:
        """The place of a column, by its title without regard to case. Raises Unreadable."""
        for place, found in enumerate(self.titles):
            if found.lower() == title.lower():
                return place
        raise Unreadable(f"a table without a column {title!r}", " | ".join(self.titles))


def parts(text: str) -> dict[str, str]:
    """`[Title]` -> the text below it, up to the next one. What stands before the first is under ""."""
    found: dict[str, list[str]] = {"": []}
    title = ""
    for line in text.split("\n"):
        if TITLE.fullmatch(line):
            title = line.strip()[1:-1]
            found.setdefault(title, [])
        else:
            found[title].append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def has_table(text: str) -> bool:
    """Whether there is a rule in it."""
    return tables(text) > 0


def tables(text: str) -> int:
    """How many rules there are in it."""
    return sum(RULE.fullmatch(line) is not None for line in text.split("\n"))


def table(text: str) -> Table:
    """The first table in this text, to the next title or the first empty line behind its rows. Raises Unreadable where
    there is none."""
    lines = text.split("\n")
    place = next((number for number, line in enumerate(lines) if RULE.fullmatch(line)), None)
    if place is None or place == 0:
        raise Unreadable("no table", text[:200])
    spans = [(found.start(), found.end()) for found in re.finditer("=+", lines[place])]
    if len(spans) > COLUMNS_MAX:
        raise Unreadable(f"a table of {len(spans)} columns", text[:200])
    rows = []
    for line in lines[place + 1 :]:
        if not line.strip() or TITLE.fullmatch(line):
            break
        rows.append(_cells(line, spans))
    return Table(_titles(lines[place - 1], spans), tuple(rows))


def _titles(line: str, spans: list[tuple[int, int]]) -> tuple[str, ...]:
    """Each title as far as the next column begins: some are longer than their columns."""
    ends = [*(start for start, _ in spans[1:]), len(line)]
    return tuple(" ".join(line[start:end].split()) for (start, _), end in zip(spans, ends, strict=True))


def _cells(line: str, spans: list[tuple[int, int]]) -> tuple[str, ...]:
    cells, pushed = [], 0
    for start, end in spans:
        first, last = start + pushed, end + pushed
        if line[last - 1 : last].strip() and line[last : last + 1].strip():
            found = re.compile(r"\s|$").search(line, last)
            over = found.start() - last if found is not None else 0
            pushed, last = pushed + over, last + over
        cells.append(line[first:last].strip())
    return tuple(cells)
