"""Settings of guests that move, start or stop: what makes them smaller first, all else once they are there.

Every plan is proven: what a guest takes on its way is counted as it was set.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.desired import Autostart
from reconciler.core.model import Load, StepKind, changes
from reconciler.core.planning.intent import intent_digest, settings_digest
from reconciler.core.planning.plan import Plan
from reconciler.core.records import Parked
from tests.core.fleets import (
    ALLOWED,
    STOPPED,
    World,
    away,
    guest,
    host,
    local_disk,
    parked,
    record,
    refusals,
    registration,
    told,
    world,
)

DYNAMIC: dict[str, Any] = {
    "memory_min_mib": 1024,
    "memory_step_mib": 64,
    "autostart": False,
    "cpu_cap_percent": 100,
    "vcpus": 4,
    "cpu_entitlement_percent": 50,
}


def moving(entry: dict[str, Any] | None = None, **wishes: Any) -> World:
    """web, four vCPUs at 50 % each, on a; declared on b, where 320 % of CPU are free."""
    web = registration("web", **{**DYNAMIC, **(entry or {})})
    other = registration("other", 1024, vcpus=1, cpu_entitlement_percent=80)
    return world([host("a", web, cpus=4), host("b", other, cpus=4)], [guest("web", "b", **wishes), guest("other", "b")])


def set_of(plan: Plan) -> list[str]:
    """What is changed, in order."""
    return [changes(step.settings, step.settings_before) for step in plan.steps if step.kind is StepKind.SET]


def test_what_makes_a_guest_smaller_comes_before_its_move_and_the_rest_after_it() -> None:
    fleet = moving(memory_mib=2048, cpu_entitlement_percent=20, cpu_cap_percent=80, autostart=Autostart.ON)
    plan = fleet.plan()
    assert ["web set on a", "web a → b online", "web set on b"] == told(plan)
    assert ["memory 4096 → 2048 MiB, entitlement 50 → 20 %", "cap 100 → 80 %, autostart off → on"] == set_of(plan)
    first, move, last = plan.steps
    assert (Load(cpu_percent=120), Load(4096, 80, vcpus=4)) == (first.frees, move.load)
    assert ((first.id,), True) == (move.after, move.id in last.after)
    assert "before it moves" in first.reason
    assert "once it is there" in last.reason


def test_more_memory_and_more_entitlement_come_after_the_move() -> None:
    plan = moving({"memory_current_mib": 2048}, memory_mib=4096, cpu_entitlement_percent=60).plan()
    assert ["web a → b online", "web set on b"] == told(plan)
    assert ["memory 2048 → 4096 MiB, entitlement 50 → 60 %"] == set_of(plan)
    assert (200, 40) == (plan.steps[0].load.cpu_percent, plan.steps[1].load.cpu_percent)


def test_a_guest_that_fits_only_once_it_is_smaller_moves_then() -> None:
    full = registration("full", 1024, vcpus=2, cpu_entitlement_percent=100)
    more = registration("more", 1024, cpu_entitlement_percent=100)
    hosts = [host("a", registration("web", **DYNAMIC), cpus=4), host("b", full, more, cpus=4)]
    others = [guest("full", "b"), guest("more", "b")]
    assert {"web": "NoRoom"} == refusals(world(hosts, [guest("web", "b"), *others]).plan())
    smaller = world(hosts, [guest("web", "b", cpu_entitlement_percent=25), *others]).plan()
    assert ["web set on a", "web a → b online"] == told(smaller)


def test_a_guest_is_not_kept_from_its_host_for_want_of_more_cpu_than_it_has() -> None:
    full = registration("full", 1024, vcpus=2, cpu_entitlement_percent=80)
    hosts = [host("a", registration("web", **DYNAMIC), cpus=4), host("b", full, cpus=4)]
    fleet = world(hosts, [guest("web", "b", cpu_entitlement_percent=90, cpu_cap_percent=95), guest("full", "b")])
    plan = fleet.plan()
    assert ["web a → b online", "web set on b"] == told(plan)
    assert ["cap 100 → 95 %"] == set_of(plan)


def test_a_guest_that_rests_on_its_way_takes_there_what_it_was_made_to_take() -> None:
    hosts = [
        host("a", registration("x", **DYNAMIC), memory_mib=5120),
        host("b", registration("y", **DYNAMIC), memory_mib=5120),
        host("c", registration("z", 1024, cpu_entitlement_percent=100), cpus=4),
    ]
    guests = [guest("x", "b", cpu_entitlement_percent=40), guest("y", "a", hop=False), guest("z", "c")]
    tight = world(hosts, guests)
    plan = tight.plan()
    assert ["x set on a", "x a → c online (hop)", "y b → a online", "x c → b online"] == told(plan)
    assert [160, 160] == [step.load.cpu_percent for step in plan.steps if step.guest == "x" and step.method]


def test_a_guest_that_restarts_on_its_way_has_all_of_its_memory_again_so_it_is_taken_later() -> None:
    entry = {"disks": (local_disk(1000),)}
    plan = moving(entry, memory_mib=2048, cpu_entitlement_percent=20, downtime=ALLOWED).plan()
    assert ["web set on a", "web a → b offline", "web set on b"] == told(plan)
    assert ["entitlement 50 → 20 %", "memory 4096 → 2048 MiB"] == set_of(plan)


def test_a_guest_that_is_started_takes_less_from_the_start_and_gets_its_memory_in_the_next_round() -> None:
    web = registration("web", **DYNAMIC, state=STOPPED)
    full = registration("full", 1024, vcpus=3, cpu_entitlement_percent=100)
    wish = guest("web", "a", power="running", memory_mib=2048, cpu_entitlement_percent=25)
    fleet = world([host("a", web, full, cpus=4), host("b")], [wish, guest("full", "a")])
    plan = fleet.plan()
    assert ["web set on a", "web start on a"] == told(plan)
    assert ["entitlement 50 → 25 %"] == set_of(plan)
    assert 100 == plan.steps[1].load.cpu_percent


def test_a_guest_that_shall_be_stopped_is_stopped_first() -> None:
    plan = moving({"disks": (local_disk(1000),)}, power="stopped", cpu_entitlement_percent=20).plan()
    assert ["web stop on a", "web a → b offline", "web set on b"] == told(plan)
    assert (200, 0) == (plan.steps[0].frees.cpu_percent, plan.steps[2].load.cpu_percent)


def test_once_it_is_stopped_it_is_left_alone_where_not_every_host_was_read() -> None:
    there = host("a", registration("web", **DYNAMIC))
    stopped = guest("web", "a", power="stopped", cpu_entitlement_percent=20)
    assert ["web stop on a"] == told(world([there, away("c")], [stopped]).plan())
    assert ["web stop on a", "web set on a"] == told(world([there], [stopped]).plan())


@pytest.mark.parametrize("wishes", [{"memory_mib": 8192}, {"cpu_cap_percent": 50}])
def test_one_setting_that_cannot_be_had_leaves_them_all_to_the_next_round(wishes: dict[str, Any]) -> None:
    plan = moving({"cpu_cap_percent": None}, cpu_entitlement_percent=20, **wishes).plan()
    assert ["web a → b online"] == told(plan)


def test_attempts_at_settings_and_at_the_move_are_counted_apart() -> None:
    wish = guest("web", "b", cpu_entitlement_percent=20, cpu_cap_percent=80)
    fleet = moving(cpu_entitlement_percent=20, cpu_cap_percent=80)
    aims = {"set": settings_digest(wish), "move": intent_digest(wish)}
    assert [aims["set"], aims["move"], aims["set"]] == [step.intent for step in fleet.plan().steps]

    def after(aim: str, why: Parked, **fields: Any) -> Plan:
        left = parked(record("web", "a", "b", id="left", intent=aims[aim]), why, note="no", **fields)
        look = fleet.observed.facts("a")
        assert look is not None
        hosts = {**fleet.observed.hosts, "a": replace(look, records=(left,))}
        return replace(fleet, observed=replace(fleet.observed, hosts=hosts)).plan()

    again = after("move", Parked.ABORTED, attempt=2)
    assert [1, 3, 1] == [step.attempt for step in again.steps]
    again = after("set", Parked.ABORTED, attempt=2)
    assert [3, 1, 3] == [step.attempt for step in again.steps]
    assert ["web a → b online"] == told(after("set", Parked.FAILED))
    assert {"web": "FailedBefore"} == refusals(after("move", Parked.FAILED))
