"""Settings as text: each with the value that holds and where it comes from. Called for `reconciler settings`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.render import words
from reconciler.render.escape import terminal
from reconciler.render.layout import Cell, Column, Paint, no_paint, table, wrap

COLUMNS = (Column("SETTING"), Column("VALUE", flexible=True), Column("FROM"))


def settings_text(file: str, settings: Sequence[tuple[str, object, str]], *, paint: Paint = no_paint) -> str:
    """Key, value and origin of each; `file` is where those of the file come from."""
    rows = [
        (
            key,
            Cell(terminal(_shown(value)) or words.NONE, "strong" if origin == "file" else ""),
            Cell(origin, "" if origin == "file" else "dim"),
        )
        for key, value, origin in settings
    ]
    return "\n".join([*wrap(f"file: {terminal(file)}"), "", *table(COLUMNS, rows, paint=paint)]) + "\n"


def _shown(value: object) -> str:
    """A value in one cell; entries of a list one after the other."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_shown(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(_shown(item) for item in value)
    return str(value)
