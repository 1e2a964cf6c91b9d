"""A whole timetable for journeys, with who stays where it is: an order, then starts, then everybody who is left over.

Called by the scheduler, which compares drafts. A draft leaves no guest on its way: where an order would, it is looked
for again without that guest's detour, and then without the guest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.core.model import Load
from reconciler.core.planning.journey import Journey
from reconciler.core.planning.order.accounts import Accounts
from reconciler.core.planning.order.bounds import bound
from reconciler.core.planning.order.clearing import PATIENCE, Clearer
from reconciler.core.planning.order.detours import Detours
from reconciler.core.planning.order.improving import starts_of
from reconciler.core.planning.order.layout import Entry, Stuck, Timetable, lay_out
from reconciler.core.planning.order.room import shortage
from reconciler.core.planning.order.sequence import Taste, Workings
from reconciler.core.planning.order.timetable import Problem
from reconciler.core.planning.plan import Blocked
from reconciler.core.planning.refusals import stuck, too_late_ones
from reconciler.core.planning.situation import Situation
from reconciler.errors import InvariantBroken

RETRIES_MAX = 40
"""How often an order is looked for anew because a guest would be left on its way."""


@dataclass(frozen=True)
class Draft:
    """A timetable that leaves no guest on its way, the guests it serves and those it does not."""

    timetable: Timetable
    blocked: Sequence[Blocked]
    bound_s: float
    """No order of these legs is shorter."""
    spent: int
    """Tasks laid out to find it."""

    @property
    def downtime_s(self) -> float:
        """Of all guests together."""
        return sum(entry.leg.duration.downtime_s for entry in self.timetable.entries)

    @property
    def detours_s(self) -> float:
        """What is moved on the way and for others only, in seconds of moving."""
        aside = self.timetable.aside
        return sum(
            entry.leg.duration.total_s for entry in self.timetable.entries if entry.leg.hop or entry.journey in aside
        )


def draft(
    situation: Situation,
    journeys: Sequence[Journey],
    room: Mapping[str, Load],
    detours: Detours,
    taste: Taste,
    budget: int,
) -> Draft:
    """Lay the journeys out. `budget` is in tasks laid out."""
    left = list(journeys)
    blocked: list[Blocked] = []
    never: frozenset[str] = frozenset()
    accounts = Accounts.of(room, situation.placement, situation.places())
    fleet = situation.desired.fleet
    spent = 0
    for turn in range(RETRIES_MAX + len(journeys) + 1):
        if turn == RETRIES_MAX:
            never = frozenset(guest.name for guest in situation.desired.guests.values())
        workings = _order(left, accounts, situation, detours, taste, never)
        spent += len(workings.order) + workings.effort
        begun = {number for number in workings.left if workings.at[number] > 0}
        detoured = {
            workings.journeys[number].name for number in begun if workings.rests[workings.journeys[number].name]
        }
        if detoured:
            never |= detoured
            continue
        if begun:
            without = _unlaid(workings)
            turn_away(left, blocked, [stuck(without, entry) for entry in without.stuck if entry.begun])
            continue
        least = bound(workings.order, accounts.free, fleet.limits)
        problem = Problem.of(workings.order, accounts.free, accounts.names, fleet, situation.records)
        starts, laid_out = starts_of(problem, least.best_s, budget - spent)
        spent += laid_out
        entries = lay_out(workings.order, starts, accounts.free, accounts.names, fleet, situation.records)
        timetable = _timetable(workings, entries)
        late = too_late_ones(timetable, fleet.quiet_in_s)
        if late:
            never |= {entry.guest for entry in late}
            turn_away(left, blocked, late)
            continue
        turn_away(left, blocked, [stuck(timetable, entry) for entry in timetable.stuck])
        return Draft(timetable, blocked, min(least.best_s, timetable.makespan_s), spent)
    raise InvariantBroken("planning", "guests are left on their way in every timetable")


def turn_away(journeys: list[Journey], blocked: list[Blocked], refused: Sequence[Blocked]) -> None:
    """These guests get no journey."""
    gone = {entry.guest for entry in refused}
    journeys[:] = [journey for journey in journeys if journey.name not in gone]
    blocked += refused


def _order(
    journeys: Sequence[Journey],
    accounts: Accounts,
    situation: Situation,
    detours: Detours,
    taste: Taste,
    never: frozenset[str],
) -> Workings:
    """An order of as many legs as possible; a hop costs more downtime only where nothing else helps."""
    workings = Workings(journeys, accounts, situation.desired.fleet.limits, detours)
    if taste.early:
        Clearer(workings, taste, never, PATIENCE[0]).clear_early()
    workings.cascade()
    for patience in PATIENCE:
        clearer = Clearer(workings, taste, never, patience)
        while workings.left and clearer.clear():
            workings.cascade()
    return workings


def _timetable(workings: Workings, entries: Sequence[Entry]) -> Timetable:
    return Timetable(
        journeys=tuple(workings.journeys),
        entries=tuple(entries),
        stuck=tuple(_stuck(workings, number) for number in sorted(workings.left)),
        hopped=frozenset(n for n, journey in enumerate(workings.journeys) if workings.rests[journey.name]),
        aside=frozenset(workings.aside),
    )


def _unlaid(workings: Workings) -> Timetable:
    """Who is stuck, before anything has a start."""
    return _timetable(workings, ())


def _stuck(workings: Workings, number: int) -> Stuck:
    """Why the journey cannot go on."""
    item, leg = workings.next(number), workings.next(number).leg
    there = workings.accounts.load(item.target, workings.free)
    lacks = shortage(leg.target, leg.takes, there)
    leaving = Load.total(
        other.leg.frees
        for index in workings.left
        if index != number
        for other in workings.items[index][workings.at[index] :]
        if other.source == item.target
    )
    in_the_end = there + replace(leaving, disk_mib=0)
    for_good = shortage(leg.target, leg.takes, in_the_end) is not None
    return Stuck(number, leg.target, lacks.load if lacks else Load(), for_good, workings.at[number] > 0)
