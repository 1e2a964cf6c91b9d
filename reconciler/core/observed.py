"""What the hosts say. Made by drivers, read by everything else.

Unknown is a value here: `Unreachable` for a host that did not answer, `RunState.TRANSITION` for a state nobody knows.
An empty tuple always means "we looked, there are none".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from reconciler.core.model import Load, Processor, RunState, Setting, StorageKind
from reconciler.core.records import MoveRecord


@dataclass(frozen=True, order=True)
class Disk:
    """One disk of a guest: `id` is the WWID of a LUN, else the path on this host; `size_mib` what a copy takes."""

    id: str
    kind: StorageKind
    size_mib: int = 0
    shared_with: tuple[str, ...] = ()
    """Other guests of this host that use the same backing device."""
    resource: str = ""
    """How the platform spells the device to its own commands, where a copy has to name it."""
    store: str = ""
    """Of a shared disk: what of `HostFacts.presented` it lies on, where that is not the disk itself."""
    vouched: bool = False
    """Shared because the operator's settings say so: the platform itself cannot tell."""


@dataclass(frozen=True)
class BootFloor:
    """Evidence that this very boot of the guest ran on `version` before: the oldest one it was seen on.

    A guest that has run on a version since its last boot was booted there or on an older one, so it may go back
    there online.
    """

    version: str
    host: str
    seen: str
    """When and by whom, as a verdict prints it."""


UNUSABLE_NAME = "unusable_name"
"""The attribute of a registration whose name no document can hold: that name, fit to be shown. It goes by its uuid."""


