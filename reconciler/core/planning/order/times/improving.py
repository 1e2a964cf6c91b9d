"""Make a timetable shorter without changing what moves: turned round in time, laid out again, and turned back.

Called where drafts are made, with a budget in tasks, so that the same fleet has the same plan on any machine. What
ends late pulls towards the end what it need not wait for, and then, forwards again, begins as early as it can
(forward-backward improvement, Tormos and Lova, 2001).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.planning.order.times.permuting import TASKS_MAX, shortest
from reconciler.core.planning.order.times.timetable import Problem, Starts, schedule
from reconciler.errors import InvariantBroken


@dataclass(frozen=True)
class Care:
    """How much is tried to make one timetable shorter."""

    rounds: int
    """Turns back and forth of the order."""
    variations: int
    """How often the best timetable is laid out anew with other priorities."""
    tasks: int
    """After so many tasks laid out, nothing more is tried."""


FIRST, QUICK, THOROUGH = Care(0, 0, 0), Care(2, 0, 20_000), Care(10, 160, 50_000)
NEARLY = 1.001
"""A timetable this close to the bound is not improved any more."""


def starts_of(problem: Problem, bound_s: float, care: Care) -> tuple[Starts, int]:
    """The shortest timetable found for this order, and how many tasks were laid out."""
    order: Sequence[int] = range(len(problem.tasks))
    starts = schedule(problem, order, longest_first=True)
    spent = len(problem.tasks)
    if starts is None:
        raise InvariantBroken("planning", "no time was found for an order that is possible")
    best, best_s = starts, makespan_s(problem, starts)
    mirror = problem.backwards()
    for turn in range(care.rounds):
        if best_s <= bound_s * NEARLY or spent + 2 * len(problem.tasks) > care.tasks:
            break
        spent += 2 * len(problem.tasks)
        mirrored = schedule(mirror, _by_end(problem, starts), longest_first=False)
        if mirrored is None:
            break
        forward = schedule(problem, _by_end(mirror, mirrored), longest_first=turn % 2 == 1)
        if forward is None:
            break
        ends_s = makespan_s(problem, forward)
        mirrored_s = makespan_s(mirror, mirrored)
        if mirrored_s < min(best_s, ends_s):
            best_s = mirrored_s
            best = [mirrored_s - start_s - task.seconds for start_s, task in zip(mirrored, mirror.tasks, strict=True)]
        if ends_s < best_s:
            best, best_s = forward, ends_s
        starts = forward
    if care.variations and best_s > bound_s * NEARLY and len(problem.tasks) <= TASKS_MAX:
        best, nodes = shortest(problem, best, best_s, bound_s)
        return best, spent + nodes
    for variation in range(1, care.variations + 1):
        if best_s <= bound_s * NEARLY or spent + 3 * len(problem.tasks) > care.tasks:
            break
        spent += 3 * len(problem.tasks)
        order = sorted(order, key=lambda number: (best[number], number))
        for starts in _turned(problem, mirror, schedule(problem, order, longest_first=True, variation=variation)):
            if makespan_s(problem, starts) < best_s:
                best, best_s = starts, makespan_s(problem, starts)
    return best, spent


def _turned(problem: Problem, mirror: Problem, starts: Starts | None) -> Iterator[Starts]:
    """A timetable, and the same after a turn back and forth."""
    if starts is None:
        return
    yield starts
    mirrored = schedule(mirror, _by_end(problem, starts), longest_first=False)
    forward = schedule(problem, _by_end(mirror, mirrored), longest_first=False) if mirrored is not None else None
    if forward is not None:
        yield forward


def makespan_s(problem: Problem, starts: Starts) -> float:
    """When the last task is over."""
    return max((start_s + task.seconds for start_s, task in zip(starts, problem.tasks, strict=True)), default=0.0)


def _by_end(problem: Problem, starts: Starts) -> list[int]:
    """The tasks, the one that ends last first: the order of the same timetable seen the other way."""
    return sorted(range(len(starts)), key=lambda number: (-(starts[number] + problem.tasks[number].seconds), number))
