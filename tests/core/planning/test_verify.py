"""The proof refuses what is unsafe: good plans, each with one thing made wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.core.desired import Limits, StorageCopy
from reconciler.core.model import Load, Method, StepKind
from reconciler.core.observed import Look, ObservedFleet
from reconciler.core.planning.plan import Blocked, Plan, Step
from reconciler.core.planning.verify import verify
from tests.core.fleets import (
    ALLOWED,
    STOPPED,
    TRANSITION,
    World,
    away,
    guest,
    host,
    local_disk,
    record,
    registration,
    world,
)


def good() -> World:
    """Two full hosts that swap over a third, a guest that goes offline, one that is started, one that is stopped."""
    looks = [
        host("a", registration("x"), memory_mib=4096),
        host("b", registration("y"), memory_mib=4096),
        host("c", registration("off", 1000, disks=(local_disk(50),)), registration("up", state=STOPPED)),
        host("d", registration("down", 1000), registration("alone", 500)),
    ]
    guests = [
        guest("x", "b"),
        guest("y", "a"),
        guest("off", "d", downtime=ALLOWED),
        guest("up", "c", power="running"),
        guest("down", "d", power="stopped"),
    ]
    return world(looks, guests)


GOOD = good()
PLAN = GOOD.plan()


def step_of(name: str, kind: StepKind = StepKind.MIGRATE, *, last: bool = False) -> Step:
    found = [step for step in PLAN.steps if step.guest == name and step.kind is kind]
    return found[-1 if last else 0]


def changed(step: Step, **fields: object) -> Plan:
    """The plan with one step changed."""
    other = replace(step, **fields)  # type: ignore[arg-type]  # fields of Step by name
    return replace(PLAN, steps=tuple(other if entry.id == step.id else entry for entry in PLAN.steps))


def without(*gone: Step) -> Plan:
    ids = {step.id for step in gone}
    return replace(PLAN, steps=tuple(step for step in PLAN.steps if step.id not in ids))


HOP, HOME, Y = step_of("x"), step_of("x", last=True), step_of("y")
OFF, UP, DOWN = step_of("off"), step_of("up", StepKind.START), step_of("down", StepKind.STOP)


def test_the_good_plan_is_good() -> None:
    assert (HOP.hop, HOME.hop) == (True, False)
    assert () == verify(GOOD.desired, GOOD.observed, PLAN)


BROKEN: dict[str, tuple[Callable[[], Plan], str]] = {
    "arrives-before-there-is-room": (lambda: changed(Y, start_s=0.0, after=()), "0 MiB of memory left then"),
    "comes-home-before-there-is-room": (
        lambda: changed(HOME, start_s=HOP.end_s, after=(HOP.id,)),
        "0 MiB of memory left then",
    ),
    "departure-left-out": (lambda: without(HOP, HOME), "which is not in the plan"),
    "begins-before-what-it-waits-for": (lambda: changed(Y, start_s=1.0), "begins before that has ended"),
    "waits-for-itself": (lambda: changed(Y, after=(Y.id,)), "begins before that has ended"),
    "two-steps-of-one-id": (lambda: changed(Y, id=OFF.id), "two steps have the same id"),
    "a-guest-in-two-steps-at-once": (lambda: changed(HOME, start_s=HOP.start_s + 1.0, after=()), "at the same time"),
    "own-earlier-step-not-waited-for": (lambda: changed(HOME, after=(Y.id,)), "of the same guest"),
    "moved-from-where-it-is-not": (lambda: changed(HOME, source="d"), "is on c then, not on d"),
    "hop-never-ends": (lambda: without(HOME), "x: ends on c, declared is b"),
    "goes-elsewhere-than-declared": (lambda: changed(Y, target="d"), "goes to d, declared is a"),
    "takes-no-time": (lambda: changed(Y, duration_s=0.0), "takes no time"),
    "says-it-takes-less": (lambda: changed(Y, load=Load(1)), "says it takes"),
    "says-it-frees-more": (lambda: changed(HOP, frees=Load(9999)), "says it frees"),
    "another-guest": (lambda: changed(Y, uuid="uuid-alone"), "not the guest that the document means"),
    "an-unmanaged-guest": (
        lambda: changed(Y, guest="alone", uuid="uuid-alone", source="d"),
        "alone has no readable document",
    ),
    "an-undeclared-host": (lambda: changed(HOP, target="z"), "touches z, which was not read"),
    "online-while-stopped": (lambda: changed(Y, running=False), "online, but the guest does not run"),
    "running-guest-treated-as-stopped": (
        lambda: changed(OFF, running=False, load=Load(disk_mib=50), frees=Load()),
        "off is running then",
    ),
    "online-with-local-disks": (lambda: changed(OFF, method=Method.ONLINE), "copies disks"),
    "stops-what-must-run": (lambda: changed(Y, method=Method.OFFLINE), "stops the running guest"),
    "stop-that-nobody-declared": (
        lambda: changed(Y, kind=StepKind.STOP, method=None, target="b", load=Load()),
        "the document does not ask for this stop",
    ),
    "start-that-nobody-declared": (
        lambda: changed(DOWN, kind=StepKind.START),
        "the document does not ask for this start",
    ),
    "start-left-out": (lambda: changed(UP, kind=StepKind.STOP), "the document does not ask for this stop"),
    "starts-what-runs": (lambda: changed(UP, running=True, frees=Load(4096)), "up is stopped then"),
    "power-step-that-moves": (lambda: changed(DOWN, target="c"), "a stop that moves its guest"),
    "starts-while-one-arrives": (lambda: changed(UP, start_s=HOP.start_s), "a guest is started or stopped on c then"),
    "leaves-two-at-a-time": (lambda: changed(OFF, start_s=HOME.start_s), "more than 1 migrations"),
    "moved-and-blocked": (
        lambda: replace(PLAN, blocked=(Blocked("y", "uuid-y", "a", "b", "NoRoom", ""),)),
        "y is both moved and blocked",
    ),
    "forgotten": (lambda: without(OFF), "off: is on c, declared is d; neither moved nor blocked"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plan_is_refused(name: str) -> None:
    make, violation = BROKEN[name]
    violations = verify(GOOD.desired, GOOD.observed, make())
    assert any(violation in entry for entry in violations), violations


def with_document(name: str, **fields: object) -> World:
    """The good world, but one guest's document says something else than when the plan was made."""
    before = GOOD.desired.guests[name]
    policy = replace(before.migration, **fields)  # type: ignore[arg-type]  # fields of the policy by name
    guests = {**GOOD.desired.guests, name: replace(before, migration=policy)}
    return replace(GOOD, desired=replace(GOOD.desired, guests=guests))


