"""The best of several drafts: each makes room first for those who came late before, and breaks ties otherwise.

Called by the scheduler. The budget is counted in legs, not in seconds, so that the same fleet has the same plan on any
machine. What is late because room is made for it late is made urgent (squeaky wheel optimization, Joslin and Clements,
1999).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.core.model import Load
from reconciler.core.planning.journey import Journey
from reconciler.core.planning.order.bounds import work_s
from reconciler.core.planning.order.detours import Detours
from reconciler.core.planning.order.drafts import Draft, draft, polished
from reconciler.core.planning.order.exhaustive import JOURNEYS_MAX
from reconciler.core.planning.order.sequence import Taste
from reconciler.core.planning.order.times.improving import FIRST, NEARLY
from reconciler.core.planning.plan import Reason
from reconciler.core.planning.situation import Situation

BUDGET = 150_000
"""Legs laid out, and places weighed, for one plan at most."""
IN_VAIN_MAX = 12
"""After so many drafts in a row that are no better, none is tried any more."""
FEW = 10
"""With as few journeys as this, three times as many are."""
HORIZON = 1.2
"""Up to so many times the work of the busiest host, waiting costs nothing where a hop is chosen."""
PATIENCE, IMPATIENCE = 2.0, 3.0
"""From so many times the bound on, each second of a timetable weighs so many seconds of detours."""


def best_draft(
    situation: Situation, journeys: Sequence[Journey], room: Mapping[str, Load], *, improve: bool = True
) -> Draft:
    """The best draft that the budget allows, or without `improve` the first one as it comes."""
    detours = Detours(situation)
    legs = (leg for journey in journeys for leg in journey.legs)
    taste = Taste(horizon_s=HORIZON * work_s(legs, situation.desired.fleet.limits))
    if not improve:
        return draft(situation, journeys, room, detours, taste, FIRST)
    best = latest = draft(situation, journeys, room, detours, taste)
    spent, in_vain = best.spent, 0
    if best.detours_s > 0 and not best.blocked and len(journeys) <= JOURNEYS_MAX:
        sparing = draft(situation, journeys, room, detours, replace(taste, sparing=best.detours_s))
        spent += sparing.spent
        if sparing.detours_s < best.detours_s and _cost(sparing, best) < _cost(best, sparing):
            best, taste = sparing, replace(taste, sparing=sparing.detours_s)
    most = IN_VAIN_MAX if len(journeys) > FEW else 3 * IN_VAIN_MAX
    while not _good(best) and in_vain < most and spent + latest.spent <= BUDGET:
        taste = _next(taste, best, latest)
        latest = draft(situation, journeys, room, detours, taste)
        spent += latest.spent
        in_vain += 1
        if _cost(latest, best) < _cost(best, latest):
            best, in_vain = latest, 0
    return best if _short(best) else polished(situation, best)


def _next(taste: Taste, best: Draft, latest: Draft) -> Taste:
    """What is tried next: room made sooner for those who were late, ties broken otherwise, another rest than the best
    draft has, and every third time room made first of all for those that need it made."""
    stuck = {entry.guest for entry in latest.blocked if entry.reason is Reason.NO_SAFE_ORDER}
    variation = taste.variation + 1
    journeys = best.timetable.journeys
    rests = sorted(
        {(journeys[entry.journey].name, entry.leg.target) for entry in best.timetable.entries if entry.leg.hop}
    )
    return replace(
        taste,
        urgent=_urgent(latest, taste),
        early=frozenset(stuck | (best.workings.cleared if variation % 3 == 0 else set())),
        avoid=frozenset({rests[variation // 2 % len(rests)]}) if rests and variation % 2 else frozenset(),
        variation=variation,
    )


def _short(found: Draft) -> bool:
    """Whether no order of its legs is shorter."""
    return found.timetable.makespan_s <= found.bound_s * NEARLY


def _good(found: Draft) -> bool:
    """Whether nothing about it can be better: nobody is left who could go, nothing is moved on the way, and it is
    short."""
    stuck = any(entry.reason is Reason.NO_SAFE_ORDER for entry in found.blocked) and not found.workings.hopeless
    return _short(found) and not stuck and found.detours_s <= 0


def _urgent(found: Draft, taste: Taste) -> Mapping[str, float]:
    """The guests that come late, and how much sooner they should, where anybody makes a detour at all."""
    if not found.timetable.hopped and not found.timetable.aside:
        return taste.urgent
    late = dict(taste.urgent)
    for entry in found.timetable.entries:
        over_s = entry.end_s - taste.horizon_s
        if over_s > 0:
            name = found.timetable.journeys[entry.journey].name
            late[name] = late.get(name, 0.0) + over_s
    return late


def _cost(found: Draft, other: Draft) -> tuple[float, ...]:
    """Fewest guests left out, least downtime, fewest detours, shortest; beyond all patience waiting weighs as well."""
    makespan_s = found.timetable.makespan_s
    impatience_s = IMPATIENCE * max(0.0, makespan_s - PATIENCE * min(found.bound_s, other.bound_s))
    return (len(found.blocked), found.downtime_s, found.detours_s + impatience_s, makespan_s)
