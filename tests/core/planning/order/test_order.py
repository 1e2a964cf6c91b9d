"""Which step begins when: room at every instant, slots, hops over a third host."""

from __future__ import annotations

import pytest

from reconciler.core.desired import Guest, Host, Limits
from reconciler.core.observed import HostFacts, Look
from reconciler.core.planning.plan import Plan, Step
from tests.core.fleets import (
    ALLOWED,
    HERE,
    STOPPED,
    away,
    guest,
    host,
    local_disk,
    refusal,
    refusals,
    registration,
    told,
    world,
)

WIDE = Limits(concurrent=9, concurrent_in=9, concurrent_out=9, concurrent_host=9)


def overlap(one: Step, other: Step) -> bool:
    return one.start_s < other.end_s and other.start_s < one.end_s


def at_most(plan: Plan) -> int:
    """How many steps are under way at once, at most."""
    return max(sum(other.start_s <= step.start_s < other.end_s for other in plan.steps) for step in plan.steps)


def by_guest(plan: Plan, name: str) -> Step:
    return next(step for step in plan.steps if step.guest == name)


# --- room -------------------------------------------------------------------------------------------------------------


def test_an_arrival_waits_for_the_departure_that_makes_its_room() -> None:
    looks = [host("a", registration("x")), host("b", registration("y"), memory_mib=4096), host("c")]
    plan = world(looks, [guest("x", "b"), guest("y", "c")], limits=WIDE).plan()
    assert ["y b → c online", "x a → b online"] == told(plan)
    assert (plan.steps[0].id,) == plan.steps[1].after
    assert plan.steps[0].end_s == plan.steps[1].start_s


def test_steps_that_need_nothing_of_each_other_do_not_wait_for_each_other() -> None:
    looks = [host("a", registration("x")), host("b", registration("y")), host("c"), host("d")]
    plan = world(looks, [guest("x", "c"), guest("y", "d")]).plan()
    assert [0.0, 0.0] == [step.start_s for step in plan.steps]
    assert [(), ()] == [step.after for step in plan.steps]


def test_a_chain_of_full_hosts_empties_from_its_end() -> None:
    names = ("a", "b", "c", "d")
    looks = [host(name, registration(f"of-{name}"), memory_mib=4096) for name in names]
    guests = [guest(f"of-{name}", target) for name, target in zip(names, ("b", "c", "d", "e"), strict=True)]
    plan = world([*looks, host("e", memory_mib=4096)], guests, limits=WIDE).plan()
    assert ["of-d d → e online", "of-c c → d online", "of-b b → c online", "of-a a → b online"] == told(plan)
    assert plan.makespan_s == pytest.approx(4 * plan.steps[0].duration_s)


def test_a_guest_that_would_not_fit_even_in_the_end_is_blocked_with_what_is_short() -> None:
    looks = [host("a", registration("x")), host("b", registration("y"), memory_mib=6000)]
    plan = world(looks, [guest("x", "b"), guest("y", "b")]).plan()
    assert {"x": "NoRoom"} == refusals(plan)
    assert refusal(plan, "x").text.startswith("b is short of 2.1 GiB of memory for all that is declared there")


def test_as_few_guests_as_possible_are_turned_away() -> None:
    looks = [
        host("a", registration("s", 1000), registration("m", 3000), registration("l", 9000)),
        host("b", memory_mib=10500),
    ]
    plan = world(looks, [guest(name, "b") for name in "sml"]).plan()
    assert {"m": "NoRoom"} == refusals(plan)


def test_a_guest_turned_away_keeps_its_room_where_it_is() -> None:
    looks = [host("a", registration("x")), host("b", registration("y"), memory_mib=4096), host("c", memory_mib=1000)]
    plan = world(looks, [guest("x", "b"), guest("y", "c")]).plan()
    assert {"x": "NoRoom", "y": "NoRoom"} == refusals(plan)


def test_a_host_that_is_over_is_relieved_and_takes_nothing_before() -> None:
    crowded = host("b", registration("x", 5000), registration("y", 5000), registration("z", 1000), memory_mib=8000)
    looks = [host("a", registration("in", 2000)), crowded, host("c")]
    plan = world(looks, [guest("in", "b"), guest("x", "c"), guest("y", "b"), guest("z", "b")], limits=WIDE).plan()
    assert ["x b → c online", "in a → b online"] == told(plan)


