"""Tables, folded sections and clipped texts in the markdown that forges show. Called by the pages of this folder.

Cells come in escaped; never escapes on its own, but for `said`, which is how foreign text gets in.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.render.escape import markdown
from reconciler.render.markdown.budget import Section

ROWS_MAX = 30
"""A table for people has no more rows; JSON has all of them."""
TEXT_CHARACTERS = 500
"""A text that a document or host said is shown up to here; JSON has all of it."""


def said(text: str) -> str:
    """Foreign text, clipped and harmless."""
    return markdown(clipped(text))


def clipped(text: str, characters: int = TEXT_CHARACTERS) -> str:
    """Not longer than anyone reads."""
    return text if len(text) <= characters else text[: characters - 1] + "…"


def head(title: str, *columns: str) -> str:
    """Title, column names and alignment (a name that ends in `:` is aligned right)."""
    names = [column.removesuffix(":") for column in columns]
    rules = ["---:" if column.endswith(":") else "---" for column in columns]
    lines = [row(names), row(rules)]
    return "\n".join([f"### {title}", "", *lines] if title else lines)


def row(cells: Sequence[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"


def rows_section(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    noun: str,
    share: float,
    *,
    about: str = "",
    left_out: int = 0,
) -> Section:
    """A section that is a table, of at most ROWS_MAX rows; none where it has no rows. The title is our own; `about`
    stands above the table, and so many rows more were `left_out` before."""
    if not rows:
        return Section("")
    left_out += max(0, len(rows) - ROWS_MAX)
    more = f"*{left_out} more {noun} are in `index.json` or the run record.*" if left_out else ""
    top = [f"## {title}", "", *([about, ""] if about else []), *([more, ""] if more else []), head("", *columns)]
    return Section("\n".join(top), tuple(row(cells) for cells in rows[:ROWS_MAX]), noun, share)


def folded_section(title: str, parts: tuple[str, ...], noun: str, share: float) -> Section:
    """A section that opens on a click; none where it has no parts. The title is our own."""
    if not parts:
        return Section("")
    return Section(f"<details><summary>{title}</summary>\n", parts, noun, share, close="\n\n</details>")
