"""The state of a simulated fleet: hosts, guests, registrations, volumes, jobs, and what is due when.

Changed by power, migration, recordbook and incidents only; read by looks, codec and the tests' questions in world.
Knows what things are, never what happens to them: the physics is elsewhere.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from reconciler.core.commands import Command
from reconciler.core.model import Load, Method, Processor, RunState
from reconciler.core.observed import Disk, HostFacts, Registration
from reconciler.core.records import MoveRecord

PROCESSOR = Processor(32, 1, "Itanium 2 9100")

LISTED_BY = "listed_by"
"""In a state file this mapping is a list of its values, each of which holds its key under the name given."""
NOT_SAVED = {"saved": False}
"""Not in a state file: made anew from the rest."""

JOBS_KEPT_MAX = 20
"""Ended jobs a host remembers; the oldest go first."""


@dataclass(slots=True)
class SimGuest:
    """A guest itself, wherever it is registered."""

    uuid: str
    name: str
    memory_mib: int = 2048
    vcpus: int = 1
    cpu_entitlement_percent: int = 10
    networks: tuple[str, ...] = ()
    dirty_mib_s: float = 0.0
    attributes: Mapping[str, str] = field(default_factory=dict)
    """As a look shows them. `autostart` is what a first registration of the guest begins with."""
    shutdown_s: float | None = 30.0
    """How long it takes to shut down when asked; None: it ignores the request."""
    boot_s: float = 60.0
    boots: int = 0
    """How often it was started; names its boot markers."""
    newest: int = 0
    """The newest generation that any disk of it ever had. A start from an older one has lost something."""
    memory_current_mib: int = 0
    """What it has now, while it runs. 0: all of it, as after each boot."""
    memory_min_mib: int = 0
    memory_step_mib: int = 0
    """Bound and granularity of its dynamic memory. 0: its memory cannot be set."""
    memory_set_s: float | None = 20.0
    """How long it takes to get the memory it was told to have; None: it never does."""
    memory_wanted_mib: int = 0
    memory_due: int = 0
    """What it was told to have, and the number of the happening by which it has it; 0: none."""

    def load(self, overhead_percent: int) -> Load:
        """What it takes on a host while it runs."""
        memory_mib = -(-self.memory_mib * (100 + overhead_percent) // 100)
        return Load(memory_mib, self.vcpus * self.cpu_entitlement_percent)


@dataclass(slots=True)
class SimCopy:
    """A guest's registration on one host."""

    uuid: str
    state: RunState = RunState.STOPPED
    runnable: bool = True
    disks: tuple[Disk, ...] = ()
    boot_marker: str = ""
    booted_on: str = ""
    """The host's version at this boot: what the platform knows and no look shows."""
    autostart: bool | None = None
    """Whether this host starts it at boot; where a file says nothing, as the guest's `attributes.autostart` says."""
    arriving: bool = False
    """An online migration is filling it."""
    due: int = 0
    """Number of the happening it waits for (end of shutdown or boot); 0: none."""

    @property
    def running(self) -> bool:
        """Whether it takes memory."""
        return self.state is not RunState.STOPPED


@dataclass(slots=True)
class Volume:
    """A disk that lies on one host. `generation` counts what was written; -1: half a copy."""

    uuid: str
    size_mib: int
    generation: int = 0


class JobEnd(StrEnum):
    """How a job will end, decided when it starts."""

    DONE = "done"
    ABORTED = "aborted"
    """Harmless: everything is as it was."""
    LEFTOVER = "leftover"
    """Failed, and half a copy stays on the target."""
    BOTH_NOT_RUNNABLE = "both-not-runnable"
    """Failed so badly that neither host would start the guest."""
    NEVER = "never"
    """Hangs until a host of it goes down."""


