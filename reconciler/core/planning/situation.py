"""What a plan is made in: documents, facts and records, indexed once. Made by make_plan, read throughout planning/.

Decides nothing; it only says which hosts may be touched, and what lies where.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from reconciler.core import capacity
from reconciler.core.compatibility import Rulebook
from reconciler.core.desired import DesiredFleet
from reconciler.core.desired.placement import Placement, may_be_chosen
from reconciler.core.desired.violations import Violation, broken
from reconciler.core.diff import Diff, Finding, GuestDiff, HostReason
from reconciler.core.model import Load, Method, StepKind, Way
from reconciler.core.observed import HostFacts, ObservedFleet, Registration
from reconciler.core.planning.plan import Reason
from reconciler.core.planning.ways import learned
from reconciler.core.planning.ways.networks import way
from reconciler.core.records import MoveRecord


@dataclass(frozen=True)
class Situation:
    """Everything the planner may know. `hosts` are those that may be touched; `closed` says why the others may not."""

    desired: DesiredFleet
    hosts: Mapping[str, HostFacts]
    closed: Mapping[str, tuple[Reason, str]]
    unseen: tuple[str, ...]
    """Declared hosts in play where a guest could be registered without our knowing."""
    registrations: Mapping[tuple[str, str], Registration]
    """(host, uuid) -> registration, on the hosts that may be touched."""
    uuid_by_name: Mapping[tuple[str, str], str]
    """(host, name) -> uuid, on the hosts that may be touched."""
    remembered: tuple[tuple[str, str], ...]
    """(guest, host) of those that ran or could be started, when it was read last, on a host that cannot be read now."""
    records: tuple[MoveRecord, ...]
    under_way: Mapping[str, MoveRecord]
    """Guest uuid -> the record of its move under way, whoever's it is."""
    parked: Mapping[str, tuple[MoveRecord, ...]]
    rulebooks: Mapping[str, Rulebook]
    controller: str
    difference: Diff
    placement: Placement
    misdeclared: Mapping[str, Violation]
    """Guest -> the required rule that its declared host breaks."""

    @staticmethod
    def of(
        desired: DesiredFleet,
        observed: ObservedFleet,
        difference: Diff,
        rulebooks: Mapping[str, Rulebook],
        controller: str,
        lost_hosts: frozenset[str],
    ) -> Situation:
        """Index what was declared and seen."""
        closed = _closed(desired, observed, difference, lost_hosts)
        hosts = {facts.name: facts for facts in observed.reachable() if facts.name not in closed}
        placement = Placement.of(desired)
        names = {found.uuid: found.name for found in difference.guests}
        parked: dict[str, tuple[MoveRecord, ...]] = {}
        for record in difference.records:
            if not record.under_way:
                parked[record.guest_uuid] = (*parked.get(record.guest_uuid, ()), record)
        return Situation(
            desired=desired,
            hosts=hosts,
            closed=closed,
            unseen=tuple(sorted(name for name in desired.hosts if name in closed and name not in lost_hosts)),
            registrations={(name, entry.uuid): entry for name, facts in hosts.items() for entry in facts.registrations},
            uuid_by_name={
                (name, entry.name): entry.uuid for name, facts in hosts.items() for entry in facts.registrations
            },
            remembered=tuple(
                (names[uuid], look.name)
                for look in observed.unreachable()
                if look.name not in lost_hosts
                for uuid in look.startable
                if uuid in names
            ),
            records=tuple(record for record in difference.records if record.under_way),
            under_way={record.guest_uuid: record for record in difference.records if record.under_way},
            parked=parked,
            rulebooks=rulebooks,
            controller=controller,
            difference=difference,
            placement=placement,
            misdeclared=broken(placement),
        )

    def room(self) -> dict[str, Load]:
        """What each host may still take at the start; negative where it is over already."""
        room = {name: capacity.room(facts, self.desired.hosts[name]) for name, facts in self.hosts.items()}
        for record in self.records:
            target = self.hosts.get(record.target)
            if target is None or record.target == record.source or target.record(record.id) is not None:
                continue
            # Claimed on its source only, so far: the target does not know yet what is coming.
            arrived = self.registrations.get((record.target, record.guest_uuid))
            if arrived is None or not arrived.running:
                room[record.target] -= record.load
        return room

    @cached_property
    def room_now(self) -> Mapping[str, Load]:
        """What each host may still take at the start."""
        return self.room()

    @cached_property
    def resting_places(self) -> tuple[tuple[str, ...], ...]:
        """The hosts that a guest may rest on, those that are alike together, the roomiest of them first. Alike are
        hosts that a platform's rules can hardly tell apart."""
        alike: dict[tuple[object, ...], list[str]] = {}
        for name in sorted(self.hosts):
            if may_be_chosen(self.desired.hosts[name]):
                facts = self.hosts[name]
                networks, presented = tuple(sorted(facts.networks)), tuple(sorted(facts.presented))
                attributes = tuple(sorted(facts.attributes.items()))
                kind = (facts.platform, facts.version, facts.processor, networks, presented, attributes)
                alike.setdefault(kind, []).append(name)
        room = self.room_now
        return tuple(tuple(sorted(names, key=lambda name: (-room[name].memory_mib, name))) for names in alike.values())

    def in_place(self) -> Iterator[GuestDiff]:
        """The declared guests that are where and as they should be."""
        for found in self.difference.guests:
            if found.finding in (Finding.IN_PLACE, Finding.RENAMED) and found.name in self.desired.guests:
                yield found

    def places(self) -> dict[str, int]:
        """What rules that keep guests apart leave of places: key of a domain -> places. Guests on their way count at
        both ends, and those on a host that cannot be read where they were seen last."""
        about = self.placement.bearing
        if not about:
            return {}
        held: dict[str, set[str]] = defaultdict(set)
        where = [(found.name, place.host) for found in self.difference.guests for place in found.places if place.live]
        where += self.remembered
        where += [(record.guest_name, record.target) for record in self.records]
        for guest, host in where:
            for key in self.placement.exclusive(guest, host):
                held[key].add(guest)
        keys = {key for guest in about for host in self.hosts for key in self.placement.exclusive(guest, host)}
        return {key: self.placement.capacity_of(key) - len(held[key]) for key in keys}

    def vcpus_fit(self, guest: Registration, host: str) -> bool:
        """Whether the host has a CPU for each of the guest's virtual CPUs."""
        return capacity.vcpus_fit(guest, self.hosts[host], self.desired.hosts[host])

    def way(self, source: str, target: str) -> Way:
        """Over which migration network guests go from this host to that one."""
        return way(self.desired.fleet.networks, self.desired.hosts[source], self.desired.hosts[target])

    def pace(self, guest: Registration, way: Way, source: str, target: str, method: Method | None) -> float:
        """How many times as long as the model says the guest takes this way."""
        of_class = learned.guest_class(StepKind.MIGRATE, method, guest)
        return learned.pace(self.desired.fleet.paces, source, target, way.network, of_class)

    def pace_at(self, guest: Registration, host: str, kind: StepKind) -> float:
        """The same for what is done to it where it is."""
        return learned.pace(self.desired.fleet.paces, host, host, "", learned.guest_class(kind, None, guest))

    def name_taken(self, guest: Registration, host: str) -> bool:
        """Whether another guest goes by this guest's name there, or could while this one comes or stays. Of guests of
        one name none rests on a third host, and only one goes to each."""
        if self.uuid_by_name.get((host, guest.name), guest.uuid) != guest.uuid:
            return True
        homes = self.namesakes.get(guest.name)
        return homes is not None and (homes.get(guest.uuid) != host or list(homes.values()).count(host) > 1)

    @cached_property
    def namesakes(self) -> Mapping[str, Mapping[str, str]]:
        """Name that hosts know several guests by -> their uuids -> where they are declared, empty for nowhere."""
        uuids: dict[str, set[str]] = defaultdict(set)
        for (_, name), uuid in self.uuid_by_name.items():
            uuids[name].add(uuid)
        wanted = {found.uuid: found.wanted for found in self.difference.guests}
        return {
            name: {uuid: wanted.get(uuid, "") for uuid in sorted(alike)}
            for name, alike in uuids.items()
            if len(alike) > 1
        }


def _closed(
    desired: DesiredFleet, observed: ObservedFleet, difference: Diff, lost_hosts: frozenset[str]
) -> dict[str, tuple[Reason, str]]:
    """Every host that may not be touched, and why."""
    closed: dict[str, tuple[Reason, str]] = {}
    for name in (*desired.hosts, *observed.hosts):
        if name not in desired.hosts:
            closed[name] = (Reason.HOST_NOT_DECLARED, f"{name}: no Host document declares it")
        elif name in lost_hosts:
            closed[name] = (Reason.HOST_UNREACHABLE, f"{name}: declared lost by the operator")
        elif observed.facts(name) is None:
            closed[name] = (Reason.HOST_UNREACHABLE, f"{name}: could not be read")
    for found in difference.hosts:
        unreachable = found.reason is HostReason.UNREACHABLE
        if unreachable and found.host in closed:
            closed[found.host] = (closed[found.host][0], f"{found.host}: {found.text}")
        elif found.host not in closed:
            reason = Reason.HOST_UNREACHABLE if unreachable else Reason.HOST_IDENTITY
            closed[found.host] = (reason, f"{found.host}: {found.text}")
    return closed
