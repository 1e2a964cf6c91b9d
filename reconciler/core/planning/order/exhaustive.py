"""Try every order of a few journeys, with every rest on a third host: where nothing quicker has found one for all, or
for the one with the least that is moved on the way.

Called by drafts for small fleets and for small rests of large ones. What was tried once is not tried again: which guest
lies where is all that counts for what may follow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf

from reconciler.core.model import Method, StepKind
from reconciler.core.planning.journey import Journey, Leg
from reconciler.core.planning.order.accounts import Item, scattered
from reconciler.core.planning.order.clearing import Patience
from reconciler.core.planning.order.detours import Bystander
from reconciler.core.planning.order.sequence import Workings

JOURNEYS_MAX = 10
"""With more journeys left than this, nothing is tried."""
BYSTANDERS_MAX = 10
"""With more guests than this that may step aside, none of them does here."""
HOSTS_MAX = 12
"""So many hosts are tried to rest on, those with the most room."""
STATES_MAX = 20_000
"""After so many places of guests, the search is given up."""
WEIGHED_MAX = 60_000
"""Where an order is known already, and one is looked for that moves less on the way: after so many actions."""
RESTS_MAX = 6
"""How many rests an order may have."""

NOWHERE, AGAIN = -1, -2
"""In place of the host that it rests on: it is on its way, or has come to its own."""

State = tuple[tuple[int, int], ...]
"""For each guest: how many of its legs are made, and the host it rests on, or -1."""


@dataclass(frozen=True)
class Action:
    """A leg is made: the direct one, or the first of two over the host it rests on, from where it is."""

    guest: int
    at: int = -1
    """The host it rests on already, or -1."""
    rest: int = -1
    again: bool = False
    """Whether it had come to its place, and steps aside from there."""


class Exhaustive:
    """A search from where things stand."""

    def __init__(self, workings: Workings, never: frozenset[str], patience: Patience) -> None:
        self.workings, self.never, self.patience = workings, never, patience
        self.guests: list[int | Bystander] = [*sorted(workings.left)]
        self.targets = len(self.guests)
        rooms = workings.accounts.memory
        open_hosts = [host for host, name in enumerate(workings.accounts.names) if workings.detours.open_for_rest(name)]
        self.hosts = sorted(open_hosts, key=lambda host: (-workings.free[rooms(host)], host))[:HOSTS_MAX]
        self.guests += self._bystanders()
        self.free = list(workings.free)
        self.seen: set[tuple[int, State]] = set()
        self.weighed = 0
        """Actions looked at for a sparing order."""
        self.cut_off = self.complete = False
        """Whether anybody could have rested once more; whether everything was tried."""
        self.borne_all = True
        """Whether no rest was left out because of what it would mean for its guest."""
        self._ways: dict[tuple[int, int, int], tuple[Item, Item] | None] = {}
        self._asides: dict[tuple[int, int], Journey] = {}
        self._home: dict[tuple[int, int], Item] = {}
        """(guest, host it rests on) -> the leg to its declared host."""

    def find(self) -> list[Action] | None:
        """The actions that bring everybody to the end, those with fewer rests before others; None where none were
        found."""
        if not 0 < self.targets <= JOURNEYS_MAX:
            return None
        start: State = tuple((0, -1) for _ in self.guests)
        for rests in range(RESTS_MAX + 1):
            self.cut_off = False
            found = self._go_on(start, rests)
            if found is not None:
                return found
            if len(self.seen) >= STATES_MAX:
                return None
            if not self.cut_off:  # more rests would change nothing
                self.complete = self.all_asked
                return None
        return None

    def sparing(self, most_s: float, variation: int) -> list[Action] | None:
        """The actions that bring everybody to the end with the least that is moved on the way, in seconds of moving;
        None where that is more than `most_s`, or was not found soon. Dijkstra's algorithm over who lies where."""
        if not 0 < self.targets <= JOURNEYS_MAX:
            return None
        start: State = tuple((0, -1) for _ in self.guests)
        costs_s, came = {start: 0.0}, dict[State, tuple[State, Action]]()
        moved: dict[State, Mapping[int, int]] = {start: {}}
        queue = [(0.0, 0, 0, start)]
        while queue and self.weighed < WEIGHED_MAX:
            cost_s, _, _, state = heappop(queue)
            if cost_s > costs_s[state]:
                continue
            if self._over(state):
                return _way_to(state, came)
            self._shift(moved[state], 1)
            possible = list(self._possible(state, 1))
            self._shift(moved[state], -1)
            self.weighed += len(self.guests) * len(self.hosts) + len(possible)
            for action, item, after in possible:
                total_s = cost_s + self._on_the_way_s(action, item, state)
                if total_s <= most_s and total_s < costs_s.get(after, inf):
                    costs_s[after], came[after] = total_s, (state, action)
                    moved[after] = _moved(moved[state], item)
                    number = len(costs_s)
                    turn = scattered(number, variation) if variation else -sum(made for made, _ in after)
                    heappush(queue, (total_s, turn, number, after))
        return None

    def _shift(self, moved: Mapping[int, int], sign: int) -> None:
        """Look from where so much has been taken and given, or (-1) from the beginning again."""
        for account, amount in moved.items():
            self.free[account] += sign * amount

    def _on_the_way_s(self, action: Action, item: Item, state: State) -> float:
        """Seconds of moving that bring nobody to its place: to rest, and back where it was."""
        made, _ = state[action.guest]
        aside = isinstance(self.guests[action.guest], Bystander) or self._arrived(action.guest, made)
        return item.seconds if action.rest >= 0 or aside else 0.0

    def carry_out(self, actions: list[Action]) -> None:
        """Make these legs."""
        numbers: dict[int, int] = {place: who for place, who in enumerate(self.guests) if isinstance(who, int)}
        for action in actions:
            who = self.guests[action.guest]
            if action.again:
                legs = self._aside_again(action.guest, action.rest)
                self.workings.step_aside_again(numbers[action.guest], legs or ())
            elif action.rest >= 0 and isinstance(who, Bystander) and action.at < 0:
                numbers[action.guest] = self.workings.step_aside(self._asides[action.guest, action.rest])
            elif action.rest >= 0:
                way = self._ways[action.guest, action.at, action.rest]
                if way is not None:
                    self.workings.rest(numbers[action.guest], way[0].leg, way[1].leg)
            self.workings.make(numbers[action.guest])

    # --- the search --------------------------------------------------------------------------------------------------

    def _over(self, state: State) -> bool:
        """Whether everybody has come to the end."""
        return all(at < 0 and self._arrived(place, made) for place, (made, at) in enumerate(state))

    def _go_on(self, state: State, rests: int) -> list[Action] | None:
        if self._over(state):
            return []
        if (rests, state) in self.seen or len(self.seen) >= STATES_MAX:
            return None
        self.seen.add((rests, state))
        for action, item, after in self._possible(state, rests):
            for account, amount in item.takes:
                self.free[account] -= amount
            for account, amount in item.frees:
                self.free[account] += amount
            rest = self._go_on(after, rests - (action.rest >= 0))
            for account, amount in item.takes:
                self.free[account] += amount
            for account, amount in item.frees:
                self.free[account] -= amount
            if rest is not None:
                return [action, *rest]
        return None

    def _possible(self, state: State, rests: int) -> Iterator[tuple[Action, Item, State]]:
        """What could come next: going on before resting."""
        for place, (made, resting) in enumerate(state):
            item = self._next(place, made, resting)
            if item is not None and self._fits(item):
                yield Action(place), item, (*state[:place], (made + 1, -1), *state[place + 1 :])
        for place, (made, resting) in enumerate(state):
            again = isinstance(self.guests[place], int) and resting < 0 and self._arrived(place, made)
            if (made and not again) or (rests <= 0 and self.cut_off):
                continue
            for host in self.hosts:
                way = self._way(place, AGAIN if again else resting, host)
                if way is None or not self._fits(way[0]):
                    continue
                if rests <= 0:
                    self.cut_off = True
                    break
                yield Action(place, resting, host, again), way[0], (*state[:place], (made, host), *state[place + 1 :])

    def _fits(self, item: Item) -> bool:
        return all(self.free[account] >= amount for account, amount in item.takes)

    def _arrived(self, place: int, made: int) -> bool:
        who = self.guests[place]
        return made >= self._count(who)

    def _count(self, who: int | Bystander) -> int:
        return 0 if isinstance(who, Bystander) else len(self.workings.items[who]) - self.workings.at[who]

    def _next(self, place: int, made: int, resting: int) -> Item | None:
        """The leg that the guest would make now."""
        if resting >= 0:
            return self._home[place, resting]
        who = self.guests[place]
        if isinstance(who, Bystander) or made >= self._count(who):
            return None
        return self.workings.items[who][self.workings.at[who] + made]

    # --- ways over third hosts ---------------------------------------------------------------------------------------

    def _bystanders(self) -> list[Bystander]:
        found = [
            bystander
            for name in self.workings.accounts.names
            for bystander in self.workings.detours.bystanders(name)
            if bystander.name not in self.never and not self.workings.rests[bystander.name]
        ]
        self.all_asked = len(found) <= BYSTANDERS_MAX and len(self.hosts) < HOSTS_MAX
        return found if len(found) <= BYSTANDERS_MAX else []

    def _way(self, place: int, at: int, host: int) -> tuple[Item, Item] | None:
        """The two items over the host, from the one that it rests on (or NOWHERE, or AGAIN); None where that is not
        allowed."""
        key = (place, at, host)
        if key not in self._ways:
            if at == AGAIN:
                legs = self._aside_again(place, host)
            else:
                legs = self._legs(place, host) if at == NOWHERE else self._further(place, at, host)
            self._ways[key] = None
            if legs is not None:
                name, accounts = self._name(place), self.workings.accounts
                away, back = (Item.of(place, number, name, leg, accounts) for number, leg in enumerate(legs))
                self._ways[key] = (away, back)
                self._home.setdefault((place, host), back)
        return self._ways[key]

    def _aside_again(self, place: int, host: int) -> Sequence[Leg] | None:
        who, detours, name = self.guests[place], self.workings.detours, self.workings.accounts.names[host]
        bystander = detours.as_bystander(self.workings.journeys[who]) if isinstance(who, int) else None
        if bystander is None or name == bystander.guest.host or bystander.name in self.never:
            return None
        aside = detours.aside(bystander, name, ("others",))
        return aside.legs if aside is not None else None

    def _legs(self, place: int, host: int) -> Sequence[Leg] | None:
        """From where the guest stands."""
        workings, who = self.workings, self.guests[place]
        name = workings.accounts.names[host]
        if isinstance(who, Bystander):
            aside = workings.detours.aside(who, name, self._others(place)) if who.guest.host != name else None
            if aside is None:
                return None
            self._asides[place, host] = aside
            return aside.legs
        journey, direct = workings.journeys[who], workings.next(who).leg
        if direct.kind is not StepKind.MIGRATE or workings.rests[journey.name]:
            return None
        return self._detour(journey, direct, host, place)

    def _further(self, place: int, at: int, host: int) -> Sequence[Leg] | None:
        """From the host that it rests on."""
        who, home = self.guests[place], self._home[place, at].leg
        if not isinstance(who, Bystander):
            return self._detour(self.workings.journeys[who], home, host, place)
        legs = self._detour(self._asides[place, at], home, host, place) if (place, at) in self._asides else None
        return legs if legs is not None and all(leg.method is Method.ONLINE for leg in legs) else None

    def _detour(self, journey: Journey, direct: Leg, host: int, place: int) -> Sequence[Leg] | None:
        name = self.workings.accounts.names[host]
        if name in (direct.source, direct.target) or not journey.guest.migration.hop or journey.name in self.never:
            return None
        legs = self.workings.detours.over(journey, direct, name, self._others(place))
        if legs is not None and not self.patience.bears(direct, legs):
            self.borne_all = False
            return None
        return legs

    def _name(self, place: int) -> str:
        who = self.guests[place]
        return who.name if isinstance(who, Bystander) else self.workings.journeys[who].name

    def _others(self, place: int) -> tuple[str, ...]:
        """The guests that wait for room where this one is."""
        who = self.guests[place]
        here = who.guest.host if isinstance(who, Bystander) else self.workings.next(who).leg.source
        return tuple(
            self.workings.journeys[other].name
            for other in self.guests[: self.targets]
            if isinstance(other, int) and other != who and self.workings.next(other).leg.target == here
        ) or ("others",)


def _moved(before: Mapping[int, int], item: Item) -> Mapping[int, int]:
    """What has been taken (less than 0) and given in the end, by account."""
    moved = dict(before)
    for account, amount in item.takes:
        moved[account] = moved.get(account, 0) - amount
    for account, amount in item.frees:
        moved[account] = moved.get(account, 0) + amount
    return moved


def _way_to(state: State, came: Mapping[State, tuple[State, Action]]) -> list[Action]:
    """The actions that lead there."""
    actions: list[Action] = []
    while state in came:
        state, action = came[state]
        actions.append(action)
    return actions[::-1]
