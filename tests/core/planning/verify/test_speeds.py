"""Room holds however long steps take: what needs room waits for departures that make it, and for enough of them."""

from __future__ import annotations

from typing import Any

from reconciler.core.desired import Limits
from reconciler.core.model import Method
from reconciler.core.planning.plan import Plan
from tests.core.fleets import ALLOWED, World, guest, host, local_disk, registration, world
from tests.core.planning.verify.oracle import unsafe
from tests.core.planning.verify.plans import changed, move, plan_of, proven, refused

WIDE = Limits(concurrent=9, concurrent_in=9, concurrent_out=9, concurrent_host=9)
SENTENCE = "could begin before what makes room for it has gone"


def crossing(free_mib: int, *sizes: int) -> World:
    """`out1`, `out2` … of such sizes leave a for c, and `in1`, `in2` of 2048 MiB come from b."""
    leaving = [registration(f"out{number}", size) for number, size in enumerate(sizes, start=1)]
    coming = [registration("in1", 2048), registration("in2", 2048)]
    looks = [host("a", *leaving, memory_mib=sum(sizes) + free_mib), host("b", *coming), host("c")]
    guests = [*(guest(entry.name, "c") for entry in leaving), *(guest(entry.name, "a") for entry in coming)]
    return world(looks, guests, limits=WIDE)


def crossed(fleet: World, in1: tuple[int, ...], in2: tuple[int, ...]) -> Plan:
    """All leave at once; who comes waits for these."""
    names = [name for name in fleet.desired.guests if name.startswith("out")]
    gone = [move(fleet, name, "a", "c", 0) for name in names]
    come = [
        move(fleet, name, "b", "a", 10, after=tuple(gone[number - 1].id for number in numbers))
        for name, numbers in (("in1", in1), ("in2", in2))
    ]
    return plan_of(fleet, *gone, *come)


def agree(fleet: World, plan: Plan, *, safe: bool) -> None:
    """The proof says so, and so does a walk through all orders."""
    assert safe is (unsafe(fleet, plan) == "")
    if safe:
        proven(fleet, plan)
    else:
        refused(fleet, plan, SENTENCE)


def test_two_that_wait_for_the_same_departure_need_room_for_both() -> None:
    agree(crossing(0, 2048, 2048), crossed(crossing(0, 2048, 2048), (1,), (1,)), safe=False)
    agree(crossing(0, 4096), crossed(crossing(0, 4096), (1,), (1,)), safe=True)
    agree(crossing(2048, 2048), crossed(crossing(2048, 2048), (1,), (1,)), safe=True)


def test_room_is_shared_out_so_that_it_serves_all() -> None:
    """`in1` waits for both and could take the room of either; `in2` has only the first one's."""
    fleet = crossing(0, 2048, 2048)
    agree(fleet, crossed(fleet, (1, 2), (1,)), safe=True)
    agree(fleet, crossed(fleet, (1,), (1, 2)), safe=True)
    agree(fleet, crossed(fleet, (1, 2), ()), safe=False)


def test_free_room_goes_to_whoever_waits_for_nobody() -> None:
    fleet = crossing(2048, 2048)
    agree(fleet, crossed(fleet, (), (1,)), safe=True)
    agree(fleet, crossed(fleet, (), ()), safe=False)


def test_a_host_that_is_over_is_relieved_before_anything_comes() -> None:
    fleet = crossing(-1024, 1024, 4096)
    agree(fleet, crossed(fleet, (1, 2), (1, 2)), safe=True)
    agree(fleet, crossed(fleet, (2,), (1, 2)), safe=True)
    agree(fleet, crossed(fleet, (2,), (1,)), safe=False)
    agree(fleet, crossed(fleet, (2,), (2,)), safe=False)


def test_waiting_is_passed_on() -> None:
    """`in2` waits for `in1`, and so for all that `in1` waits for."""
    fleet = crossing(0, 2048, 2048)
    plan = crossed(fleet, (1, 2), ())
    first, second = plan.steps[-2:]
    later = changed(plan, second, start_s=first.end_s, after=(first.id,))
    agree(fleet, later, safe=True)


def test_disk_room_is_never_counted_on() -> None:
    """What x leaves behind on a may have to stay there."""

    def fleet(free_mib: int) -> World:
        looks = [
            host("a", registration("x", 1024, disks=(local_disk(500),)), disk_free_mib=free_mib),
            host("b", registration("y", 1024, disks=(local_disk(500),))),
        ]
        return world(looks, [guest("x", "b", downtime=ALLOWED), guest("y", "a", downtime=ALLOWED)], limits=WIDE)

    there = fleet(500)
    down: dict[str, Any] = {"method": Method.OFFLINE, "downtime_s": 5.0}
    x = move(there, "x", "a", "b", 0, **down)
    plan = plan_of(there, x, move(there, "y", "b", "a", 10, after=(x.id,), **down))
    proven(there, plan)
    refused(fleet(499), plan, "a has 499 MiB of disk left then, 500 are needed")
