"""What would free guests that no safe order was found for: hops, bystanders that step aside, downtime, less CPU.

Called where remedies are looked for. The first of these that frees a guest is its remedy, with the fewest edits found;
where none does, the certificate: why nobody can leave.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.core.desired import Downtime
from reconciler.core.diff import Finding
from reconciler.core.model import Load
from reconciler.core.planning.journey import Journey, Leg
from reconciler.core.planning.order.detours import Bystander, Detours
from reconciler.core.planning.order.room import Shortage, shortage
from reconciler.core.planning.order.times.layout import Stuck
from reconciler.core.planning.plan import Edit, Remedy, RemedyKind
from reconciler.core.planning.refusals import edits as fields
from reconciler.core.planning.refusals.scene import EVERYBODY_MAX, LATER, Scene
from reconciler.core.planning.refusals.whatif import WhatIf
from reconciler.core.planning.situation import Situation
from reconciler.core.quantities import format_memory

MOVERS_MAX = 200
"""Of so many guests it is asked whether one could leave."""


@dataclass(frozen=True)
class Way:
    """What frees one guest, and who else goes with it."""

    edits: frozenset[Edit]
    frees: frozenset[str]
    pool: frozenset[Edit]
    """What the edits were chosen from."""


def ways(whatif: WhatIf, stuck: frozenset[str]) -> dict[str, Way]:
    """Each of the guests of a knot that can be freed, with what frees it."""
    found: dict[str, Way] = {}
    tried: set[frozenset[Edit]] = set()
    for pool in _pools(whatif.scene, stuck):
        open_ones = stuck - found.keys()
        if not open_ones:
            break
        if not pool or pool in tried:
            continue
        tried.add(pool)
        freed = whatif.freed(pool) & open_ones
        if not freed:
            continue
        whole = whatif.smallest(freed, pool, pool)
        for guest in sorted(freed):
            edits = whatif.smallest({guest}, whole, pool)
            found[guest] = Way(edits, whatif.freed(edits) & stuck, pool)
    return found


def remedy(guest: str, way: Way, whatif: WhatIf, lacks: Stuck | None) -> Remedy:
    """The way as a remedy of one guest."""
    others = way.frees - {guest}
    also = f", and so {'does' if len(others) == 1 else 'do'} {fields.names(others)}" if others else ""
    text = f"set {fields.told(way.edits)}: it goes then{also}{LATER if whatif.scene.later else ''}"
    return Remedy(
        kind=fields.kind_of(way.edits),
        text=text,
        frees=tuple(sorted(way.frees)),
        edits=tuple(sorted(way.edits)),
        host=lacks.host if lacks else "",
        lacks=lacks.lacks if lacks else Load(),
        downtime_s=_more_downtime_s(whatif, way.edits),
    )


def patience(guest: str, later: frozenset[str]) -> Remedy:
    """It goes by itself, as these do, once this plan is done."""
    others = later - {guest}
    also = f", and so {'does' if len(others) == 1 else 'do'} {fields.names(others)}" if others else ""
    text = f"wait: it goes once the rest of this plan is done{also}"
    return Remedy(RemedyKind.WAIT, text, tuple(sorted(later)))


def together(found: Mapping[str, Way], whatif: WhatIf, stuck: int) -> tuple[Remedy, ...]:
    """What frees all of them that can be freed at all."""
    if not found:
        return ()
    edits = frozenset(edit for way in found.values() for edit in way.edits)
    if len({way.edits for way in found.values()}) > 1:
        if not whatif.frees(found, edits):
            return ()
        if not whatif.scene.later:  # else each knot was looked at by itself, and one has no part in another's
            edits = whatif.smallest(found, edits, frozenset(edit for way in found.values() for edit in way.pool))
    whom = {1: "it", 2: "both of them"}.get(stuck, "all of them")
    if len(found) < stuck:
        whom = f"{len(found)} of them: {fields.names(found)}"
    counted = "1 guest is" if stuck == 1 else f"{stuck} guests are"
    later = LATER if whatif.scene.later else ""
    text = f"{counted} stuck: {fields.told(edits)} would free {whom}{later}"
    more_s = _more_downtime_s(whatif, edits)
    return (Remedy(fields.kind_of(edits), text, tuple(sorted(found)), tuple(sorted(edits)), downtime_s=more_s),)


def _more_downtime_s(whatif: WhatIf, edits: frozenset[Edit]) -> float:
    """What of downtime the edits add. Nothing where nobody may be stopped for them."""
    if not any(edit.field in (fields.DOWNTIME, fields.HOP) for edit in edits):
        return 0.0
    with_them, without = whatif.ask(edits), whatif.ask(())
    if with_them is None or without is None:
        return 0.0
    return max(0.0, with_them.downtime_s - without.downtime_s)


def _pools(scene: Scene, stuck: frozenset[str]) -> Iterator[frozenset[Edit]]:
    """What is tried, one after the other: each the whole of what could be edited of its kind."""
    journeys = [journey for journey in scene.journeys if journey.name in stuck]
    hops = frozenset(fields.hop(journey.name) for journey in journeys if not journey.guest.migration.hop)
    yield hops
    asides = _asides(scene, {leg.target for journey in journeys for leg in journey.legs})
    yield asides
    yield asides | hops if asides else frozenset()
    stops = frozenset(
        fields.downtime(journey.name)
        for journey in journeys
        if journey.entry.running and journey.guest.migration.downtime is Downtime.FORBIDDEN
    )
    yield stops
    yield stops | hops
    yield less_cpu(scene, {leg.target for journey in journeys for leg in journey.legs})


def _asides(scene: Scene, hosts: set[str]) -> frozenset[Edit]:
    """Every guest that could step aside if its document let it, on hosts that others wait for."""
    situation = scene.situation
    standing = [found.name for found in situation.in_place()]
    if len(standing) <= EVERYBODY_MAX:
        hosts = set(situation.hosts)
    going = [journey for journey in scene.journeys if journey.legs]
    detours = Detours(situation, all_aside=frozenset((*standing, *(journey.name for journey in going))))
    able = [entry.guest for host in sorted(hosts) for entry in detours.bystanders(host)]
    able += [journey.guest for journey in going if detours.as_bystander(journey) is not None]
    return frozenset(fields.aside(guest.name) for guest in able if not guest.migration.step_aside)


def less_cpu(scene: Scene, hosts: set[str]) -> frozenset[Edit]:
    """Every guest in its place on these hosts, with the least guarantee that its document would leave it."""
    situation = scene.situation
    found = []
    for entry in situation.in_place():
        least = situation.desired.guests[entry.name].cpu_entitlement_min_percent
        if entry.place is None or entry.place.host not in hosts or least is None or entry.finding is Finding.RENAMED:
            continue
        seen = situation.registrations[entry.place.host, entry.uuid]
        if seen.running and least < seen.cpu_entitlement_percent:
            found.append(fields.entitled_to(entry.name, least))
    return frozenset(found)


# --- why nothing helps -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Mover:
    """A guest that would have to leave a host, and who can say where it may go."""

    name: str
    host: str
    who: Journey | Bystander


@dataclass(frozen=True)
class Crowd:
    """All guests of the fleet once the plan is done, where a scene has those that are likely to have a part."""

    situation: Situation
    leaving: Mapping[str, Load]
    """Host -> what would be free there besides if everybody had left who might: bystanders, and who is declared
    elsewhere."""
    misplaced: Mapping[str, frozenset[str]]
    """Host -> the guests there that are declared elsewhere."""

    @staticmethod
    def of(situation: Situation) -> Crowd:
        """Look at each guest once."""
        detours = Detours(situation, all_aside=frozenset(found.name for found in situation.in_place()))
        leaving = {host: [entry.holds for entry in detours.bystanders(host)] for host in situation.hosts}
        misplaced: dict[str, set[str]] = defaultdict(set)
        for found in situation.difference.guests:
            if found.finding is Finding.MISPLACED and found.place is not None and found.place.host in situation.hosts:
                host = situation.hosts[found.place.host]
                misplaced[host.name].add(found.name)
                entry = situation.registrations[host.name, found.uuid]
                leaving[host.name].append(entry.load(host.memory_overhead_percent))
        return Crowd(
            situation,
            {host: Load.total(loads) for host, loads in leaving.items()},
            {host: frozenset(names) for host, names in misplaced.items()},
        )


def hopeless(rest: Scene, crowd: Crowd, lacks: Stuck | None, *, all_tried: bool) -> Remedy:
    """Why nothing frees the guest, where that can be told: nobody can leave the hosts that wait on each other, whatever
    documents say and whoever steps aside elsewhere. `rest` is what is left once the plan is done, of the guest's knot
    only."""
    journeys = [_permissive(journey) for journey in rest.journeys]
    names = frozenset(found.name for found in crowd.situation.in_place()) | {journey.name for journey in journeys}
    detours = Detours(crowd.situation, all_aside=names)
    movers = [_Mover(journey.name, leg.source, journey) for journey in journeys if (leg := _move(journey))]
    targets = sorted({leg.target for journey in journeys if (leg := _move(journey))})
    movers += [_Mover(entry.name, host, entry) for host in targets for entry in detours.bystanders(host)]
    host, short = (lacks.host, lacks.lacks) if lacks else ("", Load())
    first = f"{Shortage(host, short, lacks.rules)}" if lacks else "room is short"
    thirds = {
        name: rest.room[name] if name in targets else rest.room[name] + crowd.leaving[name]
        for name in sorted(rest.room)
        if detours.open_for_rest(name)
    }  # of those who could leave the hosts that wait on each other, one has to be the first
    held_up = {name for host in targets for name in crowd.misplaced.get(host, ())} - {mover.name for mover in movers}
    if held_up or not 0 < len(movers) <= MOVERS_MAX or any(_can_leave(mover, thirds, detours) for mover in movers):
        tried = "neither hops nor bystanders that step aside nor downtime were found to help"
        text = f"{first}; {tried if all_tried else 'too many guests are stuck to try what would help each'}"
        return Remedy(RemedyKind.NOT_FOUND, text, host=host, lacks=short)
    least = min(movers, key=lambda mover: (_memory_mib(mover), mover.name))
    roomiest = max(thirds, key=lambda name: (thirds[name].memory_mib, name), default="")
    most_mib = max(0, thirds[roomiest].memory_mib) if roomiest else 0
    where = f", on {roomiest}" if most_mib else ""
    why = (
        f"the smallest, {least.name}, takes {format_memory(_memory_mib(least))}, and the most that any host could have "
        f"free is {format_memory(most_mib)}{where}"
        if most_mib < _memory_mib(least)
        else "no host that could have the memory may take one of them, or has the CPU"
    )
    text = (
        f"no permission helps: {first}, and none of the {len(movers)} guests that could leave {fields.names(targets)} "
        f"can rest anywhere: {why}"
    )
    return Remedy(RemedyKind.NONE, text, host=host, lacks=short)


def _permissive(journey: Journey) -> Journey:
    """The journey as if its document allowed whatever a remedy could ask for."""
    policy = replace(journey.guest.migration, hop=True, downtime=Downtime.ALLOWED, method=None)
    return replace(journey, guest=replace(journey.guest, migration=policy))


def _move(journey: Journey) -> Leg | None:
    return next((leg for leg in journey.legs if leg.source != leg.target), None)


def _memory_mib(mover: _Mover) -> int:
    return mover.who.entry.memory_mib


def _can_leave(mover: _Mover, thirds: Mapping[str, Load], detours: Detours) -> bool:
    """Whether some host could have room for it, and the platform lets it rest there."""
    for third, most in thirds.items():
        if third == mover.host:
            continue
        if isinstance(mover.who, Bystander):
            takes = detours.takes(mover.who.entry, third, True)
            if shortage(third, takes, most) is None and detours.aside(mover.who, third, ()) is not None:
                return True
            continue
        leg = _move(mover.who)
        if leg is None or third == leg.target:
            continue
        takes = detours.takes(mover.who.entry, third, leg.running)
        if shortage(third, takes, most) is None and detours.over(mover.who, leg, third, ()) is not None:
            return True
    return False
