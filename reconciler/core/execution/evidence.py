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


Evidence = Mapping[str, BootNote]
"""Guest uuid -> what is known of its present boot."""


def gather(evidence: Evidence, observed: ObservedFleet, now_s: float) -> tuple[dict[str, BootNote], ObservedFleet]:
    """The evidence after this look, and the fleet with each running guest's floor filled in.

    A guest that was not seen keeps its note: its marker will tell whether it rebooted meanwhile. A guest that is seen
    running twice, stopped, or without a marker has none.
    """
    notes = dict(evidence)
    seen: dict[str, list[tuple[HostFacts, Registration]]] = {}
    for facts in observed.reachable():
        for entry in facts.registrations:
            if entry.state is RunState.RUNNING:
                seen.setdefault(entry.uuid, []).append((facts, entry))
            elif entry.runnable and entry.state is RunState.STOPPED:
                notes.pop(entry.uuid, None)
    for uuid, found in seen.items():
        facts, entry = found[0]
        if len(found) > 1 or not entry.boot_marker:
            notes.pop(uuid, None)
            continue
        before = notes.get(uuid)
        if before is None or before.marker != entry.boot_marker or _key(facts.version) < _key(before.floor.version):
            notes[uuid] = BootNote(entry.boot_marker, BootFloor(facts.version, facts.name, format_moment(now_s)))
    hosts: dict[str, Look] = {name: _with_floors(look, notes) for name, look in observed.hosts.items()}
    return notes, ObservedFleet(hosts)


def _with_floors(look: Look, notes: Evidence) -> Look:
    """The same look, its running guests carrying their floors."""
    if not isinstance(look, HostFacts) or not any(entry.uuid in notes for entry in look.registrations):
        return look
    entries = tuple(
        replace(entry, boot_floor=notes[entry.uuid].floor)
        if entry.state is RunState.RUNNING and entry.uuid in notes and entry.boot_marker == notes[entry.uuid].marker
        else entry
        for entry in look.registrations
    )
    return replace(look, registrations=entries)


def _key(version: str) -> tuple[int, ...]:
    """`4.2.5` -> (4, 2, 5): versions in their order."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", version))