@dataclass(frozen=True)
class Registration:
    """A guest that one host knows, running or not. `memory_mib` is the most it may take without us."""

    uuid: str
    name: str
    state: RunState
    runnable: bool = True
    """False: the platform would not start it here (on Integrity VM, what a migration leaves on its source)."""
    memory_mib: int = 0
    memory_current_mib: int = 0
    """What it has now. 0: not known, or the same as `memory_mib`."""
    memory_min_mib: int = 0
    """The least that its dynamic memory may be set to."""
    memory_step_mib: int = 0
    """What its dynamic memory is counted in. 0: not dynamic, its memory cannot be set."""
    vcpus: int = 1
    cpu_entitlement_percent: int = 10
    """Guaranteed share of one CPU per vCPU."""
    cpu_cap_percent: int | None = None
    """The most of one CPU that each vCPU may take; 100 where there is no limit. None: it cannot be set here."""
    disks: tuple[Disk, ...] = ()
    networks: tuple[str, ...] = ()
    dirty_mib_s: float = 0.0
    """How fast the guest rewrites its memory, where the platform says so; 0 where not."""
    boot_marker: str = ""
    """Changes with every boot, survives an online migration. Empty: not known."""
    boot_floor: BootFloor | None = None
    autostart: bool | None = None
    """Whether the host starts it when it boots. None: not known."""
    left_over: bool = False
    """Stopped, and its platform says that it went by a migration, or never arrived by one: not the guest's own copy."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What the platform's rules need beyond this; each driver lists the keys it reads."""

    @property
    def running(self) -> bool:
        """Whether it runs, or may run: a state in transition counts as running."""
        return self.state is not RunState.STOPPED

    @property
    def startable(self) -> bool:
        """Whether this copy runs, may run, or could be started here."""
        return self.running or self.runnable

    def shows(self, setting: str, value: str) -> bool:
        """Whether the guest has this setting now; memory counts as reached within less than one step."""
        if setting == Setting.MEMORY:
            now_mib = self.memory_current_mib or self.memory_mib
            return abs(now_mib - int(value)) < max(1, self.memory_step_mib)
        return self.setting(setting) == value

    def setting(self, setting: str) -> str:
        """The value it has now, as records spell it; empty where it is not known."""
        if setting == Setting.MEMORY:
            return str(self.memory_current_mib or self.memory_mib)
        if setting == Setting.ENTITLEMENT:
            return str(self.cpu_entitlement_percent)
        if setting == Setting.CAP:
            return "" if self.cpu_cap_percent is None else str(self.cpu_cap_percent)
        return "" if self.autostart is None else "on" if self.autostart else "off"

    @cached_property
    def local_disks(self) -> tuple[Disk, ...]:
        """The disks whose contents must be copied to reach another host."""
        return tuple(disk for disk in self.disks if not disk.kind.shared)

    def load(self, overhead_percent: int = 0) -> Load:
        """What it takes on a host while it runs, with the platform's memory overhead; its disks are not counted
        here.
        """
        memory_mib = -(-self.memory_mib * (100 + overhead_percent) // 100)
        return Load(memory_mib=memory_mib, cpu_percent=self.vcpus * self.cpu_entitlement_percent, vcpus=self.vcpus)

    def copied_mib(self) -> int:
        """Disk room a copy of its local disks takes, in MiB."""
        return sum(disk.size_mib for disk in self.local_disks)


@dataclass(frozen=True)
class Job:
    """A long command that runs, or ran, on its own on a host: found again by the record it belongs to."""

    record_id: str
    attempt: int
    verb: str
    ended: bool
    status: int | None = None
    """Exit status once ended. State decides, never this alone."""
    progress_percent: int | None = None
    output_tail: str = ""
    moved_mib: int | None = None
    remaining_mib: int | None = None
    rate_mib_s: float | None = None
    """What was carried so far, what is left of it, and how fast it goes, where the platform says so."""


@dataclass(frozen=True, order=True)
class LeftDisk:
    """A disk that a move has left behind, and that nothing registered there uses: an original on its source, a copy, or
    half of one, on its target."""

    record_id: str
    path: str


@dataclass(frozen=True)
class HostFacts:
    """All that one look at one host gives. Volatile figures (`clock_s`, `jobs`) are not part of a snapshot."""

    name: str
    machine_id: str
    platform: str
    """Which rule book applies, for example `integrity-vm`."""
    version: str
    processor: Processor
    cpus: int
    memory_mib: int
    """Memory for guests: what the platform itself takes is already off."""
    memory_overhead_percent: int = 0
    """What the platform adds to each running guest's memory."""
    disk_free_mib: int = 0
    """Free room for copied disks."""
    bandwidth_mib_s: float = 100.0
    """Of the migration network."""
    keeps_copies: bool = False
    """Whether the platform keeps what a migration leaves on its source, whatever a document asks for."""
    networks: tuple[str, ...] = ()
    presented: tuple[str, ...] = ()
    """What this host can see that others may see as well: WWIDs of LUNs, and stores of shared images."""
    registrations: tuple[Registration, ...] = ()
    records: tuple[MoveRecord, ...] = ()
    saved: tuple[str, ...] = ()
    """Ids of move records beside which the definition of a guest lies that is registered here no longer: it can be put
    back."""
    left: tuple[LeftDisk, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What the platform's rules need beyond this; each driver lists the keys it reads."""
    jobs: tuple[Job, ...] = ()
    clock_s: float = 0.0
    """The host's own clock at the look, in seconds since the epoch: records expire by it."""

    def registration(self, uuid: str) -> Registration | None:
        """The guest's registration here, by identity."""
        return next((entry for entry in self.registrations if entry.uuid == uuid), None)

    def record(self, record_id: str) -> MoveRecord | None:
        """The move record of this id that lies here."""
        return next((entry for entry in self.records if entry.id == record_id), None)

    def record_of(self, guest_uuid: str) -> MoveRecord | None:
        """The move record for this guest that lies here; there is at most one."""
        return next((entry for entry in self.records if entry.guest_uuid == guest_uuid), None)

    def left_by(self, record_id: str) -> tuple[str, ...]:
        """Paths of the disks that this move has left here."""
        return tuple(disk.path for disk in self.left if disk.record_id == record_id)

    def job(self, record_id: str, attempt: int) -> Job | None:
        """The newest job of this record and attempt."""
        found = [job for job in self.jobs if job.record_id == record_id and job.attempt == attempt]
        return found[-1] if found else None


@dataclass(frozen=True)
class Unreachable:
    """A host that could not be read: nothing is known of it now.

    What it was last seen to hold is no knowledge of now, so it can only forbid: a guest that could be started there
    must not be started elsewhere.
    """

    name: str
    reason: str
    startable: tuple[str, ...] = ()
    """Guests (uuids) that ran or could be started there when it was read last, where that is remembered."""


Look = HostFacts | Unreachable


def startable(look: Look) -> tuple[str, ...]:
    """The guests that run or could be started on this host, or did when it was read last."""
    if isinstance(look, Unreachable):
        return look.startable
    return tuple(sorted(entry.uuid for entry in look.registrations if entry.startable))


@dataclass(frozen=True)
class ObservedFleet:
    """One look at every host that is declared."""

    hosts: Mapping[str, Look]

    def reachable(self) -> Iterator[HostFacts]:
        """The hosts that answered, by name."""
        for _, look in sorted(self.hosts.items()):
            if isinstance(look, HostFacts):
                yield look

    def unreachable(self) -> Iterator[Unreachable]:
        """The hosts that did not, by name."""
        for _, look in sorted(self.hosts.items()):
            if isinstance(look, Unreachable):
                yield look

    def facts(self, host: str) -> HostFacts | None:
        """The facts of a host that answered, else None."""
        look = self.hosts.get(host)
        return look if isinstance(look, HostFacts) else None


def undeclared(
    observed: ObservedFleet, last_startable: Mapping[str, tuple[str, ...]], lost_hosts: Collection[str]
) -> ObservedFleet:
    """The looks, and besides every host that nobody looked at and that was last seen with guests that could run there:
    a host whose document was removed goes on running them."""
    hosts: dict[str, Look] = dict(observed.hosts)
    for name, uuids in sorted(last_startable.items()):
        if name not in hosts and name not in lost_hosts and uuids:
            hosts[name] = Unreachable(name, "no longer declared, and last seen with guests", tuple(uuids))
    return ObservedFleet(hosts)