def test_a_host_that_stays_over_takes_nothing() -> None:
    crowded = host("b", registration("x", 5000), registration("y", 5000), memory_mib=4000)
    looks = [host("a", registration("in", 100)), crowded, host("c")]
    plan = world(looks, [guest("in", "b"), guest("x", "c"), guest("y", "b")]).plan()
    assert ["x b → c online"] == told(plan)
    assert {"in": "NoRoom"} == refusals(plan)


def test_a_stopped_guest_needs_no_room_in_memory() -> None:
    looks = [host("a", registration("x", 9000, state=STOPPED)), host("b", registration("y", 5000), memory_mib=4000)]
    assert ["x a → b offline"] == told(world(looks, [guest("x", "b")]).plan())


def test_copied_disks_need_room_and_a_departure_gives_none_back() -> None:
    looks = [
        host("a", registration("x", disks=(local_disk(500),))),
        host("b", registration("y", disks=(local_disk(500),)), disk_free_mib=400),
    ]
    plan = world(looks, [guest("x", "b", downtime=ALLOWED), guest("y", "a", downtime=ALLOWED)]).plan()
    assert {"x": "NoRoom"} == refusals(plan)
    assert "b is short of 100 MiB of disk" in refusal(plan, "x").text


def test_guaranteed_cpu_counts_like_memory() -> None:
    busy = registration("y", vcpus=2, cpu_entitlement_percent=90)
    looks = [host("a", registration("x", vcpus=1, cpu_entitlement_percent=50)), host("b", busy, cpus=2)]
    plan = world(looks, [guest("x", "b")]).plan()
    assert {"x": "NoRoom"} == refusals(plan)
    assert "b is short of 30 % of a CPU" in refusal(plan, "x").text


def test_a_documents_reserve_is_left_free() -> None:
    looks = [host("a", registration("x", 4096)), host("b", memory_mib=4096)]
    reserved = {"b": Host("b", "test", HERE, reserve_memory_mib=1)}
    assert {"x": "NoRoom"} == refusals(world(looks, [guest("x", "b")], hosts=reserved).plan())


# --- slots ------------------------------------------------------------------------------------------------------------


def spread(count: int) -> tuple[list[HostFacts], list[Guest]]:
    """So many guests, each alone on its host, each declared on a host of its own."""
    names = [f"g{number}" for number in range(count)]
    looks = [host(f"from-{name}", registration(name)) for name in names] + [host(f"to-{name}") for name in names]
    return looks, [guest(name, f"to-{name}") for name in names]


def test_the_fleets_limit_holds() -> None:
    looks, guests = spread(6)
    assert 4 == at_most(world(looks, guests).plan())
    assert 2 == at_most(world(looks, guests, limits=Limits(concurrent=2)).plan())


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(), 1),
        (Limits(concurrent_out=2), 1),
        (Limits(concurrent_out=2, concurrent_host=2), 2),
        (Limits(concurrent_out=3, concurrent_host=9), 3),
    ],
)
def test_a_hosts_limits_hold_for_what_leaves_and_in_total(limits: Limits, expected: int) -> None:
    names = [f"g{number}" for number in range(5)]
    looks = [host("a", *map(registration, names), memory_mib=99999), *(host(f"to-{name}") for name in names)]
    assert expected == at_most(world(looks, [guest(name, f"to-{name}") for name in names], limits=limits).plan())


def test_a_hosts_limit_holds_for_what_arrives() -> None:
    names = [f"g{number}" for number in range(3)]
    looks = [*(host(f"of-{name}", registration(name)) for name in names), host("z", memory_mib=99999)]
    guests = [guest(name, "z") for name in names]
    assert 1 == at_most(world(looks, guests, limits=Limits(concurrent_host=9)).plan())
    assert 2 == at_most(world(looks, guests, limits=Limits(concurrent_in=2, concurrent_host=2)).plan())


