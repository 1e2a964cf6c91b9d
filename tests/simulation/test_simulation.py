"""A thousand histories of the real loop on a simulated world, and the five bugs that they must catch."""

from __future__ import annotations

import pytest

from tests.simulation import planted
from tests.simulation.history import History
from tests.simulation.many import coverage_table, run_many, thin

SEEDS = 1000


@pytest.mark.slow
def test_no_promise_is_broken_in_a_thousand_histories_and_every_fault_strikes_everywhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = run_many(range(SEEDS))
    with capsys.disabled():
        print(f"\n{coverage_table(ended)}")  # noqa: T201 - the table is what the run is for
    broken = [(end.seed, end.violations[0]) for end in ended if end.violations]
    assert [] == broken, f"replay one with `python -m tests.simulation --seed {broken[0][0]} --trace`"
    assert [] == thin(ended), "these cells were hit less than 20 times"


def test_no_promise_is_broken_in_the_first_histories() -> None:
    """The fast loop's share of the thousand."""
    assert [] == [(end.seed, end.violations[0]) for end in run_many(range(2000, 2040)) if end.violations]


def test_a_seed_replays_its_history() -> None:
    first, again = History(7, trace=True).run(), History(7, trace=True).run()
    assert first.trace == again.trace
    assert len(first.trace) > 20


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(planted.BUGS))
def test_a_planted_bug_is_caught(name: str) -> None:
    end = planted.caught(name)
    assert end is not None, f"no history caught {name}"
