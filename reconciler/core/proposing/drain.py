"""Every guest of a host gets another one, or is named with what keeps it. Called for `propose drain`.

Least downtime first, then fewest bytes, then the emptiest hosts. The largest guests choose first; for one that fits
nowhere then, others that can go online step aside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.core.proposing.board import Board, Seat
from reconciler.core.proposing.eviction import evict
from reconciler.core.proposing.proposal import Action, Change, Proposal, Unplaced
from reconciler.core.quantities import format_memory

NOWHERE = ""
"""The host of a guest that is still to be placed."""
OTHERS_FIRST = "see to the others first"


def drain(board: Board, host: str) -> Proposal:
    """Propose it."""
    seats = _leaving(board, host)
    unplaced = [entry for name, entry in board.fixed.items() if host in board.around(name)]
    staying: dict[str, Unplaced] = {}
    while True:
        aside, left = _placed(board, host, [seat for seat in seats if seat.name not in staying])
        follow = OTHERS_FIRST if staying else ""
        staying |= {entry.guest: replace(entry, fix=entry.fix or follow) for entry in left}
        if not left or not _amiss(board):
            break
        # What others chose did not know yet that these stay, keep room or are spoken of by rules: choose again.
        for seat in board.movable():
            board.put(seat, board.home_before[seat.name])
    unplaced += staying.values()
    changes = [_left(board, seat, host) for seat in seats if board.home[seat.name] != board.home_before[seat.name]]
    named = {change.guest for change in changes}
    changes += [_stepped(board, board.seats[name], other) for name, other in aside.items() if name not in named]
    changes = [change for change in changes if change.fields]
    return board.proposal(Action.DRAIN, host, changes, unplaced, _text(host, changes, unplaced))


def _placed(board: Board, host: str, seats: Sequence[Seat]) -> tuple[Mapping[str, str], Sequence[Unplaced]]:
    """Put each on another host: who steps aside -> for whom, and who stays."""
    aside: dict[str, str] = {}
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
    unplaced: list[Unplaced] = []
    for seat in left:
        choices = _choices(board, seat, host)
        eviction = evict(board, seat, choices)
        if eviction is None:
            unplaced.append(board.unplaced(seat, choices))
            board.put(seat, board.home_before[seat.name])
        else:
            aside |= {name: seat.name for name, _ in eviction.moves}
    return aside, unplaced


def _amiss(board: Board) -> bool:
    """Whether a guest that is to move breaks a required rule or has no room, now that all have a host."""
    moved = [(seat, board.home[seat.name]) for seat in board.movable()]
    moved = [(seat, home) for seat, home in moved if home != board.home_before[seat.name]]
    return any(board.permitted(seat, home) is not None or not board.fits(seat, home) for seat, home in moved)


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
