"""Every guest of a host gets another one, or is named with what keeps it. Called for `propose drain`.

Least downtime first, then fewest bytes, then the emptiest hosts. The largest guests choose first; for one that fits
nowhere then, others that can go online step aside.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.proposing.board import Board, Seat
from reconciler.core.proposing.eviction import evict
from reconciler.core.proposing.proposal import Action, Change, Proposal, Unplaced
from reconciler.core.quantities import format_memory

NOWHERE = ""
"""The host of a guest that is still to be placed."""


def drain(board: Board, host: str) -> Proposal:
    """Propose it."""
    seats = _leaving(board, host)
    aside: dict[str, str] = {}
    """Guest that steps aside -> the one it does so for."""
    left: list[Seat] = []
    for seat in seats:
        if board.home[seat.name] == host:
            board.put(seat, NOWHERE)  # guests that shall be together may choose a host together
    for seat in seats:
        found = board.best(seat, _choices(board, seat, host))
        if found is None:
            left.append(seat)
        else:
            board.put(seat, found[0])
    unplaced = [entry for name, entry in board.fixed.items() if host in board.around(name)]
    for seat in left:
        choices = _choices(board, seat, host)
        eviction = evict(board, seat, choices)
        if eviction is None:
            unplaced.append(board.unplaced(seat, choices))
            board.put(seat, board.home_before[seat.name])
        else:
            aside |= {name: seat.name for name, _ in eviction.moves}
    unplaced += _undone(board, seats)
    changes = [_left(board, seat, host) for seat in seats if board.home[seat.name] != board.home_before[seat.name]]
    named = {change.guest for change in changes}
    changes += [_stepped(board, board.seats[name], other) for name, other in aside.items() if name not in named]
    changes = [change for change in changes if change.fields]
    return board.proposal(Action.DRAIN, host, changes, unplaced, _text(host, changes, unplaced))


def _undone(board: Board, seats: Sequence[Seat]) -> list[Unplaced]:
    """Those that stay after all: others could not follow them, and a rule wants them together."""
    undone: list[Unplaced] = []
    while True:
        moved = [seat for seat in seats if board.home[seat.name] != board.home_before[seat.name]]
        broken = [(seat, against) for seat in moved if (against := board.permitted(seat, board.home[seat.name]))]
        if not broken:
            return undone
        for seat, against in broken:
            board.put(seat, board.home_before[seat.name])
            undone.append(Unplaced(seat.name, seat.place, against.reason, against.text, "see to the others first"))


def _leaving(board: Board, host: str) -> list[Seat]:
    """The guests that are declared there, or are there and cannot go where they are declared; the largest first."""
    found = [
        seat
        for seat in board.movable()
        if board.home[seat.name] == host
        or (seat.place == host and board.obstacle_without_room(seat, board.home[seat.name]) is not None)
    ]
    return sorted(found, key=lambda seat: (-seat.entry.memory_mib, -seat.entry.vcpus, seat.name))


def _choices(board: Board, seat: Seat, host: str) -> list[str]:
    """All hosts but this one that are open, and the one where the guest is already."""
    hosts = dict.fromkeys((*board.open, *([seat.place] if seat.place in board.most else [])))
    return [name for name in hosts if name != host]


def _left(board: Board, seat: Seat, host: str) -> Change:
    target = board.home[seat.name]
    freed = format_memory(board.load(seat, host).memory_mib)
    gives = f"{host} is {freed} emptier" if seat.will_run else f"{host} has a guest less"
    where = "is there already" if target == seat.place else f"{board.use_text(target)} with it"
    return board.change(seat, f"{host} is to be empty", f"{gives}; {where}")


def _stepped(board: Board, seat: Seat, other: str) -> Change:
    source, target = board.home_before[seat.name], board.home[seat.name]
    freed = format_memory(board.load(seat, source).memory_mib)
    gain = f"{source} has {freed} for {other}; {board.use_text(target)} with it"
    return board.change(seat, f"steps aside for {other}", gain)


def _text(host: str, changes: list[Change], unplaced: list[Unplaced]) -> str:
    """What comes of it, in a sentence."""
    if unplaced:
        return f"{len(unplaced)} guest{'s' if len(unplaced) > 1 else ''} cannot leave {host}"
    return f"host {host} will be empty" if changes else f"no guest is declared on {host}, and none is kept there"
