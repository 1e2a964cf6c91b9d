"""What no plan can beat, whatever moves it makes: a bound on the problem, where the plan's own is one on its moves.

Three bounds; the largest counts. Link: what has to leave a host, or to arrive there in the end, over its slots, none of
it before it can begin. Fleet: all of it over the fleet's slots. Chain: a guest whose target is full arrives only after
enough has left there, and each of these leaves only once it has room elsewhere: at its own target, or, for a rest, on
whichever host could have room for it first. Everybody may rest everywhere here, and no rest costs anything: that makes
the bound weaker than the truth, never wrong.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import inf

from tests.benchmarks.ordering.instances import Instance, guest_name, host_name

PASSES_MAX = 60
"""How far what waits for what is followed. Stopping early only makes the bound weaker."""
ROOM_PASSES = 3
"""How often the cheapest rooms are found anew, by when those who make them can leave."""
LEAST_S = 1e-6
LINKS_MAX = 6
"""Links of a chain that are told."""

Leaver = tuple[float, float, int, int]
"""(earliest start, seconds, MiB it frees, guest)"""


@dataclass(frozen=True)
class AnyWay:
    """The bound by what it comes from, in seconds, and the largest one told: which guests wait for which hosts."""

    link_s: float
    fleet_s: float
    chain_s: float
    certificate: tuple[str, ...]

    @property
    def best_s(self) -> float:
        """The largest."""
        return max(self.link_s, self.fleet_s, self.chain_s)


def any_way(instance: Instance, movers: Collection[int], *, step_aside: bool) -> AnyWay:
    """The bound for bringing these guests, and no others, where they are declared."""
    return _Bounds(instance, sorted(movers), step_aside).found()


def simple_s(instance: Instance, movers: Collection[int]) -> float:
    """Link, fleet and one step of the chain: what is short at a target has to be moved away from there first."""
    out: dict[int, float] = defaultdict(float)
    into: dict[int, float] = defaultdict(float)
    for guest in movers:
        out[instance.source[guest]] += instance.seconds(guest)
        into[instance.target[guest]] += instance.seconds(guest)
    hosts = set(out) | set(into)
    link_s = max([*out.values(), *into.values(), *((out[h] + into[h]) / instance.per_host for h in hosts)], default=0.0)
    free_mib = instance.free_mib()
    holding = [guest for guest in range(len(instance.source)) if instance.holds_mib(guest)]
    rate = min((instance.seconds(guest) / instance.memory_mib[guest] for guest in holding), default=0.0)
    chain_s = max(
        (
            instance.seconds(guest) + rate * max(0, instance.holds_mib(guest) - free_mib[instance.target[guest]])
            for guest in movers
        ),
        default=0.0,
    )
    return max(link_s, sum(out.values()) / instance.concurrent, chain_s)


def room_s(lacking: int, leavers: Sequence[Leaver]) -> tuple[float, int]:
    """When so much can have left at the earliest, one after the other, and the last of those that need be waited for
    (-1: nobody). Some have left by then; their work, the quickest for their size first and the last in part, fits in
    between the first start and then."""
    if lacking <= 0:
        return 0.0, -1
    best_s, last = inf, -1
    gone: list[tuple[float, float, int]] = []
    gone_mib, first_s = 0, inf
    for begin_s, seconds, frees, guest in sorted(leavers, key=lambda leaver: (leaver[0] + leaver[1], leaver[3])):
        if begin_s + seconds >= best_s:
            break
        insort(gone, (seconds / frees, seconds, frees))
        gone_mib += frees
        first_s = min(first_s, begin_s)
        if gone_mib < lacking:
            continue
        left, work_s = lacking, 0.0
        for rate, all_s, amount in gone:
            if amount >= left:
                work_s += rate * left
                break
            work_s, left = work_s + all_s, left - amount
        moment_s = max(begin_s + seconds, first_s + work_s)
        if moment_s < best_s:
            best_s, last = moment_s, guest
    return best_s, last


class _Bounds:
    """The earliest starts, found by following what waits for what."""

    def __init__(self, instance: Instance, movers: Sequence[int], step_aside: bool) -> None:
        self.instance, self.movers = instance, movers
        self.free_mib = instance.free_mib()
        self.seconds = [instance.seconds(guest) for guest in range(len(instance.source))]
        self.arrives_s = dict.fromkeys(movers, 0.0)
        """No arrival of the guest at its target begins sooner."""
        self.arriving: dict[int, list[int]] = defaultdict(list)
        self.leaving: dict[int, list[int]] = defaultdict(list)
        for guest in movers:
            self.arriving[instance.target[guest]].append(guest)
        may_leave = [
            guest for guest, host in enumerate(instance.source) if step_aside and host == instance.target[guest]
        ]
        for guest in [*movers, *may_leave]:
            if instance.holds_mib(guest):
                self.leaving[instance.source[guest]].append(guest)
        self.rooms = self._rooms({instance.holds_mib(guest) for guests in self.leaving.values() for guest in guests})

    # --- when

    def _rooms(self, sizes: Collection[int]) -> dict[int, list[tuple[float, int]]]:
        """Memory -> the two hosts that can have so much room first, and when."""
        rooms: dict[int, list[tuple[float, int]]] = {size: [(0.0, -1), (0.0, -2)] for size in sizes}
        for _ in range(ROOM_PASSES):
            leavers = {
                host: [self._leaver(guest, self._rest_s(guest, rooms)) for guest in guests]
                for host, guests in self.leaving.items()
            }
            found = {
                size: sorted(
                    (room_s(size - free, leavers.get(host, ()))[0], host) for host, free in enumerate(self.free_mib)
                )[:2]
                for size in sizes
            }
            if found == rooms:
                break
            rooms = found
        return rooms

    def _rest_s(self, guest: int, rooms: dict[int, list[tuple[float, int]]]) -> float:
        """When any other host can have room for the guest."""
        at_s, _ = self._rest(guest, rooms)
        return at_s

    def _rest(self, guest: int, rooms: dict[int, list[tuple[float, int]]]) -> tuple[float, int]:
        here = self.instance.source[guest]
        size = self.instance.holds_mib(guest)
        return next(((at_s, host) for at_s, host in rooms.get(size, ((0.0, -1),)) if host != here), (inf, -1))

    def _leaver(self, guest: int, begin_s: float) -> Leaver:
        return begin_s, self.seconds[guest], self.instance.holds_mib(guest), guest

    def _leaves_s(self, guest: int) -> float:
        """No departure of the guest from where it is begins sooner."""
        return min(self.arrives_s.get(guest, inf), self._rest_s(guest, self.rooms))

    def _follow(self) -> None:
        """Let arrivals wait for departures, and these for arrivals elsewhere, until nothing changes."""
        fresh = set(self.arriving)
        for _ in range(PASSES_MAX):
            changed: set[int] = set()
            for host in sorted(fresh):
                known: dict[int, float] = {}
                leavers: list[Leaver] | None = None
                for guest in self.arriving[host]:
                    lacking = self.instance.holds_mib(guest) - self.free_mib[host]
                    if lacking <= 0 or not self.instance.holds_mib(guest):
                        continue
                    if leavers is None:
                        leavers = [self._leaver(other, self._leaves_s(other)) for other in self.leaving[host]]
                    if lacking not in known:
                        known[lacking] = room_s(lacking, leavers)[0]
                    if self.arrives_s[guest] + LEAST_S < known[lacking] < inf:
                        self.arrives_s[guest] = known[lacking]
                        changed.add(self.instance.source[guest])
            fresh = {host for host in changed if host in self.arriving}
            if not fresh:
                return

    # --- the bounds

    def found(self) -> AnyWay:
        """Every bound."""
        self._follow()
        link_s, link, first = self._link()
        fleet_s = sum(self.seconds[guest] for guest in self.movers) / self.instance.concurrent
        last = max(self.movers, key=lambda guest: self.arrives_s[guest] + self.seconds[guest], default=-1)
        chain_s = self.arrives_s[last] + self.seconds[last] if self.movers else 0.0
        if fleet_s >= max(link_s, chain_s):
            certificate = [f"fleet: {len(self.movers)} moves, {self.instance.concurrent} at once"]
        elif link_s > chain_s + LEAST_S:
            certificate = [link, *(self._chain(first) if self.arrives_s[first] > 0 else ())]
        else:
            certificate = ["chain: the last move begins late", *self._chain(last)]
        return AnyWay(link_s, fleet_s, chain_s, tuple(certificate))

    def _link(self) -> tuple[float, str, int]:
        """The busiest host, that in words, and the first of the guests that it is about."""
        out = [(self._leaves_s(guest), self.instance.source[guest], guest) for guest in self.movers]
        into = [(self.arrives_s[guest], self.instance.target[guest], guest) for guest in self.movers]
        best: tuple[float, str, int] = (0.0, "", -1)
        for what, entries, slots in (("out of", out, 1), ("into", into, 1), ("at", out + into, self.instance.per_host)):
            by_host: dict[int, list[tuple[float, int]]] = defaultdict(list)
            for begin_s, host, guest in entries:
                by_host[host].append((begin_s, guest))
            for host, work in sorted(by_host.items()):
                together_s = 0.0
                for count, (begin_s, guest) in enumerate(sorted(work, reverse=True), start=1):
                    together_s += self.seconds[guest]
                    if begin_s + together_s / slots > best[0]:
                        since = f", none before {begin_s:.0f} s" if begin_s else ""
                        text = f"link: {count} moves {what} {host_name(host)}, {together_s:.0f} s of work{since}"
                        best = (begin_s + together_s / slots, text, guest)
        return best

    def _chain(self, guest: int) -> list[str]:
        """Who waits for whom, from the last arrival back to what nobody need wait for."""
        told: list[str] = []
        while guest >= 0 and len(told) < LINKS_MAX:
            size_mib, host = self.instance.holds_mib(guest), self.instance.target[guest]
            rest_s, rest = self._rest(guest, self.rooms) if told else (inf, -1)
            if guest not in self.arrives_s or rest_s < self.arrives_s[guest]:
                if rest_s > 0:
                    where = f"{host_name(rest)} is the first that can have room"
                    told.append(f"{guest_name(guest)} ({size_mib} MiB) can rest nowhere before {rest_s:.0f} s: {where}")
                break
            at_s = self.arrives_s[guest]
            lacking = size_mib - self.free_mib[host]
            if at_s <= 0:
                break
            text = f"{guest_name(guest)} ({size_mib} MiB) cannot go to {host_name(host)} before {at_s:.0f} s"
            told.append(f"{text}: {lacking} MiB must leave there")
            _, guest = room_s(lacking, [self._leaver(other, self._leaves_s(other)) for other in self.leaving[host]])
        return told
