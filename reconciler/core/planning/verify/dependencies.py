"""Each step by itself and after others: ids, times, `after`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from reconciler.core.model import StepKind
from reconciler.core.planning.plan import Step
from reconciler.core.planning.verify.ground import Fault, Ground, stops


def faults(ground: Ground) -> Iterator[Fault]:
    """Ids are unique, `after` names steps that end before this one begins; so there is no cycle either."""
    steps = ground.plan.steps
    by_id = {step.id: step for step in steps}
    if len(by_id) != len(steps):
        yield Fault("", "", "two steps have the same id")
    for step in steps:
        yield from _times(step)
        for name in step.after:
            if name not in by_id:
                yield Fault.of(step, f"comes after {name}, which is not in the plan")
            elif by_id[name].end_s > step.start_s:
                yield Fault.of(step, f"comes after {name}, but begins before that has ended")
    for way in ground.ways.values():
        for before, step in pairwise(way):
            if before.end_s > step.start_s:
                yield Fault.of(step, f"{step.guest} is in {before.id} at the same time")
            if before.id not in step.after:
                yield Fault.of(step, f"does not wait for {before.id} of the same guest")


def _times(step: Step) -> Iterator[Fault]:
    """Comparisons are such that what is no number at all fails them."""
    finite = all(math.isfinite(figure) for figure in (step.start_s, step.duration_s, step.downtime_s))
    if not (finite and step.duration_s > 0 and step.start_s >= 0):
        yield Fault.of(step, "begins before the run, or takes no time")
    if not 0 <= step.downtime_s <= step.duration_s:
        yield Fault.of(step, f"says its guest is down for {step.downtime_s:g} s of {step.duration_s:g} s")
    if step.kind is StepKind.MIGRATE and stops(step) and not step.downtime_s > 0:
        yield Fault.of(step, f"takes {step.guest} down, and says that it is not")
