"""A plan that is cut off anywhere, and made anew from what is there then, ends where the first one would have."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.core.desired import Operator, PlacementRule, Requirement, RuleKind
from reconciler.core.desired.placement import Placement
from reconciler.core.desired.violations import broken
from reconciler.core.diff import Finding
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.execution.run import Run
from reconciler.core.model import Method, RunState, Setting, StepKind
from reconciler.core.observed import HostFacts, ObservedFleet, Registration
from reconciler.core.planning.plan import Blocked, Plan, Step
from tests.core.fleets import HERE, World, guest, host, record, refusals, registration, world
from tests.core.planning.random_fleets.fleets import any_fleets

DONE = Outcome(OutcomeKind.DONE, "Moved", "")


@given(any_fleets(), st.randoms(use_true_random=False))
def test_a_plan_cut_off_anywhere_and_made_anew_still_ends_right(fleet: World, chance: random.Random) -> None:
    assume(not fleet.difference.records)
    first = fleet.plan()
    assume(first.steps)
    done, under_way = cut_off(fleet, first, chance)
    there = after(fleet, [*done, *(step for step in under_way if chance.random() < 0.5)])
    again = there.plan()
    served = {step.guest for step in first.steps}
    assume(not any(_stands_against_a_rule(fleet, name) for name in served))  # the example below
    assert [] == [entry.text for entry in again.blocked if entry.guest in served and not _only_set(there, entry)]
    assert_ends_right(there, again)


@given(any_fleets(), st.randoms(use_true_random=False))
def test_a_plan_made_while_moves_are_under_way_is_proven_and_what_they_leave_ends_right(
    fleet: World, chance: random.Random
) -> None:
    assume(not fleet.difference.records)
    first = fleet.plan()
    assume(first.steps)
    done, begun = cut_off(fleet, first, chance)
    under_way = [step for step in begun if step.method is Method.ONLINE]
    there = with_records(after(fleet, done), under_way)
    meanwhile = there.plan()
    moving = {step.guest for step in under_way}
    assert moving <= {entry.guest for entry in meanwhile.blocked}
    assert not moving & {step.guest for step in meanwhile.steps}
    assert_ends_right(there, meanwhile)


def test_a_guest_that_stands_against_a_rule_does_not_step_aside() -> None:
    """Once the plan is cut off, the rule would keep it from going home."""
    looks = [
        host("a", registration("x"), registration("by"), memory_mib=8192),
        host("b", registration("y"), memory_mib=4096),
        host("c", memory_mib=4096),
    ]
    guests = [guest("x", "b", hop=False), guest("y", "a", hop=False), guest("by", "a", step_aside=True)]
    only_c = Requirement("host", Operator.IN, ("c",))
    rule = PlacementRule("where", RuleKind.HOSTS, HERE, names=("by",), requirements=(only_c,))
    fleet = world(looks, guests)
    fleet = replace(fleet, desired=replace(fleet.desired, rules={"where": rule}))
    assert {"x": "NoSafeOrder", "y": "NoSafeOrder"} == refusals(fleet.plan())


@given(any_fleets())
def test_a_plan_carried_out_leaves_nothing_to_do_but_what_it_says(fleet: World) -> None:
    assume(not fleet.difference.records)
    plan = fleet.plan()
    assert_ends_right(fleet, plan)


def _only_set(fleet: World, entry: Blocked) -> bool:
    """Whether it is there and as declared, but for settings that it cannot be given: nobody had asked before."""
    return fleet.finding(entry.guest) == Finding.SETTINGS_DIFFER


def _stands_against_a_rule(fleet: World, name: str) -> bool:
    found = fleet.difference.guest(name)
    in_place = found is not None and found.place is not None and found.place.host == found.wanted
    return in_place and name in broken(Placement.of(fleet.desired))


def assert_ends_right(fleet: World, plan: Plan) -> None:
    """Once all of it is done, every guest with a step is where and as declared, but for settings, which come last."""
    end = after(fleet, plan.steps)
    for name in {step.guest for step in plan.steps}:
        found = end.difference.guest(name)
        assert found is not None
        assert found.finding in (Finding.IN_PLACE, Finding.SETTINGS_DIFFER), found
        if all(step.kind is StepKind.SET for step in plan.steps if step.guest == name):
            assert found.finding is Finding.IN_PLACE, found


def cut_off(fleet: World, plan: Plan, chance: random.Random) -> tuple[list[Step], tuple[Step, ...]]:
    """The steps that are done when the plan is cut off, in the order in which they ended, and those under way: steps
    begin as they may, and end in any order."""
    run = Run.of("r1", plan, fleet.desired.fleet.limits, fleet.desired.fleet.networks)
    steps = {step.id: step for step in plan.steps}
    done: list[Step] = []
    for _ in range(chance.randrange(len(plan.steps))):
        for step in run.ready(0.0):
            run = run.begin(step.id, 0.0)
        ended = chance.choice(run.started)
        run = run.advance(ended.id, DONE, 0.0)
        done.append(steps[ended.id])
    for step in run.ready(0.0):
        run = run.begin(step.id, 0.0)
    return done, run.started


def after(fleet: World, steps: Sequence[Step]) -> World:
    """The fleet as it is seen when these are done."""
    hosts = dict(fleet.observed.hosts)
    for step in steps:
        source = hosts[step.source]
        assert isinstance(source, HostFacts)
        entry = source.registration(step.uuid)
        assert entry is not None, f"{step.guest} is not on {step.source}"
        hosts[step.source] = replace(source, registrations=_without(source, step.uuid))
        target = hosts[step.target]
        assert isinstance(target, HostFacts)
        copied_mib = entry.copied_mib() if step.kind is StepKind.MIGRATE else 0
        hosts[step.target] = replace(
            target,
            registrations=(*target.registrations, _changed(entry, step)),
            disk_free_mib=target.disk_free_mib - copied_mib,
        )
    return replace(fleet, observed=ObservedFleet(hosts))


def with_records(fleet: World, steps: Sequence[Step]) -> World:
    """The fleet while these are under way: a record of each lies on both of its hosts."""
    hosts = dict(fleet.observed.hosts)
    for step in steps:
        there = record(step.guest, step.source, step.target, load=step.load, hop=step.hop, network=step.network)
        for name in step.hosts:
            facts = hosts[name]
            assert isinstance(facts, HostFacts)
            hosts[name] = replace(facts, records=(*facts.records, there))
    return replace(fleet, observed=ObservedFleet(hosts))


def _without(facts: HostFacts, uuid: str) -> tuple[Registration, ...]:
    return tuple(entry for entry in facts.registrations if entry.uuid != uuid)


def _changed(entry: Registration, step: Step) -> Registration:
    if step.kind is StepKind.START:
        return replace(entry, state=RunState.RUNNING)
    if step.kind is StepKind.STOP:
        return replace(entry, state=RunState.STOPPED)
    for setting, value in step.settings:
        if setting == Setting.MEMORY:
            entry = replace(entry, memory_current_mib=int(value))
        elif setting == Setting.ENTITLEMENT:
            entry = replace(entry, cpu_entitlement_percent=int(value))
        elif setting == Setting.AUTOSTART:
            entry = replace(entry, autostart=value == "on")
    return entry
