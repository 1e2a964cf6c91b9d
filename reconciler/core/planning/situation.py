"""What a plan is made in: documents, facts and records, indexed once. Made by make_plan, read throughout planning/.

Decides nothing; it only says which hosts may be touched, and what lies where.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core import capacity
from reconciler.core.compatibility import Rulebook
from reconciler.core.desired import DesiredFleet
from reconciler.core.desired.placement import Placement
from reconciler.core.desired.violations import Violation, broken
from reconciler.core.diff import Diff, HostReason
from reconciler.core.model import Load
from reconciler.core.observed import HostFacts, ObservedFleet, Registration
from reconciler.core.planning.plan import Reason
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
    records: tuple[MoveRecord, ...]
    under_way: Mapping[str, MoveRecord]
    """Guest uuid -> the record of its move under way, whoever's it is."""
    parked: Mapping[str, tuple[MoveRecord, ...]]
    rulebooks: Mapping[str, Rulebook]
    controller: str
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
            records=tuple(record for record in difference.records if record.under_way),
            under_way={record.guest_uuid: record for record in difference.records if record.under_way},
            parked=parked,
            rulebooks=rulebooks,
            controller=controller,
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

    def vcpus_fit(self, guest: Registration, host: str) -> bool:
        """Whether the host has a CPU for each of the guest's virtual CPUs."""
        return capacity.vcpus_fit(guest, self.hosts[host], self.desired.hosts[host])

    def name_taken(self, guest: Registration, host: str) -> bool:
        """Whether another guest goes by this guest's name there."""
        return self.uuid_by_name.get((host, guest.name), guest.uuid) != guest.uuid


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
