"""Stop and start guests, and let shutdowns and boots take their time.

Called by the world for commands and for what falls due, and by incidents. Never moves a guest.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.model import Load, RunState
from reconciler.drivers.simulated.fleet import DoubleRun, SimCopy, SimFleet, SimHost, StaleStart

SHUT_DOWN = "shut-down"
BOOTED = "booted"


@dataclass(frozen=True)
class Done:
    """What a program answered: exit status and output."""

    status: int
    output: str


def stop(fleet: SimFleet, host: SimHost, uuid: str) -> Done:
    """Ask the guest to shut down; it does so in its own time, or never."""
    copy = host.copies.get(uuid)
    if copy is None:
        return no_guest(host, uuid)
    guest = fleet.guests[uuid]
    if copy.state is not RunState.RUNNING:
        return Done(1, f"simctl: guest {guest.name} is not running (state {copy.state})")
    if fleet.job_of(uuid) is not None:
        return Done(1, f"simctl: guest {guest.name} is being migrated")
    if guest.shutdown_s is not None and not copy.due:
        copy.due = fleet.arrange(fleet.now_s + guest.shutdown_s, SHUT_DOWN, host.name, uuid)
    return Done(0, f"simctl: shutdown of guest {guest.name} requested")


def halt(fleet: SimFleet, host: SimHost, copy: SimCopy) -> None:
    """The guest is off from now on, whatever took it down."""
    if copy.state is RunState.RUNNING:
        fleet.write_disks(host, copy)
    copy.state = RunState.STOPPED
    guest = fleet.guests[copy.uuid]
    guest.memory_current_mib = guest.memory_wanted_mib = guest.memory_due = 0
    copy.boot_marker = copy.booted_on = ""
    copy.due = 0
    fleet.touch(host)


def start(fleet: SimFleet, host: SimHost, uuid: str, cause: str = "command") -> Done:
    """Start the guest here, if this host would."""
    copy = host.copies.get(uuid)
    if copy is None:
        return no_guest(host, uuid)
    refusal = start_refusal(fleet, host, copy)
    if refusal:
        return Done(1, f"simctl: guest {fleet.guests[uuid].name} not started: {refusal}")
    boot(fleet, host, copy, cause)
    return Done(0, f"simctl: Successful start initiation of guest '{fleet.guests[uuid].name}'")


def start_refusal(fleet: SimFleet, host: SimHost, copy: SimCopy) -> str:
    """Why this host would not start the guest, or "". It knows nothing of other hosts: that is for us to know."""
    if not copy.runnable:
        return "it is Not Runnable here"
    if copy.state is not RunState.STOPPED:
        return f"it is not stopped (state {copy.state})"
    if fleet.job_of(copy.uuid) is not None:
        return "it is being migrated"
    if any(entry.arriving for entry in host.copies.values()):
        return "no guest starts while one arrives"
    for disk in copy.disks:
        if disk.id not in (host.presented if disk.kind.shared else host.volumes):
            return f"its disk {disk.id} is not there"
    return shortage(fleet, host, fleet.guests[copy.uuid].load(host.memory_overhead_percent))


def shortage(fleet: SimFleet, host: SimHost, load: Load) -> str:
    """What the host lacks to take this load besides what runs there, or ""."""
    taken = fleet.taken(host)
    free_mib = host.memory_mib - taken.memory_mib
    if load.memory_mib > free_mib:
        return f"insufficient memory on {host.name}: {load.memory_mib} MiB needed, {free_mib} MiB free"
    free_percent = host.cpus * 100 - taken.cpu_percent
    if load.cpu_percent > free_percent:
        return f"insufficient CPU on {host.name}: {load.cpu_percent}% needed, {free_percent}% free"
    return ""


def boot(fleet: SimFleet, host: SimHost, copy: SimCopy, cause: str) -> None:
    """The guest comes up; the ledger says where it should not have."""
    guest = fleet.guests[copy.uuid]
    running = [other.name for other, entry in fleet.copies(copy.uuid) if entry is not copy and entry.running]
    if running:
        hosts = (host.name, *running)
        fleet.ledger.double_runs.append(DoubleRun(fleet.now_s, copy.uuid, hosts, cause))
    found = fleet.content(host, copy)
    if found < guest.newest:
        fleet.ledger.stale_starts.append(StaleStart(fleet.now_s, copy.uuid, host.name, found, guest.newest, cause))
    fleet.write_disks(host, copy)
    guest.boots += 1
    copy.state, copy.boot_marker, copy.booted_on = RunState.TRANSITION, "", host.version
    copy.due = fleet.arrange(fleet.now_s + guest.boot_s, BOOTED, host.name, copy.uuid)
    fleet.touch(host)


def shut_down(fleet: SimFleet, host: SimHost, copy: SimCopy) -> None:
    """The end of a shutdown fell due."""
    halt(fleet, host, copy)


def booted(fleet: SimFleet, host: SimHost, copy: SimCopy) -> None:
    """The end of a boot fell due."""
    copy.state, copy.due = RunState.RUNNING, 0
    copy.boot_marker = f"boot-{fleet.guests[copy.uuid].boots}"
    fleet.touch(host)


def no_guest(host: SimHost, uuid: str) -> Done:
    """What every command says of a guest that is not registered here."""
    return Done(1, f"simctl: no guest {uuid} on {host.name}")
