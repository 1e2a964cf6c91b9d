"""The search itself, on fleets small enough to be worked out by hand."""

from __future__ import annotations

import pytest

from tests.core.planning.exhaustive.comparison import compare
from tests.core.planning.exhaustive.instances import TICKS_S, Instance, Mover, generate
from tests.core.planning.exhaustive.search import At, Served, TooLarge, least_detours, most_served, shortest, ways

SWAP = "h0=4000 h1=4000 h2={}; a:4000:h0>h1{} b:4000:h1>h0{}; 4/1/1/1"
MOVE_S, SMALL_S = 45, 15
"""What 4000 MiB take, and 1000."""


def most(line: str) -> Served:
    return most_served(Instance.read(line), 10_000)


def least_s(line: str, *, detours_s: int = 0, below_s: int = 10_000) -> float | None:
    instance = Instance.read(line)
    served = frozenset(number for number, mover in enumerate(instance.movers) if mover.source != mover.target)
    ticks = shortest(instance, served, detours_s * TICKS_S, below_s * TICKS_S, 10_000)
    return None if ticks is None else ticks / TICKS_S


def detours_s(line: str) -> float | None:
    instance = Instance.read(line)
    served = frozenset(number for number, mover in enumerate(instance.movers) if mover.source != mover.target)
    ticks = least_detours(instance, served, 10_000)
    return None if ticks is None else ticks / TICKS_S


def test_an_instance_reads_back_from_its_line() -> None:
    for seed in range(100):
        assert generate(seed) == Instance.read(str(generate(seed)))


# --- who can be served ------------------------------------------------------------------------------------------------


def test_a_swap_of_two_full_hosts_needs_a_third_with_room() -> None:
    assert Served(0, 0) == most(SWAP.format(0, "", ""))
    assert Served(0, 0) == most(SWAP.format(3999, "", ""))
    assert Served(2, MOVE_S * TICKS_S) == most(SWAP.format(4000, "", ""))


def test_one_of_the_two_must_be_allowed_to_rest_there() -> None:
    assert Served(2, MOVE_S * TICKS_S) == most(SWAP.format(4000, ":straight", ""))
    assert Served(0, 0) == most(SWAP.format(4000, ":straight", ":straight"))


def test_the_smaller_guest_is_the_one_that_rests() -> None:
    uneven = "h0=4000 h1=4000 h2={}; a:4000:h0>h1 b:1000:h1>h0; 4/1/1/1"
    assert SMALL_S == detours_s(uneven.format(4000))
    assert SMALL_S == detours_s(uneven.format(1000))
    assert MOVE_S == detours_s(uneven.format(4000).replace("h1>h0", "h1>h0:straight"))


def test_a_guest_that_stands_in_the_way_steps_aside_where_it_may() -> None:
    line = "h0=4000 h1={} h2=3000; a:4000:h0>h1:straight b:3000:h1{} c:4000:h1>h0:straight; 4/1/1/1"
    assert Served(0, 0) == most(line.format(8000, ""))
    assert Served(0, 0) == most(line.format(7000, ":aside"))
    assert Served(2, 2 * 35 * TICKS_S) == most(line.format(8000, ":aside"))


def test_guests_that_are_kept_apart_are_so_on_the_way_as_well() -> None:
    line = "h0=9000 h1=9000 h2=9000; a:4000:h0>h1{0} b:4000:h1>h0{0} c:1000:h2{1}; 4/1/1/1"
    assert Served(2, 0) == most(line.format("", ""))
    assert Served(2, MOVE_S * TICKS_S) == most(line.format(":apart", ""))
    assert Served(0, 0) == most(line.format(":apart", ":apart"))


def test_a_guest_rests_three_times_at_most_and_steps_aside_from_its_place_only() -> None:
    mover = Mover("a", 4000, 0, 1, aside=True)
    assert [1, 2, 3] == [way.then.place for way in ways(mover, At(0, 2, False), 4)]
    assert [1] == [way.then.place for way in ways(mover, At(2, 3, False), 4)]
    assert [0, 2, 3] == [way.then.place for way in ways(mover, At(1, 2, True), 4)]
    assert [] == [way.then.place for way in ways(mover, At(1, 3, True), 4)]
    assert [1] == [way.then.place for way in ways(mover, At(2, 1, True), 4)]


def test_too_many_states_are_no_answer() -> None:
    instance = generate(3)
    with pytest.raises(TooLarge):
        most_served(instance, 1)


# --- how soon ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "expected_s"), [("4/1/1/1", 90), ("4/1/2/2", 45), ("1/9/9/9", 90), ("4/1/1/9", 90), ("2/9/9/2", 45)]
)
def test_two_guests_of_one_host_go_side_by_side_where_limits_let_them(limits: str, expected_s: float) -> None:
    assert expected_s == least_s(f"h0=8000 h1=4000 h2=4000; a:4000:h0>h1 b:4000:h0>h2; {limits}")


def test_an_arrival_waits_for_the_room_that_a_departure_leaves_at_its_end() -> None:
    chain = "h0=4000 h1=4000 h2={}; a:4000:h0>h1 b:4000:h1>h2; 9/9/9/9"
    assert 90 == least_s(chain.format(4000))
    assert 45 == least_s(chain.format(4000).replace("h1=4000", "h1=8000"))


def test_what_makes_the_room_soonest_goes_first() -> None:
    """The small one lets the large one begin after 15 s, the other only after 45."""
    line = "h0=22000 h1=12000; large:8000:h0>h1 other:4000:h1>h0 small:1000:h1>h0; 4/1/1/2"
    assert SMALL_S + 85 == least_s(line)


def test_no_more_detours_are_made_than_allowed() -> None:
    swap = SWAP.format(4000, "", "")
    assert least_s(swap) is None
    assert 3 * MOVE_S == least_s(swap, detours_s=MOVE_S)


def test_what_takes_as_long_as_it_may_at_most_is_not_found() -> None:
    swap = SWAP.format(4000, "", "")
    assert least_s(swap, detours_s=MOVE_S, below_s=3 * MOVE_S) is None


def test_a_plan_that_is_as_short_as_can_be_has_ratio_1() -> None:
    found = compare(Instance.read(SWAP.format(4000, "", "")))
    assert (1.0, True, []) == (found.ratio, found.near, found.faults)
