"""How long slots are busy with whole pieces of work: against all ways to share these out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.planning.order.times.sharing import PIECES_MAX, TICKS_PER_S, busy_s

LENGTHS_S = st.sampled_from([1.0, 2.5, 3.75, 5.0, 8.125]) | st.integers(1, 9000).map(lambda ticks: ticks / TICKS_PER_S)


ROUNDING_S = 1e-9


def least_s(pieces: list[float], slots: int) -> float:
    """The same, of all ways there are."""
    best_s = sum(pieces)

    def go_on(number: int, busy: tuple[float, ...]) -> None:
        nonlocal best_s
        if max(busy) >= best_s:
            return
        if number == len(pieces):
            best_s = max(busy)
            return
        for slot in {busy.index(length_s) for length_s in busy}:
            go_on(number + 1, (*busy[:slot], busy[slot] + pieces[number], *busy[slot + 1 :]))

    go_on(0, (0.0,) * slots)
    return best_s


@given(st.lists(LENGTHS_S, max_size=7), st.integers(1, 4))
def test_it_is_the_least_of_all_ways_to_share_the_pieces_out(pieces: list[float], slots: int) -> None:
    least = least_s(pieces, slots)
    assert least - len(pieces) / TICKS_PER_S <= busy_s(pieces, slots) <= least + ROUNDING_S


def test_three_equal_pieces_keep_two_slots_as_long_as_two_do() -> None:
    assert busy_s([10.0] * 3, 2) == 20.0


def test_of_more_pieces_than_can_be_looked_at_the_sum_is_told() -> None:
    """Of as many as can be, whatever their lengths, the answer may fall short, and comes."""
    many = [10.0] * (PIECES_MAX + 1)
    assert busy_s(many, 2) == sum(many) / 2
    uneven = [5 + number**1.5 / 7 for number in range(PIECES_MAX)]
    assert sum(uneven) / 7 <= busy_s(uneven, 7) <= sum(uneven) / 7 + max(uneven)