def test_no_guest_starts_on_a_host_while_one_arrives_there() -> None:
    looks = [
        host("a", registration("x")),
        host("b", registration("y", state=STOPPED), registration("z", state=STOPPED)),
    ]
    guests = [guest("x", "b"), guest("y", "b", power="running"), guest("z", "b", power="running")]
    plan = world(looks, guests, limits=WIDE).plan()
    steps = [by_guest(plan, name) for name in "xyz"]
    assert not any(overlap(one, other) for one in steps for other in steps if one is not other)


def test_the_longest_work_begins_first() -> None:
    looks = [
        host("a", registration("s1", 1000), registration("s2", 1000)),
        host("b", registration("l", 16000)),
        host("c"),
        host("d"),
    ]
    plan = world(looks, [guest("s1", "c"), guest("s2", "c"), guest("l", "d")], limits=Limits(concurrent=1)).plan()
    assert "l b → d online" == told(plan)[0]


# --- hops -------------------------------------------------------------------------------------------------------------


def full(name: str, *guests: tuple[str, int]) -> HostFacts:
    return host(name, *(registration(*entry) for entry in guests), memory_mib=sum(size for _, size in guests))


def swap(*others: Look, **policy: bool) -> Plan:
    looks = [full("a", ("x", 8000)), full("b", ("y", 2000), ("y2", 6000)), *others]
    guests = [guest("x", "b"), guest("y", "a", **policy), guest("y2", "a", **policy)]
    return world(looks, guests).plan()


def test_two_full_hosts_swap_over_a_third() -> None:
    looks = [full("a", ("x", 4096)), full("b", ("y", 4096)), host("c", memory_mib=4096)]
    plan = world(looks, [guest("x", "b"), guest("y", "a")]).plan()
    assert ["x a → c online (hop)", "y b → a online", "x c → b online"] == told(plan)
    hop, moved, home = plan.steps
    assert [(), (hop.id,), (hop.id, moved.id)] == [hop.after, moved.after, home.after]
    assert hop.reason.startswith("rests on c to make room on a for y; declared on b; online")
    assert home.reason.startswith("declared on b, after its rest on c; online")


def test_three_full_hosts_in_a_ring_need_one_hop() -> None:
    looks = [full("a", ("x", 4096)), full("b", ("y", 4096)), full("c", ("z", 4096)), host("d", memory_mib=4096)]
    plan = world(looks, [guest("x", "b"), guest("y", "c"), guest("z", "a")]).plan()
    assert 1 == sum(step.hop for step in plan.steps)
    assert 4 == len(plan.steps)
    assert {} == refusals(plan)


def test_one_hop_that_is_large_enough_beats_two_that_are_not() -> None:
    assert ["x a → c online (hop)", "y2 b → a online", "y b → a online", "x c → b online"] == told(swap(host("c")))


def test_several_small_hops_serve_where_a_large_one_has_no_place() -> None:
    plan = swap(host("c", memory_mib=3000), host("d", memory_mib=6000))
    assert {} == refusals(plan)
    assert {"y", "y2"} == {step.guest for step in plan.steps if step.hop}


def test_the_hop_with_the_fewest_bytes_is_taken() -> None:
    looks = [
        host("a", registration("x", 4000), memory_mib=5000),
        host("b", registration("y", 3000), memory_mib=4500),
        host("c"),
    ]
    plan = world(looks, [guest("x", "b"), guest("y", "a")]).plan()
    assert ["y b → c online (hop)", "x a → b online", "y c → a online"] == told(plan)


def test_a_hop_without_downtime_comes_before_one_with() -> None:
    looks = [
        host("a", registration("x", 3000, disks=(local_disk(10),)), memory_mib=3000),
        host("b", registration("y", 3000), memory_mib=3000),
        host("c"),
    ]
    plan = world(looks, [guest("x", "b", downtime=ALLOWED), guest("y", "a", downtime=ALLOWED)]).plan()
    assert "y b → c online (hop)" == told(plan)[0]


def test_a_hop_keeps_off_a_host_where_others_want_in() -> None:
    looks = [
        full("a", ("x", 4000)),
        full("b", ("y", 4000)),
        host("c", registration("z", 4000), memory_mib=8000),
        host("d", memory_mib=4000),
        host("e", registration("w", 8000), memory_mib=8000),
    ]
    guests = [guest("x", "b"), guest("y", "a"), guest("z", "e"), guest("w", "c")]
    plan = world(looks, guests).plan()
    assert {} == refusals(plan)
    assert all(step.target != "c" for step in plan.steps if step.hop)


