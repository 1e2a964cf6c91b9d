"""One guest's way to its declared place and power, leg by leg. Made by admission and hops, laid out by timetable.

A leg becomes a step of the plan once it has a start. Nothing here looks at other guests.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.core import capacity
from reconciler.core.compatibility import Decision
from reconciler.core.desired import AfterDeadline, Autostart, Cleanup, Guest
from reconciler.core.diff import GuestDiff
from reconciler.core.model import Load, Method, RunState, Setting, Settings, StepKind, changes
from reconciler.core.observed import HostFacts, Registration
from reconciler.core.planning.intent import facts_digest
from reconciler.core.planning.ways import durations
from reconciler.core.planning.ways.durations import Duration
from reconciler.core.quantities import format_duration


@dataclass(frozen=True)
class Leg:
    """One thing done to the guest. `takes` is held on the target from its start, `frees` on the source to its end."""

    kind: StepKind
    source: str
    target: str
    method: Method | None
    running: bool
    takes: Load
    frees: Load
    duration: Duration
    reason: str
    facts: str
    hop: bool = False
    aside: bool = False
    """Whether it takes the guest from where it is declared, to make room for others."""
    one_way: str = ""
    moved_mib: int = 0
    """What goes over the network."""
    delete_source: bool = False
    copies: tuple[str, ...] = ()
    """Devices whose contents are copied, as the platform spells them."""
    converge: bool = False
    vouched: bool = False
    settings: Settings = ()
    settings_before: Settings = ()
    autostart: bool | None = None
    network: str = ""
    """The migration network that it goes over; empty for the one without a name, and for all but a migration."""
    via: str = ""
    """What the source calls the target there."""
    intent: str = ""
    """Digest of what it is for, and which attempt at that it is, where that is not what its journey is for."""
    attempt: int = 1

    @property
    def stops_guest(self) -> bool:
        """Whether it takes a running guest down."""
        return self.kind is StepKind.STOP or (self.method is Method.OFFLINE and self.running)


@dataclass(frozen=True)
class Journey:
    """All legs of one guest, in order. `entry` is its registration as seen."""

    guest: Guest
    difference: GuestDiff
    entry: Registration
    legs: tuple[Leg, ...]
    intent: str
    attempt: int = 1
    """Which attempt of its intent the first leg is."""
    refused: frozenset[tuple[str, str]] = frozenset()
    """(source, target) pairs that the platform refused on the very facts of now."""
    only_offline: bool = False
    """The online attempts are used up."""

    @property
    def name(self) -> str:
        """The guest's name."""
        return self.guest.name

    def aim_of(self, index: int) -> tuple[str, int]:
        """What one of its legs is for, as an intent, and which attempt at that it is."""
        leg = self.legs[index]
        if leg.intent:
            return leg.intent, leg.attempt
        first = not any(not before.intent for before in self.legs[:index])
        return self.intent, self.attempt if first else 1

    @property
    def grows(self) -> bool:
        """Whether the guest moves or starts, and is given more CPU then."""
        return len(self.legs) > 1 and self.legs[-1].kind is StepKind.SET and self.legs[-1].takes.cpu_percent > 0

    def without_growth(self) -> Journey:
        """The same, but for the CPU that a guest is given more once it has moved or started."""
        if not self.grows:
            return self
        last = self.legs[-1]
        kept = tuple(pair for pair in last.settings if pair[0] != Setting.ENTITLEMENT)
        before = tuple(pair for pair in last.settings_before if pair[0] != Setting.ENTITLEMENT)
        reason = f"declared: {changes(kept, before)}{LATER}"
        smaller = replace(last, settings=kept, settings_before=before, takes=Load(), reason=reason)
        return replace(self, legs=(*self.legs[:-1], smaller) if kept else self.legs[:-1])


