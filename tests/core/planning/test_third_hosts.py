"""Over a third host where no online way leads straight to the declared one: two online legs rather than downtime.

Versions follow each other here as on the platform that the planner was made for: a guest goes online to its host's
version or to the next one.
"""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.compatibility import Question, Rulebook, Verdict
from reconciler.core.desired import Host, Suspension
from reconciler.core.model import Method
from reconciler.core.observed import BootFloor
from reconciler.core.planning.plan import Plan
from reconciler.core.planning.scheduler import make_plan
from reconciler.core.planning.verify import verify
from reconciler.core.records import Parked
from tests.core.fleets import (
    ALLOWED,
    HERE,
    STOPPED,
    World,
    always,
    disks_shared,
    guest,
    host,
    local_disk,
    parked,
    record,
    refusals,
    registration,
    runs,
    told,
    world,
)

VERSIONS = ("4.1", "4.2", "4.3")


def next_version(question: Question) -> Verdict:
    source, target = (VERSIONS.index(facts.version) for facts in (question.source, question.target))
    fine = target - source in (0, 1)
    return Verdict(
        "next-version", Method.ONLINE, fine, f"{question.source.version} → {question.target.version}", "a test"
    )


BOOK = Rulebook("test", (next_version, runs, disks_shared), (always,), lambda question: "", frozenset())


def planned(fleet: World, book: Rulebook = BOOK) -> Plan:
    """The plan by these rules, proven."""
    plan = make_plan(fleet.desired, fleet.observed, fleet.difference, {"test": book})
    assert () == verify(fleet.desired, fleet.observed, plan)
    return plan


def fleet(entry: dict[str, Any] | None = None, hosts: dict[str, Host] | None = None, **wishes: Any) -> World:
    """x on a, of 4.1, declared on d, of 4.3; b and c are of 4.2."""
    x = registration("x", **(entry or {}))
    looks = [
        host("a", x, version="4.1"),
        host("b", version="4.2"),
        host("c", version="4.2"),
        host("d", version="4.3"),
    ]
    return world(looks, [guest("x", "d", **wishes)], hosts=hosts)


@pytest.mark.parametrize("wishes", [{}, {"downtime": ALLOWED}, {"method": Method.ONLINE}])
def test_a_guest_goes_online_over_a_third_host_rather_than_down(wishes: dict[str, Any]) -> None:
    plan = planned(fleet(**wishes))
    assert ["x a → b online (hop)", "x b → d online"] == told(plan)
    away, on = plan.steps
    assert away.reason.startswith("rests on b, as there is no online way to d (4.1 → 4.3); declared on d; online")
    assert on.reason.startswith("declared on d, by way of b; online")


STRAIGHT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a hop is forbidden": ({}, {"hop": False}),
    "it shall be moved offline": ({}, {"method": Method.OFFLINE}),
    "it is stopped": ({"state": STOPPED}, {}),
    "its disks let it go online nowhere": ({"disks": (local_disk(1000),)}, {}),
}


@pytest.mark.parametrize("why", STRAIGHT)
def test_it_goes_straight_and_offline_where(why: str) -> None:
    entry, wishes = STRAIGHT[why]
    assert ["x a → d offline"] == told(planned(fleet(entry, downtime=ALLOWED, **wishes)))


def test_it_goes_straight_where_that_is_online_and_may_be_stopped_where_it_shall_be_anyway() -> None:
    looks = [host("a", registration("x"), version="4.2"), host("b", version="4.2"), host("d", version="4.3")]
    assert ["x a → d online"] == told(planned(world(looks, [guest("x", "d")])))
    assert ["x stop on a", "x a → d offline"] == told(planned(fleet(power="stopped")))


CLOSED: dict[str, Host] = {
    "suspended": Host("b", "test", HERE, suspend=Suspension("no")),
    "under maintenance": Host("b", "test", HERE, maintenance=Suspension("no")),
    "not to be chosen": Host("b", "test", HERE, schedulable=False),
    "too small": Host("b", "test", HERE, memory_cap_mib=2048),
    "with too few CPUs": Host("b", "test", HERE, cpus_cap=0),
}


@pytest.mark.parametrize("why", CLOSED)
def test_it_does_not_rest_on_a_host_that_is(why: str) -> None:
    assert ["x a → c online (hop)", "x c → d online"] == told(planned(fleet(hosts={"b": CLOSED[why]})))


def test_it_rests_where_there_is_room_now_and_then_where_it_is_quicker() -> None:
    def over(*entries: Any, **fields: Any) -> str:
        looks = [
            host("a", registration("x"), version="4.1", bandwidth_mib_s=200.0),
            host("b", *entries, version="4.2", **fields),
            host("c", version="4.2", bandwidth_mib_s=50.0),
            host("d", version="4.3", bandwidth_mib_s=200.0),
        ]
        stay = [guest(entry.name, "b") for entry in entries]
        return planned(world(looks, [guest("x", "d"), *stay])).steps[0].target

    assert "b" == over(bandwidth_mib_s=200.0)
    assert "c" == over(bandwidth_mib_s=20.0)
    assert "c" == over(registration("y", 14336), bandwidth_mib_s=200.0)


def test_the_rules_are_asked_with_the_boot_that_goes_on() -> None:
    """Whether a guest may go on may hang on where it was booted, and an online move is no boot."""
    floors: list[BootFloor | None] = []

    def booted(question: Question) -> Verdict:
        if question.source.version == "4.2" and question.target.version == "4.3":
            floors.append(question.guest.boot_floor)
        return Verdict("booted", Method.ONLINE, True, "as it was", "a test")

    floor = BootFloor("4.1", "a", "seen")
    planned(
        fleet({"boot_floor": floor}), Rulebook("test", (*BOOK.online, booted), (always,), BOOK.one_way, BOOK.telling)
    )
    assert {floor} == set(floors)


def test_a_way_that_the_platform_refused_is_not_taken_again() -> None:
    there = fleet()
    intent, facts = planned(there).steps[0].intent, planned(there).steps[0].facts
    no = parked(record("x", "a", "b", intent=intent, facts=facts), Parked.REFUSED, note="no")
    looks = [
        host("a", registration("x"), version="4.1", records=(no,)),
        *(there.observed.hosts[name] for name in ("b", "c", "d")),
    ]
    assert ["x a → c online (hop)", "x c → d online"] == told(planned(world(looks, [guest("x", "d")])))


def test_a_guest_on_such_a_way_may_rest_elsewhere_for_others_as_well() -> None:
    """c is the only host of 4.2, and full of y, which shall go to a, full of x. Both move once x rests on e."""
    looks = [
        host("a", registration("x"), version="4.1", memory_mib=4096),
        host("c", registration("y"), version="4.2", memory_mib=4096),
        host("e", version="4.1", memory_mib=4096),
        host("d", version="4.3", memory_mib=4096),
    ]

    def both_ways(question: Question) -> Verdict:
        there = abs(VERSIONS.index(question.source.version) - VERSIONS.index(question.target.version))
        return Verdict("next-version", Method.ONLINE, there < 2, "far" if there > 1 else "near", "a test")

    book = Rulebook("test", (both_ways, runs, disks_shared), (always,), BOOK.one_way, BOOK.telling)
    plan = planned(world(looks, [guest("x", "d"), guest("y", "a", hop=False)]), book)
    assert {} == refusals(plan)
    assert ["x a → e online (hop)", "y c → a online", "x e → c online (hop)", "x c → d online"] == told(plan)
