"""Desired against observed, guest by guest. Called once a pass; decides what differs, not what to do about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.desired import Autostart, DesiredFleet, Guest, PowerWish
from reconciler.core.model import RunState, Setting, Settings, StepKind, changes
from reconciler.core.observed import HostFacts, ObservedFleet, Registration
from reconciler.core.records import MoveRecord


class Finding(StrEnum):
    """How a guest stands to its document; documented in docs/reference/findings.md."""

    IN_PLACE = "in-place"
    MISPLACED = "misplaced"
    POWER_DIFFERS = "power-differs"
    """In place, but running where the document says stopped, or the other way round."""
    SETTINGS_DIFFER = "settings-differ"
    """In place and with the declared power, but a declared setting differs: memory, CPU share or cap, autostart."""
    MISSING = "missing"
    """Every host was read; none has it."""
    UNKNOWN = "unknown"
    """No host that answered has it, and not every host answered."""
    RENAMED = "renamed"
    """The declared identity is there under another name. Placement goes on by identity."""
    REPLACED = "replaced"
    """The declared name is there with another identity: hands off."""
    DUPLICATED = "duplicated"
    """More than one copy runs or could be started: hands off, a person must decide."""
    NOT_RUNNABLE = "not-runnable"
    """Only copies that the platform would not start are left: hands off, a person must decide."""
    UNMANAGED = "unmanaged"
    """No document: counted in capacity, never touched."""
    QUARANTINED = "quarantined"
    """Its document cannot be read: reported, never touched."""


SETTLED = frozenset({Finding.IN_PLACE, Finding.RENAMED, Finding.UNMANAGED})
"""Findings that need nothing done."""

HANDS_OFF = frozenset(
    {Finding.MISSING, Finding.UNKNOWN, Finding.REPLACED, Finding.DUPLICATED, Finding.NOT_RUNNABLE, Finding.QUARANTINED}
)
"""Findings that nothing may be done about without a person."""


@dataclass(frozen=True, order=True)
class Place:
    """One registration of a guest: where, and whether it runs or could be started there."""

    host: str
    state: RunState
    runnable: bool

    @property
    def live(self) -> bool:
        """Whether it runs or could be started there; what a migration left behind does not count."""
        return self.runnable or self.state is not RunState.STOPPED

    def __str__(self) -> str:
        return f"{self.host} ({self.state}{'' if self.runnable else ', not runnable'})"


@dataclass(frozen=True)
class GuestDiff:
    """One guest's finding. `uuid` is empty where no copy was seen."""

    name: str
    uuid: str
    finding: Finding
    wanted: str
    """The declared host; empty for an unmanaged guest."""
    places: tuple[Place, ...]
    text: str
    """The finding as a sentence."""
    power: StepKind | None = None
    """START or STOP where the document wants another power state than the guest has. May come with MISPLACED."""
    known_as: str = ""
    """The name the hosts know it by, where that is not the document's."""
    settings: Settings = ()
    """The declared settings that it does not have where it is. May come with MISPLACED and POWER_DIFFERS."""

    @property
    def place(self) -> Place | None:
        """The one copy that runs or could be started, where there is exactly one."""
        live = [place for place in self.places if place.live]
        return live[0] if len(live) == 1 else None


class HostReason(StrEnum):
    """Why nothing may be done about a host; documented in docs/reference/findings.md."""

    UNREACHABLE = "Unreachable"
    """It could not be read, or nobody looked at it."""
    SHARED_IDENTITY = "SharedIdentity"
    """Another Host document leads to the same machine."""
    CHANGED_IDENTITY = "ChangedIdentity"
    """The name leads to another machine than at the last report."""


@dataclass(frozen=True)
class HostFinding:
    """What stops everything about a host: it cannot be read, or it is not the machine it should be."""

    host: str
    reason: HostReason
    text: str


@dataclass(frozen=True)
class Diff:
    """Every declared and every observed guest, sorted by name, and every host nothing may be done with."""

    guests: tuple[GuestDiff, ...]
    hosts: tuple[HostFinding, ...]
    records: tuple[MoveRecord, ...] = ()
    """Move records that lie on the hosts, one of each."""

    @property
    def converged(self) -> bool:
        """Whether nothing differs, every host was read and nothing is under way."""
        settled = all(guest.finding in SETTLED and guest.power is None for guest in self.guests)
        return settled and not self.hosts and not any(record.under_way for record in self.records)

    def guest(self, name: str) -> GuestDiff | None:
        """The guest of this name."""
        return next((guest for guest in self.guests if guest.name == name), None)


