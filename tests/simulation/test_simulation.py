"""Histories of the real loop on a simulated world, and the bugs that they must catch.

`make test` plays hundreds more by `python -m tests.simulation`, and prints which fault struck where.
"""

from __future__ import annotations

import pytest

from tests.simulation import planted
from tests.simulation.history import History
from tests.simulation.many import run_many


def test_no_promise_is_broken() -> None:
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
