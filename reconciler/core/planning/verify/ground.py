"""What the proof stands on: documents, facts and steps, indexed on its own; what a fault is. Decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.desired import DesiredFleet, Guest
from reconciler.core.model import Method, StepKind
from reconciler.core.observed import HostFacts, ObservedFleet, Registration
from reconciler.core.planning.plan import Plan, Step
from reconciler.core.records import MoveRecord


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong with a plan. `step` is empty where it is about a guest, both where it is about the whole
    plan."""

    step: str
    guest: str
    text: str

    @staticmethod
    def of(step: Step, text: str) -> Fault:
        """What is wrong with this step."""
        return Fault(step.id, step.guest, text)

    def __str__(self) -> str:
        about = self.step or self.guest
        return f"{about}: {self.text}" if about else self.text


@dataclass
class Ground:
    """Everything the proof may know. Indexed once, changed never."""

    desired: DesiredFleet
    observed: ObservedFleet
    plan: Plan
    lost_hosts: frozenset[str]
    previous_machines: Mapping[str, str]
    fit: dict[str, HostFacts] = field(default_factory=dict)
    """Hosts that may be touched: declared, not lost, read, and each the machine it was and no other host is."""
    full_look: bool = True
    """Whether every host in play was read, and is the machine it should be."""
    copies: dict[str, list[tuple[HostFacts, Registration]]] = field(default_factory=dict)
    """Guest uuid -> its registrations that run or could be started."""
    names: dict[str, set[str]] = field(default_factory=dict)
    """Guest name -> the identities that go by it."""
    named: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """(host, guest name) -> the identities that go by it there."""
    coming: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """(host, guest name as hosts know it) -> the identities that the plan brings there by it."""
    claims: Counter[str] = field(default_factory=Counter)
    """Guest uuid -> how many documents declare it."""
    last_seen: dict[str, str] = field(default_factory=dict)
    """Guest uuid -> an unread host on which it could run, as far as is remembered."""
    records: dict[str, MoveRecord] = field(default_factory=dict)
    """Moves under way, by record id."""
    held: set[str] = field(default_factory=set)
    """Guests (uuids) of moves under way."""
    ways: dict[str, list[Step]] = field(default_factory=dict)
    """Guest uuid -> its steps in order."""

    def __post_init__(self) -> None:
        self.claims.update(guest.uuid for guest in self.desired.guests.values() if guest.uuid is not None)
        machines = Counter(facts.machine_id for facts in self.observed.reachable())
        for facts in self.observed.reachable():
            self._index(facts, alone=machines[facts.machine_id] == 1)
        for look in self.observed.unreachable():
            if look.name not in self.lost_hosts:
                self.last_seen.update(dict.fromkeys(look.startable, look.name))
        self.full_look = all(host in self.fit for host in self.desired.hosts if host not in self.lost_hosts)
        self.held.update(record.guest_uuid for record in self.records.values())
        for step in sorted(self.plan.steps, key=lambda step: (step.start_s, step.id)):
            self.ways.setdefault(step.uuid, []).append(step)
            if step.kind is StepKind.MIGRATE:
                self.coming.setdefault((step.target, step.known_as or step.guest), set()).add(step.uuid)

    def _index(self, facts: HostFacts, *, alone: bool) -> None:
        known = self.previous_machines.get(facts.name, facts.machine_id) == facts.machine_id
        if alone and known and facts.name in self.desired.hosts and facts.name not in self.lost_hosts:
            self.fit[facts.name] = facts
        for entry in facts.registrations:
            self.names.setdefault(entry.name, set()).add(entry.uuid)
            self.named.setdefault((facts.name, entry.name), set()).add(entry.uuid)
            if entry.running or entry.runnable:
                self.copies.setdefault(entry.uuid, []).append((facts, entry))
        for record in facts.records:
            if record.under_way:
                self.records[record.id] = record

    def copy(self, uuid: str) -> tuple[HostFacts, Registration] | None:
        """The guest's one copy that runs or could be started, and where; None where there is none, or more than one."""
        copies = self.copies.get(uuid, [])
        return copies[0] if len(copies) == 1 else None

    def meant(self, guest: Guest) -> set[str]:
        """The identities that the document could mean."""
        if guest.uuid is not None:
            return {guest.uuid} if self.claims[guest.uuid] == 1 else set()
        return {uuid for uuid in self.names.get(guest.name, ()) if not self.claims[uuid]}

    @staticmethod
    def moves_on(way: Sequence[Step], number: int) -> bool:
        """Whether the guest is moved after this step of its way."""
        return any(step.kind is StepKind.MIGRATE for step in way[number + 1 :])


def stops(step: Step) -> bool:
    """Whether it takes a running guest down."""
    offline = step.kind is StepKind.MIGRATE and step.method is Method.OFFLINE
    return step.kind is StepKind.STOP or (offline and step.running)
