"""A whole timetable for journeys, with who stays where it is: an order, then starts, then everybody who is left over.

Called by the scheduler, which compares drafts. A draft leaves no guest on its way: where an order would, it is looked
for again without that guest's detour, and then without the guest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.core.desired.placement import rule_of
from reconciler.core.model import Load
from reconciler.core.planning.journey import Journey
from reconciler.core.planning.order.accounts import Accounts
from reconciler.core.planning.order.bounds import bound, fleet_s
from reconciler.core.planning.order.clearing import PATIENCE, Clearer
from reconciler.core.planning.order.detours import Detours
from reconciler.core.planning.order.exhaustive import JOURNEYS_MAX, Exhaustive
from reconciler.core.planning.order.room import shortage
from reconciler.core.planning.order.sequence import Taste, Workings
from reconciler.core.planning.order.times.improving import QUICK, THOROUGH, Care, starts_of
from reconciler.core.planning.order.times.layout import Entry, Stuck, Timetable, lay_out
from reconciler.core.planning.order.times.timetable import Problem
from reconciler.core.planning.order.widening import widen
from reconciler.core.planning.plan import Blocked
from reconciler.core.planning.refusals import stuck, too_late_ones
from reconciler.core.planning.situation import Situation
from reconciler.errors import InvariantBroken

ORDERING = 6
"""To find an order and its bound takes about as long as laying each leg out so many times."""
WEIGHED_PER_LEG = 5
"""So many actions of a search are weighed in the time in which one leg is laid out."""
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
    workings: Workings
    """How its order was found."""

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
    care: Care = QUICK,
) -> Draft:
    """Lay the journeys out."""
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
        spent += ORDERING * len(workings.order) + workings.effort
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
        least_s = bound(workings.order, accounts.free, fleet.limits).best_s
        timetable, laid_out = _timed(situation, workings, least_s, care)
        spent += laid_out
        late = too_late_ones(timetable, fleet.quiet_in_s)
        if late:
            never |= {entry.guest for entry in late}
            turn_away(left, blocked, late)
            continue
        turn_away(left, blocked, [stuck(timetable, entry) for entry in timetable.stuck])
        return Draft(timetable, blocked, min(least_s, timetable.makespan_s), spent, workings)
    raise InvariantBroken("planning", "guests are left on their way in every timetable")


def polished(situation: Situation, found: Draft) -> Draft:
    """The same draft with more care for its times, and for what no times can beat."""
    fleet = situation.desired.fleet
    least_s = max(found.bound_s, fleet_s(found.workings.order, fleet.limits))
    timetable, _ = _timed(situation, found.workings, least_s, THOROUGH)
    if too_late_ones(timetable, fleet.quiet_in_s) or timetable.makespan_s >= found.timetable.makespan_s:
        timetable = found.timetable
    return replace(found, timetable=timetable, bound_s=min(least_s, timetable.makespan_s))


def _timed(situation: Situation, workings: Workings, bound_s: float, care: Care) -> tuple[Timetable, int]:
    """The order with its times, and how many tasks were laid out for that."""
    accounts, fleet, records = workings.accounts, situation.desired.fleet, situation.records
    problem = Problem.of(workings.order, accounts.free, accounts.names, fleet, records)
    starts, laid_out = starts_of(problem, bound_s, care)
    entries = lay_out(workings.order, starts, accounts.free, accounts.names, fleet, records)
    return _timetable(workings, entries), laid_out


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
    fleet = situation.desired.fleet
    workings = Workings(journeys, accounts, fleet.limits, detours, taste.variation)
    if taste.sparing is not None and _sparing(workings, taste.sparing, never):
        return workings
    if taste.early:
        Clearer(workings, taste, never, PATIENCE[0]).clear_early()
    workings.cascade()
    for patience in PATIENCE:
        clearer = Clearer(workings, taste, never, patience)
        while workings.left and clearer.clear():
            workings.cascade()
    clearer = Clearer(workings, taste, never, PATIENCE[1])
    while workings.left and widen(clearer):
        workings.cascade()
    workings.cascade()
    if not workings.left or taste.variation:
        return workings
    small = len(journeys) <= JOURNEYS_MAX
    again = Workings(journeys, accounts, fleet.limits, detours, taste.variation) if small else workings
    for patience in PATIENCE[1:]:
        search = Exhaustive(again, never, patience)
        actions = search.find()
        again.effort += len(search.seen)
        workings.effort += len(search.seen) if again is not workings else 0
        if actions is not None:
            search.carry_out(actions)
            return again
        workings.hopeless = small and search.complete
        if search.borne_all:
            break
    return workings


def _sparing(workings: Workings, most_s: float, never: frozenset[str]) -> bool:
    """Whether everybody is served now, and no more than that is moved on the way."""
    for patience in PATIENCE:
        search = Exhaustive(workings, never, patience)
        actions = search.sparing(most_s, workings.variation)
        workings.effort += search.weighed // WEIGHED_PER_LEG
        if actions is not None:
            search.carry_out(actions)
            return True
        if search.borne_all:
            break
    return False


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
    full = {account for account, amount in item.takes if amount > max(0, workings.free[account])}
    rules = tuple(rule_of(key) for key, account in sorted(workings.accounts.keys.items()) if account in full)
    return Stuck(number, leg.target, lacks.load if lacks else Load(), for_good, workings.at[number] > 0, rules)
