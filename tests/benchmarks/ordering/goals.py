"""What the order of moves is to reach, and whether it did: every goal beside what was measured, met or missed."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.ordering.measuring import Row

LARGEST = (1000, 20000)
DRAINED = (500, 5000)
RATIOS: Mapping[float, tuple[float | None, float]] = {0.6: (None, 1.03), 0.85: (1.3, 2.0), 0.95: (1.6, 3.0)}
"""Fill -> median and worst makespan, in times the bound."""
FIRST_S: Mapping[float, float] = {0.6: 0.5, 0.85: 0.5, 0.95: 2.0}
"""Fill -> CPU seconds for the first schedule of the largest fleet."""
FIRST_MIB, IMPROVED_S, IMPROVED_MIB = 100.0, 5.0, 300.0
DRAIN_S = 1.0


@dataclass(frozen=True)
class Goal:
    """One goal; `met` is None where nothing was measured that it speaks of."""

    text: str
    measured: str
    met: bool | None


def goals(rows: Sequence[Row]) -> Iterator[Goal]:
    """Every goal, whatever was measured."""
    uniform = [row for row in rows if row.case.kind == "uniform"]
    aside = [row for row in uniform if row.case.aside]
    wrong = [row for row in rows if row.faults]
    yield Goal("no plan over capacity or limits in replay", _count(wrong, rows), not wrong if rows else None)
    stuck = [row for row in aside if row.stuck]
    yield Goal("nobody stuck where guests may step aside", _count(stuck, aside), not stuck if aside else None)
    for fill, (median, worst) in RATIOS.items():
        for bound in ("any", "these"):
            found = [ratio(row, bound) for row in aside if row.case.fill == fill]
            name = {"any": "any way", "these": "its moves"}[bound]
            if median is not None:
                yield _most(f"fill {fill}, {name}: median ratio", [statistics.median(found)] if found else [], median)
            yield _most(f"fill {fill}, {name}: worst ratio", found, worst)
    largest = [row for row in aside if (row.case.hosts, row.case.guests) == LARGEST]
    size = "x".join(map(str, LARGEST))
    for fill, most in FIRST_S.items():
        taken = [row.cpu_s["first"] for row in largest if row.case.fill == fill]
        yield _most(f"{size} fill {fill}: first schedule, median CPU s", _median(taken), most)
    yield _most(f"{size}: first schedule, peak MiB", [row.peak_mib["first"] for row in largest], FIRST_MIB)
    yield _most(f"{size}: improved, median CPU s", _median([row.cpu_s["improved"] for row in largest]), IMPROVED_S)
    yield _most(f"{size}: improved, peak MiB", [row.peak_mib["improved"] for row in largest], IMPROVED_MIB)
    drains = [row for row in rows if row.case.drained == 1 and (row.case.hosts, row.case.guests) == DRAINED]
    size = "x".join(map(str, DRAINED))
    yield _most(f"{size}: drain of one host, CPU s", [row.cpu_s["improved"] for row in drains], DRAIN_S)


def misses(row: Row) -> bool:
    """Whether the instance does not reach by itself what the median of its fill is to reach."""
    if row.case.kind != "uniform" or row.case.fill not in RATIOS or not row.case.aside:
        return False
    median, worst = RATIOS[row.case.fill]
    return ratio(row, "any") > (median or worst) or row.stuck > 0


def ratio(row: Row, bound: str) -> float:
    """Makespan with improvement over one of its bounds: `any`, `these` or `simple`."""
    bounds = {"any": row.improved.any_s, "these": row.improved.these_s, "simple": row.improved.simple_s}
    return row.improved.ratio(bounds[bound])


def _median(found: Sequence[float]) -> list[float]:
    return [statistics.median(found)] if found else []


def _most(text: str, found: Iterable[float], most: float) -> Goal:
    worst = max(found, default=None)
    if worst is None:
        return Goal(f"{text} <= {most:g}", "-", None)
    return Goal(f"{text} <= {most:g}", f"{worst:.2f}", round(worst, 3) <= most)


def _count(some: Sequence[Row], of: Sequence[Row]) -> str:
    return f"{len(some)} of {len(of)}"
