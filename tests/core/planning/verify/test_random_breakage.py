"""Random good plans, broken at random: the proof refuses each one that a walk through all orders finds unsafe."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from reconciler.core.desired import Guest, Limits, PlacementRule, RuleKind
from reconciler.core.observed import Look
from reconciler.core.planning.plan import Plan
from reconciler.core.planning.verify import verify
from tests.core.fleets import ALLOWED, HERE, STOPPED, World, guest, host, local_disk, registration, world
from tests.core.fleets import SAN_DISK as SAN
from tests.core.planning.verify.oracle import unsafe
from tests.core.planning.verify.plans import honest

STEPS_MAX = 7
"""The walk goes through every order of so many steps; more would take it too long."""
LIMITS = Limits(concurrent=9, concurrent_in=9, concurrent_out=9, concurrent_host=9)


@st.composite
def tight_fleets(draw: st.DrawFn) -> World:
    """Up to four hosts with little room, most of whose guests are declared elsewhere."""
    count = draw(st.integers(2, 4))
    looks: list[Look] = []
    guests: list[Guest] = []
    for number in range(count):
        entries = []
        for letter in "ab"[: draw(st.integers(0, 2))]:
            name = f"g{number}{letter}"
            state = draw(st.sampled_from(("running",) * 4 + ("stopped",)))
            entry = registration(
                name,
                draw(st.sampled_from((1024, 2048, 4096))),
                disks=(draw(st.sampled_from((SAN, SAN, local_disk(500)))),),
                vcpus=draw(st.sampled_from((1, 2))),
                cpu_entitlement_percent=draw(st.sampled_from((0, 50))),
            )
            entries.append(replace(entry, state=STOPPED) if state == "stopped" else entry)
            power = draw(st.sampled_from(("keep", "keep", "running", "stopped")))
            where = f"h{draw(st.integers(0, count - 1))}"
            guests.append(guest(name, where, power=power, downtime=ALLOWED))
        held_mib = sum(entry.memory_mib for entry in entries if entry.running)
        memory_mib = held_mib + draw(st.sampled_from((-512, 0, 0, 1024, 4096)))
        fields = {"cpus": draw(st.sampled_from((1, 2, 8))), "disk_free_mib": draw(st.sampled_from((0, 600, 5000)))}
        looks.append(host(f"h{number}", *entries, memory_mib=max(0, memory_mib), **fields))
    looks.append(host("spare", memory_mib=draw(st.sampled_from((0, 2048, 8192)))))
    return world(looks, guests, limits=LIMITS)


Break = Callable[[Plan, random.Random], Plan]


def shift(plan: Plan, chance: random.Random) -> Plan:
    """A step at another time, and whatever it does not wait for any more by then left out of what it waits for."""
    step = chance.choice(plan.steps)
    start_s = chance.choice((0.0, max(0.0, step.start_s - 1.0), step.start_s / 2, step.start_s + 1.0))
    ended = {other.id for other in plan.steps if other.end_s <= start_s}
    after = tuple(name for name in step.after if name in ended)
    moved = replace(step, start_s=start_s, after=after)
    return honest(plan, (moved if other is step else other for other in plan.steps))


def forget_dependency(plan: Plan, chance: random.Random) -> Plan:
    """The times stay, and nobody waits."""
    step = chance.choice([step for step in plan.steps if step.after] or plan.steps)
    name = chance.choice(step.after or ("",))
    left = replace(step, after=tuple(other for other in step.after if other != name))
    return honest(plan, (left if other is step else other for other in plan.steps))


def forget_all_dependencies_but_its_own(plan: Plan, chance: random.Random) -> Plan:
    of = {step.id: step.uuid for step in plan.steps}
    return honest(
        plan,
        (replace(s, after=tuple(name for name in s.after if of[name] == s.uuid)) for s in plan.steps),
    )


def retarget(plan: Plan, chance: random.Random) -> Plan:
    step = chance.choice(plan.moves or plan.steps)
    target = chance.choice(sorted({host for other in plan.steps for host in other.hosts} | {"spare"}))
    elsewhere = replace(step, target=target, via=target)
    return honest(plan, (elsewhere if other is step else other for other in plan.steps))


def drop(plan: Plan, chance: random.Random) -> Plan:
    """A step gone, and nobody waits for it."""
    gone = chance.choice(plan.steps)
    rest = [step for step in plan.steps if step is not gone]
    return honest(plan, (replace(s, after=tuple(name for name in s.after if name != gone.id)) for s in rest))


def swap_guests(plan: Plan, chance: random.Random) -> Plan:
    one, other = chance.choice(plan.steps), chance.choice(plan.steps)
    names = {one.id: other, other.id: one}
    return honest(
        plan,
        (replace(s, guest=names[s.id].guest, uuid=names[s.id].uuid) if s.id in names else s for s in plan.steps),
    )


def understate(plan: Plan, chance: random.Random) -> Plan:
    """Nothing about what is done changes: only what the plan says of it, so that it must not be believed."""
    step = chance.choice(plan.steps)
    lies = replace(step, load=replace(step.load, memory_mib=0, cpu_percent=0), start_s=0.0, after=())
    return honest(plan, (lies if other is step else other for other in plan.steps))


BREAKS: tuple[Break, ...] = (
    shift,
    forget_dependency,
    forget_all_dependencies_but_its_own,
    retarget,
    drop,
    swap_guests,
    understate,
)


@settings(max_examples=150)
@given(tight_fleets(), st.lists(st.sampled_from(BREAKS), min_size=1, max_size=2), st.randoms(use_true_random=False))
def test_whatever_is_unsafe_is_refused(fleet: World, breaks: list[Break], chance: random.Random) -> None:
    plan = fleet.plan()
    assume(0 < len(plan.steps) <= STEPS_MAX)
    assert "" == unsafe(fleet, plan)
    for break_it in breaks:
        if plan.steps:
            plan = break_it(plan, chance)
    wrong = unsafe(fleet, plan)
    event(f"{breaks[-1].__name__}: {'unsafe' if wrong else 'harmless'}")
    faults = verify(fleet.desired, fleet.observed, plan)
    if wrong:
        assert faults, f"{wrong}: {plan.steps}"
    else:
        assert [] == [fault for fault in faults if "could begin before" in fault], "safe in every order"


@st.composite
def rules(draw: st.DrawFn) -> PlacementRule:
    """Some guests apart, by host or by a label that not every host has."""
    key = draw(st.sampled_from(("host", "rack")))
    return PlacementRule(
        "r", RuleKind.APART, HERE, labels={"app": "web"}, topology_key=key, most=draw(st.integers(1, 2))
    )


@settings(max_examples=50)
@given(tight_fleets(), rules(), st.randoms(use_true_random=False))
def test_guests_that_must_be_apart_are_found_together_exactly_where_they_can_meet(
    fleet: World, rule: PlacementRule, chance: random.Random
) -> None:
    """Plans that were made before there was the rule."""
    plan = fleet.plan()
    assume(0 < len(plan.steps) <= STEPS_MAX)
    guests = {
        name: replace(document, labels={"app": chance.choice(("web", "web", "db"))})
        for name, document in fleet.desired.guests.items()
    }
    racks: tuple[dict[str, str], ...] = ({"rack": "r1"}, {"rack": "r2"}, {"rack": "r3"}, {})
    hosts = {name: replace(document, labels=chance.choice(racks)) for name, document in fleet.desired.hosts.items()}
    ruled = replace(fleet, desired=replace(fleet.desired, guests=guests, hosts=hosts, rules={"r": rule}))
    faults = verify(ruled.desired, ruled.observed, plan)
    met = [fault for fault in faults if "could come to" in fault or "comes to" in fault]
    wrong = unsafe(ruled, plan)
    event("they can meet" if wrong else "they cannot")
    assert bool(met) is bool(wrong), f"{wrong}: {met}: {plan.steps}"


@settings(max_examples=60)
@given(tight_fleets(), st.randoms(use_true_random=False))
def test_a_plan_that_only_waits_longer_is_not_refused(fleet: World, chance: random.Random) -> None:
    """The other side: what is safe in every order, and honest, is let through."""
    plan = fleet.plan()
    assume(plan.steps)
    late_s = {step.id: 0.0 for step in plan.steps}
    steps = []
    for step in plan.steps:
        late_s[step.id] = max((late_s[name] for name in step.after), default=0.0) + chance.choice((0.0, 10.0))
        steps.append(replace(step, start_s=step.start_s + late_s[step.id]))
    slower = honest(plan, steps)
    found = verify(fleet.desired, fleet.observed, slower)
    # When everything may move at once, what is late can still meet a guest that starts or stops: that is no matter of
    # order, and the run holds it back by itself.
    assert [] == [text for text in found if "is started or stopped" not in text and "arrives at or leaves" not in text]