def test_a_hop_may_have_to_come_before_others_arrive_on_the_third_host() -> None:
    looks = [
        full("a", ("x", 8000)),
        full("b", ("y", 8000)),
        host("c", memory_mib=8000),
        full("d", ("z", 1000)),
    ]
    plan = world(looks, [guest("x", "b"), guest("y", "a"), guest("z", "c")]).plan()
    assert {} == refusals(plan)
    assert ["x a → c online (hop)", "y b → a online", "x c → b online", "z d → c online"] == told(plan)


def test_no_hop_where_the_documents_forbid_it() -> None:
    looks = [full("a", ("x", 4096)), full("b", ("y", 4096)), host("c")]
    plan = world(looks, [guest("x", "b", hop=False), guest("y", "a", hop=False)]).plan()
    assert {"x": "NoSafeOrder", "y": "NoSafeOrder"} == refusals(plan)
    blocked = refusal(plan, "x")
    assert (
        "b is short of 4 GiB of memory until others leave, and these wait in turn "
        "(a is short of 4 GiB of memory); the documents of x, y forbid a hop"
    ) == blocked.text
    assert "set hop: allowed for x: it goes then, and so does y" == blocked.fix


def test_no_hop_where_no_third_host_has_room() -> None:
    plan = swap(host("c", memory_mib=1000), away("d"))
    assert {"x": "NoSafeOrder", "y": "NoSafeOrder", "y2": "NoSafeOrder"} == refusals(plan)
    assert "no third host may take one of them meanwhile" in refusal(plan, "x").text


def test_no_hop_that_would_stop_a_guest_which_must_run() -> None:
    looks = [full("a", ("x", 4096)), full("b", ("y", 4096)), host("c", version="4.1")]
    plan = world(looks, [guest("x", "b"), guest("y", "a")]).plan()
    assert {"x": "NoSafeOrder", "y": "NoSafeOrder"} == refusals(plan)


def test_a_knot_that_cannot_be_untied_does_not_hold_up_the_others() -> None:
    looks = [
        full("a", ("x", 4096)),
        full("b", ("y", 4096)),
        host("c", registration("z", 100), memory_mib=200),
        host("d", memory_mib=100),
    ]
    plan = world(looks, [guest("x", "b"), guest("y", "a"), guest("z", "d")]).plan()
    assert ["z c → d online"] == told(plan)


def test_no_guest_is_left_on_its_way() -> None:
    """A hop that leads nowhere is not made: the guest stays where it is and is blocked."""
    looks = [full("a", ("x", 1000), ("p", 3000)), full("b", ("y", 4000)), host("c", memory_mib=1000)]
    plan = world(looks, [guest("x", "b"), guest("p", "a"), guest("y", "a")]).plan()
    assert () == plan.steps


# --- the bound --------------------------------------------------------------------------------------------------------


def test_the_bound_is_reached_where_nothing_is_in_the_way() -> None:
    looks, guests = spread(3)
    plan = world(looks, guests).plan()
    assert plan.makespan_s == plan.bound_s > 0


def test_the_bound_knows_that_an_arrival_waits_for_room() -> None:
    looks = [host("a", registration("x")), host("b", registration("y"), memory_mib=4096), host("c")]
    plan = world(looks, [guest("x", "b"), guest("y", "c")], limits=WIDE).plan()
    assert plan.makespan_s == plan.bound_s == pytest.approx(2 * plan.steps[0].duration_s)


def test_a_guest_that_its_own_host_has_too_few_cpus_for_does_not_step_aside() -> None:
    """It stands there, and could not come back."""
    full = [host("a", registration("x"), memory_mib=4096), host("c", memory_mib=4096)]
    standing = host("b", registration("y"), registration("z", vcpus=4), memory_mib=8192)
    guests = [guest("x", "b", hop=False), guest("y", "a", hop=False), guest("z", "b", step_aside=True)]
    for cpus, blocked in ((None, {}), (2, {"x": "NoSafeOrder", "y": "NoSafeOrder"})):
        case = world([*full, standing], guests, hosts={"b": Host("b", "test", HERE, cpus_cap=cpus)})
        assert blocked == refusals(case.plan())
