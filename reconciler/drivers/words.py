"""Which words may become part of a command, whoever they come from: names, and a platform's own words.

Called by each driver where it makes a command, so that none is ever made of a word that means something to a shell.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.names import is_name
from reconciler.core.records import MoveRecord
from reconciler.errors import HostError


class UnsafeWord(HostError):
    """A word that must not become part of a command, whoever it came from."""

    code = "unsafe-name"


def check_names(host: str, record: MoveRecord) -> None:
    """Raises UnsafeWord unless the host and all that the record names have names."""
    for name in (host, record.id, record.guest_uuid, record.guest_name, record.source, record.target):
        if not is_name(name):
            raise UnsafeWord(
                f"host {host!r}: the name {name!r} must not be part of a command",
                hint="a name begins with a letter or digit, goes on with these, dots, - and _, and has at most 64",
            )


def check_words(host: str, words: Iterable[str], characters: frozenset[str], longest: int) -> None:
    """Raises UnsafeWord for a word with other characters, for one that could be an option, and for one too long."""
    for word in words:
        if word.startswith("-") or len(word) > longest or not characters.issuperset(word):
            raise UnsafeWord(f"host {host!r}: {word!r} must not be part of a command", hint="see to it on the host")