def with_look(look: Look) -> World:
    """The good world, but one host looks different from when the plan was made."""
    return replace(GOOD, observed=ObservedFleet({**GOOD.observed.hosts, look.name: look}))


WRONG_WORLDS: dict[str, tuple[World, str]] = {
    "hop-forbidden": (with_document("x", hop=False), "the document forbids a hop"),
    "method-forbidden": (with_document("y", method=Method.OFFLINE), "online, the document asks for offline"),
    "copy-forbidden": (with_document("off", storage_copy=StorageCopy.NEVER), "copies disks"),
    "host-unread": (with_look(away("d")), "touches d, which was not read"),
    "host-shared": (with_look(host("e", machine_id="machine-a")), "touches a, which was not read"),
    "host-full": (
        with_look(host("d", registration("down", 1000), registration("big", 16000), memory_mib=16500)),
        "d has 500 MiB of memory left then, 1000 are needed",
    ),
    "few-cpus": (with_look(host("d", registration("down", 1000), cpus=0)), "more virtual CPUs than d has CPUs"),
    "second-copy": (
        with_look(host("d", registration("down", 1000), registration("y", state=STOPPED))),
        "y has 2 copies that run or could be started",
    ),
    "in-transition": (with_look(host("b", registration("y", state=TRANSITION))), "neither running nor stopped"),
    "held-by-another": (
        with_look(host("b", registration("y"), memory_mib=4096, records=(record("y", "b", "d"),))),
        "a move of y is under way already",
    ),
    "another-platform": (with_look(host("d", registration("down", 1000), platform="x")), "of different platforms"),
}


@pytest.mark.parametrize("name", WRONG_WORLDS)
def test_a_plan_for_another_world_is_refused(name: str) -> None:
    fleet, violation = WRONG_WORLDS[name]
    violations = verify(fleet.desired, fleet.observed, PLAN)
    assert any(violation in entry for entry in violations), violations


def test_a_start_is_refused_while_a_host_is_unread() -> None:
    fleet = replace(GOOD, observed=ObservedFleet(dict(GOOD.observed.hosts)))
    declared = {**fleet.desired.hosts, "far": replace(fleet.desired.hosts["a"], name="far")}
    fleet = replace(fleet, desired=replace(fleet.desired, hosts=declared))
    assert (f"{UP.id}: up is stopped, and not every host was read",) == verify(fleet.desired, fleet.observed, PLAN)
    assert () == verify(fleet.desired, fleet.observed, PLAN, lost_hosts=frozenset({"far"}))


def test_what_is_lost_is_not_touched() -> None:
    violations = verify(GOOD.desired, GOOD.observed, PLAN, lost_hosts=frozenset({"d"}))
    assert any("touches d" in entry for entry in violations)


def test_limits_of_the_fleet_are_counted() -> None:
    names = ("g1", "g2")
    looks = [host(f"from-{name}", registration(name)) for name in names] + [host(f"to-{name}") for name in names]
    fleet = world(looks, [guest(name, f"to-{name}") for name in names])
    narrow = world(looks, fleet.desired.guests.values(), limits=Limits(concurrent=1))
    assert any("in the fleet" in entry for entry in verify(narrow.desired, narrow.observed, fleet.plan()))
