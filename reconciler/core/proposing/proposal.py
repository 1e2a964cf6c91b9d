"""The values of a proposal: changes to guests' documents, each with its reason and gain, hosts that are closed,
and who could not be placed.

Made by drain, balance and park; written into documents by documents/authoring, shown by render/. Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.core.desired import DesiredFleet
from reconciler.core.model import Method
from reconciler.core.quantities import parse_memory_mib, parse_percent

HOST, MEMORY, ENTITLEMENT = "host", "memory.size", "cpu.entitlement"
"""Fields of a Guest document's `spec` that a proposal changes."""
SCHEDULABLE = "schedulable"
"""The one of a Host document's `spec`."""


class Action(StrEnum):
    """What was asked for."""

    DRAIN = "drain"
    BALANCE = "balance"
    PARK = "park"


@dataclass(frozen=True)
class FieldChange:
    """One field of `spec`, as documents spell its values. `before` is empty where the document does not have it."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """What becomes of one guest's document, and what moves for it: nothing where `method` is None."""

    guest: str
    fields: tuple[FieldChange, ...]
    reason: str
    gain: str
    """What is better afterwards, in figures."""
    source: str
    """Where the guest is."""
    target: str
    """Where its document will have it."""
    method: Method | None = None
    downtime_s: float = 0.0
    moved_mib: int = 0
    room_for: str = ""
    """The guest for which it makes room, being in nobody's way otherwise; empty for those that were asked about."""


@dataclass(frozen=True)
class Obstacle:
    """Why one host cannot take a guest."""

    host: str
    reason: str
    text: str
    short_mib: int = 0
    """How much memory it lacks, where that is what it lacks."""
    fix: str = ""
    """What would help; empty where nothing that is known would."""


@dataclass(frozen=True)
class Unplaced:
    """A guest that no change was found for, with the reason in a word and a sentence, and host by host."""

    guest: str
    host: str
    """Where it is, or is declared where nobody sees it."""
    reason: str
    text: str
    fix: str = ""
    obstacles: tuple[Obstacle, ...] = ()


@dataclass(frozen=True)
class HostFill:
    """How full a host is in percent of what guests may take: as declared now, and with the proposal."""

    host: str
    memory_before: float
    memory_after: float
    cpu_before: float
    cpu_after: float
    guests_before: int
    guests_after: int


@dataclass(frozen=True)
class Proposal:
    """Changes by guest, last those that only make room, and what comes of them. Without any, `text` says why."""

    action: Action
    subject: str
    """The hosts, the label, or nothing."""
    changes: tuple[Change, ...]
    unplaced: tuple[Unplaced, ...]
    text: str
    hosts: tuple[HostFill, ...] = ()
    """Hosts on which anything changes, by name."""
    emptied: tuple[str, ...] = ()
    """Hosts that have guests now and will have none."""
    closed: tuple[str, ...] = ()
    """Hosts whose documents are to say `schedulable: false`, so that nobody is proposed to go there again."""
    notes: tuple[str, ...] = ()
    """What else a reviewer should know."""

    @property
    def proposes(self) -> bool:
        """Whether any document is to change."""
        return bool(self.changes or self.closed)

    @property
    def moves(self) -> tuple[Change, ...]:
        """The changes for which a guest moves."""
        return tuple(change for change in self.changes if change.method is not None)


def applied(desired: DesiredFleet, proposal: Proposal) -> DesiredFleet:
    """The fleet with the changes in its documents."""
    guests = dict(desired.guests)
    for change in proposal.changes:
        for entry in change.fields:
            guest = guests[change.guest]
            if entry.field == HOST:
                guests[change.guest] = replace(guest, host=entry.after)
            elif entry.field == MEMORY:
                guests[change.guest] = replace(guest, memory_mib=parse_memory_mib(entry.after))
            elif entry.field == ENTITLEMENT:
                guests[change.guest] = replace(guest, cpu_entitlement_percent=parse_percent(entry.after))
            else:
                raise ValueError(f"no proposal changes {entry.field}")
    hosts = {name: replace(host, schedulable=False) for name, host in desired.hosts.items() if name in proposal.closed}
    return replace(desired, guests=guests, hosts={**desired.hosts, **hosts})
