"""Every guest of some hosts gets another one, or is named with what keeps it. Called for `propose drain`.

Least downtime first, then fewest bytes, then the emptiest hosts. The largest guests choose first; for one that fits
nowhere then, others that can go online make room. The hosts are closed, whatever became of their guests, so that the
next proposal does not fill them again. By `schedulable`, not by `maintenance`: a guest that has to stay may be started.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from reconciler.core.desired.placement import may_be_chosen, names_text
from reconciler.core.proposing.board import Board, Seat
from reconciler.core.proposing.eviction import evict
from reconciler.core.proposing.proposal import Action, Change, Proposal, Unplaced
from reconciler.core.quantities import format_memory, format_percent

NEARLY_FULL_MIN = 95.0
"""Hosts that guests come to are named from so many percent on."""
NOWHERE = ""
"""The host of a guest that is still to be placed."""
OTHERS_FIRST = "see to the others first"


def drain(board: Board, *names: str) -> Proposal:
    """Propose it for hosts of these names."""
    hosts = tuple(sorted(set(names)))
    seats = _leaving(board, hosts)
    unplaced = [entry for name, entry in board.fixed.items() if not board.around(name).isdisjoint(hosts)]
    staying: dict[str, Unplaced] = {}
    while True:
        makers, left = _placed(board, hosts, [seat for seat in seats if seat.name not in staying])
        follow = OTHERS_FIRST if staying else ""
        staying |= {entry.guest: replace(entry, fix=entry.fix or follow) for entry in left}
        if not left or not _amiss(board):
            break
        # What others chose did not know yet that these stay, keep room or are spoken of by rules: choose again.
        for seat in board.movable():
            board.put(seat, board.home_before[seat.name])
    unplaced += staying.values()
    changes = [_left(board, seat, hosts) for seat in seats if board.home[seat.name] != board.home_before[seat.name]]
    named = {change.guest for change in changes}
    changes += [_made_room(board, board.seats[name], other) for name, other in makers.items() if name not in named]
    changes = [change for change in changes if change.fields]
    declared = board.situation.desired.hosts
    closed = [host for host in hosts if may_be_chosen(declared[host])]
    text = _text(hosts, changes, unplaced)
    return board.proposal(Action.DRAIN, " ".join(hosts), changes, unplaced, text, _notes(board), closed)


def _placed(
    board: Board, hosts: Collection[str], seats: Sequence[Seat]
) -> tuple[Mapping[str, str], Sequence[Unplaced]]:
    """Put each on another host: who makes room -> for whom, and who stays."""
    others = [host for host in board.open if host not in hosts]
    makers: dict[str, str] = {}
    left: list[Seat] = []
    for seat in seats:
        if board.home[seat.name] in hosts:
            board.put(seat, NOWHERE)  # guests that shall be together may choose a host together
    for seat in seats:
        found = board.best(seat, others)
        if found is None:
            left.append(seat)
        else:
            board.put(seat, found[0])
    unplaced: list[Unplaced] = []
    for seat in left:
        eviction = evict(board, seat, others)
        if eviction is None:
            unplaced.append(board.unplaced(seat, others))
            board.put(seat, board.home_before[seat.name])
        else:
            makers |= {name: seat.name for name, _ in eviction.moves}
    return makers, unplaced


def _amiss(board: Board) -> bool:
    """Whether a guest that is to move breaks a required rule or has no room, now that all have a host."""
    moved = [(seat, board.home[seat.name]) for seat in board.movable()]
    moved = [(seat, home) for seat, home in moved if home != board.home_before[seat.name]]
    return any(board.permitted(seat, home) is not None or not board.fits(seat, home) for seat, home in moved)


def _leaving(board: Board, hosts: Collection[str]) -> list[Seat]:
    """The guests that are declared there, or are there and cannot go where they are declared; the largest first."""
    found = [
        seat
        for seat in board.movable()
        if board.home[seat.name] in hosts
        or (seat.place in hosts and board.obstacle_without_room(seat, board.home[seat.name]) is not None)
    ]
    return sorted(found, key=lambda seat: (-seat.entry.memory_mib, -seat.entry.vcpus, seat.name))


def _left(board: Board, seat: Seat, hosts: Collection[str]) -> Change:
    before, target = board.home_before[seat.name], board.home[seat.name]
    host = before if before in hosts else seat.place
    freed = format_memory(board.load(seat, host).memory_mib)
    gives = f"{host} is {freed} emptier" if seat.will_run else f"{host} has a guest less"
    where = "is there already" if target == seat.place else f"{board.use_text(target)} with it"
    return board.change(seat, f"{host} is to be empty", f"{gives}; {where}")


def _made_room(board: Board, seat: Seat, other: str) -> Change:
    source, target = board.home_before[seat.name], board.home[seat.name]
    freed = format_memory(board.load(seat, source).memory_mib)
    gain = f"{source} has {freed} for {other}; {board.use_text(target)} with it"
    return replace(board.change(seat, f"makes room for {other}, for good", gain), room_for=other)


def _text(hosts: Sequence[str], changes: Sequence[Change], unplaced: Sequence[Unplaced]) -> str:
    """What comes of it, in a sentence."""
    if unplaced:
        return f"{len(unplaced)} guest{'s' if len(unplaced) > 1 else ''} cannot leave {_named(hosts)}"
    if changes:
        return f"host{'s' if len(hosts) > 1 else ''} {_named(hosts)} will be empty"
    return f"no guest is declared on {_named(hosts)}, and none is kept there"


def _notes(board: Board) -> tuple[str, ...]:
    """Which hosts have hardly any room left for it."""
    full = [use for use in board.hosts() if use.guests_after > use.guests_before]
    told = []
    for use in full:
        share, what = max((use.memory_after, "memory"), (use.cpu_after, "CPU"))
        told += [f"{use.host} at {format_percent(share)} of its {what}"] if share >= NEARLY_FULL_MIN else []
    return (f"Nearly full then: {names_text(told)}. What is to start or come there may find no room.",) if told else ()


def _named(hosts: Sequence[str]) -> str:
    return " and ".join([", ".join(hosts[:-1]), hosts[-1]]) if len(hosts) > 1 else hosts[0]
