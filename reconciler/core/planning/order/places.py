"""Where guests that leave a full host for a while come to rest: where they keep room from nobody, and soon.

Called by clearing, for the guests of one way to make room, one after the other: each takes its place from the next.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.core.planning.order.accounts import Amounts
from reconciler.core.planning.order.sequence import Taste, Workings

HOSTS_TRIED = 100
"""How many third hosts are weighed for a guest, of those with room to spare and of the others."""

Spare = Sequence[tuple[int, int]]
"""(free memory that nobody wants, host) of the hosts that guests may rest on, in order. Below zero where more is
wanted than there is."""


def spare(workings: Workings) -> Spare:
    """What the hosts have to spare now."""
    accounts = workings.accounts
    return sorted(
        (workings.free[accounts.memory(host)] - workings.wanted[accounts.memory(host)], host)
        for host, name in enumerate(accounts.names)
        if workings.detours.open_for_rest(name)
    )


@dataclass(frozen=True, order=True)
class Place:
    """A place for one guest. The smallest one is the best."""

    wrong: float
    """What speaks against it: that the guest waits long, or that it keeps room from others."""
    over_s: float
    unwanted_mib: int
    host: int


class Places:
    """Gives places to guests that leave one host, by what `takes` says they need on another (None: not there)."""

    def __init__(
        self, workings: Workings, taste: Taste, host: int, there: Spare, takes: Callable[[str, int], Amounts | None]
    ) -> None:
        self.workings, self.taste, self.host, self.takes = workings, taste, host, takes
        self.spare = list(there)
        self.sends = list(workings.diary.sends[host])
        self.taken: dict[int, int] = {}

    def give(self, guest: str, memory_mib: int, seconds: float, since_s: float) -> Place | None:
        """A place for a guest that can leave from then on; None where there is none."""
        best: Place | None = None
        middle = bisect_left(self.spare, (memory_mib, -1))
        free, memory = self.workings.free, self.workings.accounts.memory
        for roomy in (True, False):
            tried = 0
            for number in range(middle, len(self.spare)) if roomy else range(middle - 1, -1, -1):
                if free[memory(self.spare[number][1])] < memory_mib:
                    continue
                place = self._place(number, guest, memory_mib, seconds, since_s)
                if place is None:
                    continue
                tried += 1
                best = place if best is None else min(best, place)
                if tried >= HOSTS_TRIED or (place.wrong <= 0 and tried >= HOSTS_TRIED // 4):
                    break
            self.workings.effort += tried
            if best is not None and best.wrong <= 0:
                break
        if best is None:
            return None
        self.spare.remove((best.unwanted_mib, best.host))
        insort(self.spare, (best.unwanted_mib - memory_mib, best.host))
        insort(self.sends, (best.over_s - seconds, best.over_s))
        for account, amount in self.takes(guest, best.host) or ():
            self.taken[account] = self.taken.get(account, 0) + amount
        return best

    def _place(self, number: int, guest: str, memory_mib: int, seconds: float, since_s: float) -> Place | None:
        """The guest on that host; None where it may not rest there, or has no room."""
        unwanted_mib, host = self.spare[number]
        if host == self.host:
            return None
        takes = self.takes(guest, host)
        free, taken = self.workings.free, self.taken
        if takes is None or any(free[account] - taken.get(account, 0) < amount for account, amount in takes):
            return None
        diary, taste = self.workings.diary, self.taste
        over_s = diary.ends_s(self.sends, host, max(since_s, diary.room_s(takes)), seconds)
        wrong = taste.waiting * max(0.0, over_s - taste.horizon_s / 2)
        starved_mib = min(memory_mib, memory_mib - unwanted_mib)
        if starved_mib > 0 and self.workings.wanted[self.workings.accounts.memory(host)]:
            wrong += taste.starving * seconds * starved_mib / memory_mib
        return Place(wrong, over_s, unwanted_mib, host)


def largest_mib(workings: Workings, there: Spare, without: int) -> int:
    """The most memory that is free on one of the hosts."""
    return max((workings.free[workings.accounts.memory(host)] for _, host in there if host != without), default=0)
