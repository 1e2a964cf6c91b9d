"""A few moves from the fullest hosts to emptier ones, none where that gains little. Called for `propose balance`.

How full a host is counts in percent of its memory and of its CPU, compared with all hosts together. A function of the
fleet alone, so that it never proposes to take back what it proposed before: once merged and carried out, it proposes
nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.core.model import Load
from reconciler.core.proposing.board import Board, Seat, Way, uses
from reconciler.core.proposing.proposal import Action, Change, Obstacle, Proposal
from reconciler.core.quantities import format_percent

OVER_MIN = 10.0
"""Nothing is proposed while no host is more than so many percentage points fuller than all hosts together."""
STEP_MIN = 2.0
"""After a move the target is at least so many points emptier than the source was before it."""
GAIN_MIN_PER_GIB = 0.25
"""By how much the sum of squared distances must fall for each GiB that a move carries, in squared points."""
MOVES_MAX = 10
"""So many moves are proposed at most unless told otherwise."""
KEPT_SHOWN = 5
"""So many guests that stay on a host that is too full are named."""

Levels = tuple[float, float]
"""Memory and CPU, in percent."""
WORDS = ("memory", "CPU")


@dataclass(frozen=True)
class _Move:
    seat: Seat
    target: str
    gain: float
    """How much the sum of squared distances falls."""
    moved_mib: int


def balance(board: Board, *, moves_max: int = MOVES_MAX, downtime: bool = False) -> Proposal:
    """Propose at most so many moves; with `downtime`, also those that take down a guest whose document allows it."""
    hosts = tuple(host for host in board.open if board.most[host].memory_mib > 0 and board.most[host].cpu_percent > 0)
    told: dict[str, tuple[str, str]] = {}
    """Guest -> reason and gain of its last move."""
    left = moves_max
    while left > 0:
        move = _best(board, hosts, downtime)
        if move is None:
            break
        told[move.seat.name] = _put(board, hosts, move)
        left -= 1
    changes = [
        board.change(board.seats[name], reason, gain)
        for name, (reason, gain) in told.items()
        if board.home[name] != board.home_before[name]
    ]
    more = left == 0 and _best(board, hosts, downtime) is not None
    notes = _notes(board, hosts, more, moves_max, downtime)
    return board.proposal(Action.BALANCE, "", changes, (), _text(board, hosts, changes), notes)


def _together(board: Board, hosts: tuple[str, ...]) -> Levels:
    """How full all of them are, taken as one."""
    return uses(Load.total(board.taken[host] for host in hosts), Load.total(board.most[host] for host in hosts))


def _over(levels: Levels, together: Levels) -> tuple[float, int]:
    """By how many points a host is fuller than all together, and in which of the two it is."""
    at = 0 if levels[0] - together[0] >= levels[1] - together[1] else 1
    return levels[at] - together[at], at


def _best(board: Board, hosts: tuple[str, ...], downtime: bool) -> _Move | None:
    """The move that gains most, away from the fullest host that has one."""
    together = _together(board, hosts)
    levels = {host: uses(board.taken[host], board.most[host]) for host in hosts}
    ranked = sorted(hosts, key=lambda host: (-_over(levels[host], together)[0], host))
    for source in ranked:
        if _over(levels[source], together)[0] <= OVER_MIN:
            return None
        moves = _moves(board, hosts, source, together, downtime)
        found = min(moves, key=lambda move: (-move.gain, move.moved_mib, move.seat.name, move.target), default=None)
        if found is not None:
            return found
    return None


def _moves(board: Board, hosts: tuple[str, ...], source: str, together: Levels, downtime: bool) -> Iterator[_Move]:
    """The moves away from this host that gain enough."""
    before = uses(board.taken[source], board.most[source])
    _, at = _over(before, together)
    for seat in board.at(source):
        if not seat.will_run:
            continue
        left = uses(board.taken[source] - board.load(seat, source), board.most[source])
        for target in hosts:
            if target == source or not board.fits(seat, target):
                continue
            there = uses(board.taken[target], board.most[target])
            then = uses(board.taken[target] + board.load(seat, target), board.most[target])
            if then[at] > before[at] - STEP_MIN or _over(then, together)[0] >= _over(before, together)[0]:
                continue
            gain = _squares(before, together) + _squares(there, together)
            gain -= _squares(left, together) + _squares(then, together)
            if gain <= 0 or left[at] >= before[at]:
                continue
            way = board.way(seat, target)
            if (
                isinstance(way, Obstacle)
                or not _worth(way, gain, downtime)
                or board.permitted(seat, target) is not None
                or board.unmet(seat, target) > board.unmet(seat, source)
            ):
                continue
            yield _Move(seat, target, gain, way.moved_mib)


def _worth(way: Way, gain: float, downtime: bool) -> bool:
    return (downtime or way.downtime_s <= 0) and gain * 1024 >= GAIN_MIN_PER_GIB * way.moved_mib


def _squares(levels: Levels, together: Levels) -> float:
    """How far from all together, squared."""
    return sum((level - mean) ** 2 for level, mean in zip(levels, together, strict=True))


def _put(board: Board, hosts: tuple[str, ...], move: _Move) -> tuple[str, str]:
    """Move it, and say why and what is gained."""
    source, target = board.home[move.seat.name], move.target
    together = _together(board, hosts)
    was, there = uses(board.taken[source], board.most[source]), uses(board.taken[target], board.most[target])
    over, at = _over(was, together)
    board.put(move.seat, target)
    now, then = uses(board.taken[source], board.most[source]), uses(board.taken[target], board.most[target])
    word = WORDS[at]
    level = format_percent(together[at])
    reason = f"{source} is {over:.0f} points fuller than all hosts together, which are at {level} of {word}"
    gain = (
        f"{source} from {int(was[at])} to {format_percent(now[at])} of {word}, "
        f"{target} from {int(there[at])} to {format_percent(then[at])}"
    )
    return reason, gain


def _fullest(board: Board, hosts: tuple[str, ...], together: Levels) -> str:
    return min(hosts, key=lambda host: (-_over(uses(board.taken[host], board.most[host]), together)[0], host))


def _text(board: Board, hosts: tuple[str, ...], changes: list[Change]) -> str:
    """What comes of it, or why nothing is proposed."""
    if len(hosts) < 2:
        return "there are no two hosts that guests may come to"
    together = _together(board, hosts)
    fullest = _fullest(board, hosts, together)
    levels = uses(board.taken[fullest], board.most[fullest])
    over, at = _over(levels, together)
    state = f"furthest above all hosts together {'will be' if changes else 'is'} {fullest}: at "
    state += f"{format_percent(levels[at])} of its {WORDS[at]}, {max(0.0, over):.0f} points over them"
    if changes:
        return state
    if over <= OVER_MIN:
        return f"{state}; nothing is proposed below {OVER_MIN:.0f}"
    return f"{state}; no move that is possible gains enough"


def _notes(board: Board, hosts: tuple[str, ...], more: bool, moves_max: int, downtime: bool) -> tuple[str, ...]:
    """Where it goes on, or what keeps guests on a host that is too full."""
    if more:
        return (f"{moves_max} moves are proposed at most; once these are done, more would gain something (--moves).",)
    together = _together(board, hosts)
    if len(hosts) < 2:
        return ()
    fullest = _fullest(board, hosts, together)
    if _over(uses(board.taken[fullest], board.most[fullest]), together)[0] <= OVER_MIN:
        return ()
    emptiest = min(hosts, key=lambda host: (board.level(host), host))
    kept = [(name, entry.text) for name, entry in board.fixed.items() if fullest in board.around(name)]
    for seat in board.at(fullest):
        against, way = board.obstacle(seat, emptiest), board.way(seat, emptiest)
        if against is not None:
            kept.append((seat.name, f"{emptiest}: {against.text}"))
        elif not downtime and isinstance(way, Way) and way.downtime_s > 0:
            kept.append((seat.name, "it would be down for it (--allow-downtime)"))
        elif seat.will_run:
            kept.append((seat.name, f"on {emptiest} it would gain too little"))
    return tuple(f"{name.partition('/')[0]} stays on {fullest}: {text}." for name, text in sorted(kept)[:KEPT_SHOWN])
