"""How long a few slots are busy at least with work that comes in pieces: one piece is never in two slots.

Called for bounds. All the work over all the slots says less than that: three pieces of 10 s keep two slots for 20 s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

PIECES_MAX = 60
"""With more pieces than this, their sum over the slots says nearly as much."""
NODES_MAX = 20_000
"""So many beginnings of distributions are looked at."""
TICKS_PER_S = 1000


def busy_s(seconds: Sequence[float], slots: int) -> float:
    """The least time in which so many slots can do these pieces; less where finding out would take too long."""
    even_s = max(sum(seconds) / slots, max(seconds, default=0.0))
    if slots == 1 or not slots < len(seconds) <= PIECES_MAX:
        return even_s
    pieces = [int(piece_s * TICKS_PER_S) for piece_s in seconds]  # rounded down: a bound may be too low, never too high
    search = _Search(pieces, slots)
    limit = search.next_sum(int(even_s * TICKS_PER_S))
    while not search.fits(limit):
        limit = search.next_sum(limit + 1)
    return max(even_s, limit / TICKS_PER_S)


class _Search:
    """Distributions of the pieces over the slots, one slot after the other. All lengths are in ticks."""

    def __init__(self, pieces: Sequence[int], slots: int) -> None:
        self.work = sum(pieces)
        self.slots = slots
        counted = Counter(pieces)
        self.lengths = sorted(counted, reverse=True)
        self.counts = tuple(counted[length] for length in self.lengths)
        self.nodes = 0
        """What has been looked at, for all limits together."""
        self.sums = 1
        """Bit n: some of the pieces together are n long."""
        for piece in pieces:
            self.sums |= self.sums << piece

    def next_sum(self, length: int) -> int:
        """The least length of some pieces together that is no shorter than this: the fullest slot has such a one."""
        later = self.sums >> length
        return length + (later & -later).bit_length() - 1

    def fits(self, limit: int) -> bool:
        """Whether no slot need be busy for longer; also where nobody knows, as too much has been looked at."""
        return _Filling(self, limit).go_on(self.counts, self.slots, self.slots * limit - self.work)


@dataclass
class _Filling:
    """The search for one limit. What is left is so many pieces of each length, the longest first."""

    search: _Search
    limit: int
    failed: set[tuple[int, ...]] = field(default_factory=set)
    """Slots and pieces that were left, where these did not fit into those."""

    def go_on(self, left: tuple[int, ...], slots: int, idle: int) -> bool:
        """Whether what is left fits into so many slots. `idle`: for how long they have nothing to do, together."""
        if not any(left):
            return True
        if idle < 0 or (slots, *left) in self.failed:
            return False
        longest = next(number for number, count in enumerate(left) if count)
        for unused, then in sorted(self._fillings(left, longest, self.limit)):
            if unused > idle:
                break
            if self.go_on(then, slots - 1, idle - unused):
                return True
        self.failed.add((slots, *left))
        return self.search.nodes >= NODES_MAX

    def _fillings(self, left: tuple[int, ...], longest: int, room: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The ways to fill a slot with the longest piece and others, until none fits any more: how much room that
        leaves, and what is left then. Whatever fits may as well be here as in a later slot."""
        lengths = self.search.lengths
        first = (*left[:longest], left[longest] - 1, *left[longest + 1 :])
        open_ = [(longest, room - lengths[longest], first)]
        while open_ and self.search.nodes < NODES_MAX:
            self.search.nodes += 1
            number, unused, then = open_.pop()
            if number == len(lengths):
                if not any(count and length <= unused for count, length in zip(then, lengths, strict=True)):
                    yield unused, then
                continue
            for taken in range(min(then[number], unused // lengths[number]) + 1):
                fewer = (*then[:number], then[number] - taken, *then[number + 1 :])
                open_.append((number + 1, unused - taken * lengths[number], fewer))