@dataclass(slots=True)
class SimJob:
    """A migration that runs, or ran, on its source."""

    record_id: str
    attempt: int
    uuid: str
    method: Method
    source: str
    target: str
    started_s: float
    duration_s: float
    """How long it takes if nothing intervenes."""
    end: JobEnd = JobEnd.DONE
    reason: str = ""
    """Why it will not end well."""
    due: int = 0
    replaced: SimCopy | None = None
    """The Not Runnable registration that an arriving guest took the place of on the target."""
    volumes: tuple[str, ...] = ()
    """Paths on the target that are being written, one for each local disk in order."""
    ended: bool = False
    status: int | None = None
    output: str = ""
    ended_s: float = 0.0

    def touches(self, host: str) -> bool:
        """Whether this host is one of its two ends."""
        return host in (self.source, self.target)


@dataclass(slots=True)
class SimHost:
    """A host: what it is, what lies on it, and what of it was already turned into facts."""

    name: str
    machine_id: str = ""
    platform: str = "integrity-vm"
    version: str = "4.2"
    processor: Processor = PROCESSOR
    cpus: int = 8
    memory_mib: int = 65536
    memory_overhead_percent: int = 8
    disk_mib: int = 1048576
    """Room for local volumes, those that exist included."""
    bandwidth_mib_s: float = 100.0
    networks: tuple[str, ...] = ()
    presented: tuple[str, ...] = ()
    slots: int = 1
    """Moves it takes part in at once, in and out together."""
    clock_skew_s: float = 0.0
    up: bool = True
    reachable: bool = True
    """Whether commands and looks get through; what runs on it goes on all the same."""
    copies: dict[str, SimCopy] = field(default_factory=dict, metadata={LISTED_BY: "uuid"})
    volumes: dict[str, Volume] = field(default_factory=dict)
    records: dict[str, MoveRecord] = field(default_factory=dict, metadata={LISTED_BY: "guest_uuid"})
    """By guest: there is at most one for each."""
    jobs: list[SimJob] = field(default_factory=list)
    seen_registrations: tuple[Registration, ...] | None = field(default=None, metadata=NOT_SAVED)
    """Made by looks, dropped by `SimFleet.touch`."""
    seen: HostFacts | None = field(default=None, metadata=NOT_SAVED)

    def __post_init__(self) -> None:
        self.machine_id = self.machine_id or f"machine-{self.name}"

    @property
    def answers(self) -> bool:
        """Whether a look or a command gets through."""
        return self.up and self.reachable

    @property
    def disk_free_mib(self) -> int:
        """Room for more volumes."""
        return self.disk_mib - sum(volume.size_mib for volume in self.volumes.values())


class Due(NamedTuple):
    """Something that will happen. Compared by time, then by the order in which it was arranged."""

    at_s: float
    number: int
    what: str
    host: str = ""
    uuid: str = ""


class DoubleRun(NamedTuple):
    """One guest started while another copy of it ran."""

    at_s: float
    uuid: str
    hosts: tuple[str, ...]
    cause: str
    """`command`, `autostart` or `by-hand`."""


class StaleStart(NamedTuple):
    """A guest started from disks that are older than the newest it ever had."""

    at_s: float
    uuid: str
    host: str
    generation: int
    newest: int
    cause: str


@dataclass(slots=True)
class Ledger:
    """What must not happen and did, and what was destroyed. Only ever grows."""

    double_runs: list[DoubleRun] = field(default_factory=list)
    stale_starts: list[StaleStart] = field(default_factory=list)
    deleted_disks: list[tuple[str, str]] = field(default_factory=list)
    """(host, path) of every volume that a command deleted."""
    overwritten_disks: list[tuple[str, str]] = field(default_factory=list)
    """(host, path) of every volume that a return move took the place of."""
    lost_contents: list[tuple[float, str, str]] = field(default_factory=list)
    """(time, guest, host) of every deletion that took the last copy of a guest's newest content, or its last
    registration."""


