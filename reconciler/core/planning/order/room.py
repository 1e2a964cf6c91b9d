"""Room taken and freed, each part of it traced to where it came from; and which guests there is no room for in the end.

Called by layout and refusals. Never looks at slots or times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.core.model import Load
from reconciler.core.planning.journey import Journey
from reconciler.core.planning.order.accounts import DIMENSIONS
from reconciler.core.quantities import format_memory


class Account:
    """One dimension of one host. A host that is over its capacity has a debt, which departures pay first."""

    __slots__ = ("available", "debt", "freed", "payers", "pool")

    def __init__(self, room: int) -> None:
        self.pool = max(0, room)
        self.debt = max(0, -room)
        self.payers: list[int] = []
        self.freed: deque[tuple[int, int]] = deque()
        self.available = self.pool

    def take(self, amount: int) -> list[int]:
        """Take so much of what is available; the departures that made the room."""
        if amount <= 0:
            return []
        self.available -= amount
        from_pool = min(self.pool, amount)
        self.pool -= from_pool
        amount -= from_pool
        after = list(self.payers)
        while amount > 0:
            step, freed = self.freed.popleft()
            after.append(step)
            if freed > amount:
                self.freed.appendleft((step, freed - amount))
            amount -= freed
        return after

    def give(self, step: int, amount: int) -> None:
        """A departure has ended."""
        if amount <= 0:
            return
        if self.debt:
            self.payers.append(step)
            paid = min(self.debt, amount)
            self.debt -= paid
            amount -= paid
        if amount:
            self.freed.append((step, amount))
            self.available += amount


@dataclass(frozen=True)
class Shortage:
    """What a host lacks for a guest."""

    host: str
    load: Load
    """How much is lacking; zero or less where nothing is."""
    rules: tuple[str, ...] = ()
    """Rules that keep guests apart and have no place left for it there."""

    def __str__(self) -> str:
        lacks = [
            text
            for amount, text in (
                (self.load.memory_mib, f"{format_memory(self.load.memory_mib)} of memory"),
                (self.load.cpu_percent, f"{self.load.cpu_percent} % of a CPU"),
                (self.load.disk_mib, f"{format_memory(self.load.disk_mib)} of disk"),
                (self.load.vcpus, f"{self.load.vcpus} virtual CPUs"),
            )
            if amount > 0
        ]
        lacks += [f"a place under rule {rule}" for rule in self.rules]
        return f"{self.host} is short of {' and '.join(lacks)}"


def shortage(host: str, need: Load, there: Load) -> Shortage | None:
    """What is lacking of `need` where `there` is what there is; None where it fits."""
    if need.fits(there):
        return None
    lacks = [
        max(0, wanted - max(0, available)) if wanted > 0 else 0
        for wanted, available in ((getattr(need, name), getattr(there, name)) for name in DIMENSIONS)
    ]
    return Shortage(host, Load(*lacks))


def overfull(journeys: Sequence[Journey], room: Mapping[str, Load]) -> dict[str, Shortage]:
    """Host -> what it would lack if all of them came where they are declared, and nobody else left it."""
    every = {journey.name: journey for journey in journeys}
    found: dict[str, Shortage] = {}
    for host, load in _end_state(journeys, room).items():
        lacks = [max(0, -getattr(load, name)) if _wanting(every, host, name) else 0 for name in DIMENSIONS]
        if any(lacks):
            found[host] = Shortage(host, Load(*lacks))
    return found


def homeless(journeys: Sequence[Journey], room: Mapping[str, Load]) -> dict[str, Shortage]:
    """Guests whose target cannot hold them even when all that leave it have left: guest name -> what is lacking.

    A guest that stays where it is, for want of room, keeps its room there: so this goes on until nothing more changes.
    As few as possible of those that want in are turned away: the smallest one that is large enough, else the largest.
    """
    left = {journey.name: journey for journey in journeys}
    turned_away: dict[str, Shortage] = {}
    while True:
        end = _end_state(left.values(), room)
        over = next(((host, load) for host, load in sorted(end.items()) if _arrivals_over(left, host, load)), None)
        if over is None:
            _readmit({journey.name: journey for journey in journeys}, left, room, turned_away)
            return turned_away
        host, load = over
        dimension = next(name for name in DIMENSIONS if _wanting(left, host, name) and getattr(load, name) < 0)
        wanting = _wanting(left, host, dimension)
        lacking = -getattr(load, dimension)
        enough = [entry for entry in wanting if entry[0] >= lacking]
        _, name = min(enough) if enough else max(wanting)
        turned_away[name] = Shortage(host, Load(**{dimension: lacking}))
        del left[name]


def _readmit(
    every: Mapping[str, Journey],
    left: dict[str, Journey],
    room: Mapping[str, Load],
    turned_away: dict[str, Shortage],
) -> None:
    """Take back those for which there is room after all, alone or with others that make it: guests that change places
    are turned away together by each other's absence."""
    for name in sorted(turned_away):
        together = {name: every[name]}
        while name in turned_away:
            trial = {**left, **together}
            end = _end_state(trial.values(), room)
            over = next(((host, load) for host, load in sorted(end.items()) if _arrivals_over(trial, host, load)), None)
            if over is None:
                left.update(together)
                for other in together:
                    turned_away.pop(other, None)
                break
            leaving = _leaving(every, turned_away.keys() - together.keys(), *over)
            if leaving is None:
                break
            together[leaving] = every[leaving]


def _leaving(every: Mapping[str, Journey], names: Iterable[str], host: str, load: Load) -> str | None:
    """Of these, the guest that frees enough of the host with the least to spare, else the one that frees most."""
    dimension = next(name for name in DIMENSIONS if getattr(load, name) < 0)
    frees = sorted(
        (sum(getattr(leg.frees, dimension) for leg in every[name].legs if leg.source == host), name) for name in names
    )
    enough = [entry for entry in frees if entry[0] >= -getattr(load, dimension)]
    some = [entry for entry in frees if entry[0] > 0]
    return enough[0][1] if enough else some[-1][1] if some else None


def _end_state(journeys: Iterable[Journey], room: Mapping[str, Load]) -> dict[str, Load]:
    """What is left of each host's room when every journey is over."""
    end = dict(room)
    for journey in journeys:
        for leg in journey.legs:
            end[leg.target] -= leg.takes
            end[leg.source] += replace(leg.frees, disk_mib=0)
    return end


def _arrivals_over(left: Mapping[str, Journey], host: str, load: Load) -> bool:
    """Whether the host would be over, and not only because it is now."""
    return any(getattr(load, name) < 0 and _wanting(left, host, name) for name in DIMENSIONS)


def _wanting(left: Mapping[str, Journey], host: str, dimension: str) -> list[tuple[int, str]]:
    """(what it takes for good, guest) of every guest that comes to the host, or starts there."""
    wanting = []
    for name, journey in left.items():
        takes = sum(getattr(leg.takes, dimension) for leg in journey.legs if leg.target == host)
        if takes > 0:
            wanting.append((takes, name))
    return wanting
