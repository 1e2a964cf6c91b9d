"""Why room, slots or order keep a guest where it is, in words that name hosts and amounts. Called by the scheduler.

Says it; what is refused is decided by room, slots and timetable. What would help is tried by remedies, once the plan
is made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from heapq import heappop, heappush

from reconciler.core.desired.placement import names_text
from reconciler.core.model import Load, RunState, StepKind
from reconciler.core.planning.journey import Journey
from reconciler.core.planning.order.room import Shortage, homeless, overfull
from reconciler.core.planning.order.times.layout import Entry, Stuck, Timetable
from reconciler.core.planning.order.times.slots import Slots
from reconciler.core.planning.plan import Blocked, Reason
from reconciler.core.planning.situation import Situation
from reconciler.core.planning.windows import too_late


def without_slot(situation: Situation, journeys: Sequence[Journey]) -> list[Blocked]:
    """The guests that moves under way leave no slot for, as long as they last."""
    slots = Slots(situation.desired.fleet, sorted(situation.hosts), situation.records)
    refused = []
    for journey in journeys:
        moves = any(leg.kind is StepKind.MIGRATE for leg in journey.legs)
        full = "the fleet" if moves and slots.fleet_full else next(filter(None, map(slots.full, journey.legs)), None)
        if full is not None:
            busy = [record for record in situation.records if full not in situation.hosts or record.touches(full)]
            by = ", ".join(f"{record.guest_name} by {record.controller}" for record in busy) or "limits of 0"
            text = f"moves under way take every slot of {full}: {by}"
            refused.append(_blocked(journey, Reason.SLOTS_TAKEN, text, "wait until they have ended"))
    return refused


def growing_where_they_may(journeys: Sequence[Journey], room: Mapping[str, Load]) -> list[Journey]:
    """The same, but where a host would lack CPU in the end, guests that move or start there are given no more of it.
    None is kept from its host for want of more than it has; the next round says that it cannot have it."""
    left = list(journeys)
    while any(journey.grows for journey in left):
        short = {lacking.host for lacking in homeless(left, room).values() if lacking.load.cpu_percent}
        modest = [journey.without_growth() if journey.legs[-1].target in short else journey for journey in left]
        if modest == left:
            break
        left = modest
    return left


def without_room(situation: Situation, journeys: Sequence[Journey], room: Mapping[str, Load]) -> list[Blocked]:
    """The guests whose target could not hold them even when everything else is done."""
    lacking = homeless(journeys, room)
    short = overfull(journeys, room) if lacking else {}
    staying = _staying(situation, {journey.name for journey in journeys}) if short else {}
    refused = []
    for journey in journeys:
        if journey.name not in lacking:
            continue
        host = lacking[journey.name].host
        if host in short:
            others = f", with what stays there: {names_text(staying[host])}" if host in staying else ""
            text = f"{short[host]} for all that is declared there{others}"
            refused.append(_blocked(journey, Reason.NO_ROOM, text, _make_room(journey, [host])))
        else:
            refused.append(_held_up(journey, [other for other in journeys if other.name in lacking], host, short))
    return refused


def _staying(situation: Situation, going: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Host -> who stays there, though it is not declared there."""
    found: dict[str, list[str]] = defaultdict(list)
    for guest in situation.difference.guests:
        if guest.name not in going:
            up = {place.host for place in guest.places if place.state is not RunState.STOPPED}
            for host in up - {guest.wanted}:
                found[host].append(guest.name)
    return found


def _held_up(journey: Journey, turned_away: Sequence[Journey], host: str, short: Mapping[str, Shortage]) -> Blocked:
    """A guest whose host could hold all that is declared there, if others could leave it."""
    leaving = {
        other.name: leg.target
        for other in turned_away
        for leg in other.legs
        if leg.source == host and leg.target != host
    }
    roots = sorted(set(leaving.values()) & short.keys())
    why = f": {'; '.join(str(short[root]) for root in roots)} for all that is declared there" if roots else " either"
    stay = f"{names_text(leaving)} {'stays' if len(leaving) == 1 else 'stay'}"
    text = f"{host} has no room for it as long as {stay}, which cannot leave{why}"
    return _blocked(journey, Reason.NO_ROOM, text, _make_room(journey, roots or [host]))


