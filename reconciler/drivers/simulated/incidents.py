"""What befalls a fleet from outside: crashes, partitions, and people who do things by hand.

Called by tests and the deterministic simulation through the world, and for what a state file schedules. Never by a
command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from reconciler.core.model import RunState
from reconciler.core.observed import Disk
from reconciler.drivers.simulated.fleet import SimCopy, SimFleet, SimHost
from reconciler.drivers.simulated.migration import cut_short, new_volume, overwrite, power_off
from reconciler.drivers.simulated.power import boot, halt, shortage, start


def crash_host(fleet: SimFleet, name: str) -> None:
    """The host is down: its guests are off, its jobs dead, arrivals at it aborted; half copies stay on a target."""
    host = fleet.hosts[name]
    for job in [entry for entry in fleet.live_jobs if entry.touches(name)]:
        died_here = job.source == name
        cut_short(fleet, job, None if died_here else 1, f"connection to {name} lost", leftover=bool(job.volumes))
    for copy in host.copies.values():
        if copy.running:
            halt(fleet, host, copy)
    host.up = False
    fleet.touch(host)


def boot_host(fleet: SimFleet, name: str) -> None:
    """The host is up again; guests whose copy here has autostart on start where the platform would."""
    host = fleet.hosts[name]
    if host.up:
        return
    host.up = True
    fleet.touch(host)
    for uuid in sorted(host.copies):
        if host.copies[uuid].autostart:
            start(fleet, host, uuid, cause="autostart")


def partition(fleet: SimFleet, name: str) -> None:
    """Nothing gets through to the host; what runs on it goes on."""
    fleet.hosts[name].reachable = False
    fleet.touch(fleet.hosts[name])


def heal(fleet: SimFleet, name: str) -> None:
    """The host can be reached again."""
    fleet.hosts[name].reachable = True
    fleet.touch(fleet.hosts[name])


def reboot_guest(fleet: SimFleet, uuid: str) -> None:
    """The guest restarts itself where it runs: a new boot, on that host's version."""
    for host, copy in list(fleet.copies(uuid)):
        if copy.state is RunState.RUNNING:
            power_off(fleet, host, copy, "the guest was reset")
            boot(fleet, host, copy, "by-hand")


def stop_guest_inside(fleet: SimFleet, uuid: str) -> None:
    """Someone shuts the guest down from inside; it is off at once."""
    for host, copy in list(fleet.copies(uuid)):
        if copy.state is RunState.RUNNING:
            power_off(fleet, host, copy, "the guest was shut down from inside")


def start_by_hand(fleet: SimFleet, uuid: str, name: str) -> None:
    """Someone starts this copy, if the host lets them."""
    if fleet.hosts[name].up:
        start(fleet, fleet.hosts[name], uuid, cause="by-hand")


def move_by_hand(fleet: SimFleet, uuid: str, to: str, *, leave_definition: bool = True) -> None:
    """Someone moves the guest in an instant, past every rule but room. The definition that stays is startable."""
    target = fleet.hosts[to]
    job = fleet.job_of(uuid)
    if job is not None:
        cut_short(fleet, job, 1, "the guest was moved by hand")
    found = _best(fleet, uuid)
    if found is None or found[0] is target:
        return
    source, copy = found
    load = fleet.guests[uuid].load(target.memory_overhead_percent)
    copied_mib = sum(disk.size_mib for disk in copy.disks if not disk.kind.shared)
    fits = copied_mib <= target.disk_free_mib and not (copy.running and shortage(fleet, target, load))
    if not (source.up and target.up and fits):
        return
    disks = tuple(disk if disk.kind.shared else _carry(fleet, source, target, uuid, disk) for disk in copy.disks)
    moved = SimCopy(uuid, copy.state, True, disks, copy.boot_marker, copy.booted_on, copy.autostart)
    replaced, target.copies[uuid] = target.copies.get(uuid), moved
    if replaced is not None:
        overwrite(fleet, target, replaced)
    if moved.state is RunState.TRANSITION:  # it was booting: it is up where it goes on
        fleet.guests[uuid].boots += 1
        moved.state, moved.boot_marker = RunState.RUNNING, f"boot-{fleet.guests[uuid].boots}"
    copy.state, copy.boot_marker, copy.booted_on, copy.due = RunState.STOPPED, "", "", 0
    if not leave_definition:
        del source.copies[uuid]
    fleet.touch(source)
    fleet.touch(target)


def vanish(fleet: SimFleet, uuid: str, name: str) -> None:
    """The registration is gone from the host; its volumes stay."""
    host = fleet.hosts[name]
    copy = host.copies.get(uuid)
    if copy is None:
        return
    job = fleet.job_of(uuid)
    if job is not None and job.touches(name):
        cut_short(fleet, job, 1, "the guest vanished")
        copy = host.copies.get(uuid)
    if copy is not None and copy.running:
        halt(fleet, host, copy)
    host.copies.pop(uuid, None)
    fleet.touch(host)


def _best(fleet: SimFleet, uuid: str) -> tuple[SimHost, SimCopy] | None:
    """The copy that a person means by "the guest": the running one, else one that could be started."""
    found = [entry for entry in fleet.copies(uuid) if entry[1].running or entry[1].runnable]
    return min(found, key=lambda entry: (not entry[1].running, entry[0].name), default=None)


def _carry(fleet: SimFleet, source: SimHost, target: SimHost, uuid: str, disk: Disk) -> Disk:
    """A copy of a local disk, made by hand."""
    path = new_volume(target, fleet.guests[uuid].name, uuid, disk)
    target.volumes[path].generation = fleet.generation(source, disk)
    return replace(disk, id=path)


class Incident(NamedTuple):
    """Something that can be scheduled: what it does with (fleet, host, guest), and which of these it needs."""

    befall: Callable[[SimFleet, str, str], None]
    host: bool = False
    guest: bool = False


INCIDENTS: Mapping[str, Incident] = {
    "crash-host": Incident(lambda fleet, host, _: crash_host(fleet, host), host=True),
    "boot-host": Incident(lambda fleet, host, _: boot_host(fleet, host), host=True),
    "partition": Incident(lambda fleet, host, _: partition(fleet, host), host=True),
    "heal": Incident(lambda fleet, host, _: heal(fleet, host), host=True),
    "reboot-guest": Incident(lambda fleet, _, uuid: reboot_guest(fleet, uuid), guest=True),
    "stop-guest-inside": Incident(lambda fleet, _, uuid: stop_guest_inside(fleet, uuid), guest=True),
    "start-by-hand": Incident(lambda fleet, host, uuid: start_by_hand(fleet, uuid, host), host=True, guest=True),
    "move-by-hand": Incident(lambda fleet, host, uuid: move_by_hand(fleet, uuid, host), host=True, guest=True),
    "vanish": Incident(lambda fleet, host, uuid: vanish(fleet, uuid, host), host=True, guest=True),
}
"""By the name that a state file and `World.schedule` use."""


def trouble(fleet: SimFleet, name: str, host: str, uuid: str) -> str:
    """Why this incident cannot happen in this fleet, or ""."""
    incident = INCIDENTS.get(name)
    if incident is None:
        return f"{name!r} is not one of: {', '.join(sorted(INCIDENTS))}"
    if incident.host and host not in fleet.hosts:
        return f"{name} needs a host that exists, not {host!r}"
    if incident.guest and uuid not in fleet.guests:
        return f"{name} needs a guest that exists, not {uuid!r}"
    return ""
