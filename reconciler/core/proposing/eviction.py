"""Make room for a guest that fits nowhere: a few others go from one host to where they fit, without downtime.

Called by drain for what is left over. Never takes a guest down, and never moves more than it must.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from reconciler.core.model import Load
from reconciler.core.proposing.board import Board, Seat
from reconciler.core.proposing.proposal import Obstacle

EVICTED_MAX = 3
"""So many guests make room for one at most."""
TARGETS_MAX = 32
"""Hosts that are tried for one guest: those that lack least."""
TRIES_MAX = 2000
"""Choices of guests that are tried for one guest."""


@dataclass(frozen=True)
class Eviction:
    """Who goes where so that the guest fits on `target`, and how many MiB that moves."""

    target: str
    moves: tuple[tuple[str, str], ...]
    moved_mib: int


def evict(board: Board, seat: Seat, hosts: Sequence[str], kept: frozenset[str] = frozenset()) -> Eviction | None:
    """Put the guest on one of these hosts after as few others as possible have left it, those of fewest bytes; None
    where nothing helps. Guests `kept` are not asked to go."""
    targets = _targets(board, seat, hosts)
    tries = TRIES_MAX
    for count in range(1, EVICTED_MAX + 1):
        best: Eviction | None = None
        for target in targets:
            for group in combinations(_leaving(board, target, kept), count):
                tries -= 1
                if tries < 0:
                    break
                found = _tried(board, seat, target, group, hosts)
                if found is not None and (best is None or found.moved_mib < best.moved_mib):
                    best = found
        if best is not None:
            for name, host in best.moves:
                board.put(board.seats[name], host)
            board.put(seat, best.target)
            return best
    return None


def _targets(board: Board, seat: Seat, hosts: Sequence[str]) -> tuple[str, ...]:
    """The hosts that lack nothing but room, those first that lack least."""
    lacking: list[tuple[int, int, int, str]] = []
    for host in hosts:
        if not isinstance(board.way(seat, host), Obstacle) and board.permitted(seat, host) is None:
            if board.load(seat, host).fits(board.most[host]):
                short = board.load(seat, host) - board.room(host)
                lacking.append((max(0, short.memory_mib), max(0, short.cpu_percent), max(0, short.vcpus), host))
    return tuple(host for *_, host in sorted(lacking)[:TARGETS_MAX])


def _leaving(board: Board, host: str, kept: frozenset[str]) -> list[Seat]:
    """Who takes room there and may be asked to go, the smallest first."""
    found = [seat for seat in board.at(host) if seat.name not in kept and board.load(seat, host) != Load()]
    return sorted(found, key=lambda seat: (board.load(seat, host).memory_mib, seat.name))


def _tried(board: Board, seat: Seat, target: str, group: Sequence[Seat], hosts: Sequence[str]) -> Eviction | None:
    """What becomes of it when these leave the target. The board is as before in the end."""
    freed = Load.total(board.load(other, target) for other in group)
    if not board.load(seat, target).fits(board.room(target) + freed):
        return None
    home, undo = board.home[seat.name], []
    moves: list[tuple[str, str]] = []
    moved_mib = 0
    try:
        undo.append((seat, home))
        board.put(seat, target)  # over for a moment: nobody else shall take the room
        for other in _largest_first(group, board, target):
            found = board.best(other, [host for host in hosts if host != target], downtime=False)
            if found is None:
                return None
            undo.append((other, target))
            board.put(other, found[0])
            moves.append((other.name, found[0]))
            moved_mib += found[1].moved_mib
        if board.permitted(seat, target) is not None:
            return None
        return Eviction(target, tuple(moves), moved_mib)
    finally:
        for other, host in reversed(undo):
            board.put(other, host)


def _largest_first(group: Sequence[Seat], board: Board, host: str) -> Iterator[Seat]:
    yield from sorted(group, key=lambda seat: (-board.load(seat, host).memory_mib, seat.name))