def stuck(timetable: Timetable, entry: Stuck) -> Blocked:
    """A guest that can neither go nor be got out of the way."""
    journey = timetable.journeys[entry.journey]
    lacks = Shortage(entry.host, entry.lacks, entry.rules)
    if entry.for_good:
        text = f"{lacks} for it, and what leaves does not free as much"
        return _blocked(journey, Reason.NO_ROOM, text, _make_room(journey, [entry.host]))
    knot = _knot(timetable, entry)
    others = "; ".join(str(Shortage(host, lacking)) for host, lacking in sorted(knot.items()) if host != entry.host)
    pinned = sorted(
        timetable.journeys[other.journey].name
        for other in timetable.stuck
        if other.host in knot and not timetable.journeys[other.journey].guest.migration.hop
    )
    hop = (
        f"the documents of {', '.join(pinned)} forbid a hop"
        if pinned
        else "no third host may take one of them meanwhile"
    )
    text = f"{lacks} until others leave, and these wait in turn{f' ({others})' if others else ''}; {hop}"
    fix = f"make room on {' or '.join(sorted(knot))}, or on a third host"
    return _blocked(journey, Reason.NO_SAFE_ORDER, text, fix)


def too_late_ones(timetable: Timetable, quiet_in_s: float | None) -> list[Blocked]:
    """The guests with a step that would not be over while their window is open, or before one that denies begins."""
    refused: dict[int, Blocked] = {}
    for entry, end_s in _cautious_ends(timetable):
        journey = timetable.journeys[entry.journey]
        text = too_late(journey.guest.migration, quiet_in_s, stops=entry.leg.stops_guest, end_s=end_s)
        if text:
            refused.setdefault(entry.journey, _blocked(journey, Reason.OUTSIDE_WINDOW, text, "wait for the window"))
    return [refused[number] for number in sorted(refused)]


def _cautious_ends(timetable: Timetable) -> Iterator[tuple[Entry, float]]:
    """Each step, and when it is over at the latest if nothing is quicker than the model says: what was learned must not
    let anything in. Whatever ends before a step begins is taken for what it waits for."""
    latest_s = 0.0
    begun: list[tuple[float, float]] = []
    for entry in sorted(timetable.entries, key=lambda entry: entry.start_s):
        while begun and begun[0][0] <= entry.start_s:
            latest_s = max(latest_s, heappop(begun)[1])
        end_s = max(entry.start_s, latest_s) + entry.leg.duration.cautious_s
        heappush(begun, (entry.end_s, end_s))
        yield entry, end_s


def _make_room(journey: Journey, hosts: Sequence[str]) -> str:
    """What would help whatever is declared; which guests could be declared elsewhere is tried by crowding."""
    sets = any(leg.kind is StepKind.SET for leg in journey.legs)
    return f"make room on {' or '.join(hosts)}{', or declare less entitlement' if sets else ''}"


def _knot(timetable: Timetable, first: Stuck) -> dict[str, Load]:
    """The hosts that wait on each other, from the one this guest wants, with what each lacks for its next guest."""
    leaving: dict[str, list[Stuck]] = {}
    for entry in timetable.stuck:
        for leg in timetable.journeys[entry.journey].legs:
            leaving.setdefault(leg.source, []).append(entry)
    knot, fresh = {first.host: first.lacks}, [first.host]
    while fresh:
        for entry in leaving.get(fresh.pop(), ()):
            if entry.host not in knot:
                knot[entry.host] = entry.lacks
                fresh.append(entry.host)
    return knot


def _blocked(journey: Journey, reason: Reason, text: str, fix: str) -> Blocked:
    found = journey.difference
    place = found.place.host if found.place is not None else ""
    return Blocked(found.name, found.uuid, found.wanted, place, reason, text, fix)
