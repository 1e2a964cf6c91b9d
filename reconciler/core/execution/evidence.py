"""Evidence of where this very boot of a guest has run: what an online move back to an older version rests on.

Kept by the controller between passes; losing it only forbids. Called at the end of each look at the fleet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.core.model import RunState
from reconciler.core.observed import BootFloor, HostFacts, Look, ObservedFleet, Registration
from reconciler.core.quantities import format_moment


@dataclass(frozen=True)
class BootNote:
    """The oldest version a boot was seen on: `marker` tells one boot from another."""

    marker: str
    floor: BootFloor


DOWN = ""
"""The marker of a guest that was seen down, or on its way, where an operator's word for its boot is all there was."""
DAY = len("2026-11-20")
"""Of a moment, how much names its day."""

Evidence = Mapping[str, BootNote]
"""Guest uuid -> what is known of its present boot."""


def gather(evidence: Evidence, observed: ObservedFleet, now_s: float) -> tuple[dict[str, BootNote], ObservedFleet]:
    """The evidence after this look, and the fleet with each running guest's floor filled in.

    A guest that was not seen keeps its note: its marker will tell whether it rebooted meanwhile. A guest that is seen
    running twice, stopped, or without a marker has none. A floor that an operator attests counts until the guest is
    seen to have stopped or rebooted since that day.
    """
    notes = dict(evidence)
    seen: dict[str, list[tuple[HostFacts, Registration]]] = {}
    for facts in observed.reachable():
        for entry in facts.registrations:
            if entry.state is RunState.RUNNING:
                seen.setdefault(entry.uuid, []).append((facts, entry))
            elif entry.runnable and entry.boot_floor is not None:
                notes[entry.uuid] = BootNote(DOWN, BootFloor("", facts.name, format_moment(now_s)))
            elif entry.runnable and entry.state is RunState.STOPPED:
                notes.pop(entry.uuid, None)
    for uuid, found in seen.items():
        facts, entry = found[0]
        before = notes.pop(uuid, None)
        if len(found) == 1:
            note = _note(before, facts, entry, now_s)
            notes |= {uuid: note} if note is not None else {}
    hosts: dict[str, Look] = {name: _with_floors(look, notes) for name, look in observed.hosts.items()}
    return notes, ObservedFleet(hosts)


def _note(before: BootNote | None, facts: HostFacts, entry: Registration, now_s: float) -> BootNote | None:
    """What is known of this boot from now on; `before` is what was known."""
    down = before is not None and before.marker == DOWN
    if not entry.boot_marker:
        return before if down else None
    here = BootFloor(facts.version, facts.name, format_moment(now_s))
    if before is None or down:
        word = entry.boot_floor if _holds(entry.boot_floor, before) else None
        older = word is not None and _key(word.version) < _key(here.version)
        return BootNote(entry.boot_marker, word if word is not None and older else here)
    if before.marker != entry.boot_marker or _key(facts.version) < _key(before.floor.version):
        return BootNote(entry.boot_marker, here)
    return before


def _holds(attested: BootFloor | None, before: BootNote | None) -> bool:
    """Whether an operator's word for a boot holds: the guest was not seen down on that day or later."""
    if attested is None:
        return False
    return before is None or before.marker != DOWN or before.floor.seen[:DAY] < attested.seen[:DAY]


def _with_floors(look: Look, notes: Evidence) -> Look:
    """The same look, its running guests carrying their floors."""
    if not isinstance(look, HostFacts) or not any(entry.uuid in notes for entry in look.registrations):
        return look
    return replace(look, registrations=tuple(_with_floor(entry, notes.get(entry.uuid)) for entry in look.registrations))


def _with_floor(entry: Registration, note: BootNote | None) -> Registration:
    if entry.state is not RunState.RUNNING or note is None:
        return entry
    if note.marker == DOWN:
        return entry if _holds(entry.boot_floor, note) else replace(entry, boot_floor=None)
    return replace(entry, boot_floor=note.floor) if entry.boot_marker == note.marker else entry


def _key(version: str) -> tuple[int, ...]:
    """`4.2.5` -> (4, 2, 5): versions in their order."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", version))
