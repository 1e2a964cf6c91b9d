"""Whatever the fleet: every plan is proven, no guest is forgotten, the order of the input changes nothing, and a run at
any speed keeps every host within its capacity."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.desired import Autostart, Guest, Limits
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.execution.run import Run
from reconciler.core.model import Load, StepKind
from reconciler.core.observed import HostFacts, Look
from reconciler.core.planning.plan import Plan
from tests.core.fleets import (
    ALLOWED,
    RUNNING,
    STOPPED,
    TRANSITION,
    World,
    away,
    guest,
    host,
    local_disk,
    registration,
    world,
)
from tests.core.fleets import SAN_DISK as SAN

T = TypeVar("T")
SIZES_MIB = (1024, 2048, 4096, 8192)
LIMITS = (Limits(), Limits(concurrent=2, concurrent_in=2, concurrent_out=2, concurrent_host=3))


@st.composite
def fleets(draw: st.DrawFn) -> World:
    """Up to 5 hosts, some of them full, over or unread; up to 8 guests, most of them misplaced."""
    names = [f"h{number}" for number in range(draw(st.integers(2, 5)))]

    def one_of(*values: T) -> T:
        return draw(st.sampled_from(values))

    guests: list[Guest] = []
    entries = []
    for number in range(draw(st.integers(1, 8))):
        name = f"g{number}"
        disk = one_of(SAN, SAN, SAN, local_disk(5000))
        state = one_of(RUNNING, RUNNING, RUNNING, RUNNING, STOPPED, TRANSITION)
        cpu: dict[str, Any] = {"vcpus": one_of(1, 1, 2), "cpu_entitlement_percent": one_of(0, 0, 50)}
        cpu |= {"memory_min_mib": 512, "memory_step_mib": one_of(64, 64, 0), "autostart": False}
        entries.append((one_of(*names), registration(name, one_of(*SIZES_MIB), state=state, disks=(disk,), **cpu)))
        if one_of(True, True, True, False):
            power = one_of("keep", "keep", "keep", "running", "stopped")
            policy: dict[str, Any] = {"downtime": ALLOWED} if one_of(True, False) else {}
            policy |= {"step_aside": one_of(False, True), "cpu_entitlement_percent": one_of(None, None, 10, 80)}
            policy |= {"memory_mib": one_of(None, None, 512), "autostart": one_of(Autostart.KEEP, Autostart.ON)}
            guests.append(guest(name, one_of(*names), power=power, hop=one_of(True, True, False), **policy))
    looks: list[Look] = []
    for name in names:
        here = [entry for place, entry in entries if place == name]
        held_mib = sum(entry.memory_mib for entry in here if entry.running)
        room_mib = held_mib * one_of(80, 100, 100, 110, 150) // 100 + one_of(0, 0, 2048, 8192)
        fields: dict[str, Any] = {
            "cpus": one_of(2, 16, 16),
            "version": one_of("4.1", "4.2", "4.2"),
            "disk_free_mib": one_of(0, 6000),
        }
        facts = host(name, *here, memory_mib=room_mib, memory_overhead_percent=one_of(0, 0, 7), **fields)
        looks.append(away(name) if one_of(*[False] * 19, True) else facts)
    return world(looks, guests, limits=one_of(*LIMITS))


@st.composite
def tight_fleets(draw: st.DrawFn) -> World:
    """Full hosts whose guests change places, and one host with some room."""
    count = draw(st.integers(2, 4))
    sizes = [draw(st.lists(st.sampled_from(SIZES_MIB), min_size=1, max_size=2)) for _ in range(count)]
    looks: list[Look] = []
    guests: list[Guest] = []
    for number, here in enumerate(sizes):
        names = [f"g{number}{letter}" for letter in "ab"[: len(here)]]
        entries = [registration(name, size) for name, size in zip(names, here, strict=True)]
        slack_mib = draw(st.sampled_from((0, 0, 1024, 4096)))
        looks.append(host(f"h{number}", *entries, memory_mib=sum(here) + slack_mib))
        guests += [guest(name, f"h{draw(st.integers(0, count - 1))}") for name in names]
    looks.append(host("spare", memory_mib=draw(st.sampled_from((0, 2048, 8192)))))
    return world(looks, guests, limits=draw(st.sampled_from(LIMITS)))


@given(st.one_of(fleets(), tight_fleets()))
def test_every_plan_is_proven_and_no_guest_is_forgotten(fleet: World) -> None:
    plan = fleet.plan()
    begun = {step.guest for step in plan.steps}
    blocked = {entry.guest for entry in plan.blocked}
    for found in fleet.difference.guests:
        if found.finding in ("misplaced", "power-differs"):
            assert (found.name in begun) != (found.name in blocked), found
    assert plan.bound_s <= plan.makespan_s
    assert all(entry.text for entry in plan.blocked)


@given(st.one_of(fleets(), tight_fleets()), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(fleet: World, chance: random.Random) -> None:
    def shuffled(values: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(chance.sample(values, len(values)))

    looks = [
        replace(look, registrations=shuffled(look.registrations)) if isinstance(look, HostFacts) else look
        for look in shuffled(tuple(fleet.observed.hosts.values()))
    ]
    guests = shuffled(tuple(fleet.desired.guests.values()))
    again = world(looks, guests, limits=fleet.desired.fleet.limits)
    assert fleet.plan() == again.plan()


@given(st.one_of(fleets(), tight_fleets()), st.randoms(use_true_random=False))
def test_a_run_at_any_speed_ends_and_overcommits_no_host(fleet: World, chance: random.Random) -> None:
    """Steps begin as `after` and slots allow and take as long as they like; nobody looks at room meanwhile."""
    plan = fleet.plan()
    run = Run.of("r1", plan, fleet.desired.fleet.limits)
    hosts = Hosts(fleet)
    ends: list[tuple[float, str]] = []
    now_s = 0.0
    while not run.ended:
        for step in run.ready(now_s):
            run = run.begin(step.id, now_s)
            hosts.arrive(step.target, step.load)
            ends.append((now_s + step.duration_s * chance.choice((0.1, 0.5, 1.0, 3.0, 20.0)), step.id))
        assert ends, "nothing is under way, and nothing can begin"
        now_s, step_id = min(ends)
        ends.remove((now_s, step_id))
        [done] = [step for step in plan.steps if step.id == step_id]
        run = run.advance(step_id, Outcome(OutcomeKind.DONE, "Moved", ""), now_s)
        hosts.leave(done.source, done.frees)
    assert_all_where_declared(fleet, plan)


class Hosts:
    """Memory and CPU taken on each host. Arrivals count from their start, departures until their end."""

    def __init__(self, fleet: World) -> None:
        self.taken: dict[str, Load] = {}
        self.most: dict[str, Load] = {}
        for facts in fleet.observed.reachable():
            running = [entry.load(facts.memory_overhead_percent) for entry in facts.registrations if entry.running]
            self.taken[facts.name] = Load.total(running)
            self.most[facts.name] = Load(facts.memory_mib, facts.cpus * 100)

    def arrive(self, host: str, load: Load) -> None:
        self.taken[host] += load
        for name in ("memory_mib", "cpu_percent"):
            if getattr(load, name):
                assert getattr(self.taken[host], name) <= getattr(self.most[host], name), f"{host}: {name}"

    def leave(self, host: str, load: Load) -> None:
        self.taken[host] -= load


def assert_all_where_declared(fleet: World, plan: Plan) -> None:
    places = {step.guest: step.target for step in plan.steps if step.kind is StepKind.MIGRATE and not step.hop}
    assert all(fleet.desired.guests[name].host == place for name, place in places.items())
