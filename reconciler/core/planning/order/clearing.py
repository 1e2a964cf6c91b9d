"""Who rests elsewhere for a while, so that a guest fits that full hosts keep waiting.

Called by the order's search where nothing fits any more. Of the guests on the full host, those are chosen that free
enough in the fewest seconds of moving, those on their way before bystanders; then a place for each, where it keeps
room from nobody and need not wait long. Never chooses a host that is closed, nor a guest whose document forbids it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.core.planning.journey import Leg
from reconciler.core.planning.order.accounts import Amounts, Item
from reconciler.core.planning.order.detours import Bystander
from reconciler.core.planning.order.leaving import send
from reconciler.core.planning.order.places import Places, Spare, largest_mib, spare
from reconciler.core.planning.order.sequence import Option, Piece, Taste, Workings

COVERS_MAX = 100
"""How many partial choices of guests are kept while one is looked for that frees enough."""


@dataclass(frozen=True)
class Candidate:
    """A guest that could leave the host for a while: what that costs, what it frees there, what it needs elsewhere."""

    cost: float
    name: str
    who: int | Bystander
    seconds: float
    frees: Amounts
    memory_mib: int
    running: bool
    host: int
    declared: int = -1
    """The host that it is declared on, where that is another: no place to rest."""


@dataclass(frozen=True)
class Clearing:
    """One way, with the guest that would come to rest last, for whoever looks for a quicker one. No option where there
    is no place for that guest."""

    option: Option | None
    latest: Candidate
    waits: bool
    """Whether anybody waits longer than the horizon."""


@dataclass(frozen=True)
class Patience:
    """What is put up with so that nobody is left waiting."""

    rests: int = 1
    """How often one guest may rest on its way."""
    one_way: bool = False
    """Whether it may rest where only its not being booted meanwhile lets it come back online."""
    more_downtime: bool = False
    """Whether a hop may stop its guest once more than the direct way would."""

    def bears(self, direct: Leg, legs: Sequence[Leg]) -> bool:
        """Whether these legs may take the place of the direct one."""
        stops = sum(leg.stops_guest for leg in legs)
        return (self.more_downtime or stops <= direct.stops_guest) and (
            self.one_way or bool(direct.one_way) or not legs[0].one_way
        )


PATIENCE = (
    Patience(),
    Patience(rests=3),
    Patience(rests=3, one_way=True),
    Patience(rests=3, one_way=True, more_downtime=True),
)
"""Tried one after the other."""


class Clearer:
    """Weighs ways to make room. Keeps what it has found as long as nothing has changed at the hosts concerned."""

    def __init__(self, workings: Workings, taste: Taste, never: frozenset[str], patience: Patience) -> None:
        self.workings, self.taste, self.never, self.patience = workings, taste, never, patience
        """`never`: guests whose detour has led nowhere."""
        hosts = workings.accounts.hosts
        self.refused = {(guest, hosts[host]) for guest, host in taste.avoid if host in hosts}
        """(guest, host) that the platform or a document does not allow."""
        self._found: dict[int, tuple[Option | None, tuple[tuple[int, int], ...]]] = {}
        self._bystanders: dict[int, tuple[Candidate, ...]] = {}
        self._lacking: set[int] = set()
        self._amounts: dict[tuple[str, bool, int], Amounts] = {}

    def clear(self) -> bool:
        """Make room for one guest that waits, and let it go; whether any could be helped."""
        there = spare(self.workings)
        turn = self.in_turn()
        while True:
            best: Option | None = None
            for weighed, number in enumerate(turn):
                if weighed >= self.taste.choices and best is not None:
                    break
                option = self._known(number, there)
                if option is not None and (best is None or self._rank(option) < self._rank(best)):
                    best = option
            if best is None:
                return False
            if not self._fresh(best.journey):
                self._look_again(best.journey, there)
            elif self._carry_out(best):
                return True

    def clear_early(self) -> None:
        """Make room for those for which it is made before anything else, where it can be made."""
        workings = self.workings
        left = {number for number, journey in enumerate(workings.journeys) if journey.name in self.taste.early}
        while left:
            there = spare(workings)
            looks = [self._look_again(number, there) for number in sorted(left) if workings.at[number] == 0]
            options = [option for option in looks if option is not None]
            if not options:
                return
            best = min(options, key=self._rank)
            if self._carry_out(best):
                left.discard(best.journey)

    def clear_for(self, number: int) -> bool:
        """Make room for this guest, and let it go."""
        while True:
            option = self._look_again(number, spare(self.workings))
            if option is None or self._carry_out(option):
                return option is not None

    def in_turn(self) -> Sequence[int]:
        """The guests that wait: the urgent ones first, then those that lack least."""
        waiting = self.workings.waiting()
        if not self.taste.urgent:
            return waiting
        names = self.workings.journeys
        return sorted(waiting, key=lambda number: -self.taste.urgent.get(names[number].name, 0.0))

    def _rank(self, option: Option) -> tuple[float, list[str]]:
        urgent = self.taste.urgent.get(self.workings.journeys[option.journey].name, 0.0)
        return option.score - urgent, [self._guest(piece) for piece in option.pieces]

    # --- one guest's ways --------------------------------------------------------------------------------------------

    def _known(self, number: int, there: Spare) -> Option | None:
        """What was found for it before, fresh or not: room grows scarcer, so what was worse is hardly better now."""
        known = self._found.get(number)
        if known is not None and (known[0] is not None or self._fresh(number)):
            return known[0]
        return self._look_again(number, there)

    def _fresh(self, number: int) -> bool:
        """Whether nothing has changed at the hosts concerned since then."""
        return all(self.workings.changes[host] == changes for host, changes in self._found[number][1])

    def _look_again(self, number: int, there: Spare) -> Option | None:
        item = self.workings.next(number)
        option = self._look(number, item, there)
        hosts = {item.source, item.target, *(piece.host for piece in option.pieces)} if option else {item.target}
        self._found[number] = (option, tuple((host, self.workings.changes[host]) for host in sorted(hosts)))
        return option

    def _look(self, number: int, item: Item, there: Spare) -> Option | None:
        lacking = self.workings.lacking(item)
        if not lacking:
            return Option(0.0, number, ())
        most_mib = largest_mib(self.workings, there, without=item.target)
        candidates = [entry for entry in self.candidates(number, item.target, lacking) if entry.memory_mib <= most_mib]
        best: Option | None = None
        ways = 0
        while ways < self.taste.ways:
            way = self._way(number, item, lacking, candidates, there)
            if way is None:
                break
            if way.option is not None:
                ways += 1
                best = way.option if best is None or way.option.score < best.score else best
                if not way.waits:
                    break
            candidates = [candidate for candidate in candidates if candidate is not way.latest]
        return best

    def candidates(self, number: int, host: int, lacking: Sequence[tuple[int, int]]) -> list[Candidate]:
        """The guests on the host that may leave it for a while and free what is lacking."""
        accounts = {account for account, _ in lacking}
        workings = self.workings
        found = []
        for other in sorted(workings.leaving[host]):
            journey, item = workings.journeys[other], workings.next(other)
            if other == number or other in workings.aside or self._spent(journey.name):
                continue
            if not journey.guest.migration.hop:
                continue
            running, memory_mib = item.leg.running, item.leg.takes.memory_mib
            seconds = item.seconds
            found.append(
                Candidate(seconds, journey.name, other, seconds, item.frees, memory_mib, running, host, item.target)
            )
        found += self._arrived(number, host)
        found += [
            candidate
            for candidate in self._standing(host)
            if not workings.rests[candidate.name] and candidate.name not in self.never
        ]
        found = [entry for entry in found if any(account in accounts for account, _ in entry.frees)]
        return sorted(found, key=lambda entry: (entry.cost / max(1, _freed(entry, accounts)), entry.cost, entry.name))

    def _spent(self, guest: str) -> bool:
        """Whether it may not rest on its way any more."""
        return guest in self.never or self.workings.rests[guest] >= self.patience.rests

    def _arrived(self, number: int, host: int) -> list[Candidate]:
        """Guests that have come to the host in this order, and may step aside there like those that stood there."""
        workings = self.workings
        found = []
        for other in sorted(workings.arrived[host]):
            journey = workings.journeys[other]
            if other == number or self._spent(journey.name):
                continue
            bystander = workings.detours.as_bystander(journey)
            if bystander is not None:
                found.append(self._candidate(bystander, other, host))
        return found

    def _candidate(self, entry: Bystander, who: int | Bystander, host: int) -> Candidate:
        accounts = self.workings.accounts
        holds = accounts.freed(host, entry.holds) + accounts.apart(entry.name, host)
        cost = self.taste.bystander * entry.seconds
        return Candidate(cost, entry.name, who, entry.seconds, holds, entry.holds.memory_mib, True, host)

    def _standing(self, host: int) -> tuple[Candidate, ...]:
        """The bystanders of a host."""
        if host not in self._bystanders:
            name = self.workings.accounts.names[host]
            standing = self.workings.detours.bystanders(name)
            self._bystanders[host] = tuple(self._candidate(entry, entry, host) for entry in standing)
        return self._bystanders[host]

    def _way(
        self,
        number: int,
        item: Item,
        lacking: Sequence[tuple[int, int]],
        candidates: Sequence[Candidate],
        there: Spare,
    ) -> Clearing | None:
        """The cheapest guests that free enough, each with a place, and how long all that would take."""
        chosen = self._chosen(lacking, candidates)
        if not chosen:
            return None
        placed = self._places(item.target, sorted(chosen, key=lambda entry: -entry.memory_mib), there)
        if isinstance(placed, Candidate):
            return Clearing(None, placed, False)
        pieces, latest, ready_s, penalty = placed
        diary = self.workings.diary
        since_s = max(ready_s, diary.over_s.get(number, 0.0))
        over_s = diary.ends_s(diary.sends[item.source], item.target, since_s, item.seconds)
        late = self.taste.waiting * max(0.0, over_s - self.taste.horizon_s)
        score = sum(candidate.cost for candidate in chosen) + penalty + late
        return Clearing(Option(score, number, tuple(pieces)), latest, penalty + late > 0)

    def pieces(
        self, host: int, lacking: Sequence[tuple[int, int]], candidates: Sequence[Candidate], there: Spare
    ) -> list[Piece] | None:
        """Guests that free what is lacking on a host, each with a place; None where there are none."""
        left = list(candidates)
        while True:
            chosen = self._chosen(lacking, left)
            if not chosen:
                return None
            placed = self._places(host, sorted(chosen, key=lambda entry: -entry.memory_mib), there)
            if not isinstance(placed, Candidate):
                return placed[0]
            left.remove(placed)

    def without_place(self, host: int, chosen: Sequence[Candidate]) -> list[Candidate]:
        """The first of them for which there is no place left once the others have theirs."""
        ordered = sorted(chosen, key=lambda entry: -entry.memory_mib)
        placed = self._places(host, ordered, spare(self.workings)) if ordered else None
        return [placed] if isinstance(placed, Candidate) else []

    def _chosen(self, lacking: Sequence[tuple[int, int]], candidates: Sequence[Candidate]) -> list[Candidate]:
        """The cheapest that free all that is lacking; none where not even all of them do."""
        chosen: list[Candidate] = []
        self._lacking = {account for account, _ in lacking}
        for account, amount in lacking:
            amount -= sum(_freed(candidate, {account}) for candidate in chosen)
            if amount > 0:
                more = cover([entry for entry in candidates if entry not in chosen], account, amount)
                if more is None:
                    return []
                chosen += more
        return chosen

    def _places(
        self, host: int, chosen: Sequence[Candidate], there: Spare
    ) -> tuple[list[Piece], Candidate, float, float] | Candidate:
        """A third host for each; the guest that comes to rest last, when that is, and what is wrong with the places.
        The guest alone for which there is no place."""
        running = {candidate.name: candidate for candidate in chosen}
        places = Places(self.workings, self.taste, host, there, lambda name, third: self.takes(running[name], third))
        pieces: list[Piece] = []
        latest, latest_s, wrong = chosen[0], 0.0, 0.0
        for candidate in chosen:
            since_s = self.workings.diary.over_s.get(candidate.who, 0.0) if isinstance(candidate.who, int) else 0.0
            place = places.give(candidate.name, candidate.memory_mib, candidate.seconds, since_s)
            if place is None:
                return candidate
            if place.over_s >= latest_s:
                latest, latest_s = candidate, place.over_s
            wrong += place.wrong
            pieces.append(Piece(candidate.who, place.host))
        return pieces, latest, latest_s, wrong

    def takes(self, candidate: Candidate, host: int) -> Amounts | None:
        """What it would take there; None where it may not rest there."""
        if (candidate.name, host) in self.refused or host == candidate.declared:
            return None
        accounts = self.workings.accounts
        if any(account in self._lacking for account, _ in accounts.apart(candidate.name, host)):
            return None  # it would keep the very place that it is to leave
        key = (candidate.name, candidate.running, host)
        if key not in self._amounts:
            workings = self.workings
            entry = (
                candidate.who.entry if isinstance(candidate.who, Bystander) else workings.journeys[candidate.who].entry
            )
            needs = workings.detours.takes(entry, accounts.names[host], candidate.running)
            self._amounts[key] = accounts.amounts(host, needs) + accounts.apart(candidate.name, host, candidate.host)
        return self._amounts[key]

    def _carry_out(self, option: Option) -> bool:
        """Make the detours, and let the guest go; False where one is not allowed."""
        name = self.workings.journeys[option.journey].name
        refused = send(self.workings, option.pieces, name, self.patience.bears)
        if refused is not None:
            self.refused.add((self._guest(refused), refused.host))
            self._found.pop(option.journey, None)
            return False
        self.workings.make(option.journey)
        self.workings.cleared.add(name)
        return True

    def _guest(self, piece: Piece) -> str:
        return piece.who.name if isinstance(piece.who, Bystander) else self.workings.journeys[piece.who].name


def _freed(candidate: Candidate, accounts: set[int]) -> int:
    """What it frees of these accounts."""
    return sum(amount for account, amount in candidate.frees if account in accounts)


def cover(candidates: Sequence[Candidate], account: int, lacking: int) -> list[Candidate] | None:
    """The cheapest of them that free so much together, or nearly: only so many partial choices are kept."""
    states: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for number, candidate in enumerate(candidates):
        frees = _freed(candidate, {account})
        if frees <= 0:
            continue
        grown = dict(states)
        for amount, (cost, chosen) in states.items():
            if amount >= lacking:
                continue
            reached, total = min(lacking, amount + frees), cost + candidate.cost
            if reached not in grown or total < grown[reached][0]:
                grown[reached] = (total, (*chosen, number))
        if len(grown) > COVERS_MAX:
            kept = sorted(grown.items(), key=lambda state: (state[1], state[0]))[: COVERS_MAX - 1]
            full = grown.get(lacking)
            grown = dict(kept)
            if full is not None:
                grown[lacking] = full
        states = grown
    return [candidates[number] for number in states[lacking][1]] if lacking in states else None
