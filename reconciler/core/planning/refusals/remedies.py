"""What would get blocked guests going, tried before it is said. Called once a plan is made and guests are left over.

untangling  where full hosts wait on each other: hops, bystanders that step aside, downtime, less CPU; or why not
crowding    where a host cannot hold what is declared there: who would have to be declared elsewhere
permits     what documents forbid that would do, and windows
whatif      plans again with a few edits of documents, within a budget
scene       what it plans: everything, or what is left once the plan is done
edits       the fields that a remedy may name

Costs nothing where nobody is blocked; else what whatif's budget allows. Moves nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from reconciler.core.model import Load
from reconciler.core.planning.admission import admit
from reconciler.core.planning.journey import Journey
from reconciler.core.planning.order.drafts import Draft
from reconciler.core.planning.order.times.layout import Stuck
from reconciler.core.planning.plan import Blocked, Reason, Remedy, RemedyKind
from reconciler.core.planning.refusals import crowding, permits, untangling
from reconciler.core.planning.refusals.scene import UNTRIED, Scene, after, hosts_of, knots
from reconciler.core.planning.refusals.untangling import Crowd, Way
from reconciler.core.planning.refusals.whatif import Again, Budget, WhatIf
from reconciler.core.planning.situation import Situation

WHOLE_MAX = 60
"""With more guests on their way than that, remedies are looked for in what is left once the plan is done."""

HOSTS_MAX = 60
"""The same for a fleet of more hosts."""


def remedied(
    situation: Situation,
    journeys: Sequence[Journey],
    room: Mapping[str, Load],
    blocked: Sequence[Blocked],
    best: Draft,
    again: Again,
) -> tuple[tuple[Blocked, ...], tuple[Remedy, ...]]:
    """The blocked guests with what would help them, and what would free all those together that are stuck. `again` is
    the planner, to try it."""
    if not any(entry.reason in HELPED for entry in blocked):
        return tuple(blocked), ()
    search = _Search(situation, journeys, room, blocked, best, again)
    remedies: dict[str, tuple[Remedy, ...]] = {}
    together = search.untangle(remedies)
    search.make_room(remedies)
    search.permit(remedies)
    search.wait(remedies)
    downed = not situation.unseen  # what is down is moved only where nobody else could have started it
    return tuple(_with(entry, remedies.get(entry.guest, ()), downed) for entry in blocked), together


class _Search:
    """One plan's remedies, from one budget."""

    def __init__(
        self,
        situation: Situation,
        journeys: Sequence[Journey],
        room: Mapping[str, Load],
        blocked: Sequence[Blocked],
        best: Draft,
        again: Again,
    ) -> None:
        self.blocked, self.again, self.budget = blocked, again, Budget()
        self.room = room or situation.room()
        homeless = {entry.guest for entry in blocked if entry.reason is Reason.NO_ROOM}
        homeless -= {journey.name for journey in journeys}
        turned = [admit(situation, found) for found in situation.difference.guests if found.name in homeless]
        wanting = [*journeys, *(entry for entry in turned if isinstance(entry, Journey))]
        names = frozenset(entry.guest for entry in blocked)
        wanting.sort(key=lambda journey: journey.name)
        present = Scene(situation, tuple(wanting), self.room, names, _emptied(situation, wanting))
        self.whole = after(present, best.timetable)
        self.rest = self.whole.around(hosts_of(self.whole.journeys))
        self.scene = present if len(wanting) <= WHOLE_MAX and len(self.room) <= HOSTS_MAX else self.rest
        self.lacks: Mapping[str, Stuck] = {
            best.timetable.journeys[entry.journey].name: entry for entry in best.timetable.stuck
        }

    @cached_property
    def crowd(self) -> Crowd:
        """All guests once the plan is done; only proofs ask for them."""
        return Crowd.of(self.whole.situation)

    def guests(self, *reasons: Reason) -> frozenset[str]:
        """The guests that are blocked for one of these."""
        return frozenset(entry.guest for entry in self.blocked if entry.reason in reasons)

    def untangle(self, remedies: dict[str, tuple[Remedy, ...]]) -> tuple[Remedy, ...]:
        """Remedies for the guests without a safe order, and what would free all of them."""
        stuck = self.guests(Reason.NO_SAFE_ORDER)
        if not stuck:
            return ()
        found: dict[str, Way] = {}
        for knot in knots([journey for journey in self.rest.journeys if journey.name in stuck]):
            found |= self._knot(frozenset(journey.name for journey in knot), hosts_of(knot), remedies)
        scene = self.scene.of(stuck) if self.scene.later else self.scene
        whatif = WhatIf(scene.around(hosts_of(self.rest.journeys)), self.again, self.budget)
        return untangling.together(found, whatif, len(stuck))

    def _knot(
        self, guests: frozenset[str], hosts: frozenset[str], remedies: dict[str, tuple[Remedy, ...]]
    ) -> dict[str, Way]:
        """The same for guests that wait on each other."""
        rest = self.rest.of(guests).around(hosts)
        near = rest.near(hosts)
        later = WhatIf(near, self.again, self.budget).freed(())
        remedies |= {guest: (untangling.patience(guest, later),) for guest in sorted(later)}
        left = guests - later
        if not left:
            return {}
        whatif = WhatIf(near if self.scene.later else self.scene.around(hosts), self.again, self.budget)
        ways = untangling.ways(whatif, left)
        for guest in sorted(left):
            lacks = self.lacks.get(guest)
            remedies[guest] = (
                untangling.remedy(guest, ways[guest], whatif, lacks)
                if guest in ways
                else untangling.hopeless(rest, self.crowd, lacks, all_tried=not self.budget.spent),
            )
        return ways

    def make_room(self, remedies: dict[str, tuple[Remedy, ...]]) -> None:
        """Remedies for the guests that their declared host could not hold."""
        journeys = {journey.name: journey for journey in self.rest.journeys}
        whole = WhatIf(self.scene, self.again, self.budget)
        for number, guest in enumerate(sorted(self.guests(Reason.NO_ROOM) & journeys.keys())):
            if number >= SINGLY_MAX:
                remedies[guest] = (UNTRIED,)
                continue
            if not self.scene.later:
                remedies[guest] = crowding.remedies(guest, whole, self.rest)
                continue
            hosts = hosts_of([journeys[guest]])
            near = self.rest.of({guest}).around(hosts).near(hosts)
            remedies[guest] = crowding.remedies(guest, WhatIf(near, self.again, self.budget), near)

    def permit(self, remedies: dict[str, tuple[Remedy, ...]]) -> None:
        """Remedies for the guests whose documents keep them from going."""
        forbidden = sorted(self.guests(*FORBIDDEN))
        scene = self.scene.of(()) if self.scene.later else self.scene
        whatif = WhatIf(scene, self.again, self.budget)
        for number, guest in enumerate(forbidden):
            remedies[guest] = permits.permitted(guest, whatif) if number < SINGLY_MAX else (UNTRIED,)

    def wait(self, remedies: dict[str, tuple[Remedy, ...]]) -> None:
        """When the windows of guests are long enough."""
        desired = self.rest.situation.desired
        for journey in self.rest.journeys:
            if journey.name in self.guests(Reason.OUTSIDE_WINDOW):
                found = permits.window(journey, desired)
                remedies[journey.name] = (found,) if found is not None else ()


