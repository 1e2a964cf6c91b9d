"""Which labelled assumptions hold on a host, as far as one look tells. Pure; called by examine.

Those that only a migration would tell stay untold: checking changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from reconciler.core.reports.checks import Holds
from reconciler.drivers.hpvm.parse import guests, machine, storage
from reconciler.drivers.hpvm.reading import Reading
from reconciler.ssh.looks.sections import Unreadable

STATES = re.compile(r"On \((?:OS|EFI|MGS|MGT)\)|Off(?: \(NR\))?")
RUNNABLE = frozenset({"runnable", "not runnable", "enabled", "disabled", "yes", "no"})


def assumed(reading: Reading) -> Mapping[str, Holds]:
    """Assumption id -> whether it holds there; those that are left out are untold."""
    return {name: _judged(test, reading) for name, test in TESTS.items()}


def _judged(test: Callable[[Reading], bool | None], reading: Reading) -> Holds:
    try:
        found = test(reading)
    except Unreadable:
        return Holds.NO
    return Holds.UNTOLD if found is None else Holds.YES if found else Holds.NO


def _version(reading: Reading) -> bool:
    return bool(machine.version(reading.text("version")))


def _summary(reading: Reading) -> bool:
    return guests.summary(reading.text("guests")) is not None


def _details(reading: Reading) -> bool | None:
    listed = {entry.name for entry in guests.summary(reading.text("guests"))}
    blocks = {block.name for block in guests.details(reading.text("details")) if block.uuid}
    return listed <= blocks if listed else None


def _label(label: str, words: frozenset[str] | None) -> Callable[[Reading], bool | None]:
    """Whether every guest's block has this label, with one of these words where any are given."""

    def test(reading: Reading) -> bool | None:
        values = [block.labels.get(label) for block in guests.details(reading.text("details"))]
        if not values:
            return None
        return all(value is not None and (words is None or value.lower() in words) for value in values)

    return test


def _boot(reading: Reading) -> bool | None:
    """Whether running guests have a boot time: the other way round than the rest, it is better where it is so."""
    running = [entry.name for entry in guests.summary(reading.text("guests")) if entry.state == "On (OS)"]
    blocks = {block.name: block for block in guests.details(reading.text("details"))}
    return all(blocks[name].labels.get("boot time") for name in running if name in blocks) if running else None


def _states(reading: Reading) -> bool | None:
    listed = guests.summary(reading.text("guests"))
    return all(STATES.fullmatch(entry.state) for entry in listed) if listed else None


def _memory(reading: Reading) -> bool:
    return machine.guest_memory_mib(reading.text("machine")) > 0


def _luns(reading: Reading) -> bool | None:
    return bool(storage.luns(reading.text("luns"))) or None


def _room(reading: Reading) -> bool:
    return storage.room_mib(reading.text("room").strip("\n")) >= 0


def _switches(reading: Reading) -> bool | None:
    return bool(machine.switches(reading.text("switches"))) or None


TESTS: Mapping[str, Callable[[Reading], bool | None]] = {
    "version-form": _version,
    "summary-columns": _summary,
    "detail-labels": _details,
    "runnable-label": _label("runnable status", RUNNABLE),
    "online-label": _label("online migration", frozenset({"enabled", "disabled"})),
    "boot-label": _boot,
    "kit-label": _label("guest kit", None),
    "transition-states": _states,
    "host-memory": _memory,
    "san-by-wwid": _luns,
    "copy-room": _room,
    "vswitch-up": _switches,
}
"""Assumption id -> what tells whether it holds."""
