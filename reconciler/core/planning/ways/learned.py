"""How far the model of durations was off: a factor for each link and class of guests, from the steps that were done.

Called before a plan is made, and after it to note in it what the model says by itself. What a permission rests on, a
window or a ceiling of downtime, it never makes shorter than the model has it: see `Step.cautious_s` (promise I10).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import sqrt
from statistics import median

from reconciler.core.desired import DesiredFleet
from reconciler.core.model import Method, StepKind
from reconciler.core.observed import ObservedFleet, Registration
from reconciler.core.planning.plan import Plan, Step

SAMPLES_MAX = 20
"""So many of the latest steps of one kind count."""
SAMPLES_MIN = 3
"""Fewer tell nothing."""
SAMPLES_KEPT = 2000
"""So many steps are remembered, of all kinds together."""
FACTOR_LEAST, FACTOR_MOST = 0.2, 5.0
"""What is further off is somebody's trouble, and no property of the link."""
RUNG = 1.1
"""Factors are rungs of a ladder, each a tenth above the one below: plans change only where the past changed much."""
RUNGS = tuple(round(RUNG**number, 4) for number in range(-16, 17))

MIB_PER_GIB = 1024
Paces = Mapping[str, float]
"""Link and class, link, class or method, spelt as below -> how many times as long as the model says."""


@dataclass(frozen=True)
class Sample:
    """One step that was done: where, of which class, what the model said and what it took."""

    source: str
    target: str
    network: str
    guest_class: str
    model_s: float
    took_s: float


def guest_class(kind: StepKind, method: Method | None, entry: Registration) -> str:
    """`offline, 4 GiB, copied`: what is done, the guest's memory up to a power of two, and whether disks go along."""
    gib = 1
    while gib * MIB_PER_GIB < entry.memory_mib:
        gib *= 2
    copied = ", copied" if kind is StepKind.MIGRATE and entry.local_disks else ""
    return f"{method or kind}, {gib} GiB{copied}"


def paces(samples: Sequence[Sample]) -> Paces:
    """The factors, from steps in the order in which they were done. Keys with too few of them have none."""
    ratios: dict[str, list[float]] = {}
    for sample in samples:
        if sample.model_s > 0 and sample.took_s >= 0:
            for key in _keys(sample.source, sample.target, sample.network, sample.guest_class):
                ratios.setdefault(key, []).append(sample.took_s / sample.model_s)
    return {
        key: _rung(median(found[-SAMPLES_MAX:])) for key, found in sorted(ratios.items()) if len(found) >= SAMPLES_MIN
    }


def pace(known: Paces, source: str, target: str, network: str, of_class: str) -> float:
    """How many times as long as the model says: for the link and class, else the class, the link, the method; 1 where
    nothing is known."""
    keys = _keys(source, target, network, of_class)
    return next((known[key] for key in keys if key in known), 1.0)


def with_paces(desired: DesiredFleet, known: Paces) -> DesiredFleet:
    """The same fleet, planned with these factors."""
    return replace(desired, fleet=replace(desired.fleet, paces=known)) if known else desired


def noted(plan: Plan, desired: DesiredFleet, observed: ObservedFleet) -> Plan:
    """The plan with the class of each step's guest, and with what the model by itself says of its times."""
    entries = {entry.uuid: entry for facts in observed.reachable() for entry in facts.registrations}
    steps = (_noted(step, entries.get(step.uuid), desired.fleet.paces) for step in plan.steps)
    return replace(plan, steps=tuple(steps))


def _noted(step: Step, entry: Registration | None, known: Paces) -> Step:
    if entry is None:
        return step
    of_class = guest_class(step.kind, step.method, entry)
    factor = pace(known, step.source, step.target, step.network, of_class)
    if factor == 1.0:
        return replace(step, guest_class=of_class, model_s=step.duration_s, model_downtime_s=step.downtime_s)
    model_s, down_s = (round(seconds / factor, 3) for seconds in (step.duration_s, step.downtime_s))
    return replace(step, guest_class=of_class, model_s=model_s, model_downtime_s=down_s)


def _keys(source: str, target: str, network: str, of_class: str) -> tuple[str, ...]:
    """From the narrowest to the widest."""
    link, method = f"{source} → {target} {network}", of_class.partition(",")[0]
    return f"{link}: {of_class}", of_class, f"{link}: {method}", method


BOUNDS: tuple[float, ...] = tuple(sqrt(low * high) for low, high in pairwise(RUNGS))
"""Between each two rungs, where the upper one becomes the nearer."""


def _rung(ratio: float) -> float:
    return RUNGS[bisect_left(BOUNDS, min(max(ratio, FACTOR_LEAST), FACTOR_MOST))]


def median_error_percent(predicted_and_took: Iterable[tuple[float, float]]) -> float | None:
    """By how much predictions were off in the median, in percent of what it took; None where nothing was done."""
    errors = [100 * abs(took_s - predicted_s) / took_s for predicted_s, took_s in predicted_and_took if took_s > 0]
    return round(median(errors), 1) if errors else None
