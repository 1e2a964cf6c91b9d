"""What a guest, host or fleet may be called, and how text that nobody vouches for is shown on one line.

Called wherever documents, hosts or git say something. Never changes a name to make it acceptable.
"""

from __future__ import annotations

import string

NAME_CHARACTERS_MAX = 64

_FIRST = frozenset(string.ascii_letters + string.digits)
_LATER = _FIRST | frozenset("._-")


def is_name(text: str) -> bool:
    """Whether a guest, host or fleet may be called that. Letter by letter and without a regular expression:
    `$` also matches before a newline at the end, and names reach command lines and file names."""
    return 0 < len(text) <= NAME_CHARACTERS_MAX and text[0] in _FIRST and _LATER.issuperset(text)


def printable(text: str) -> str:
    r"""The text on one line, with what could steer a terminal or mislead a reader as `\x1b`, `\u202e` and the like."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else escaped(sign) for sign in text)


def escaped(sign: str) -> str:
    r"""A character as people write one that they cannot type: `\t`, `\x1b`, `\u202e`."""
    return sign.encode("unicode_escape").decode("ascii")
