"""Say which git error it is, and make text of strangers safe to show. Used all over git/, decides nothing."""

from __future__ import annotations

from reconciler.core import names
from reconciler.errors import GitError

TAIL_LINES = 3
TAIL_CHARACTERS = 600


class GitTrouble(GitError):
    """A GitError with a name of its own; docs/concepts/git.md lists them."""

    def __init__(self, code: str, what: str, *, hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.code = code


def printable(text: str | bytes) -> str:
    r"""The text on one line, with what could steer a terminal or mislead a reader as `\x1b`, `\u202e` and the like."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    return names.printable(text)


def tail(stderr: bytes) -> str:
    """The first line a program complained with, which is mostly the reason, and the last few; all on one line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    text = "; ".join(printable(line) for line in [*lines[:1], *lines[1:][-TAIL_LINES:]])
    return text if len(text) <= TAIL_CHARACTERS else text[:TAIL_CHARACTERS] + "…"
