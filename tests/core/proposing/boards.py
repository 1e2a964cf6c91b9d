"""Boards and end states for tests of proposals. Used by all tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.model import Load
from reconciler.core.observed import HostFacts, Look, ObservedFleet, Registration
from reconciler.core.planning.situation import Situation
from reconciler.core.proposing.board import Board, Rules
from reconciler.core.proposing.proposal import Proposal, applied
from reconciler.core.proposing.rules import Ruled
from tests.core.fleets import RULES, World


def board(fleet: World, rules: Rules | None = None) -> Board:
    situation = Situation.of(fleet.desired, fleet.observed, fleet.difference, RULES, "", frozenset())
    return Board(situation, fleet.difference, rules or Ruled(situation.placement))


def homes(proposal: Proposal) -> Mapping[str, str]:
    """Guest -> where it is to go."""
    return {change.guest: change.target for change in proposal.changes}


def as_proposed(fleet: World, proposal: Proposal) -> World:
    """The fleet once the proposal was merged and carried out: every guest that moves is where it is declared, with
    what its document gives it."""
    desired = applied(fleet.desired, proposal)
    changed = {change.guest: change for change in proposal.changes}
    by_host: dict[str, list[Registration]] = {name: [] for name in fleet.observed.hosts}
    for facts in fleet.observed.reachable():
        for entry in facts.registrations:
            change = changed.get(entry.name)
            document = desired.guests.get(entry.name)
            there = change.target if change is not None and change.method is not None else facts.name
            percent = document.cpu_entitlement_percent if document is not None and change is not None else None
            entry = replace(entry, cpu_entitlement_percent=percent) if percent is not None else entry
            if change is not None and document is not None and document.memory_mib is not None:
                entry = replace(entry, memory_current_mib=document.memory_mib)
            by_host[there].append(entry)
    hosts: dict[str, Look] = {}
    for name, look in fleet.observed.hosts.items():
        hosts[name] = replace(look, registrations=tuple(by_host[name])) if isinstance(look, HostFacts) else look
    return World(desired, ObservedFleet(hosts), {})


def taken(fleet: World, host: str) -> Load:
    """What guests that run there take, counted afresh."""
    facts = fleet.observed.facts(host)
    assert facts is not None
    return Load.total(entry.load(facts.memory_overhead_percent) for entry in facts.registrations if entry.running)