def migration(
    guest: Guest, entry: Registration, source: HostFacts, target: HostFacts, decision: Decision, why: str, *, hop: bool
) -> Leg:
    """The leg that brings the guest, registered as `entry`, to `target`. `why` begins its reason."""
    method = decision.method or Method.OFFLINE
    takes = capacity.needed(entry, target, copies=True)
    copied_mib = takes.disk_mib
    delete_source = guest.migration.cleanup is Cleanup.DELETE and copied_mib > 0 and not source.keeps_copies
    over = f"; over network {decision.way.network}" if decision.way.network else ""
    held = entry.load(source.memory_overhead_percent) if entry.running else Load()
    return Leg(
        kind=StepKind.MIGRATE,
        source=source.name,
        target=target.name,
        method=method,
        running=entry.running,
        takes=takes if entry.running else Load(disk_mib=copied_mib),
        frees=replace(held, disk_mib=copied_mib) if delete_source else held,
        duration=durations.migration(
            entry, source, target, method, guest.migration.stop, decision.way.bandwidth_mib_s
        ).paced(decision.way.pace),
        reason=f"{why}; {how(decision)}{over}{patience(guest) if entry.running and method is Method.OFFLINE else ''}",
        facts=facts_digest(entry, source, target),
        hop=hop,
        one_way=decision.one_way,
        moved_mib=copied_mib + (entry.memory_mib if method is Method.ONLINE else 0),
        delete_source=delete_source,
        copies=tuple(disk.resource for disk in entry.local_disks),
        converge=guest.migration.auto_converge and method is Method.ONLINE,
        vouched=any(disk.vouched for disk in entry.disks),
        autostart=entry.autostart if guest.autostart is Autostart.KEEP else None,
        network=decision.way.network,
        via=decision.way.address,
    )


def power(guest: Guest, entry: Registration, host: HostFacts, kind: StepKind, pace: float = 1.0) -> Leg:
    """The leg that starts or stops the guest where it is; `pace`: how many times as long as the model says."""
    load = entry.load(host.memory_overhead_percent)
    starts = kind is StepKind.START
    takes_s = durations.starting_s() if starts else durations.stopping_s(guest.migration.stop)
    return Leg(
        kind=kind,
        source=host.name,
        target=host.name,
        method=None,
        running=not starts,
        takes=load if starts else Load(),
        frees=Load() if starts else load,
        duration=Duration(takes_s, 0.0).paced(pace),
        reason=f"declared power: {guest.power}; {RunState.STOPPED if starts else RunState.RUNNING} now"
        f"{'' if starts else patience(guest)}",
        facts=facts_digest(entry, host, host),
    )


SOONER, TO_START, LATER = "; before it moves", "; before it starts", "; once it is there"
"""What the reason of a change says where that is not all that becomes of the guest."""


def setting(
    entry: Registration, host: HostFacts, settings: Settings, pace: float = 1.0, *, intent: str = "", when: str = ""
) -> Leg:
    """Changes settings of the guest where it is. Memory takes and frees nothing: the most counts always."""
    wanted, before = dict(settings), tuple((name, entry.setting(name)) for name, _ in settings)
    grows = int(wanted.get(Setting.ENTITLEMENT, entry.cpu_entitlement_percent)) - entry.cpu_entitlement_percent
    cpu_percent = entry.vcpus * grows if entry.running else 0
    memory_mib = int(wanted.get(Setting.MEMORY, 0))
    moved_mib = abs(memory_mib - int(entry.setting(Setting.MEMORY))) if memory_mib else 0
    return Leg(
        kind=StepKind.SET,
        source=host.name,
        target=host.name,
        method=None,
        running=entry.running,
        takes=Load(cpu_percent=max(0, cpu_percent)),
        frees=Load(cpu_percent=max(0, -cpu_percent)),
        duration=Duration(durations.setting_s(moved_mib), 0.0).paced(pace),
        reason=f"declared: {changes(settings, before)}{when}",
        facts=facts_digest(entry, host, host),
        intent=intent,
        settings=settings,
        settings_before=before,
    )


def patience(guest: Guest) -> str:
    """What a reader must know of a stop that may take as long as a person does."""
    if guest.migration.stop.then is not AfterDeadline.WAIT:
        return ""
    graceful = format_duration(guest.migration.stop.graceful_s)
    return f"; if it has not stopped after {graceful}, it waits for a person to shut it down"


def how(decision: Decision) -> str:
    """The method, and what decided for it."""
    if decision.method is Method.ONLINE:
        reasons = "; ".join(entry.reason for entry in decision.telling)
        return f"online: {reasons}" if reasons else "online"
    return f"offline because {decision.deciding.reason}" if decision.deciding is not None else "offline"
