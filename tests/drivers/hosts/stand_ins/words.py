"""Options and refusals that the stand-in commands share: how argv is read, how physics' words become the platform's.

Called by the stand-ins next to this. Never changes a guest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.drivers.simulated.fleet import SimCopy
from tests.drivers.hosts.server import Call


class Usage(Exception):
    """The command does not take these arguments."""


@dataclass(frozen=True)
class Options:
    """What stood in argv: flags alone, and options with their values in order."""

    flags: frozenset[str] = frozenset()
    values: dict[str, list[str]] = field(default_factory=dict)
    rest: tuple[str, ...] = ()

    def one(self, option: str) -> str:
        """The last value of an option, or ""."""
        return self.values.get(option, [""])[-1]


def read(argv: Sequence[str], *, flags: str, valued: str) -> Options:
    """Read options as getopt does: letters that stand alone, letters that take a value."""
    found: set[str] = set()
    values: dict[str, list[str]] = {}
    words = list(argv)
    while words and words[0].startswith("-") and len(words[0]) > 1:
        letters = words.pop(0)[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in valued:
                if not letters and not words:
                    raise Usage(f"option requires an argument -- {letter}")
                values.setdefault(letter, []).append(letters or words.pop(0))
                letters = ""
            elif letter in flags:
                found.add(letter)
            else:
                raise Usage(f"illegal option -- {letter}")
    return Options(frozenset(found), values, tuple(words))


def named(call: Call, options: Options) -> SimCopy | None:
    """The registration that -P or -p names; says so where there is none. Under the lock."""
    name, number = options.one("P"), options.one("p")
    copy = call.catalogue.find(call.host, name, int(number) if number.isdecimal() else None)
    if copy is None:
        call.err(f"{call.name}: ERROR ({name or number}): The specified guest does not exist on this host.\n")
    return copy


def physics(output: str) -> str:
    """The physics' words without their own head: `simctl: ERROR (web): text` -> `text`."""
    text = output.splitlines()[-1] if output else ""
    text = text.removeprefix("simctl: ")
    if text.startswith("ERROR (") and "): " in text:
        text = text.partition("): ")[2]
    return text


def succeeded(call: Call, line: str) -> int:
    """The end of a command that did it."""
    if call.variants.success_line and line:
        call.out(line)
    return call.variants.status_after_success


def failed(call: Call, text: str) -> int:
    """The end of a command that did not."""
    call.err(text)
    return call.variants.status_after_failure
