"""What if documents said something else: planned anew with a few edits, within a budget. Who would be left?

Called where remedies are looked for. Asks the planner itself, so that what it answers is what will come of the edits;
remembers each answer. Changes no document.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import comb

from reconciler.core.desired import Guest
from reconciler.core.desired.placement import Placement
from reconciler.core.desired.violations import broken
from reconciler.core.diff import Finding, GuestDiff
from reconciler.core.model import Load, Setting
from reconciler.core.planning.admission import admit
from reconciler.core.planning.journey import Journey
from reconciler.core.planning.order.drafts import Draft, turn_away
from reconciler.core.planning.plan import Blocked, Edit
from reconciler.core.planning.refusals import edits as fields
from reconciler.core.planning.refusals import without_room, without_slot
from reconciler.core.planning.refusals.scene import Scene
from reconciler.core.planning.situation import Situation

TRIALS_MAX = 250
"""How often it is planned anew for the remedies of one plan."""
EFFORT_MAX = 60_000
"""What all these trials together may cost, in legs laid out and places weighed. The last one may cost more."""
CHOICES_MAX = 60
"""So many sets of one size are tried one after the other; where there are more, none of them is."""

Again = Callable[[Situation, Sequence[Journey], Mapping[str, Load]], Draft]
"""The planner, from journeys to the best draft."""


@dataclass
class Budget:
    """What is left to be spent."""

    trials: int = TRIALS_MAX
    effort: int = EFFORT_MAX

    @property
    def spent(self) -> bool:
        """Whether nothing is left for a trial."""
        return self.trials < 1 or self.effort <= 0

    def begin(self) -> bool:
        """Begin a trial; False where nothing is left for one."""
        if self.spent:
            return False
        self.trials -= 1
        return True


@dataclass(frozen=True)
class Answer:
    """What would come of it."""

    refused: Mapping[str, str]
    """The guests that would stay where they are -> why."""
    used: frozenset[str]
    """The guests that would make a detour, on their way or for others."""
    downtime_s: float
    breaks: bool
    """Whether a required rule would be broken that is not broken now."""

    @property
    def left(self) -> frozenset[str]:
        """The guests that would stay where they are."""
        return frozenset(self.refused)


@dataclass
class WhatIf:
    """Answers for one scene."""

    scene: Scene
    again: Again
    budget: Budget
    _known: dict[frozenset[Edit], Answer] = field(default_factory=dict)
    _sizes: Mapping[str, int] | None = None

    def ask(self, edits: Iterable[Edit]) -> Answer | None:
        """What would come of these edits; None where the budget is spent."""
        wanted = frozenset(edits)
        if wanted not in self._known:
            if not self.budget.begin():
                return None
            self._known[wanted] = self._planned(wanted)
        return self._known[wanted]

    def frees(self, guests: Collection[str], edits: Iterable[Edit]) -> bool:
        """Whether these guests would go with the edits, and nobody else would stay instead."""
        answer = self.ask(edits)
        return answer is not None and self._harmless(answer) and answer.left.isdisjoint(guests)

    def freed(self, edits: Iterable[Edit]) -> frozenset[str]:
        """The blocked guests that would go with the edits; none where somebody else would stay instead."""
        wanted = frozenset(edits)
        answer = self.ask(wanted)
        if answer is None or not self._harmless(answer):
            return frozenset()
        asked = {journey.name for journey in self.scene.journeys} | {edit.guest for edit in wanted}
        return (self.scene.blocked & asked) - answer.left

    def _harmless(self, answer: Answer) -> bool:
        return answer.left <= self.scene.blocked and not answer.breaks

    def smallest(self, guests: Collection[str], enough: frozenset[Edit], pool: Iterable[Edit]) -> frozenset[Edit]:
        """The fewest edits found of the pool with which these guests go, where those that are `enough` let them go."""
        answer = self.ask(enough)
        used = frozenset(edit for edit in enough if answer is not None and edit.guest in answer.used)
        if used != enough and self.frees(guests, used):
            enough = used
        shrunk = True
        while shrunk and len(enough) > 1:
            shrunk = False
            for edit in sorted(enough, key=self._weight, reverse=True):
                if len(enough) > 1 and self.frees(guests, enough - {edit}):
                    enough, shrunk = enough - {edit}, True
        choices = sorted(pool, key=self._weight)
        for size in range(1, len(enough)):
            if comb(len(choices), size) > min(CHOICES_MAX, self.budget.trials):
                break
            for chosen in combinations(choices, size):
                if self.frees(guests, chosen):
                    return frozenset(chosen)
        return enough

    def _weight(self, edit: Edit) -> tuple[int, Edit]:
        """Edits about small guests first."""
        return self._memory_mib().get(edit.guest, 0), edit

    def _memory_mib(self) -> Mapping[str, int]:
        if self._sizes is None:
            self._sizes = {entry.name: entry.memory_mib for entry in self.scene.situation.registrations.values()}
        return self._sizes

    def _planned(self, edits: frozenset[Edit]) -> Answer:
        """Plan with the edits. What a journey rests on is asked anew only where an edit is about that."""
        situation = self.scene.situation
        documents: dict[str, Guest] = {}
        for edit in sorted(edits):
            document = documents.get(edit.guest, situation.desired.guests[edit.guest])
            documents[edit.guest] = fields.edited(document, edit)
        asked = {edit.guest for edit in edits if edit.field not in (fields.HOP, fields.ASIDE)}
        situation = with_documents(situation, documents, asked)
        misdeclared = self.scene.situation.misdeclared.keys() ^ situation.misdeclared.keys()
        breaks = not situation.misdeclared.keys() <= self.scene.situation.misdeclared.keys()
        asked |= misdeclared  # a rule has come to bind them, or does no longer, as others are declared elsewhere
        journeys: dict[str, Journey] = {}
        left: list[Blocked] = []
        for journey in self.scene.journeys:
            document = documents.get(journey.name, journey.guest)
            journeys[journey.name] = journey if document is journey.guest else replace(journey, guest=document)
        for found in situation.difference.guests:
            if found.name not in asked:
                continue
            journeys.pop(found.name, None)
            admitted = admit(situation, found)
            if isinstance(admitted, Journey):
                journeys[found.name] = admitted
            elif admitted is not None:
                left.append(admitted)
        going = [journeys[name] for name in sorted(journeys)]
        turn_away(going, left, without_slot(situation, going))
        turn_away(going, left, without_room(situation, going, self.scene.room))
        draft = self.again(situation, going, self.scene.room)
        self.budget.effort -= draft.spent + len(situation.hosts) // 10 + 1
        timetable = draft.timetable
        used = {timetable.journeys[number].name for number in timetable.hopped | timetable.aside}
        left += draft.blocked
        refused = {entry.guest: entry.text for entry in left}
        return Answer(refused, frozenset(used), draft.downtime_s, breaks)


def with_documents(situation: Situation, documents: Mapping[str, Guest], asked: Collection[str]) -> Situation:
    """The situation with these documents in place of those of the same name."""
    desired = replace(situation.desired, guests={**situation.desired.guests, **documents})
    if not asked:
        return replace(situation, desired=desired)
    moved = any(documents[name].host != situation.desired.guests[name].host for name in asked)
    placement = Placement.of(desired) if moved else situation.placement
    difference = replace(
        situation.difference,
        guests=tuple(
            _differs(found, documents[found.name], situation) if found.name in asked else found
            for found in situation.difference.guests
        ),
    )
    misdeclared = broken(placement) if moved else situation.misdeclared
    return replace(situation, desired=desired, placement=placement, difference=difference, misdeclared=misdeclared)


def _differs(found: GuestDiff, document: Guest, situation: Situation) -> GuestDiff:
    """How the guest stands to the document that it would have."""
    place = found.place
    settled = found.finding in (Finding.IN_PLACE, Finding.RENAMED, Finding.MISPLACED)
    if place is None or not settled:
        return found
    if document.host != found.wanted:
        finding = Finding.MISPLACED if document.host != place.host else Finding.IN_PLACE
        return replace(found, wanted=document.host, finding=finding)
    percent = document.cpu_entitlement_percent
    entry = situation.registrations.get((place.host, found.uuid))
    if found.finding is Finding.MISPLACED or percent is None or entry is None:
        return found
    if entry.shows(Setting.ENTITLEMENT, str(percent)):
        return found
    return replace(found, finding=Finding.SETTINGS_DIFFER, settings=((Setting.ENTITLEMENT.value, str(percent)),))
