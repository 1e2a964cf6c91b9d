"""What no plan can beat, whatever moves it makes: a bound on the problem, where the plan's own is one on its moves.

Fleet: all that has to move over the fleet's slots, no move in two of them. Link: what has to leave a host, or to arrive
there in the end, over its slots, after the first of it can begin and before what must follow the last of it. Room: of
those that come to a host, one after the other, the k-th begins only after enough has left for any k of them, and the
others follow.

What can begin when is found by following chains: a guest whose target is full arrives only after enough has left there,
and each of these leaves only once it has room elsewhere: at its own target, or, for a rest, on whichever host could
have room for it first. What must follow is the same of the problem turned round in time. Everybody may rest everywhere
here, and no rest costs anything: that makes the bound weaker than the truth, never wrong.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import inf

from reconciler.core.planning.order.times.sharing import busy_s
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

    fleet_s: float
    link_s: float
    room_s: float
    certificate: tuple[str, ...]

    @property
    def best_s(self) -> float:
        """The largest."""
        return max(self.fleet_s, self.link_s, self.room_s)


@dataclass(frozen=True, order=True)
class _Found:
    """A bound, and how it is told."""

    least_s: float
    text: str = ""
    lines: tuple[str, ...] = ()


def any_way(instance: Instance, movers: Collection[int], *, step_aside: bool) -> AnyWay:
    """The bound for bringing these guests, and no others, where they are declared."""
    wanted = frozenset(movers)
    ends = tuple(host if guest in wanted else instance.source[guest] for guest, host in enumerate(instance.target))
    forwards = _Way(replace(instance, target=ends), sorted(movers), step_aside)
    backwards = _Way(replace(instance, source=ends, target=instance.source), sorted(movers), step_aside)
    work_s = busy_s([instance.seconds(guest) for guest in movers], instance.concurrent)
    fleet = _Found(work_s, f"fleet: {len(movers)} moves, {instance.concurrent} at once")
    link = _link(instance, forwards, backwards)
    room = max(forwards.room(backwards, ""), backwards.room(forwards, "seen from the end, "))
    best = max(room, link, fleet, key=lambda found: found.least_s)
    return AnyWay(fleet.least_s, link.least_s, room.least_s, (best.text, *best.lines))


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


Job = tuple[float, float, float, int, bool]
"""(no sooner than, seconds, what must follow it, guest, whether it leaves)"""


def _link(instance: Instance, forwards: _Way, backwards: _Way) -> _Found:
    """The busiest host."""
    out: dict[int, list[Job]] = defaultdict(list)
    into: dict[int, list[Job]] = defaultdict(list)
    for guest in forwards.movers:
        seconds = instance.seconds(guest)
        leaves: Job = (forwards.leaves_s(guest), seconds, backwards.arrives_s[guest], guest, True)
        arrives: Job = (forwards.arrives_s[guest], seconds, backwards.leaves_s(guest), guest, False)
        out[instance.source[guest]].append(leaves)
        into[forwards.instance.target[guest]].append(arrives)
    both = {host: [*out.get(host, ()), *into.get(host, ())] for host in {*out, *into}}
    best, where = _Busy(), ""
    for what, slots, hosts in (("out of", 1, out), ("into", 1, into), ("at", instance.per_host, both)):
        for host, jobs in sorted(hosts.items()):
            found = _busy(jobs, slots)
            if found.least_s > best.least_s + LEAST_S:
                best, where = found, f"{what} {host_name(host)}"
    since = f", none before {best.head_s:.0f} s" if best.head_s else ""
    after = f", {best.tail_s:.0f} s follow" if best.tail_s else ""
    text = f"link: {len(best.jobs)} moves {where}, {best.work_s:.0f} s of work{since}{after}"
    first = min(best.jobs, default=None) if best.head_s else None
    lines = forwards.chain(first[3], leaves=first[4]) if first is not None else []
    return _Found(best.least_s, text, tuple(lines))


@dataclass(frozen=True)
class _Busy:
    """Jobs of a host: the moment before which none of them begins, their work, and what follows each of them."""

    least_s: float = 0.0
    head_s: float = 0.0
    work_s: float = 0.0
    tail_s: float = 0.0
    jobs: tuple[Job, ...] = ()


def _busy(jobs: Sequence[Job], slots: int) -> _Busy:
    """Those jobs of a host that take longest, with what comes before them and after."""
    best = _Busy()
    for head_s in sorted({job[0] for job in jobs}):
        work_s = 0.0
        late = sorted((job for job in jobs if job[0] >= head_s), key=lambda job: (-job[2], job[3]))
        for number, (_, seconds, tail_s, *_) in enumerate(late, start=1):
            work_s += seconds
            if head_s + work_s / slots + tail_s > best.least_s:
                least_s = head_s + work_s / slots + tail_s
                best = _Busy(least_s, head_s, work_s, tail_s, tuple(late[:number]))
    return best


class _Way:
    """The earliest starts in one direction of time, found by following what waits for what."""

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
        self._follow()

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

    def leaves_s(self, guest: int) -> float:
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
                        leavers = self._leavers(host)
                    if lacking not in known:
                        known[lacking] = room_s(lacking, leavers)[0]
                    if self.arrives_s[guest] + LEAST_S < known[lacking] < inf:
                        self.arrives_s[guest] = known[lacking]
                        changed.add(self.instance.source[guest])
            fresh = {host for host in changed if host in self.arriving}
            if not fresh:
                return

    # --- the bounds

    def room(self, other: _Way, seen: str) -> _Found:
        """The host to which guests come latest for want of room. `other` is the same the other way round in time."""
        best = _Found(0.0)
        for host, guests in sorted(self.arriving.items()):
            sizes_mib = sorted(self.instance.holds_mib(guest) for guest in guests)
            if sum(sizes_mib) <= self.free_mib[host]:
                continue
            shortest_s = sorted(self.seconds[guest] for guest in guests)
            after_s = min(other.leaves_s(guest) for guest in guests)
            leavers = self._leavers(host)
            for place in range(1, len(guests) + 1):
                lacking = sum(sizes_mib[:place]) - self.free_mib[host]
                begin_s, last = room_s(lacking, leavers)
                follows_s = sum(shortest_s[: len(guests) - place + 1]) + after_s
                if best.least_s < begin_s + follows_s < inf and lacking > 0:
                    text = (
                        f"room: {seen}move {place} of {len(guests)} into {host_name(host)} cannot begin before "
                        f"{begin_s:.0f} s: {lacking} MiB must leave there; {follows_s:.0f} s follow"
                    )
                    best = _Found(begin_s + follows_s, text, tuple(self._chain_of_leaver(last)))
        return best

    def _leavers(self, host: int) -> list[Leaver]:
        return [self._leaver(guest, self.leaves_s(guest)) for guest in self.leaving[host]]

    def _chain_of_leaver(self, guest: int) -> list[str]:
        return self.chain(guest, leaves=True) if guest >= 0 and self.leaves_s(guest) > 0 else []

    def chain(self, guest: int, *, leaves: bool = False) -> list[str]:
        """Who waits for whom, from the last arrival back to what nobody need wait for."""
        told: list[str] = []
        while guest >= 0 and len(told) < LINKS_MAX:
            size_mib, host = self.instance.holds_mib(guest), self.instance.target[guest]
            rest_s, rest = self._rest(guest, self.rooms) if told or leaves else (inf, -1)
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
            _, guest = room_s(lacking, self._leavers(host))
        return told
