"""What placement rules and hosts that nobody chooses do to a plan: who stays, who goes, who rests where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from reconciler.core import desired as documents
from reconciler.core.desired import Enforcement, Host, PlacementRule, RuleKind
from reconciler.core.observed import Look, Unreachable
from reconciler.errors import Problem
from tests.core.fleets import HERE, STOPPED, World, away, guest, host, refusal, refusals, registration, told, world

APART = PlacementRule("apart", RuleKind.APART, HERE, names=("x", "y"))


def ruled(looks: Iterable[Look], guests: Iterable[documents.Guest], *rules: PlacementRule) -> World:
    case = world(looks, guests)
    return replace(case, desired=replace(case.desired, rules={each.name: each for each in rules}))


def test_a_guest_declared_against_a_required_rule_stays_and_the_rest_goes_on() -> None:
    looks = [host("a", registration("x"), registration("z")), host("b", registration("y")), host("c")]
    plan = ruled(looks, [guest("x", "b"), guest("y", "b"), guest("z", "b")], APART).plan()
    assert {"x": "PlacementRuleViolated"} == refusals(plan)
    assert ["z a → b online"] == told(plan)
    blocked = refusal(plan, "x")
    assert "2 guests are declared on b: x, y, and at most 1 of rule apart may be there" == blocked.text
    assert "declare 1 of them elsewhere; the rule has a place on one of: a, c" == blocked.fix


def test_a_preferred_rule_keeps_nobody() -> None:
    looks = [host("a", registration("x")), host("b", registration("y"))]
    softly = replace(APART, enforcement=Enforcement.PREFERRED)
    assert ["x a → b online"] == told(ruled(looks, [guest("x", "b"), guest("y", "b")], softly).plan())


def test_a_guest_that_is_in_violation_now_goes_where_it_is_not() -> None:
    looks = [host("a", registration("x"), registration("y")), host("b")]
    assert ["x a → b online"] == told(ruled(looks, [guest("x", "b"), guest("y", "a")], APART).plan())


def test_a_guest_that_stands_where_a_rule_does_not_want_it_is_started_there_all_the_same() -> None:
    """It is not moved against the rule: it is there."""
    looks = [host("a", registration("x", state=STOPPED), registration("y"))]
    plan = ruled(looks, [guest("x", "a", power="running"), guest("y", "a")], APART).plan()
    assert ["x start on a"] == told(plan)


def test_a_guest_that_somebody_holds_still_says_so_and_not_that_a_rule_is_broken() -> None:
    looks = [host("a", registration("x")), host("b", registration("y"))]
    held = guest("x", "b", suspend=documents.Suspension("the shop is on sale"))
    assert {"x": "GuestSuspended"} == refusals(ruled(looks, [held, guest("y", "b")], APART).plan())


def test_what_a_migration_left_behind_takes_no_place_of_a_rule() -> None:
    left_behind = registration("x", state=STOPPED, runnable=False, left_over=True)
    looks = [host("a", left_behind), host("b", registration("x")), host("c", registration("y"))]
    assert ["y c → a online"] == told(ruled(looks, [guest("x", "b"), guest("y", "a")], APART).plan())


def test_a_guest_on_a_host_that_cannot_be_read_keeps_the_place_where_it_was_seen_last() -> None:
    racks = {name: Host(name, "test", HERE, labels={"rack": rack}) for name, rack in zip("abcd", "qqpp", strict=True)}
    unread = Unreachable("a", "connection refused", ("uuid-x",))
    looks: list[Look] = [unread, host("b"), host("c", registration("y")), host("d")]
    case = world(looks, [guest("x", "d", uuid="uuid-x"), guest("y", "b")], hosts=racks)
    rule = replace(APART, topology_key="rack")
    plan = replace(case, desired=replace(case.desired, rules={"apart": rule})).plan()
    assert {"x": "OwnerUnknown", "y": "NoSafeOrder"} == refusals(plan)
    assert "b is short of a place under rule apart" in refusal(plan, "y").text


@pytest.mark.parametrize(
    ("labels", "held"), [({"app": "db"}, True), (None, True), ({"app": "web"}, False)], ids=["its", "unknown", "others"]
)
def test_a_guest_whose_document_cannot_be_read_keeps_its_place(labels: dict[str, str] | None, held: bool) -> None:
    looks = [host("a", registration("x")), host("b", registration("y"))]
    rule = PlacementRule("apart", RuleKind.APART, HERE, labels={"app": "db"})
    case = ruled(looks, [guest("y", "a", labels={"app": "db"})], rule)
    problem = Problem("unknown-field", HERE, "what is this")
    desired = replace(case.desired, quarantined={"x": problem}, quarantined_labels={"x": labels})
    plan = replace(case, desired=desired).plan()
    stays = {"y": "NoSafeOrder"} if held else {}
    assert {"x": "Quarantined", **stays} == refusals(plan)


@pytest.mark.parametrize("schedulable", [True, False])
def test_no_guest_rests_on_a_host_that_nobody_may_choose(schedulable: bool) -> None:
    looks = [host("a", registration("x"), memory_mib=4096), host("b", registration("y"), memory_mib=4096), host("c")]
    third = {"c": Host("c", "test", HERE, schedulable=schedulable)}
    plan = world(looks, [guest("x", "b"), guest("y", "a")], hosts=third).plan()
    if schedulable:
        assert 1 == sum(step.hop for step in plan.steps)
    else:
        assert {"x": "NoSafeOrder", "y": "NoSafeOrder"} == refusals(plan)


def test_what_a_person_declares_on_such_a_host_goes_there() -> None:
    looks: list[Look] = [host("a", registration("x")), host("b"), away("c")]
    assert ["x a → b online"] == told(
        world(looks, [guest("x", "b")], hosts={"b": Host("b", "test", HERE, schedulable=False)}).plan()
    )
