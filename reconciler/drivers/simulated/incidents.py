"""What befalls a fleet from outside: crashes, partitions, and people who do things by hand.

Called by tests and the deterministic simulation through the world, and for what a state file schedules. Never by a
command.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reconciler.core.model import RunState
from reconciler.drivers.simulated.fleet import SimCopy, SimFleet, SimHost, Volume
from reconciler.drivers.simulated.migration import cut_short, power_off
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
    """The host is up again; guests with the attribute `autostart: on` start where the platform would."""
    host = fleet.hosts[name]
    if host.up:
        return
    host.up = True
    fleet.touch(host)
    for uuid in sorted(host.copies):
        if fleet.guests[uuid].attributes.get("autostart") == "on":
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
    if not (source.up and target.up) or (copy.running and shortage(fleet, target, load)):
        return
    moved = SimCopy(uuid, copy.state, True, copy.disks, copy.boot_marker, copy.booted_on)
    disks = []
    for disk in copy.disks:
        if disk.kind.shared:
            disks.append(disk)
            continue
        path = f"/by-hand/{to}/{disk.id.strip('/').replace('/', '-')}"
        target.volumes[path] = Volume(uuid, disk.size_mib, fleet.generation(source, disk))
        disks.append(replace(disk, id=path))
    moved.disks = tuple(disks)
    target.copies[uuid] = moved
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
    """The copy that a person means by "the guest": the running one, else the one that could be started."""
    found = sorted(fleet.copies(uuid), key=lambda entry: (not entry[1].running, not entry[1].runnable, entry[0].name))
    return found[0] if found else None


Incident = Callable[[SimFleet, str, str], None]
INCIDENTS: dict[str, Incident] = {
    "crash-host": lambda fleet, host, _: crash_host(fleet, host),
    "boot-host": lambda fleet, host, _: boot_host(fleet, host),
    "partition": lambda fleet, host, _: partition(fleet, host),
    "heal": lambda fleet, host, _: heal(fleet, host),
    "reboot-guest": lambda fleet, _, uuid: reboot_guest(fleet, uuid),
    "stop-guest-inside": lambda fleet, _, uuid: stop_guest_inside(fleet, uuid),
    "start-by-hand": lambda fleet, host, uuid: start_by_hand(fleet, uuid, host),
    "move-by-hand": lambda fleet, host, uuid: move_by_hand(fleet, uuid, host),
    "vanish": lambda fleet, host, uuid: vanish(fleet, uuid, host),
}
"""By the name that a state file and `World.schedule` use: (fleet, host, guest)."""
