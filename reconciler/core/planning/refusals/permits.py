"""What documents would have to allow for guests that they keep from going: downtime, another method, copied disks.

Called where remedies are looked for. The fewest of these with which the platform lets the guest go, then those that
stop it least; planned with before they are named. And whether a window is ever long enough.
"""

from __future__ import annotations

from itertools import combinations

from reconciler.core.desired import DesiredFleet, Downtime, Guest, StorageCopy
from reconciler.core.model import Method, StepKind
from reconciler.core.planning.admission import admit
from reconciler.core.planning.journey import Journey
from reconciler.core.planning.plan import Edit, Remedy, RemedyKind
from reconciler.core.planning.refusals import edits as fields
from reconciler.core.planning.refusals.scene import LATER, UNTRIED
from reconciler.core.planning.refusals.whatif import WhatIf, with_documents
from reconciler.core.planning.windows import needed_s
from reconciler.core.quantities import format_duration


def permitted(guest: str, whatif: WhatIf) -> tuple[Remedy, ...]:
    """What its document would have to allow, where that is all that is in the way."""
    ways = [(journey, edits) for edits in _choices(whatif, guest) if (journey := _journey(whatif, guest, edits))]
    ways.sort(key=lambda way: (len(way[1]), _downtime_s(way[0]), way[1]))
    for journey, edits in ways[:1]:
        if not whatif.frees({guest}, edits):
            return (_in_vain(guest, edits, whatif),)
        down_s = _downtime_s(journey)
        offline = any(leg.method is Method.OFFLINE for leg in journey.legs)
        how = f"offline, {format_duration(down_s)} down" if offline and down_s else "offline" if offline else "online"
        text = f"set {fields.told(edits)}: it goes then, {how}{LATER if whatif.scene.later else ''}"
        return (Remedy(fields.kind_of(edits), text, (guest,), edits, downtime_s=down_s),)
    return ()


def _in_vain(guest: str, edits: tuple[Edit, ...], whatif: WhatIf) -> Remedy:
    """What else is in the way of a guest that the platform would let go with these edits."""
    answer = whatif.ask(edits)
    if answer is None:
        return UNTRIED
    others = fields.names(answer.left - whatif.scene.blocked)
    why = answer.refused.get(guest, "") or f"{others} would have to stay instead"
    return Remedy(RemedyKind.NOT_FOUND, f"{fields.told(edits)} alone does not help: {why}")


def window(journey: Journey, desired: DesiredFleet) -> Remedy | None:
    """Whether the windows that the guest names are ever long enough for its steps alone."""
    policy = journey.guest.migration
    spans_s = [entry.duration_s for entry in desired.fleet.windows if entry.name in policy.windows and not entry.deny]
    stopping_s = [leg.duration.cautious_s for leg in journey.legs if leg.stops_guest]
    if not spans_s or not stopping_s:
        return None
    need_s, longest_s = needed_s(sum(stopping_s)), max(spans_s)
    names = " or ".join(policy.windows)
    if need_s > longest_s:
        text = (
            f"make window {names} longer: it is {format_duration(longest_s)} at most, and "
            f"{format_duration(need_s)} are needed"
        )
        return Remedy(RemedyKind.NONE, text)
    if policy.open_s == 0 and policy.opens:
        text = f"wait for window {names}: {policy.opens}, and is long enough for the {format_duration(need_s)} needed"
        return Remedy(RemedyKind.WAIT, text, (journey.name,))
    return None


def _choices(whatif: WhatIf, guest: str) -> list[tuple[Edit, ...]]:
    """All sets of permissions that it lacks."""
    document = whatif.scene.situation.desired.guests[guest]
    lacking = list(_lacking(document))
    sets = [chosen for size in range(1, 4) for chosen in combinations(lacking, size)]
    return [edits for edits in sets if len({edit.field for edit in edits}) == len(edits)]


def _lacking(document: Guest) -> list[Edit]:
    policy = document.migration
    found = []
    if policy.method is not None:
        found.append(Edit(document.name, fields.METHOD, "auto"))
    if policy.storage_copy is StorageCopy.NEVER:
        found.append(Edit(document.name, fields.STORAGE_COPY, StorageCopy.OFFLINE.value))
    if policy.storage_copy is not StorageCopy.ONLINE:
        found.append(Edit(document.name, fields.STORAGE_COPY, StorageCopy.ONLINE.value))
    if policy.downtime is Downtime.FORBIDDEN:
        found.append(fields.downtime(document.name))
    return found


def _journey(whatif: WhatIf, guest: str, edits: tuple[Edit, ...]) -> Journey | None:
    """Its way, as far as the platform and the document go."""
    situation = whatif.scene.situation
    document = situation.desired.guests[guest]
    for edit in edits:
        document = fields.edited(document, edit)
    found = situation.difference.guest(guest)
    admitted = admit(with_documents(situation, {guest: document}, {guest}), found) if found is not None else None
    moves = isinstance(admitted, Journey) and any(leg.kind is StepKind.MIGRATE for leg in admitted.legs)
    return admitted if isinstance(admitted, Journey) and moves else None


def _downtime_s(journey: Journey) -> float:
    return sum(leg.duration.downtime_s for leg in journey.legs if leg.stops_guest)
