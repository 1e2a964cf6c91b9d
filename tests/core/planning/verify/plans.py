"""Plans written by hand, as honest as the planner's: for ways that it need not choose, and to break. For tests only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from reconciler.core.model import Load, Method, StepKind
from reconciler.core.planning.plan import Plan, Step
from reconciler.core.planning.verify import verify
from tests.core.fleets import World


def move(fleet: World, name: str, source: str, target: str, start_s: float, **fields: Any) -> Step:
    """A migration of ten seconds, online unless told otherwise."""
    document, entry = fleet.desired.guests[name], registration_of(fleet, name)
    overhead = {facts.name: facts.memory_overhead_percent for facts in fleet.observed.reachable()}
    running = fields.get("running", entry.running)
    takes, frees = entry.load(overhead[target]), entry.load(overhead[source])
    made = Step(
        id=f"{start_s:03.0f}-{name}",
        kind=StepKind.MIGRATE,
        guest=name,
        uuid=entry.uuid,
        source=source,
        target=target,
        method=Method.ONLINE if running else Method.OFFLINE,
        running=running,
        reason="by hand",
        intent="",
        facts="",
        start_s=start_s,
        duration_s=10.0,
        load=replace(takes if running else Load(), disk_mib=entry.copied_mib()),
        frees=frees if running else Load(),
        hop=target != document.host,
        stop=document.migration.stop,
        via=fleet.desired.hosts[target].reached_as,
        copies=tuple(disk.resource for disk in entry.local_disks),
    )
    return replace(made, **fields)


def at(fleet: World, name: str, host: str, kind: StepKind, start_s: float, **fields: Any) -> Step:
    """A start, a stop, or settings, of ten seconds."""
    document, entry = fleet.desired.guests[name], registration_of(fleet, name)
    load = entry.load()
    made = Step(
        id=f"{start_s:03.0f}-{name}",
        kind=kind,
        guest=name,
        uuid=entry.uuid,
        source=host,
        target=host,
        method=None,
        running=kind is not StepKind.START,
        reason="by hand",
        intent="",
        facts="",
        start_s=start_s,
        duration_s=10.0,
        load=load if kind is StepKind.START else Load(),
        frees=load if kind is StepKind.STOP else Load(),
        stop=document.migration.stop,
    )
    return replace(made, **fields)


def registration_of(fleet: World, name: str) -> Any:
    return next(entry for facts in fleet.observed.reachable() for entry in facts.registrations if entry.name == name)


def plan_of(fleet: World, *steps: Step) -> Plan:
    """A plan of these steps, honest about its length."""
    last_s = max((step.end_s for step in steps), default=0.0)
    return Plan(fleet.desired.fleet.name, None, tuple(steps), (), last_s, 0.0, "digest")


def honest(plan: Plan, steps: Iterable[Step]) -> Plan:
    """The plan with these steps instead, and as long as they are."""
    kept = tuple(steps)
    last_s = max((step.end_s for step in kept), default=0.0)
    return replace(plan, steps=kept, makespan_s=last_s, bound_s=min(plan.bound_s, last_s))


def changed(plan: Plan, step: Step, **fields: Any) -> Plan:
    """The plan with one step changed."""
    other = replace(step, **fields)
    return honest(plan, (other if entry is step else entry for entry in plan.steps))


def without(plan: Plan, *gone: Step) -> Plan:
    """The plan with steps left out."""
    ids = {step.id for step in gone}
    return honest(plan, (step for step in plan.steps if step.id not in ids))


def refused(fleet: World, plan: Plan, sentence: str, **settings: Any) -> None:
    """Assert that the proof refuses the plan, and says this."""
    faults = verify(fleet.desired, fleet.observed, plan, **settings)
    assert any(sentence in fault for fault in faults), faults


def proven(fleet: World, plan: Plan, **settings: Any) -> None:
    """Assert that the proof finds nothing."""
    assert () == verify(fleet.desired, fleet.observed, plan, **settings)


def with_document(fleet: World, name: str, **fields: Any) -> World:
    """The same fleet, but one guest's document says something else. Fields of the policy may be given directly."""
    before = fleet.desired.guests[name]
    policy = {key: fields.pop(key) for key in list(fields) if hasattr(before.migration, key)}
    after = replace(before, migration=replace(before.migration, **policy), **fields)
    return replace(fleet, desired=replace(fleet.desired, guests={**fleet.desired.guests, name: after}))


def with_host(fleet: World, name: str, **fields: Any) -> World:
    """The same fleet, but one host's document says something else."""
    after = replace(fleet.desired.hosts[name], **fields)
    return replace(fleet, desired=replace(fleet.desired, hosts={**fleet.desired.hosts, name: after}))


def with_fleet(fleet: World, **fields: Any) -> World:
    """The same fleet, but its Fleet document says something else."""
    return replace(fleet, desired=replace(fleet.desired, fleet=replace(fleet.desired.fleet, **fields)))
