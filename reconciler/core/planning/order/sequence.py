"""Find an order in which all legs can be made one after another, with hops where full hosts wait on each other.

Called by the scheduler. Times come later: whatever begins earlier than its turn has to leave this order possible.
A leg that takes room nobody else will want is always made at once: it can only help. Where nothing fits, `clearing`
chooses who rests elsewhere.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.core.desired import Limits
from reconciler.core.model import Method, StepKind
from reconciler.core.planning.journey import Journey, Leg
from reconciler.core.planning.order.accounts import SCATTER, Accounts, Item, scattered
from reconciler.core.planning.order.detours import Bystander, Detours
from reconciler.core.planning.order.diary import Diary


@dataclass(frozen=True)
class Taste:
    """What makes one hop better than another. Seconds of a move more weigh 1."""

    horizon_s: float = 0.0
    """Up to here, waiting costs nothing."""
    waiting: float = 2.0
    """What a second beyond the horizon weighs."""
    bystander: float = 2.2
    """What a second of a bystander's move weighs: it moves twice, and nobody asked for it."""
    starving: float = 1.0
    """What a second of moving weighs that is kept from where it will be wanted."""
    urgent: Mapping[str, float] = field(default_factory=dict)
    """Guest -> by how much making room for it comes before others."""
    variation: int = 0
    """Which of many ways ties are broken."""
    avoid: frozenset[tuple[str, str]] = frozenset()
    """(guest, host): a rest that is not to be chosen this time."""
    early: frozenset[str] = frozenset()
    """Guests for which room is made before anything else."""
    sparing: float | None = None
    """Of few guests an order is looked for that moves no more than so many seconds on the way; None for any order."""
    choices: int = 40
    """How many guests that wait are weighed against each other."""
    ways: int = 4
    """How many ways to make room are tried for each of them."""


@dataclass(frozen=True)
class Piece:
    """A guest that leaves a host for a while: a journey's number, or a bystander."""

    who: int | Bystander
    host: int
    """Where it rests."""


@dataclass(frozen=True)
class Option:
    """A way to make room for what a journey waits for: the lower the score, the better."""

    score: float
    journey: int
    pieces: tuple[Piece, ...]