def diff(desired: DesiredFleet, observed: ObservedFleet, previous_machines: Mapping[str, str] | None = None) -> Diff:
    """Compare. `previous_machines` is host name -> machine id as last reported: it can only forbid."""
    index = _Index(desired, observed)
    guests = [_declared(guest, index) for guest in desired.guests.values()]
    guests += [_quarantined(name, problem.what, index) for name, problem in desired.quarantined.items()]
    spoken_for = {guest.uuid for guest in guests} | {
        uuid for name in (*desired.guests, *desired.quarantined) for uuid in index.uuids_by_name.get(name, ())
    }
    guests += [_unmanaged(uuid, index) for uuid in index.by_uuid if uuid not in spoken_for]
    return Diff(
        guests=tuple(sorted(guests, key=lambda guest: (guest.name, guest.uuid))),
        hosts=tuple(sorted(_host_findings(desired, observed, previous_machines or {}), key=lambda found: found.host)),
        records=_records(observed),
    )


class _Index:
    """Registrations by identity and by name, built once: looking each guest up on each host would be quadratic."""

    def __init__(self, desired: DesiredFleet, observed: ObservedFleet) -> None:
        self.away = _away(desired, observed)
        self.claims: dict[str, list[str]] = defaultdict(list)
        for guest in desired.guests.values():
            if guest.uuid is not None:
                self.claims[guest.uuid].append(guest.name)
        self.last_seen: dict[str, list[str]] = defaultdict(list)
        """Guest -> unread hosts on which it ran or could be started when they were read last."""
        for host in observed.unreachable():
            for uuid in host.startable:
                self.last_seen[uuid].append(host.name)
        self.by_uuid: dict[str, list[tuple[HostFacts, Registration]]] = defaultdict(list)
        self.uuids_by_name: dict[str, set[str]] = defaultdict(set)
        for facts in observed.reachable():
            for entry in facts.registrations:
                self.by_uuid[entry.uuid].append((facts, entry))
                self.uuids_by_name[entry.name].add(entry.uuid)

    def places(self, uuid: str) -> tuple[Place, ...]:
        return tuple(
            sorted(Place(facts.name, entry.state, entry.runnable) for facts, entry in self.by_uuid.get(uuid, ()))
        )

    def name_of(self, uuid: str) -> str:
        """The name its live copy goes by, else the first of its names."""
        entries = [entry for _, entry in self.by_uuid[uuid]]
        return next((entry.name for entry in entries if entry.startable), min(entry.name for entry in entries))


def _declared(guest: Guest, index: _Index) -> GuestDiff:
    named = sorted(index.uuids_by_name.get(guest.name, ()))
    if guest.uuid is not None and len(index.claims[guest.uuid]) > 1:
        text = f"more than one document declares this uuid: {', '.join(sorted(index.claims[guest.uuid]))}"
        return GuestDiff(guest.name, guest.uuid, Finding.DUPLICATED, guest.host, index.places(guest.uuid), text)
    if guest.uuid is None:
        spoken_for = [uuid for uuid in named if uuid in index.claims]
        named = [uuid for uuid in named if uuid not in index.claims]
        if spoken_for and not named:
            places = tuple(place for uuid in spoken_for for place in index.places(uuid))
            text = f"the guest of this name is declared as {', '.join(index.claims[spoken_for[0]])} by its uuid"
            return GuestDiff(guest.name, "", Finding.REPLACED, guest.host, places, text)
    if guest.uuid is None and len(named) > 1:
        places = tuple(place for uuid in named for place in index.places(uuid))
        text = f"{len(named)} different guests have this name: declare the uuid of the one that is meant"
        return GuestDiff(guest.name, "", Finding.DUPLICATED, guest.host, places, text)
    uuid = guest.uuid or (named[0] if named else "")
    places = index.places(uuid)
    last_seen = index.last_seen.get(uuid)
    if places and last_seen:
        text = f"seen on {', '.join(map(str, places))}, and before on {', '.join(last_seen)}, which cannot be read now"
        return GuestDiff(guest.name, uuid, Finding.UNKNOWN, guest.host, places, text)
    if places:
        return _placed(guest, uuid, places, index)
    if named:
        others = tuple(place for other in named for place in index.places(other))
        text = f"a guest with another uuid has this name: {', '.join(map(str, others))}"
        return GuestDiff(guest.name, "", Finding.REPLACED, guest.host, others, text)
    if index.away:
        text = f"not on any host that answered; not read: {', '.join(index.away)}"
        return GuestDiff(guest.name, uuid, Finding.UNKNOWN, guest.host, (), text)
    return GuestDiff(guest.name, uuid, Finding.MISSING, guest.host, (), "every host was read, and none has it")


