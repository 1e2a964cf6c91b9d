"""Many histories on all cores, and the table of what struck where."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterable, Sequence

from tests.simulation import planted
from tests.simulation.chaos import HISTORIES_PER_HIT, METHODS, Cell, cells
from tests.simulation.history import Ended, History


def run_many(seeds: Iterable[int], bug: str | None = None) -> list[Ended]:
    """Run each seed's history; the order of the results is the order of the seeds."""
    work = [(seed, bug) for seed in seeds]
    with multiprocessing.get_context("fork").Pool() as pool:
        return pool.map(_run, work, chunksize=max(1, min(20, len(work) // 8)))


def _run(work: tuple[int, str | None]) -> Ended:
    seed, bug = work
    with planted.bug(bug):
        return History(seed).run()


def struck(ended: Sequence[Ended]) -> Counter[Cell]:
    """How often each fault struck at each stage of each method."""
    total: Counter[Cell] = Counter()
    for end in ended:
        total.update(end.struck)
    return total


def thin(ended: Sequence[Ended]) -> list[tuple[Cell, int]]:
    """The cells that were hit too seldom for so many histories."""
    total = struck(ended)
    return [(cell, total[cell]) for cell in cells() if total[cell] * HISTORIES_PER_HIT < len(ended)]


def coverage_table(ended: Sequence[Ended]) -> str:
    """A row a fault, a column a stage, a block a method; `.` where a fault makes no sense."""
    total = struck(ended)
    lines = []
    for method in METHODS:
        mine = [cell for cell in cells() if cell.method == method]
        stages = list(dict.fromkeys(cell.stage for cell in mine))
        lines.append(f"{method:20}" + "".join(f"{stage:>12}" for stage in stages))
        for fault in dict.fromkeys(cell.fault for cell in mine):
            row = [Cell(fault, method, stage) for stage in stages]
            counts = "".join(f"{total[cell] if cell in mine else '.':>12}" for cell in row)
            lines.append(f"  {fault:18}{counts}")
    return "\n".join(lines)
