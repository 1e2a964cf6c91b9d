"""A good plan is refused where documents or hosts say something else than when it was made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.desired import Drift, Limits, Network, StorageCopy, Suspension
from reconciler.core.model import Method, StepKind
from reconciler.core.observed import Look, ObservedFleet, Unreachable
from reconciler.core.planning.verify import verify
from reconciler.core.records import Stage
from reconciler.errors import Location, Problem
from tests.core.fleets import (
    ALLOWED,
    STOPPED,
    TRANSITION,
    World,
    away,
    guest,
    host,
    record,
    registration,
    world,
)
from tests.core.planning.verify.plans import changed, proven, refused, with_document, with_fleet, with_host
from tests.core.planning.verify.test_broken_plans import GOOD, HOP, OFF, PLAN, UP, step_of

WHY = Suspension("backup")


def with_look(look: Look) -> World:
    """The good world, but one host looks different from when the plan was made."""
    return replace(GOOD, observed=ObservedFleet({**GOOD.observed.hosts, look.name: look}))


def full_d(memory_mib: int = 16384, **fields: Any) -> Look:
    here = (registration("down", 1000), registration("alone", 500), registration("home", 500))
    return host("d", *here, memory_mib=memory_mib, **fields)


def quarantined() -> World:
    problem = Problem("unknown-field", Location("y.yaml"), "what is this")
    return replace(GOOD, desired=replace(GOOD.desired, quarantined={"y": problem}))


def namesake() -> Look:
    return host("c", *GOOD.observed.hosts["c"].registrations, registration("x", uuid="uuid-2", runnable=False))  # type: ignore[union-attr]  # c was read


def stopped_before() -> Look:
    """`down` left d, was stopped for that, and is to be started there again: its room is kept."""
    parked = record("gone", "d", "a", stage=Stage.PARKED, stopped_by_us=True)
    return host("d", registration("down", 1000), registration("gone", 4096, state=STOPPED), records=(parked,))


WRONG: dict[str, tuple[Callable[[], World], str]] = {
    # what the guest's document permits
    "hop forbidden": (lambda: with_document(GOOD, "x", hop=False), "the document forbids a hop"),
    "method forbidden": (lambda: with_document(GOOD, "y", method=Method.OFFLINE), "the document asks for offline"),
    "downtime forbidden": (
        lambda: with_document(GOOD, "off", downtime=GOOD.desired.guests["y"].migration.downtime),
        "stops the running guest, which its document does not allow",
    ),
    "copy forbidden": (lambda: with_document(GOOD, "off", storage_copy=StorageCopy.NEVER), "copies disks"),
    "window closed": (
        lambda: with_document(GOOD, "off", windows=("nights",), open_s=0.0),
        "window nights is closed",
    ),
    "window closes too early": (
        lambda: with_document(GOOD, "off", windows=("nights", "noon"), open_s=OFF.end_s),
        "window nights or noon closes too early",
    ),
    "window that nobody looked up": (
        lambda: with_document(GOOD, "off", windows=("nights",)),
        "window nights: nobody has said when that is open",
    ),
    "window for a stop": (lambda: with_document(GOOD, "down", windows=("nights",), open_s=0.0), "window nights is"),
    "quarantined": (quarantined, "y has no readable document"),
    # what is kept still
    "guest suspended": (lambda: with_document(GOOD, "y", suspend=WHY), "y is suspended"),
    "guest fought over": (lambda: with_document(GOOD, "y", fought="3 times"), "somebody undoes what is corrected"),
    "drift is only reported": (lambda: with_document(GOOD, "y", drifted="since noon"), "drift is only reported"),
    "drift may cost no downtime": (
        lambda: with_fleet(with_document(GOOD, "off", drifted="since noon"), drift=Drift.CORRECT),
        "stops off to undo a drift",
    ),
    "host suspended": (lambda: with_host(GOOD, "d", suspend=WHY), "has to do with d, which is suspended"),
    "hop on a host under maintenance": (
        lambda: with_host(GOOD, "c", maintenance=WHY),
        f"{HOP.id}: comes to c, which is under maintenance",
    ),
    "start under maintenance": (
        lambda: with_host(GOOD, "c", maintenance=WHY),
        f"{UP.id}: comes to c, which is under maintenance",
    ),
    "runs into a window that denies": (
        lambda: with_fleet(GOOD, quiet_in_s=60.0),
        "runs into a window that denies",
    ),
    # hosts
    "host unread": (lambda: with_look(away("d")), "touches d, which was not read"),
    "two hosts are one machine": (lambda: with_look(host("e", machine_id="machine-a")), "touches a, which was not"),
    "memory full": (
        lambda: with_look(full_d(1900)),
        "d has 900 MiB of memory left then, 1000 are needed",
    ),
    "memory capped": (
        lambda: with_host(GOOD, "d", memory_cap_mib=1900),
        "d has 900 MiB of memory left then, 1000 are needed",
    ),
    "memory reserved": (
        lambda: with_host(GOOD, "d", reserve_memory_mib=6000 - 1900),
        "d has 900 MiB of memory left then, 1000 are needed",
    ),
    "memory kept for the way back of another": (
        lambda: with_host(with_look(stopped_before()), "d", memory_cap_mib=5000),
        "d has 904 MiB of memory left then, 1000 are needed",
    ),
    "disk full": (lambda: with_look(full_d(disk_free_mib=49)), "d has 49 MiB of disk left then, 50 are needed"),
    "few CPUs": (lambda: with_look(full_d(cpus=0)), "more virtual CPUs than d has CPUs"),
    "CPUs capped": (lambda: with_host(GOOD, "d", cpus_cap=0), "more virtual CPUs than d has CPUs"),
    "another platform": (lambda: with_look(full_d(platform="x")), "of different platforms"),
    "another address": (lambda: with_host(GOOD, "d", migration_address="d-mig"), "d is called d-mig"),
    "more overhead": (lambda: with_look(full_d(memory_overhead_percent=7)), "says it takes"),
    # guests
    "one that nobody sees": (
        lambda: replace(
            GOOD, desired=replace(GOOD.desired, guests={**GOOD.desired.guests, "gone": guest("gone", "a")})
        ),
        "was not seen, declared is a; neither moved nor blocked",
    ),
    "second copy": (
        lambda: with_look(host("d", registration("down", 1000), registration("y", state=STOPPED))),
        "y has 2 copies that run or could be started",
    ),
    "could also run where nobody looked": (
        lambda: with_look(Unreachable("old", "no longer declared", ("uuid-y",))),
        "y could also run on old, which was not read",
    ),
    "in transition": (
        lambda: with_look(host("b", registration("y", state=TRANSITION), memory_mib=4096)),
        "neither running nor stopped",
    ),
    "held by another": (
        lambda: with_look(host("b", registration("y"), memory_mib=4096, records=(record("y", "b", "d"),))),
        "a move of y is under way already",
    ),
    "name taken at the target": (
        lambda: with_document(with_look(namesake()), "x", uuid="uuid-x"),
        "another guest is named x on c",
    ),
    "grown": (lambda: with_look(host("b", registration("y", 5000), memory_mib=5000)), "says it takes"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_plan_for_another_world_is_refused(name: str) -> None:
    make, sentence = WRONG[name]
    refused(make(), PLAN, sentence)


def test_a_start_is_refused_while_a_host_is_unread() -> None:
    declared = {**GOOD.desired.hosts, "far": replace(GOOD.desired.hosts["a"], name="far")}
    fleet = replace(GOOD, desired=replace(GOOD.desired, hosts=declared))
    assert (f"{UP.id}: up is stopped, and not every host was read",) == verify(fleet.desired, fleet.observed, PLAN)
    proven(fleet, PLAN, lost_hosts=frozenset({"far"}))


def test_what_is_lost_is_not_touched() -> None:
    refused(GOOD, PLAN, "touches d", lost_hosts=frozenset({"d"}))


def test_a_host_that_is_another_machine_than_was_reported_is_not_touched() -> None:
    proven(GOOD, PLAN, previous_machines={"d": "machine-d"})
    refused(GOOD, PLAN, "touches d", previous_machines={"d": "machine-x"})


def test_cpu_is_counted_besides_memory() -> None:
    looks = [host("a", registration("web", 100, vcpus=4, cpu_entitlement_percent=50)), host("b", cpus=4)]
    fleet = world(looks, [guest("web", "b")])
    busy = replace(fleet, observed=ObservedFleet({**fleet.observed.hosts, "b": crowded()}))
    refused(busy, fleet.plan(), "b has 100 % of CPU left then, 200 are needed")


def crowded() -> Look:
    return host("b", registration("other", 100, vcpus=4, cpu_entitlement_percent=75), cpus=4)


def test_a_guest_that_is_told_to_step_over_its_downtime_is_not_taken_for_one_that_is_stopped() -> None:
    allowed = with_document(GOOD, "y", downtime=ALLOWED)
    offline = replace(step_of("y"), method=Method.OFFLINE, downtime_s=5.0)
    plan = replace(PLAN, steps=tuple(offline if step.guest == "y" else step for step in PLAN.steps))
    proven(allowed, plan)
    refused(GOOD, plan, "stops the running guest")


# --- limits ----------------------------------------------------------------------------------------------------------

WIDE = Limits(concurrent=9, concurrent_in=9, concurrent_out=9, concurrent_host=9)
LIMITS: dict[str, tuple[Limits, str]] = {
    "in the fleet": (replace(WIDE, concurrent=1), "more than 1 migrations in the fleet"),
    "into a host": (replace(WIDE, concurrent_in=1), "more than 1 migrations arrive at b"),
    "out of a host": (replace(WIDE, concurrent_out=1), "more than 1 migrations leave a"),
    "at a host in total": (replace(WIDE, concurrent_host=1), "more than 1 migrations touch a"),
}


def pair(limits: Limits, **fields: Any) -> World:
    """Two guests that go from a to b at once, where limits let them."""
    looks = [host("a", registration("g1"), registration("g2"), **fields), host("b"), host("c")]
    return world(looks, [guest("g1", "b"), guest("g2", "b")], limits=limits)


@pytest.mark.parametrize("name", LIMITS)
def test_each_limit_is_counted(name: str) -> None:
    limits, sentence = LIMITS[name]
    plan = pair(WIDE).plan()
    assert [0.0, 0.0] == [step.start_s for step in plan.steps]
    proven(pair(WIDE), plan)
    refused(pair(limits), plan, sentence)


@pytest.mark.parametrize("name", LIMITS)
def test_moves_under_way_count_against_each_limit(name: str) -> None:
    limits, sentence = LIMITS[name]
    two = replace(limits, **{field: 2 for field in vars(limits) if getattr(limits, field) == 1})
    plan = pair(WIDE).plan()
    proven(pair(two), plan)
    busy = pair(two, records=(record("other", "a", "b", load=record("x", "a", "b").load),))
    refused(busy, plan, sentence.replace("1", "2"))


# --- migration networks ----------------------------------------------------------------------------------------------

BOTH = {"fast": "192.0.2.1", "slow": "198.51.100.1"}


def networked(concurrent: int = 2, *, a: Mapping[str, str] = BOTH, **fields: Any) -> World:
    """The pair, on hosts of two networks, of which `fast` comes first."""
    there = with_fleet(pair(WIDE, **fields), networks=(Network("fast", concurrent), Network("slow")))
    for name, addresses in (("a", a), ("b", {key: value[:-1] + "2" for key, value in BOTH.items()})):
        there = with_host(there, name, migration_addresses=addresses)
    return there


def test_moves_go_over_the_first_network_that_both_hosts_are_on_and_by_the_name_the_target_has_there() -> None:
    fleet = networked()
    plan = fleet.plan()
    assert {("fast", "192.0.2.2")} == {(step.network, step.via) for step in plan.steps}
    proven(fleet, plan)
    first = plan.steps[0]
    refused(fleet, changed(plan, first, network="slow"), "goes over network slow, fast is the first that both hosts")
    refused(fleet, changed(plan, first, network=""), "goes over the network without a name, fast is the first")
    refused(fleet, changed(plan, first, via="198.51.100.2"), "by way of 198.51.100.2, b is called 192.0.2.2")
    refused(networked(a={"slow": "198.51.100.1"}), plan, "goes over network fast, slow is the first that both hosts")
    refused(networked(a={}), plan, "goes over network fast, there is none that both hosts are on")


def test_moves_on_a_network_are_counted_with_those_under_way_wherever_they_may_be() -> None:
    plan = networked().plan()
    assert [0.0, 0.0] == [step.start_s for step in plan.steps]
    refused(networked(1), plan, "more than 1 migrations on network fast")
    for network, counts in (("fast", True), (None, True), ("slow", False)):
        busy = networked(records=(record("other", "a", "b", network=network),))
        if counts:
            refused(busy, plan, "more than 2 migrations on network fast")
        else:
            proven(busy, plan)


# --- starts and stops ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [StepKind.START, StepKind.STOP, StepKind.SET])
def test_a_host_that_starts_stops_or_sets_something_does_nothing_else(kind: StepKind) -> None:
    plan = pair(WIDE).plan()
    busy = pair(WIDE, records=(record("other", "a", "a", kind=kind),))
    refused(busy, plan, "a guest is started or stopped on a then")


def test_a_guest_is_not_stopped_where_another_is_started() -> None:
    looks = [host("a", registration("up", state=STOPPED), registration("down"))]
    fleet = world(looks, [guest("up", "a", power="running"), guest("down", "a", power="stopped")])
    plan = fleet.plan()
    at_once = replace(plan, steps=tuple(replace(step, start_s=0.0) for step in plan.steps))
    refused(fleet, at_once, "another guest is started or stopped on a then")
