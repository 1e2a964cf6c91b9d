"""Whatever the fleet: every plan is proven, no guest is forgotten, the order of the input changes nothing, and a run at
any speed keeps every host within its capacity and apart what has to be."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.desired import PlacementRule, RuleKind
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.execution.run import Busy, Run
from reconciler.core.model import Load
from reconciler.core.observed import HostFacts, ObservedFleet
from reconciler.core.planning.plan import Plan, Step
from tests.core.fleets import World
from tests.core.planning.random_fleets.fleets import any_fleets

T = TypeVar("T")
DONE = Outcome(OutcomeKind.DONE, "Moved", "")


@given(any_fleets())
def test_every_plan_is_proven_and_no_guest_is_forgotten(fleet: World) -> None:
    plan = fleet.plan()
    begun = {step.guest for step in plan.steps}
    blocked = {entry.guest for entry in plan.blocked}
    for found in fleet.difference.guests:
        if found.finding in ("misplaced", "power-differs", "settings-differ"):
            assert (found.name in begun) != (found.name in blocked), found
    assert plan.bound_s <= plan.makespan_s
    assert all(entry.text for entry in plan.blocked)


@given(any_fleets())
def test_a_guest_in_its_place_moves_only_to_step_aside_and_ends_where_it_was(fleet: World) -> None:
    plan = fleet.plan()
    for found in fleet.difference.guests:
        steps = [step for step in plan.steps if step.guest == found.name]
        if found.finding == "in-place" and steps:
            assert fleet.desired.guests[found.name].migration.step_aside
            assert found.wanted == steps[0].source == steps[-1].target


@given(any_fleets(), st.randoms(use_true_random=False))
def test_neither_a_second_look_nor_the_order_of_the_input_changes_anything(fleet: World, chance: random.Random) -> None:
    def shuffled(values: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(chance.sample(values, len(values)))

    looks = [
        replace(look, registrations=shuffled(look.registrations)) if isinstance(look, HostFacts) else look
        for look in shuffled(tuple(fleet.observed.hosts.values()))
    ]
    hosts = dict(shuffled(tuple(fleet.desired.hosts.items())))
    guests = dict(shuffled(tuple(fleet.desired.guests.items())))
    desired = replace(fleet.desired, hosts=hosts, guests=guests)
    again = replace(fleet, desired=desired, observed=ObservedFleet({look.name: look for look in looks}))
    plan = fleet.plan()
    assert repr(plan) == repr(fleet.plan()) == repr(again.plan())


@given(any_fleets(), st.randoms(use_true_random=False))
def test_a_run_at_any_speed_ends_and_overcommits_no_host(fleet: World, chance: random.Random) -> None:
    """Steps begin as `after` and slots allow and take as long as they like; nobody looks at room meanwhile."""
    plan = fleet.plan()
    run = Run.of("r1", plan, fleet.desired.fleet.limits, fleet.desired.fleet.networks)
    others = [Busy(found.source, found.target, found.kind, found.network) for found in fleet.difference.records]
    hosts = Hosts(fleet)
    ends: list[tuple[float, str]] = []
    now_s = 0.0
    while not run.ended:
        for step in run.ready(now_s, others):
            run = run.begin(step.id, now_s)
            hosts.arrive(step)
            ends.append((now_s + step.duration_s * chance.choice((0.1, 0.5, 1.0, 3.0, 20.0)), step.id))
        assert ends, "nothing is under way, and nothing can begin"
        now_s, step_id = min(ends)
        ends.remove((now_s, step_id))
        [done] = [step for step in plan.steps if step.id == step_id]
        run = run.advance(step_id, DONE, now_s)
        hosts.leave(done)
    assert_all_where_declared(fleet, plan)


class Hosts:
    """Memory and CPU taken on each host, and who is where. Arrivals count from their start, departures until their
    end."""

    def __init__(self, fleet: World) -> None:
        self.fleet = fleet
        self.taken: dict[str, Load] = {}
        self.most: dict[str, Load] = {}
        self.where: dict[str, Counter[str]] = {name: Counter() for name in fleet.desired.guests}
        """Declared guest -> hosts, while it moves both; how often."""
        for facts in fleet.observed.reachable():
            running = [entry.load(facts.memory_overhead_percent) for entry in facts.registrations if entry.running]
            self.taken[facts.name] = Load.total(running)
            ratio = fleet.desired.hosts[facts.name].vcpus_per_cpu_percent
            vcpus = facts.cpus * ratio // 100 if ratio is not None else 10**9
            self.most[facts.name] = Load(facts.memory_mib, facts.cpus * 100, vcpus=vcpus)
            for entry in facts.registrations:
                if entry.name in self.where:
                    self.where[entry.name][facts.name] += 1
        for record in fleet.difference.records:
            self.taken[record.target] += record.load
            if record.guest_name in self.where:
                self.where[record.guest_name][record.target] += 1

    def arrive(self, step: Step) -> None:
        self.taken[step.target] += step.load
        for name in ("memory_mib", "cpu_percent", "vcpus"):
            if getattr(step.load, name):
                there, most = getattr(self.taken[step.target], name), getattr(self.most[step.target], name)
                assert there <= most, f"{step.target}: {name}"
        before = +self.where[step.guest]
        self.where[step.guest][step.target] += 1
        for rule in self.fleet.desired.rules.values():
            into = self.domain(rule, step.target)
            about = self.about(rule)
            if rule.kind is RuleKind.APART and step.guest in about:
                if into not in {self.domain(rule, host) for host in before}:
                    others = [name for name in about if into in self.domains(rule, name)]
                    assert into is not None, f"{step.guest} comes to no domain of {rule.name}"
                    assert len(others) <= rule.most, f"{rule.name}: {others} in {into}"

    def leave(self, step: Step) -> None:
        self.taken[step.source] -= step.frees
        self.where[step.guest][step.source] -= 1

    def about(self, rule: PlacementRule) -> list[str]:
        guests = self.fleet.desired.guests.values()
        return [
            guest.name
            for guest in guests
            if guest.name in rule.names or (rule.labels and rule.labels.items() <= guest.labels.items())
        ]

    def domains(self, rule: PlacementRule, guest: str) -> set[str | None]:
        return {self.domain(rule, host) for host in +self.where[guest]}

    def domain(self, rule: PlacementRule, host: str) -> str | None:
        return rule.domain(self.fleet.desired.hosts[host])


def assert_all_where_declared(fleet: World, plan: Plan) -> None:
    """Bystanders as well: the last step of each guest leads to its host."""
    places = {step.guest: step.target for step in plan.steps}
    assert all(fleet.desired.guests[name].host == place for name, place in places.items())
