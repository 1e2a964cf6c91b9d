"""The proof refuses what is unsafe: a good plan with one thing made wrong, a kind a line, and the sentence it gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.desired import AfterDeadline, StopPolicy
from reconciler.core.model import Load, Method, StepKind
from reconciler.core.planning.plan import Blocked, Plan, Step
from reconciler.core.planning.verify import prove
from tests.core.fleets import ALLOWED, STOPPED, World, guest, host, local_disk, registration, world
from tests.core.planning.verify import plans
from tests.core.planning.verify.plans import at, move, proven, refused


def good() -> World:
    """Two full hosts that swap over a third, a guest that goes offline, one that is started, one that is stopped."""
    looks = [
        host("a", registration("x"), memory_mib=4096),
        host("b", registration("y"), memory_mib=4096),
        host("c", registration("off", 1000, disks=(local_disk(50),)), registration("up", state=STOPPED)),
        host("d", registration("down", 1000), registration("alone", 500), registration("home", 500), memory_mib=6000),
    ]
    guests = [
        guest("x", "b"),
        guest("y", "a"),
        guest("off", "d", downtime=ALLOWED),
        guest("up", "c", power="running"),
        guest("down", "d", power="stopped"),
        guest("home", "d"),
    ]
    return world(looks, guests)


GOOD = good()
PLAN = GOOD.plan()


def step_of(name: str, kind: StepKind = StepKind.MIGRATE, *, last: bool = False) -> Step:
    found = [step for step in PLAN.steps if step.guest == name and step.kind is kind]
    return found[-1 if last else 0]


def changed(step: Step, **fields: Any) -> Plan:
    return plans.changed(PLAN, step, **fields)


def without(*gone: Step) -> Plan:
    return plans.without(PLAN, *gone)


def added(*more: Step) -> Plan:
    return plans.honest(PLAN, (*PLAN.steps, *more))


def swapped(one: Step, other: Step) -> Plan:
    """Each does what the other should."""
    names = {one.id: (other.guest, other.uuid), other.id: (one.guest, one.uuid)}
    steps = (replace(s, guest=names[s.id][0], uuid=names[s.id][1]) if s.id in names else s for s in PLAN.steps)
    return plans.honest(PLAN, steps)


HOP, HOME, Y = step_of("x"), step_of("x", last=True), step_of("y")
OFF, UP, DOWN = step_of("off"), step_of("up", StepKind.START), step_of("down", StepKind.STOP)
END_S = PLAN.makespan_s


def test_the_good_plan_is_good() -> None:
    assert (HOP.hop, HOME.hop) == (True, False)
    proven(GOOD, PLAN)


BROKEN: dict[str, tuple[Callable[[], Plan], str]] = {
    # room
    "arrives before there is room": (
        lambda: changed(Y, start_s=0.0, after=()),
        "a has 0 MiB of memory left then, 4096 are needed",
    ),
    "overcommits only in the second in which two moves overlap": (
        lambda: changed(Y, start_s=HOP.end_s - 1, after=()),
        "a has 0 MiB of memory left then, 4096 are needed",
    ),
    "comes home before there is room": (
        lambda: changed(HOME, start_s=HOP.end_s, after=(HOP.id,)),
        "b has 0 MiB of memory left then, 4096 are needed",
    ),
    "is late enough by the clock, and waits for nobody": (
        lambda: changed(Y, after=()),
        "could begin before what makes room for it has gone: 4096 MiB of memory on a",
    ),
    "understates its load": (
        lambda: changed(Y, load=Load(1)),
        "says it takes 1 MiB of memory, the guest takes 4096 MiB of memory and 1 virtual CPUs",
    ),
    "overstates what it frees": (
        lambda: changed(HOP, frees=Load(9999, 1)),
        "says it frees 9999 MiB of memory and 1 % of CPU, the guest frees 4096 MiB of memory and 1 virtual CPUs",
    ),
    "forgets the disks that it copies": (lambda: changed(OFF, load=replace(OFF.load, disk_mib=0)), "says it takes"),
    # order and time
    "departure left out": (lambda: without(HOP, HOME), "which is not in the plan"),
    "begins before what it waits for": (lambda: changed(Y, start_s=1.0), "begins before that has ended"),
    "waits for itself": (lambda: changed(Y, after=(Y.id,)), "begins before that has ended"),
    "two wait for each other": (
        lambda: plans.honest(PLAN, (replace(step, after=(HOME.id,)) if step is HOP else step for step in PLAN.steps)),
        f"comes after {HOME.id}, but begins before that has ended",
    ),
    "two steps of one id": (lambda: changed(Y, id=OFF.id), "two steps have the same id"),
    "a guest in two steps at once": (
        lambda: changed(HOME, start_s=HOP.start_s + 1.0, after=(HOP.id,)),
        f"x is in {HOP.id} at the same time",
    ),
    "its own earlier step not waited for": (lambda: changed(HOME, after=(Y.id,)), "of the same guest"),
    "takes no time": (lambda: changed(Y, duration_s=0.0), "takes no time"),
    "begins before the run": (lambda: changed(HOP, start_s=-5.0), "begins before the run"),
    "begins at no time at all": (lambda: changed(Y, start_s=float("nan")), "begins before the run, or takes no time"),
    "hides its downtime": (lambda: changed(OFF, downtime_s=0.0), "takes off down, and says that it is not"),
    "says it is down for longer than it takes": (
        lambda: changed(Y, downtime_s=1e6),
        "says its guest is down for 1e+06",
    ),
    "understates its length": (
        lambda: replace(PLAN, makespan_s=1.0, bound_s=1.0),
        "the plan says it takes 1 s, its last step ends after",
    ),
    "overstates its bound": (
        lambda: replace(PLAN, bound_s=PLAN.makespan_s + 1),
        "the plan says that none is shorter than",
    ),
    "has a bound below nothing": (lambda: replace(PLAN, bound_s=-1.0), "none is shorter than -1 s"),
    # places
    "moved from where it is not": (lambda: changed(HOME, source="d"), "x is on c then, not on d"),
    "hop never ends": (lambda: without(HOME), "x: ends on c, declared is b"),
    "goes elsewhere than declared": (lambda: changed(Y, target="d", via="d"), "goes to d, declared is a"),
    "ends elsewhere, and calls that a hop": (
        lambda: changed(Y, target="d", via="d", hop=True),
        "y: ends on d, declared is a",
    ),
    "calls its declared host a resting place": (lambda: changed(Y, hop=True), "calls a a resting place"),
    "goes nowhere": (lambda: changed(Y, target="b", via="b"), "a move that goes nowhere"),
    "moved on from where it is declared": (
        lambda: added(
            move(GOOD, "y", "a", "d", END_S, after=(Y.id,)),
            move(GOOD, "y", "d", "a", END_S + 20, after=(f"{END_S:03.0f}-y",)),
        ),
        "y is where it is declared, and may not step aside",
    ),
    "an undeclared host": (lambda: changed(HOP, target="z"), "touches z, which was not read"),
    "goes by way of another address": (
        lambda: changed(Y, via="203.0.113.9"),
        "goes by way of 203.0.113.9, a is called a",
    ),
    # guests
    "another guest": (lambda: changed(Y, uuid="uuid-alone"), "not the guest that the document means"),
    "addressed by another guest's name": (lambda: changed(Y, known_as="alone"), "is addressed to alone"),
    "an unmanaged guest": (
        lambda: changed(Y, guest="alone", uuid="uuid-alone", source="d"),
        "alone has no readable document",
    ),
    "two guests swapped": (lambda: swapped(OFF, Y), "goes to d, declared is a"),
    "a bystander": (
        lambda: added(
            move(GOOD, "home", "d", "c", END_S),
            move(GOOD, "home", "c", "d", END_S + 20, after=(f"{END_S:03.0f}-home",)),
        ),
        "home is where it is declared, and may not step aside",
    ),
    "moved and blocked": (
        lambda: replace(PLAN, blocked=(Blocked("y", "uuid-y", "a", "b", "NoRoom", ""),)),
        "y is both moved and blocked",
    ),
    "forgotten": (lambda: without(OFF), "off: is on c, declared is d; neither moved nor blocked"),
    "start forgotten": (lambda: without(UP), "up: is stopped, declared is running; neither changed nor blocked"),
    "stop forgotten": (lambda: without(DOWN), "down: is running, declared is stopped; neither changed nor blocked"),
    "made for another fleet": (lambda: replace(PLAN, fleet="other"), "the plan is for fleet other"),
    # methods
    "a move without a method": (lambda: changed(Y, method=None), "a move without a method"),
    "online while stopped": (lambda: changed(Y, running=False), "online, but the guest does not run"),
    "a running guest treated as stopped": (
        lambda: changed(OFF, running=False, load=Load(disk_mib=50), frees=Load()),
        "off is running then",
    ),
    "online with local disks": (lambda: changed(OFF, method=Method.ONLINE), "copies disks"),
    "copies other disks": (lambda: changed(Y, copies=("/dev/sda",)), "does not copy the disks of y, or others"),
    "deletes disks unasked": (lambda: changed(OFF, delete_source=True), "deletes disks of off"),
    "stops what must run": (lambda: changed(Y, method=Method.OFFLINE, downtime_s=1.0), "stops the running guest"),
    "stops harder than the document says": (
        lambda: changed(OFF, stop=StopPolicy(then=AfterDeadline.HARD)),
        "would stop off otherwise than its document says",
    ),
    "slows its guest down unasked": (lambda: changed(Y, converge=True), "may slow the guest down"),
    "calls disks shared on somebody's word": (lambda: changed(Y, vouched=True), "on the word that it gives"),
    "carries an autostart along that nobody saw": (lambda: changed(Y, autostart=True), "would carry an autostart"),
    # power
    "a stop that nobody declared": (
        lambda: changed(Y, kind=StepKind.STOP, method=None, target="b", load=Load()),
        "the document does not ask for this stop",
    ),
    "a start that nobody declared": (
        lambda: changed(DOWN, kind=StepKind.START),
        "the document does not ask for this start",
    ),
    "stopped, moved and started again": (
        lambda: plans.honest(
            PLAN,
            (
                *(step for step in PLAN.steps if step is not Y),
                at(GOOD, "y", "b", StepKind.STOP, HOP.end_s, after=(HOP.id,)),
                move(GOOD, "y", "b", "a", HOP.end_s + 10, running=False, after=(f"{HOP.end_s:03.0f}-y",)),
                at(GOOD, "y", "a", StepKind.START, HOP.end_s + 20, after=(f"{HOP.end_s + 10:03.0f}-y",)),
            ),
        ),
        "the document does not ask for this stop",
    ),
    "a start made a stop": (lambda: changed(UP, kind=StepKind.STOP), "the document does not ask for this stop"),
    "starts what runs": (lambda: changed(UP, running=True, frees=Load(4096, vcpus=1)), "up is stopped then"),
    "a power step that moves": (lambda: changed(DOWN, target="c"), "a stop that moves its guest"),
    "a power step with a method": (
        lambda: changed(DOWN, method=Method.OFFLINE),
        "a stop with a method or a network of migration",
    ),
    # at once
    "starts while one arrives": (lambda: changed(UP, start_s=HOP.start_s), "a guest is started or stopped on c then"),
    "leaves while another touches the host": (
        lambda: changed(OFF, start_s=HOME.start_s),
        "more than 1 migrations touch c",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plan_is_refused(name: str) -> None:
    make, sentence = BROKEN[name]
    refused(GOOD, make(), sentence)


def test_a_fault_names_its_step_its_guest_or_the_whole_plan() -> None:
    late = prove(GOOD.desired, GOOD.observed, changed(Y, start_s=0.0, after=()))
    assert {(Y.id, "y")} == {(fault.step, fault.guest) for fault in late if "left then" in fault.text}
    assert ("", "off") in {(fault.step, fault.guest) for fault in prove(*both(without(OFF)))}
    [whole] = prove(*both(replace(PLAN, bound_s=-1.0)))
    assert ("", "") == (whole.step, whole.guest)


def both(plan: Plan) -> tuple[Any, Any, Plan]:
    return GOOD.desired, GOOD.observed, plan
