"""The questions asked before something that could hurt a guest. Each answers "" for yes, or why not.

Called by procedure only. Rests on fresh looks alone, never on memory or on a command's exit status.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.core import capacity
from reconciler.core.desired import Host
from reconciler.core.execution.move import Scene
from reconciler.core.model import Load, RunState
from reconciler.core.observed import HostFacts, Look, Registration, Unreachable
from reconciler.core.records import MoveRecord


def other_copies(record: MoveRecord, looks: Mapping[str, Look], host: str) -> str:
    """Whether no copy but the one on `host` runs or could be started, on any host that was seen."""
    for name, look in sorted(looks.items()):
        if name != host and isinstance(look, Unreachable) and record.guest_uuid in look.startable:
            return f"another copy was last seen on {name}, which cannot be read"
        if name != host and isinstance(look, HostFacts):
            entry = look.registration(record.guest_uuid)
            if entry is not None and entry.startable:
                return f"another copy on {name} is {entry.state} and {'' if entry.runnable else 'not '}runnable"
    return ""


def owner_known(looks: Mapping[str, Look]) -> str:
    """Whether every host where the guest could be registered was read (promise I1)."""
    away = sorted(name for name, look in looks.items() if isinstance(look, Unreachable))
    return f"not read: {', '.join(away)}" if away else ""


def may_start(record: MoveRecord, scene: Scene, host: str) -> str:
    """Whether a stopped guest may be started on `host` (promise I1): every host was read just now and no other copy
    could run; or this very move stopped it, and both its ends were read back just now."""
    against = other_copies(record, {**scene.elsewhere, **scene.looks}, host)
    if against:
        return against
    if record.stopped_by_us:
        return owner_known(scene.looks)
    if not scene.all_fresh:
        return "not every host was read since this step began"
    return owner_known({**scene.elsewhere, **scene.looks})


def has_room(record: MoveRecord, target: HostFacts, document: Host | None) -> str:
    """Whether the target can hold the guest now, with everything that runs there and is on its way there (promise
    I3).
    """
    room = capacity.room(target, document, without_record=record.id)
    if record.load.fits(room):
        return ""
    return _lack(target.name, record.load, room)


def room_to_start(record: MoveRecord, facts: HostFacts, document: Host | None) -> str:
    """Whether the host can take the guest that is registered there, now that it is to be started (promise I3)."""
    entry = facts.registration(record.guest_uuid)
    if entry is None or entry.running:
        return ""
    load, room = entry.load(facts.memory_overhead_percent), capacity.room(facts, document, without_record=record.id)
    if load.fits(room):
        return ""
    return _lack(facts.name, load, room)


def _lack(host: str, load: Load, room: Load) -> str:
    """What the host has no room for, and how much there is."""
    lacking = [
        f"{max(0, there)} {what}, needed are {need}"
        for need, there, what in (
            (load.memory_mib, room.memory_mib, "MiB of memory"),
            (load.cpu_percent, room.cpu_percent, "% of CPU"),
            (load.disk_mib, room.disk_mib, "MiB of disk"),
            (load.vcpus, room.vcpus, "virtual CPUs"),
        )
        if 0 < need and there < need
    ]
    return f"{host} has room for {'; for '.join(lacking)}"


def copy_proven(record: MoveRecord, source: HostFacts, target: HostFacts) -> str:
    """Whether the guest is at the target for good, so that what is left of it on the source may be deleted (promise
    I2).
    """
    here, there = source.registration(record.guest_uuid), target.registration(record.guest_uuid)
    if there is None or not there.runnable:
        return "the target has no runnable copy"
    if record.was is RunState.RUNNING and there.state is not RunState.RUNNING:
        return "the guest does not run on the target yet"
    if here is not None and here.startable:
        return "the source's copy runs or could be started"
    if here is not None and _sizes(here) != _sizes(there):
        return "the disks of the two copies differ in number or size"
    copied = [disk for disk in there.local_disks if disk.size_mib > 0]
    if len(copied) < len(record.copies):
        return "not every disk that was copied is there"
    return ""


def _sizes(entry: Registration) -> list[tuple[str, int]]:
    return sorted((disk.kind.value, disk.size_mib) for disk in entry.disks)
