"""Settings of guests where they are: what differs, what is planned, what is refused, and the proof of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.desired import Autostart, Limits
from reconciler.core.model import Load, StepKind, changes
from reconciler.core.planning.plan import Plan
from reconciler.core.planning.verify import verify
from tests.core.fleets import (
    RUNNING,
    STOPPED,
    TRANSITION,
    World,
    guest,
    host,
    record,
    refusal,
    refusals,
    registration,
    told,
    world,
)

DYNAMIC: dict[str, Any] = {"memory_min_mib": 1024, "memory_step_mib": 64, "autostart": False}


def one(entry: dict[str, Any] | None = None, **wishes: Any) -> World:
    """web on a, with dynamic memory of 4096 MiB, and one document about it."""
    fields = {**DYNAMIC, "cpu_entitlement_percent": 10, **(entry or {})}
    return world([host("a", registration("web", **fields)), host("b")], [guest("web", "a", **wishes)])


def test_a_setting_that_differs_is_set_where_the_guest_is() -> None:
    there = one(memory_mib=2048, cpu_entitlement_percent=20, autostart=Autostart.ON)
    assert there.finding("web") == "settings-differ"
    plan = there.plan()
    [step] = plan.steps
    assert (StepKind.SET, "a", "a", None) == (step.kind, step.source, step.target, step.method)
    text = "memory 4096 → 2048 MiB, entitlement 10 → 20 %, autostart off → on"
    assert text == changes(step.settings, step.settings_before)
    assert (0, 10) == (step.downtime_s, step.load.cpu_percent)
    assert ((), ()) == (plan.moves, plan.stops)


@pytest.mark.parametrize("wishes", [{}, {"memory_mib": 4096}, {"autostart": Autostart.OFF}])
def test_what_is_as_declared_or_not_declared_is_left_alone(wishes: dict[str, Any]) -> None:
    there = one(**wishes)
    assert there.finding("web") == "in-place"
    assert there.plan().empty


def test_memory_counts_as_reached_within_less_than_one_step() -> None:
    assert one({"memory_current_mib": 2050}, memory_mib=2048).plan().empty
    assert one({"memory_current_mib": 2112}, memory_mib=2048).plan().steps


def test_a_guest_that_shall_be_stopped_has_no_memory_to_speak_of() -> None:
    assert one({"state": STOPPED}, memory_mib=2048, power="stopped").plan().empty


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "less than the least": ({}, {"memory_mib": 512}, "MemoryOutOfRange"),
    "more than the most": ({}, {"memory_mib": 8192}, "MemoryOutOfRange"),
    "no multiple of the step": ({}, {"memory_mib": 2000}, "MemoryOutOfRange"),
    "less than declared": ({}, {"memory_mib": 2048, "memory_min_mib": 3072}, "MemoryOutOfRange"),
    "no bound at all": ({"memory_min_mib": 1, "memory_step_mib": 1}, {"memory_mib": 2048}, "MemoryOutOfRange"),
    "no cap here": ({}, {"cpu_cap_percent": 50}, "CapNotSettable"),
    "not dynamic": ({"memory_step_mib": 0, "memory_min_mib": 0}, {"memory_mib": 2048}, "MemoryNotDynamic"),
    "not running": ({"state": STOPPED}, {"memory_mib": 2048}, "NotRunning"),
    "in transition": ({"state": TRANSITION}, {"memory_mib": 2048}, "InTransition"),
    "autostart not known": ({"autostart": None}, {"autostart": Autostart.ON}, "AutostartUnknown"),
    "more CPU than there is": ({"vcpus": 17}, {"cpu_entitlement_percent": 100}, "NoRoom"),
    "one of two": ({"autostart": None}, {"memory_mib": 2048, "autostart": Autostart.ON}, "AutostartUnknown"),
}


@pytest.mark.parametrize(("entry", "wishes", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_had_is_blocked(entry: dict[str, Any], wishes: dict[str, Any], reason: str) -> None:
    plan = one(entry, **wishes).plan()
    assert () == plan.steps
    assert {"web": reason} == refusals(plan)
    assert refusal(plan, "web").fix


def test_memory_without_a_bound_of_its_platform_is_set_within_the_declared_one() -> None:
    unbound = {"memory_min_mib": 1, "memory_step_mib": 1}
    plan = one(unbound, memory_mib=2048, memory_min_mib=1024).plan()
    assert [(("memory_mib", "2048"),)] == [step.settings for step in plan.steps]


def test_a_cap_is_set_where_the_host_shows_one() -> None:
    plan = one({"cpu_cap_percent": 100}, cpu_cap_percent=50).plan()
    assert [(("cpu_cap_percent", "50"),)] == [step.settings for step in plan.steps]


def test_more_entitlement_waits_for_the_guest_that_makes_room() -> None:
    big = registration("big", 1024, vcpus=8, cpu_entitlement_percent=100)
    web = registration("web", 1024, vcpus=8, cpu_entitlement_percent=50)
    fleet = world(
        [host("a", big, web, cpus=12), host("b")], [guest("big", "b"), guest("web", "a", cpu_entitlement_percent=100)]
    )
    assert ["big a → b online", "web set on a"] == told(fleet.plan())
    stays = world([host("a", big, web, cpus=12)], [guest("big", "a"), guest("web", "a", cpu_entitlement_percent=100)])
    assert {"web": "NoRoom"} == refusals(stays.plan())


def test_entitlement_that_another_controller_is_giving_counts_already() -> None:
    web = registration("web", 1024, vcpus=8, cpu_entitlement_percent=10)
    giving = record(
        "web", "a", "a", kind=StepKind.SET, load=Load(cpu_percent=720), settings=(("cpu_entitlement_percent", "100"),)
    )
    db = registration("db", 1024, vcpus=2, cpu_entitlement_percent=50)
    fleet = world(
        [host("a", web, cpus=8, records=(giving,)), host("b", db)],
        [guest("web", "a"), guest("db", "a")],
        limits=Limits(concurrent_host=2, concurrent_in=2),
    )
    assert "db" in refusals(fleet.plan())


def test_settings_go_before_moves_of_the_same_host() -> None:
    entries = [registration(f"g{number}", 1024, **DYNAMIC) for number in range(3)]
    guests = [guest("g0", "b"), guest("g1", "b"), guest("g2", "a", autostart=Autostart.ON)]
    assert "g2 set on a" == told(world([host("a", *entries), host("b")], guests).plan())[0]


def test_a_move_takes_the_autostart_of_its_source_along_unless_the_document_says_which() -> None:
    entry = registration("web", **{**DYNAMIC, "autostart": True})
    hosts = [host("a", entry), host("b")]
    assert [True] == [step.autostart for step in world(hosts, [guest("web", "b")]).plan().steps]
    said = world(hosts, [guest("web", "b", autostart=Autostart.OFF)])
    assert [None, None] == [step.autostart for step in said.plan().steps]
    assert ["web a → b online", "web set on b"] == told(said.plan())


FORGED: dict[str, tuple[dict[str, Any], str]] = {
    "another value": ({"settings": (("memory_mib", "1024"),)}, "does not ask for memory_mib 1024"),
    "another setting": ({"settings": (("autostart", "on"),)}, "does not ask for autostart on"),
    "nothing": ({"settings": ()}, "sets nothing"),
    "on another host": ({"source": "b", "target": "b"}, "settings are changed only where a guest is declared"),
    "across hosts": ({"target": "b"}, "a set that moves its guest"),
    "room it does not take": ({"load": Load(cpu_percent=50)}, "says it takes"),
}


@pytest.mark.parametrize(("change", "expected"), FORGED.values(), ids=FORGED)
def test_the_proof_finds_a_set_step_that_its_document_does_not_ask_for(change: dict[str, Any], expected: str) -> None:
    fleet = one({"state": RUNNING}, memory_mib=2048)
    plan: Plan = fleet.plan()
    forged = replace(plan, steps=(replace(plan.steps[0], **change),))
    assert any(expected in text for text in verify(fleet.desired, fleet.observed, forged))


def test_the_proof_counts_entitlement_on_its_own() -> None:
    web = registration("web", 1024, vcpus=8, cpu_entitlement_percent=50)
    big = registration("big", 1024, vcpus=8, cpu_entitlement_percent=100)
    wish = guest("web", "a", cpu_entitlement_percent=100)
    roomy, full = world([host("a", web)], [wish]), world([host("a", web, big, cpus=12)], [wish, guest("big", "a")])
    plan = roomy.plan()
    violations = verify(full.desired, full.observed, plan)
    assert any("% of CPU left" in text for text in violations), violations
