"""What would make room for guests that their declared host cannot hold in the end: who would have to be declared where
instead, or how much less CPU be guaranteed.

Called where remedies are looked for. Names one guest, or two, that stand there or are to come, the smallest that do;
or another host for the guest itself. Each is planned with before it is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from reconciler.core import capacity
from reconciler.core.desired import PowerWish
from reconciler.core.desired.placement import may_be_chosen
from reconciler.core.model import Load, Method
from reconciler.core.planning.admission import barrier, decision_for
from reconciler.core.planning.journey import Journey
from reconciler.core.planning.order.room import shortage
from reconciler.core.planning.plan import Edit, Remedy, RemedyKind
from reconciler.core.planning.refusals import edits as fields
from reconciler.core.planning.refusals.scene import LATER, UNTRIED, Scene
from reconciler.core.planning.refusals.untangling import less_cpu
from reconciler.core.planning.refusals.whatif import WhatIf

HOSTS_NAMED = 3
"""So many hosts are named that would have room."""
SETS_TRIED = 4
"""So many sets of guests are planned with."""
PAIRED_MAX = 40
"""Of more guests, no two are weighed together."""

Home = tuple[str, Method]
"""A host that would have room for a guest, and how it would get there."""


def remedies(guest: str, whatif: WhatIf, rest: Scene) -> tuple[Remedy, ...]:
    """What would let the guest in: others declared elsewhere, the guest itself, less CPU guaranteed."""
    journey = next((entry for entry in rest.journeys if entry.name == guest), None)
    if journey is None or not journey.legs:
        return ()
    host = journey.legs[-1].target
    wants = Load.total(leg.takes for leg in journey.legs if leg.target == host)
    short = shortage(host, wants, rest.room[host])
    if short is None:
        return ()
    found = [
        next(_others(journey, host, short.load, whatif, rest), None),
        _itself(journey, host, short.load, whatif, rest),
        _less_cpu(guest, host, short.load, whatif, rest),
    ]
    helping = [remedy for remedy in found if remedy is not None]
    if not helping and whatif.budget.spent:
        return (UNTRIED,)
    if not helping:
        text = f"no other host was found for {guest}, nor for one or two guests on {host} that would make room for it"
        return (Remedy(RemedyKind.NOT_FOUND, text, host=host, lacks=short.load),)
    return tuple(sorted(helping, key=lambda remedy: any(edit.value in rest.emptied for edit in remedy.edits)))


def _others(journey: Journey, host: str, lacks: Load, whatif: WhatIf, rest: Scene) -> Iterator[Remedy]:
    """The fewest and smallest guests that are declared there and could be declared elsewhere."""
    leaving: dict[str, tuple[Load, int, Sequence[Home]]] = {}
    for found in rest.situation.in_place():
        if found.place is None or found.place.host != host:
            continue
        entry = rest.situation.registrations[host, found.uuid]
        frees = replace(entry.load(rest.situation.hosts[host].memory_overhead_percent), disk_mib=0)
        homes = _homes(found.name, host, rest) if entry.running and found.name != journey.name else ()
        if homes:
            leaving[found.name] = (frees, entry.memory_mib, homes)
    tried = 0
    for size in (1, 2) if len(leaving) <= PAIRED_MAX else (1,):
        sets = combinations(sorted(leaving), size)
        by_bytes = sorted(
            (
                any(leaving[name][2][0][0] in rest.emptied for name in chosen),
                sum(leaving[name][1] for name in chosen),
                chosen,
            )
            for chosen in sets
        )
        for _, _, chosen in by_bytes:
            if not lacks.fits(Load.total(leaving[name][0] for name in chosen)):
                continue
            edits = [fields.declared_on(name, leaving[name][2][0][0]) for name in chosen]
            tried += 1
            if tried > SETS_TRIED:
                return
            if whatif.frees({journey.name, *chosen}, edits):
                told = " and ".join(f"{name} on {_told(leaving[name][2], rest)}" for name in chosen)
                text = f"declare {told}: {journey.name} has room then{LATER if whatif.scene.later else ''}"
                yield _remedy(journey.name, text, edits, host, lacks)


def _itself(journey: Journey, host: str, lacks: Load, whatif: WhatIf, rest: Scene) -> Remedy | None:
    """Another host for the guest."""
    homes = _homes(journey.name, journey.legs[0].source, rest, besides=host)
    if not homes:
        return None
    edits = [fields.declared_on(journey.name, homes[0][0])]
    if not whatif.frees({journey.name}, edits):
        return None
    return _remedy(journey.name, f"declare {journey.name} itself on {_told(homes, rest)}", edits, host, lacks)


def _less_cpu(guest: str, host: str, lacks: Load, whatif: WhatIf, rest: Scene) -> Remedy | None:
    """Less guaranteed to guests that stand there, where it is CPU that is short."""
    if lacks.cpu_percent <= 0:
        return None
    pool = less_cpu(rest, {host})
    if not pool or not whatif.frees({guest}, pool):
        return None
    edits = whatif.smallest({guest}, pool, pool)
    text = f"set {fields.told(edits)}: {guest} has room then{LATER if whatif.scene.later else ''}"
    return _remedy(guest, text, sorted(edits), host, lacks)


def _remedy(guest: str, text: str, edits: Sequence[Edit], host: str, lacks: Load) -> Remedy:
    return Remedy(fields.kind_of(edits), text, (guest,), tuple(sorted(edits)), host, lacks)


def _homes(guest: str, source: str, rest: Scene, besides: str = "") -> Sequence[Home]:
    """The hosts that would have room for it, the roomiest first, those first that it reaches online; last those that
    are being emptied."""
    situation = rest.situation
    document = situation.desired.guests[guest]
    found = next(entry for entry in situation.difference.guests if entry.name == guest)
    entry = situation.registrations[source, found.uuid]
    runs = document.power is PowerWish.RUNNING or (entry.running and document.power is not PowerWish.STOPPED)
    homes: list[Home] = []
    for name in sorted(rest.room, key=lambda name: (name in rest.emptied, -rest.room[name].memory_mib, name)):
        if name in (source, besides) or not may_be_chosen(situation.desired.hosts[name]):
            continue
        here, there = situation.hosts[source], situation.hosts[name]
        takes = capacity.needed(entry, there, copies=True)
        takes = takes if runs else Load(disk_mib=takes.disk_mib)
        if not takes.fits(rest.room[name]) or (runs and not situation.vcpus_fit(entry, name)):
            continue
        if situation.placement.allowed(guest, name) is not None or barrier(situation, entry, here, there) is not None:
            continue
        method = decision_for(situation, document, entry, here, there, False).method
        if method is not None:
            homes.append((name, method))
        if len(homes) >= HOSTS_NAMED and any(way is Method.ONLINE for _, way in homes):
            break
    return sorted(homes, key=lambda home: (home[0] in rest.emptied, home[1] is not Method.ONLINE))[:HOSTS_NAMED]


def _told(homes: Sequence[Home], rest: Scene) -> str:
    """`c (online) or d (offline, but it is being emptied)`."""
    return " or ".join(
        f"{host} ({method}{', but it is being emptied' if host in rest.emptied else ''})" for host, method in homes
    )
