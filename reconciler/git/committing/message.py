"""Write a commit message whose trailers git finds again, whatever hosts and documents put into it.

Called by status_branch. Never drops a trailer: what cannot be a trailer is refused, the rest is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.git.trouble import GitTrouble, printable

SUBJECT_CHARACTERS_MAX = 200
BODY_LINES_MAX = 1000
EMPTY_SUBJECT = "Report"

TRAILER_KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
SPEAKS_TO_GIT = re.compile(r"---|#|\(cherry picked|[A-Za-z0-9-]+\s*:")
"""The start of a line that git could take for the end of the message, a comment or a trailer."""


def flat(text: str) -> str:
    """The text on one line: any run of white space as one space, what cannot be shown as an escape."""
    return printable(" ".join(text.split()))


def flat_trailers(trailers: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The trailers as they are written and read back."""
    for key, _ in trailers:
        if not TRAILER_KEY.fullmatch(key):
            raise GitTrouble("trailer-invalid", f'"{printable(key)}" cannot be the name of a trailer')
    return tuple((key, flat(value)) for key, value in trailers)


def commit_message(text: str, trailers: Sequence[tuple[str, str]]) -> str:
    """First line of the text as subject, the rest as body, the trailers as the last paragraph."""
    first, _, rest = text.strip().partition("\n")
    subject = flat(first)[:SUBJECT_CHARACTERS_MAX].rstrip() or EMPTY_SUBJECT
    lines = [_quiet(line) for line in rest.strip().split("\n")[:BODY_LINES_MAX]]
    body = "\n".join(lines).strip("\n")
    block = "\n".join(f"{key}: {value}".rstrip() for key, value in flat_trailers(trailers))
    return "\n\n".join(part for part in (_quiet(subject), body, block) if part) + "\n"


def _quiet(line: str) -> str:
    """The line, moved one column to the right where git would take it for more than text."""
    line = printable(line.expandtabs(4)).rstrip()
    return f" {line}" if SPEAKS_TO_GIT.match(line) else line
