"""Which paths documents may have, and how text that may be hostile is quoted in a message.

Called wherever this folder judges or quotes what somebody else wrote. Never changes text to make it acceptable.
"""

from __future__ import annotations

from reconciler.core.names import printable

SHOWN_CHARACTERS_MAX = 80

_IN_PATHS = frozenset(" ._-+@=,()")


def quoted(text: str) -> str:
    """The text in double quotes, on one line, without control characters or invisible ones, cut when long."""
    shown = "".join(map(_escaped, text[:SHOWN_CHARACTERS_MAX]))
    if len(text) > SHOWN_CHARACTERS_MAX:
        return f'"{shown}…" ({len(text)} characters)'
    return f'"{shown}"'


def path_trouble(path: str, characters_max: int) -> str:
    """Why a path is refused, or an empty string. Paths appear in messages, reports and links, so they stay plain:
    letters and digits of any script and a few marks, relative, with neither empty parts nor ones that lead upwards."""
    if len(path) > characters_max:
        return f"is longer than {characters_max} characters"
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "is not a plain relative path"
    strange = next((sign for sign in path if not (sign.isalnum() or sign in _IN_PATHS or sign == "/")), None)
    return f"contains {quoted(strange)}" if strange is not None else ""


def _escaped(sign: str) -> str:
    if sign in ('"', "\\"):
        return "\\" + sign
    return printable(sign)