@dataclass(slots=True)
class SimFleet:
    """All of it. `revision` changes with everything that is worth saving."""

    now_s: float = 1_700_000_000.0
    hosts: dict[str, SimHost] = field(default_factory=dict, metadata={LISTED_BY: "name"})
    guests: dict[str, SimGuest] = field(default_factory=dict, metadata={LISTED_BY: "uuid"})
    luns: dict[str, int] = field(default_factory=dict)
    """Generation of what is on each LUN, by WWID."""
    due: list[Due] = field(default_factory=list)
    """A heap."""
    delayed: dict[int, Command] = field(default_factory=dict)
    """Commands that are still on their way, by the number of their happening."""
    live_jobs: list[SimJob] = field(default_factory=list, metadata=NOT_SAVED)
    """Those of the hosts' jobs that have not ended, oldest first."""
    ledger: Ledger = field(default_factory=Ledger)
    number: int = 0
    """Of the latest happening that was arranged."""
    revision: int = field(default=0, metadata=NOT_SAVED)

    def touch(self, host: SimHost) -> None:
        """Something on this host changed: what was seen of it is old."""
        host.seen = host.seen_registrations = None
        self.revision += 1

    def arrange(self, at_s: float, what: str, host: str = "", uuid: str = "") -> int:
        """Let something happen later; the number tells it from what was arranged before."""
        self.number += 1
        heapq.heappush(self.due, Due(at_s, self.number, what, host, uuid))
        self.revision += 1
        return self.number

    def clock_s(self, host: SimHost) -> float:
        """What the host's own clock shows."""
        return self.now_s + host.clock_skew_s

    def copies(self, uuid: str) -> Iterator[tuple[SimHost, SimCopy]]:
        """Every registration of the guest, by host name."""
        for name in sorted(self.hosts):
            copy = self.hosts[name].copies.get(uuid)
            if copy is not None:
                yield self.hosts[name], copy

    def job_of(self, uuid: str) -> SimJob | None:
        """The guest's migration under way."""
        return next((job for job in self.live_jobs if job.uuid == uuid), None)

    def taken(self, host: SimHost) -> Load:
        """What running and arriving guests take there."""
        memory_mib = cpu_percent = 0
        for copy in host.copies.values():
            if copy.running:
                load = self.guests[copy.uuid].load(host.memory_overhead_percent)
                memory_mib += load.memory_mib
                cpu_percent += load.cpu_percent
        return Load(memory_mib, cpu_percent)

    def generation(self, host: SimHost, disk: Disk) -> int:
        """How much was ever written to this disk; -1 where it is gone or half a copy."""
        if disk.kind.shared:
            return self.luns.get(disk.id, 0)
        volume = host.volumes.get(disk.id)
        return volume.generation if volume is not None else -1

    def content(self, host: SimHost, copy: SimCopy) -> int:
        """The generation of the copy's oldest disk: what a guest started from it would find."""
        newest = self.guests[copy.uuid].newest
        return min((self.generation(host, disk) for disk in copy.disks), default=newest)

    def write_disks(self, host: SimHost, copy: SimCopy) -> None:
        """The guest ran there and wrote to all of its disks."""
        guest = self.guests[copy.uuid]
        for disk in copy.disks:
            written = self.generation(host, disk) + 1
            if disk.kind.shared:
                self.luns[disk.id] = written
            elif disk.id in host.volumes:
                host.volumes[disk.id].generation = written
            guest.newest = max(guest.newest, written)

    def drop_volumes(self, host: SimHost, copy: SimCopy) -> list[str]:
        """Remove the copy's local disks; says so in the ledger where they were the last with the newest content."""
        guest = self.guests[copy.uuid]
        local = [disk.id for disk in copy.disks if not disk.kind.shared and disk.id in host.volumes]
        if local and self.content(host, copy) >= guest.newest:
            elsewhere = (
                self.content(other, entry) for other, entry in self.copies(copy.uuid) if other.name != host.name
            )
            if max(elsewhere, default=-1) < guest.newest:
                self.ledger.lost_contents.append((self.now_s, copy.uuid, host.name))
        for path in local:
            del host.volumes[path]
        return local