def _placed(guest: Guest, uuid: str, places: tuple[Place, ...], index: _Index) -> GuestDiff:
    """The finding for a guest of which at least one copy was seen."""
    name = index.name_of(uuid)
    known_as = name if name != guest.name else ""
    settings: Settings = ()

    def found(finding: Finding, text: str, power: StepKind | None = None) -> GuestDiff:
        return GuestDiff(guest.name, uuid, finding, guest.host, places, text, power, known_as, settings)

    live = [place for place in places if place.live]
    if not live and index.away:
        text = f"only copies that could not be started were seen; not read: {', '.join(index.away)}"
        return found(Finding.UNKNOWN, text)
    if not live:
        return found(Finding.NOT_RUNNABLE, f"no copy could be started: {', '.join(map(str, places))}")
    if len(live) > 1:
        return found(Finding.DUPLICATED, f"more than one copy runs or could be started: {', '.join(map(str, live))}")
    place, power = live[0], _power(guest.power, live[0].state)
    entry = next(entry for facts, entry in index.by_uuid[uuid] if facts.name == place.host)
    settings = tuple((name, value) for name, value in wishes(guest) if not entry.shows(name, value))
    if place.host != guest.host:
        return found(Finding.MISPLACED, f"{place.state} on {place.host}, declared on {guest.host}", power)
    if power is not None:
        return found(Finding.POWER_DIFFERS, f"{place.state} on {place.host}, declared {guest.power}", power)
    if settings:
        now = tuple((name, entry.setting(name)) for name, _ in settings)
        return found(Finding.SETTINGS_DIFFER, f"{place.state} on {place.host}; declared: {changes(settings, now)}")
    if known_as:
        return found(Finding.RENAMED, f"{place.state} on {place.host}, where it is named {known_as}")
    return found(Finding.IN_PLACE, f"{place.state} on {place.host}")


def wishes(guest: Guest) -> Settings:
    """The settings that the document asks for. One that shall be stopped has no memory to speak of."""
    wanted = []
    if guest.memory_mib is not None and guest.power is not PowerWish.STOPPED:
        wanted.append((Setting.MEMORY.value, str(guest.memory_mib)))
    if guest.cpu_entitlement_percent is not None:
        wanted.append((Setting.ENTITLEMENT.value, str(guest.cpu_entitlement_percent)))
    if guest.cpu_cap_percent is not None:
        wanted.append((Setting.CAP.value, str(guest.cpu_cap_percent)))
    if guest.autostart is not Autostart.KEEP:
        wanted.append((Setting.AUTOSTART.value, guest.autostart.value))
    return tuple(wanted)


def _power(wish: PowerWish, state: RunState) -> StepKind | None:
    """The step that gives the guest the power state it shall have; none while it is in transition."""
    if wish is PowerWish.RUNNING and state is RunState.STOPPED:
        return StepKind.START
    if wish is PowerWish.STOPPED and state is RunState.RUNNING:
        return StepKind.STOP
    return None


def _quarantined(name: str, what: str, index: _Index) -> GuestDiff:
    uuids = sorted(index.uuids_by_name.get(name, ()))
    places = tuple(place for uuid in uuids for place in index.places(uuid))
    return GuestDiff(name, uuids[0] if len(uuids) == 1 else "", Finding.QUARANTINED, "", places, what)


def _unmanaged(uuid: str, index: _Index) -> GuestDiff:
    places = index.places(uuid)
    text = f"no document: {', '.join(map(str, places))}"
    return GuestDiff(index.name_of(uuid), uuid, Finding.UNMANAGED, "", places, text)


def _away(desired: DesiredFleet, observed: ObservedFleet) -> Mapping[str, str]:
    """The hosts that were not read, and why. A declared host that nobody looked at is one of them."""
    away = {name: "nobody looked at it" for name in desired.hosts if name not in observed.hosts}
    away |= {host.name: host.reason for host in observed.unreachable()}
    return dict(sorted(away.items()))


def _host_findings(
    desired: DesiredFleet, observed: ObservedFleet, previous_machines: Mapping[str, str]
) -> list[HostFinding]:
    found = [HostFinding(name, HostReason.UNREACHABLE, reason) for name, reason in _away(desired, observed).items()]
    by_machine: dict[str, list[str]] = defaultdict(list)
    for facts in observed.reachable():
        by_machine[facts.machine_id].append(facts.name)
    for facts in observed.reachable():
        twins = [name for name in by_machine[facts.machine_id] if name != facts.name]
        before = previous_machines.get(facts.name, facts.machine_id)
        if twins:
            text = f"the same machine ({facts.machine_id}) answers as {', '.join(twins)}"
            found.append(HostFinding(facts.name, HostReason.SHARED_IDENTITY, text))
        elif before != facts.machine_id:
            text = f"was machine {before}, is now {facts.machine_id}"
            found.append(HostFinding(facts.name, HostReason.CHANGED_IDENTITY, text))
    return found


def _records(observed: ObservedFleet) -> tuple[MoveRecord, ...]:
    """One of each move record: a copy that is under way speaks for both, else the one on the source."""
    records: dict[str, MoveRecord] = {}
    ranks: dict[str, tuple[bool, bool]] = {}
    for facts in observed.reachable():
        for record in facts.records:
            rank = (record.under_way, facts.name == record.source)
            if record.id not in records or rank > ranks[record.id]:
                records[record.id], ranks[record.id] = record, rank
    return tuple(records[record_id] for record_id in sorted(records))
