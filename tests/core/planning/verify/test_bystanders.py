"""Guests in their place step aside only where they may, online, and come back; and a guest may rest more than once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.desired import Drift, Suspension
from reconciler.core.model import Method, StepKind
from reconciler.core.planning.plan import Plan
from tests.core.fleets import ALLOWED, World, guest, host, record, registration, world
from tests.core.planning.verify.plans import (
    at,
    changed,
    move,
    plan_of,
    proven,
    refused,
    with_document,
    with_fleet,
    with_host,
    without,
)


def aside(**fields: Any) -> World:
    """x and y change places, neither may hop, and b has room for both only while z is away."""
    looks = [
        host("a", registration("x"), memory_mib=6144),
        host("b", registration("y"), registration("z", 2048, **fields), memory_mib=8192),
        host("c"),
        host("e"),
    ]
    guests = [guest("x", "b", hop=False), guest("y", "a", hop=False), guest("z", "b", step_aside=True)]
    return world(looks, guests)


FLEET = aside()
AWAY = move(FLEET, "z", "b", "c", 0)
X = move(FLEET, "x", "a", "b", 10, after=(AWAY.id,))
Y = move(FLEET, "y", "b", "a", 20, after=(X.id,))
BACK = move(FLEET, "z", "c", "b", 30, after=(AWAY.id, X.id, Y.id))
PLAN = plan_of(FLEET, AWAY, X, Y, BACK)


def test_a_guest_steps_aside_and_comes_back() -> None:
    assert (True, False) == (AWAY.hop, BACK.hop)
    proven(FLEET, PLAN)


def test_only_what_leaves_its_place_for_others_is_called_so() -> None:
    proven(FLEET, changed(PLAN, AWAY, aside=True))
    refused(FLEET, changed(PLAN, BACK, aside=True), f"{BACK.id}: calls it stepping aside")
    refused(FLEET, changed(PLAN, X, aside=True), f"{X.id}: calls it stepping aside")


BROKEN: dict[str, tuple[Callable[[], Plan], str]] = {
    "never comes back": (lambda: without(PLAN, BACK), "z: ends on c, declared is b"),
    "stays elsewhere, and calls that its end": (
        lambda: without(changed(PLAN, AWAY, hop=False), BACK),
        "goes to c, declared is b",
    ),
    "comes back before there is room": (
        lambda: changed(PLAN, BACK, start_s=20.0, after=(AWAY.id, X.id)),
        "b has 0 MiB of memory left then, 2048 are needed",
    ),
    "comes back without waiting for the room": (
        lambda: changed(PLAN, BACK, after=(AWAY.id, X.id)),
        "could begin before what makes room for it has gone: 2048 MiB of memory on b",
    ),
    "does not make the room that it left for": (
        lambda: changed(PLAN, X, after=()),
        "could begin before what makes room for it has gone: 4096 MiB of memory on b",
    ),
    "goes offline": (
        lambda: changed(PLAN, AWAY, method=Method.OFFLINE, downtime_s=5.0),
        "z steps aside, which it may do online only",
    ),
    "is stopped on the way": (
        lambda: plan_of(FLEET, *PLAN.steps, at(FLEET, "z", "b", StepKind.STOP, 50, after=(BACK.id,))),
        "z steps aside, and may not be started or stopped after that",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_step_aside_is_refused(name: str) -> None:
    make, sentence = BROKEN[name]
    refused(FLEET, make(), sentence)


WHY = Suspension("no")
WRONG: dict[str, tuple[Callable[[], World], str]] = {
    "not permitted": (
        lambda: with_document(FLEET, "z", step_aside=False),
        "z is where it is declared, and may not step aside",
    ),
    "suspended": (lambda: with_document(FLEET, "z", suspend=WHY), "z is suspended"),
    "drifted, where drift is corrected": (
        lambda: with_fleet(with_document(FLEET, "z", drifted="since noon"), drift=Drift.CORRECT),
        "z has drifted, and does not step aside then",
    ),
    "document unreadable": (
        lambda: replace(FLEET, desired=replace(FLEET.desired, quarantined={"z": FLEET.desired.guests["z"]})),  # type: ignore[dict-item]  # what is wrong does not matter
        "z has no readable document",
    ),
    "no document": (
        lambda: replace(
            FLEET,
            desired=replace(FLEET.desired, guests={name: FLEET.desired.guests[name] for name in ("x", "y")}),
        ),
        "z has no readable document",
    ),
    "method declared offline": (lambda: with_document(FLEET, "z", method=Method.OFFLINE), "asks for offline"),
    "rests on a host under maintenance": (
        lambda: with_host(FLEET, "c", maintenance=WHY),
        "comes to c, which is under maintenance",
    ),
    "rests on a suspended host": (lambda: with_host(FLEET, "c", suspend=WHY), "has to do with c, which is suspended"),
    "comes back to a host under maintenance": (
        lambda: with_host(FLEET, "b", maintenance=WHY),
        f"{BACK.id}: comes to b, which is under maintenance",
    ),
    "held by another": (
        lambda: world(
            [
                *(FLEET.observed.hosts[name] for name in ("a", "b", "c")),
                host("e", records=(record("z", "e", "b", kind=StepKind.SET),)),
            ],
            FLEET.desired.guests.values(),
        ),
        "a move of z is under way already",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_guest_steps_aside_only_where_nothing_speaks_against_it(name: str) -> None:
    make, sentence = WRONG[name]
    refused(make(), PLAN, sentence)


def test_stepping_aside_is_a_permission_of_its_own_but_resting_twice_is_a_hop() -> None:
    stubborn = with_document(FLEET, "z", hop=False)
    proven(stubborn, PLAN)
    further = move(FLEET, "z", "c", "e", 10.5, after=(AWAY.id,))
    back = replace(BACK, source="e", after=(*BACK.after, further.id), start_s=30.5)
    twice = plan_of(FLEET, AWAY, X, replace(further, start_s=10.0), Y, back)
    proven(FLEET, twice)
    refused(stubborn, twice, f"{further.id}: the document forbids a hop")


def test_a_guest_may_step_aside_again_and_also_once_it_has_come() -> None:
    fleet = world([host("a", registration("g")), host("b"), host("c"), host("d")], [guest("g", "b", step_aside=True)])
    come = move(fleet, "g", "a", "b", 0)
    first = move(fleet, "g", "b", "c", 10, after=(come.id,))
    home = move(fleet, "g", "c", "b", 20, after=(first.id,))
    second = move(fleet, "g", "b", "d", 30, after=(home.id,))
    back = move(fleet, "g", "d", "b", 40, after=(second.id,))
    plan = plan_of(fleet, come, first, home, second, back)
    assert [False, True, False, True, False] == [step.hop for step in plan.steps]
    proven(fleet, plan)
    proven(with_document(fleet, "g", hop=False), plan)
    refused(with_document(fleet, "g", step_aside=False), plan, "g is where it is declared, and may not step aside")
    down = with_document(fleet, "g", downtime=ALLOWED)
    proven(down, changed(plan, come, method=Method.OFFLINE, downtime_s=5.0))
    offline = changed(plan, home, method=Method.OFFLINE, downtime_s=5.0)
    refused(down, offline, "g steps aside, which it may do online only")


def test_a_guest_may_rest_more_than_once() -> None:
    fleet = world([host("a", registration("g")), host("b"), host("c"), host("d")], [guest("g", "b", downtime=ALLOWED)])
    first = move(fleet, "g", "a", "c", 0)
    second = move(fleet, "g", "c", "d", 10, after=(first.id,))
    third = move(fleet, "g", "d", "b", 20, after=(second.id,))
    plan = plan_of(fleet, first, second, third)
    assert [True, True, False] == [step.hop for step in plan.steps]
    proven(fleet, plan)
    refused(fleet, changed(plan, second, hop=False), "goes to d, declared is b")
    refused(fleet, changed(plan, third, hop=True), "calls b a resting place, where g is declared")
    refused(fleet, without(plan, third), "g: ends on d, declared is b")
    refused(with_document(fleet, "g", hop=False), plan, "the document forbids a hop")