class Workings:
    """Where things stand while the order grows."""

    def __init__(
        self, journeys: Sequence[Journey], accounts: Accounts, limits: Limits, detours: Detours, variation: int
    ) -> None:
        self.variation = variation
        self.accounts, self.limits, self.detours = accounts, limits, detours
        self.journeys = list(journeys)
        self.free = list(accounts.free)
        self.order: list[Item] = []
        self.items: list[list[Item]] = []
        self.at: list[int] = []
        """Journey -> index of its next leg."""
        self.wanted = [0] * len(self.free)
        """Account -> what is still to be taken of it."""
        self.leaving: list[set[int]] = [set() for _ in accounts.names]
        """Host -> journeys whose next leg is a move away from there."""
        self.left: set[int] = set()
        """Journeys that are not over."""
        self.aside: set[int] = set()
        """Journeys of bystanders."""
        self.arrived: list[set[int]] = [set() for _ in accounts.names]
        """Host -> journeys that have ended there, online: from then on the guest may be a bystander."""
        self.rests: Counter[str] = Counter()
        """Guest -> how often it rests on a third host, on its way or stepping aside."""
        self.effort = 0
        """What was weighed to find the order, in about the time that laying out one leg takes."""
        self.hopeless = False
        """Whether every order was tried, and none serves everybody."""
        self.cleared: set[str] = set()
        """Guests for which room was made."""
        self.changes = [0] * len(accounts.names)
        """Host -> how often anything has changed there."""
        self._heap: list[tuple[tuple[int, ...], int]] = []
        self._waits: dict[int, list[int]] = {}
        self._diary: Diary | None = None
        for journey in self.journeys:
            self._enlist(journey)
        for number in sorted(self.left):
            self.consider(number)

    @property
    def diary(self) -> Diary:
        """Made when it is asked for the first time: most orders need none."""
        if self._diary is None:
            self._diary = Diary(self.accounts.free, len(self.accounts.names), self.limits)
            for item in self.order:
                self._diary.write(item)
        return self._diary

    def next(self, number: int) -> Item:
        """What the journey would do now."""
        return self.items[number][self.at[number]]

    def fits(self, item: Item) -> bool:
        """Whether there is room for it now."""
        return all(self.free[account] >= amount for account, amount in item.takes)

    def lacking(self, item: Item) -> list[tuple[int, int]]:
        """(account, how much it lacks) of what it cannot have now."""
        return [(account, amount - self.free[account]) for account, amount in item.takes if self.free[account] < amount]

    def make(self, number: int) -> None:
        """The journey's next leg comes next in the order."""
        item = self.next(number)
        self.order.append(item)
        for account, amount in item.takes:
            self.free[account] -= amount
            self.wanted[account] -= amount
        if self._diary is not None:
            self._diary.write(item)
        self.changes[item.source] += 1
        self.changes[item.target] += 1
        self.leaving[item.source].discard(number)
        self.at[number] += 1
        if self.at[number] < len(self.items[number]):
            self._stands(number)
            self.consider(number)
        else:
            self.left.discard(number)
            if item.leg.method is Method.ONLINE:
                self.arrived[item.target].add(number)
        for account, amount in item.frees:
            self.free[account] += amount
            for other in self._waits.pop(account, ()):
                self.consider(other)

    def cascade(self) -> None:
        """Make whatever can be made, until nothing fits any more."""
        while self._heap:
            key, number = heapq.heappop(self._heap)
            if number not in self.left:
                continue
            now = self._key(number)
            if now > key:
                heapq.heappush(self._heap, (now, number))
                continue
            item = self.next(number)
            lacking = self.lacking(item)
            if lacking:
                self._waits.setdefault(lacking[0][0], []).append(number)
            else:
                self.make(number)

    def consider(self, number: int) -> None:
        """Its next leg may be possible now."""
        heapq.heappush(self._heap, (self._key(number), number))

    def waiting(self) -> list[int]:
        """The journeys that cannot go on; those that lack least come first."""
        lacks = [
            (sum(lack for _, lack in self.lacking(self.next(number))), self.journeys[number].name, number)
            for number in self.left
        ]
        return [number for _, _, number in sorted(lacks)]

    def rest(self, number: int, away: Leg, back: Leg) -> None:
        """The journey goes over a third host: these two legs take the place of its next one."""
        index = self.at[number]
        legs = self.journeys[number].legs
        for account, amount in self.next(number).takes:
            self.wanted[account] -= amount
        self.journeys[number] = replace(self.journeys[number], legs=(*legs[:index], away, back, *legs[index + 1 :]))
        rest = [self._item(number, index + after, leg) for after, leg in enumerate((away, back))]
        later = [self._item(number, item.index + 1, item.leg) for item in self.items[number][index + 1 :]]
        self.items[number] = [*self.items[number][:index], *rest, *later]
        for item in rest:
            for account, amount in item.takes:
                self.wanted[account] += amount
        self.rests[self.journeys[number].name] += 1

    def step_aside(self, journey: Journey) -> int:
        """A bystander joins those on their way; its number."""
        self.journeys.append(journey)
        number = self._enlist(journey)
        self.aside.add(number)
        self.rests[journey.name] += 1
        return number

    def step_aside_again(self, number: int, legs: Sequence[Leg]) -> None:
        """A guest that has come to its place is a bystander now: its journey goes on with these legs."""
        before = self.journeys[number]
        self.journeys[number] = replace(before, legs=(*before.legs, *legs))
        later = [self._item(number, self.at[number] + after, leg) for after, leg in enumerate(legs)]
        self.items[number] += later
        for item in later:
            for account, amount in item.takes:
                self.wanted[account] += amount
        self.left.add(number)
        self.aside.add(number)
        self.rests[before.name] += 1
        self.arrived[later[0].source].discard(number)
        self._stands(number)

    def _enlist(self, journey: Journey) -> int:
        number = len(self.items)
        items = [self._item(number, index, leg) for index, leg in enumerate(journey.legs)]
        self.items.append(items)
        self.at.append(0)
        for item in items:
            for account, amount in item.takes:
                self.wanted[account] += amount
        if items:
            self.left.add(number)
            self._stands(number)
        return number

    def _item(self, number: int, index: int, leg: Leg) -> Item:
        return Item.of(number, index, self.journeys[number].name, leg, self.accounts)

    def _stands(self, number: int) -> None:
        item = self.next(number)
        if item.leg.kind is StepKind.MIGRATE:
            self.leaving[item.source].add(number)

    def _key(self, number: int) -> tuple[int, ...]:
        """Bystanders go home last; what takes room that others want goes after what does not; first what relieves."""
        item = self.next(number)
        contended = any(self.free[account] < self.wanted[account] for account, _ in item.takes)
        memory = self.accounts.memory(item.source)
        relief = min(item.leg.frees.memory_mib, max(0, self.wanted[memory] - self.free[memory]))
        sets = item.leg.kind is not StepKind.SET
        takes_mib = item.leg.takes.memory_mib
        if self.variation:
            relief += relief * scattered(number, self.variation) // SCATTER
        if self.variation % 2:
            return (number in self.aside, sets and contended, -takes_mib, -relief)
        return (number in self.aside, sets and contended, -relief, takes_mib)
