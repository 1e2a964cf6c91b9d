"""Prove a plan safe, or say what is wrong with it: from documents, facts and the plan's own text alone.

Called before a plan is shown or run, and by `reconciler verify`. Shares no code with whoever made the plan and counts
room on its own, so that one mistake cannot hide in both. Never mends anything.

ground        documents, facts and steps, indexed; what a fault is
dependencies  each step by itself and after others: ids, times, `after`
identities    the one guest that a step is about, and how it is addressed
stillness     what is suspended, drifted or under maintenance is left alone
windows       what is taken down is up again in time
permissions   how a guest may be moved, started and stopped
bystanders    guests that are where they shall be, and may make room for others
settings      what may be set of a guest, and where
loads         what steps take and free, and what room there is
replay        event by event: who is where, what fits, how much happens at once
speeds        room whichever step takes longer than predicted
rules         placement rules, on the way and in the end
ends          where each guest ends, and that none is forgotten
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.core.desired import DesiredFleet
from reconciler.core.model import StepKind
from reconciler.core.observed import ObservedFleet
from reconciler.core.planning.plan import Plan, Step
from reconciler.core.planning.verify import (
    bystanders,
    dependencies,
    ends,
    identities,
    loads,
    permissions,
    replay,
    rules,
    settings,
    speeds,
    stillness,
    windows,
)
from reconciler.core.planning.verify.ground import Fault, Ground

__all__ = ["Fault", "prove", "verify"]


def verify(
    desired: DesiredFleet,
    observed: ObservedFleet,
    plan: Plan,
    *,
    lost_hosts: frozenset[str] = frozenset(),
    previous_machines: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Every fault as a sentence; none where the plan is safe."""
    found = prove(desired, observed, plan, lost_hosts=lost_hosts, previous_machines=previous_machines)
    return tuple(str(fault) for fault in found)


def prove(
    desired: DesiredFleet,
    observed: ObservedFleet,
    plan: Plan,
    *,
    lost_hosts: frozenset[str] = frozenset(),
    previous_machines: Mapping[str, str] | None = None,
) -> tuple[Fault, ...]:
    """Every fault; none where the plan is safe. `previous_machines` is host -> machine id as last reported."""
    ground = Ground(desired, observed, plan, lost_hosts, previous_machines or {})
    found = [*dependencies.faults(ground)]
    for way in ground.ways.values():
        found += _way(ground, way)
    if not found:
        # A replay of steps that are wrong in themselves would only repeat, or hide, what is wrong.
        found += replay.faults(ground)
    if not found:
        found += [*speeds.faults(ground), *rules.on_the_way(ground)]
    found += [*rules.in_the_end(ground), *ends.faults(ground)]
    return tuple(dict.fromkeys(found))


def _way(ground: Ground, way: Sequence[Step]) -> Iterator[Fault]:
    """All steps of one guest, in order: each touches what may be touched, in a way its document permits."""
    entitlement_percent: int | None = None
    for number, step in enumerate(way):
        guest = ground.desired.guests.get(step.guest)
        if guest is None or step.guest in ground.desired.quarantined:
            yield Fault.of(step, f"{step.guest} has no readable document")
            continue
        closed = [host for host in step.hosts if host not in ground.fit]
        for host in closed:
            text = f"touches {host}, which was not read, is not declared, or is not the machine it should be"
            yield Fault.of(step, text)
        yield from stillness.faults(ground, step, guest)
        yield from windows.faults(ground, step, guest)
        yield from identities.faults(ground, step, guest)
        copy = ground.copy(step.uuid)
        if closed or copy is None:
            continue
        entry = copy[1]
        if entitlement_percent is None:
            entitlement_percent = entry.cpu_entitlement_percent
        yield from permissions.faults(ground, step, guest, entry)
        if step.kind is StepKind.SET:
            yield from settings.faults(step, guest, entry, moves_on=ground.moves_on(way, number))
        yield from bystanders.faults(way, number, guest)
        yield from loads.faults(ground, step, entry, entitlement_percent)
        entitlement_percent = loads.entitlement_after(step, entitlement_percent)