FORBIDDEN = (
    Reason.INCOMPATIBLE,
    Reason.METHOD_FORBIDDEN,
    Reason.DOWNTIME_FORBIDDEN,
    Reason.STORAGE_COPY_FORBIDDEN,
)
"""What a document keeps a guest from, or a platform unless its document allows more."""
SINGLY_MAX = 40
"""For so many guests that lack room it is tried who could make it; for so many, what documents would have to allow."""
HELPED = frozenset({Reason.NO_SAFE_ORDER, Reason.NO_ROOM, Reason.OUTSIDE_WINDOW, *FORBIDDEN})
"""The reasons that something is tried against."""


def _emptied(situation: Situation, journeys: Sequence[Journey]) -> frozenset[str]:
    """The hosts that guests leave and none is declared on: nobody wants to see others sent there."""
    left = {leg.source for journey in journeys for leg in journey.legs if leg.source != leg.target}
    return frozenset(left - {document.host for document in situation.desired.guests.values()})


def _with(entry: Blocked, remedies: tuple[Remedy, ...], downed: bool) -> Blocked:
    """The refusal with its remedies, which say better than it does what to do. `downed`: whether a guest that somebody
    shuts down would be moved."""
    if not remedies:
        return entry
    texts = [each.text for each in remedies]
    if all(each.kind in (RemedyKind.NONE, RemedyKind.NOT_FOUND) for each in remedies):
        return replace(entry, remedies=remedies, fix="; ".join([entry.fix, *texts]))
    if entry.reason is Reason.DOWNTIME_FORBIDDEN and [RemedyKind.DOWNTIME] == [each.kind for each in remedies]:
        texts += [f"shut {entry.guest} down"] if downed and len(remedies[0].edits) == 1 else []
    return replace(entry, remedies=remedies, fix="; or ".join(texts))
