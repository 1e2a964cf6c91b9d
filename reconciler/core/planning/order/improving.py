"""Make a timetable shorter without changing what moves: turned round in time, laid out again, and turned back.

Called by the scheduler, with a budget in tasks laid out, so that the same fleet has the same plan on any machine. What
ends late pulls towards the end what it need not wait for, and then, forwards again, begins as early as it can
(forward-backward improvement, Tormos and Lova, 2001).
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.planning.order.timetable import Problem, Starts, schedule

ROUNDS_MAX = 10
"""Turns back and forth of one order."""
NEARLY = 1.001
"""A timetable this close to the bound is not improved any more."""


def starts_of(problem: Problem, bound_s: float, budget: int) -> tuple[Starts, int]:
    """The shortest timetable found for this order, and how many tasks were laid out."""
    order: Sequence[int] = range(len(problem.tasks))
    starts = schedule(problem, order, longest_first=True)
    spent = len(problem.tasks)
    if starts is None:
        raise ValueError("the order is not possible")
    best, best_s = starts, makespan_s(problem, starts)
    mirror = problem.backwards()
    for turn in range(ROUNDS_MAX):
        if best_s <= bound_s * NEARLY or spent + 2 * len(problem.tasks) > budget:
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
    return best, spent


def makespan_s(problem: Problem, starts: Starts) -> float:
    """When the last task is over."""
    return max((start_s + task.seconds for start_s, task in zip(starts, problem.tasks, strict=True)), default=0.0)


def _by_end(problem: Problem, starts: Starts) -> list[int]:
    """The tasks, the one that ends last first: the order of the same timetable seen the other way."""
    return sorted(range(len(starts)), key=lambda number: (-(starts[number] + problem.tasks[number].seconds), number))
