"""Settings as text: each with the value that holds and where it comes from. Called for `reconciler settings`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.render import words
from reconciler.render.escape import terminal
from reconciler.render.layout import Paint, no_paint

TITLES = ("SETTING", "FROM")


def settings_text(file: str, settings: Sequence[tuple[str, object, str]], *, paint: Paint = no_paint) -> str:
    """Key, origin and value of each; `file` is where those of the file come from. Values are never shortened:
    people copy paths from here."""
    keys = max(len(key) for key in (TITLES[0], *(key for key, _, _ in settings)))
    origins = max(len(origin) for origin in (TITLES[1], *(origin for _, _, origin in settings)))
    lines = [f"file: {terminal(file)}", "", paint("dim", f"{TITLES[0]:{keys}}  {TITLES[1]:{origins}}  VALUE")]
    for key, value, origin in settings:
        style = "strong" if origin == "file" else "dim"
        lines.append(f"{key:{keys}}  {origin:{origins}}  {paint(style, terminal(_shown(value)) or words.NONE)}")
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    """A value in one cell; entries of a list one after the other."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_shown(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(_shown(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
