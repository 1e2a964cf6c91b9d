"""Lay plain text out in a terminal's columns: widths, shortening, wrapping, tables, bars.

Called by render/text only. Knows characters and cells, nothing of guests or hosts; never escapes: that is done before.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WIDTH = 80
GAP = "  "
ELLIPSIS = "…"
COLUMN_MIN = 7
"""A flexible column is not made narrower than this."""

BLOCKS = " ▏▎▍▌▋▊▉█"

Paint = Callable[[str, str], str]
"""(style, text) -> text. Styles: good, warn, bad, dim, strong. Applied last, so that it never changes the layout."""


def no_paint(style: str, text: str) -> str:
    """As it is: the default, and what a pipe gets."""
    return text


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(_cell(character) for character in text)


def _cell(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(text: str, width: int) -> str:
    """The text in at most so many columns, its middle left out: beginning and end tell names apart."""
    if cells(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    tail = _take(text[::-1], (width - 1) // 2)[::-1]
    return _take(text, width - 1 - cells(tail)) + ELLIPSIS + tail


def _take(text: str, width: int) -> str:
    """As much of the beginning as fits."""
    taken = 0
    for index, character in enumerate(text):
        taken += _cell(character)
        if taken > width:
            return text[:index]
    return text


def wrap(text: str, *, first: str = "", rest: str | None = None, width: int = WIDTH) -> list[str]:
    """Lines of at most `width` columns; the first begins with `first`, the others with `rest` or as many blanks."""
    indent = " " * cells(first) if rest is None else rest
    room = max(1, width - max(cells(first), cells(indent)))
    lines: list[str] = []
    words: list[str] = []
    used = 0
    for word in [piece for long in text.split() for piece in _pieces(long, room)]:
        if words and used + 1 + cells(word) > room:
            lines.append(" ".join(words))
            words, used = [], 0
        used += cells(word) + (1 if words else 0)
        words.append(word)
    lines.append(" ".join(words))
    return [((indent if number else first) + line).rstrip() for number, line in enumerate(lines)]


def _pieces(word: str, room: int) -> list[str]:
    """The word, cut where it is longer than a line: such a piece fills a line of its own."""
    pieces = []
    while cells(word) > room:
        piece = _take(word, room) or word[:1]
        pieces.append(piece)
        word = word[len(piece) :]
    return [*pieces, word] if word else pieces


def bar(part: float, whole: float, width: int, *, kept: float = 0.0) -> str:
    """`part` of `whole` as a bar of exactly `width` columns, and what is `kept` beside it. What is over is as full as
    full gets; what is kept is seen wherever there is room for it."""
    share = min(1.0, max(0.0, part / whole)) if whole > 0 else float(part > 0)
    eighths = round(share * width * 8)
    full, rest = divmod(eighths, 8)
    drawn = BLOCKS[8] * full + (BLOCKS[rest] if rest else "")
    if kept > 0 and whole > 0:
        drawn = drawn.ljust(min(width, max(len(drawn) + 1, round((part + kept) / whole * width))), "▒")
    return drawn.ljust(width, "░")


@dataclass(frozen=True)
class Column:
    """A column: its title, how it is aligned, and whether it gives way where a table is too wide."""

    title: str
    right: bool = False
    flexible: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell's text and the style it is painted in."""

    text: str
    style: str = ""


Row = Sequence[str | Cell]


def table(columns: Sequence[Column], rows: Sequence[Row], *, paint: Paint = no_paint, indent: str = "") -> list[str]:
    """Titles and rows, at most WIDTH wide, no trailing blanks. Columns that are empty throughout are left out."""
    grid = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    kept = [at for at in range(len(columns)) if any(row[at].text for row in grid) or not grid]
    columns, grid = [columns[at] for at in kept], [[row[at] for at in kept] for row in grid]
    widths = [max(cells(column.title), *(cells(row[at].text) for row in grid), 0) for at, column in enumerate(columns)]
    room = WIDTH - cells(indent) - cells(GAP) * (len(columns) - 1)
    widths = _narrowed(widths, [column.flexible for column in columns], room)
    lines = [_line([Cell(column.title, "dim") for column in columns], columns, widths, paint, indent)]
    return lines + [_line(row, columns, widths, paint, indent) for row in grid]


def _narrowed(widths: Sequence[int], flexible: Sequence[bool], room: int) -> list[int]:
    """Take from the widest flexible column until everything fits; from the others only where that is not enough."""
    widths = list(widths)
    while sum(widths) > room:
        candidates = [at for at, gives in enumerate(flexible) if gives and widths[at] > COLUMN_MIN]
        candidates = candidates or list(range(len(widths)))
        widest = max(candidates, key=lambda at: widths[at])
        widths[widest] -= 1
    return widths


def _line(row: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int], paint: Paint, indent: str) -> str:
    shown: list[tuple[str, str, str]] = []  # blanks before, text, style
    owed = indent
    for cell, column, width in zip(row, columns, widths, strict=True):
        text = shorten(cell.text, width).strip()
        blanks = " " * (width - cells(text))
        before, after = (blanks, "") if column.right else ("", blanks)
        if text:
            shown.append((owed + before, text, cell.style))
            owed = after + GAP
        else:
            owed += blanks + GAP
    return "".join(blanks + (paint(style, text) if style else text) for blanks, text, style in shown)
