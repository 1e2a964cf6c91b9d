"""Guests of a label on as few hosts as can be, shrunk to what their documents call the least. For `propose park`.

Idle guests then stand close together on a small host, and others can be switched off. A guest is counted with the CPU
that it keeps: it is shrunk before it goes. Memory counts in full, as ever: what a guest gives back it may take again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.core.desired import PowerWish
from reconciler.core.desired.placement import names_text
from reconciler.core.model import Setting
from reconciler.core.planning.plan import Reason
from reconciler.core.planning.settings import settings_refusal
from reconciler.core.proposing.board import Board, Seat, Way
from reconciler.core.proposing.proposal import (
    ENTITLEMENT,
    MEMORY,
    Action,
    Change,
    FieldChange,
    Obstacle,
    Proposal,
    Unplaced,
)
from reconciler.core.quantities import format_memory, parse_memory_mib

MEMORY_NOTE = (
    "Memory that guests give back is free on their hosts at once; plans go on counting the most that each may take."
)


@dataclass(frozen=True)
class _Choice:
    """The guests that one host takes, and how good that is: the smaller, the better."""

    cost: tuple[int, int, float, int, int, str]
    host: str
    seats: tuple[Seat, ...]


def park(board: Board, label: str, *, onto: Sequence[str] = (), downtime: bool = False) -> Proposal:
    """Propose it for the guests with this label (`key=value`), onto these hosts where any are named. With `downtime`,
    guests are also taken down for it where their documents allow that."""
    key, _, value = label.partition("=")
    named = [name for name, entry in board.situation.desired.guests.items() if entry.labels.get(key) == value]
    unplaced = [board.fixed[name] for name in named if name in board.fixed]
    seats = [seat for seat in board.movable() if seat.guest.labels.get(key) == value]
    packing = _Packing(board, seats, tuple(onto), downtime)
    left = packing.pack()
    if onto:
        packing.give_back(left)
        unplaced += [board.unplaced(seat, onto, packing.against) for seat in left]
    changes = [_change(board, board.seats[seat.name], label, packing) for seat in seats]
    changes = [change for change in changes if change.fields]
    notes = [MEMORY_NOTE] if any(entry.field == MEMORY for change in changes for entry in change.fields) else []
    parked = [seat for seat in seats if not (onto and seat in left)]
    text = _text(board, label, named, parked, changes, unplaced)
    return board.proposal(Action.PARK, label, changes, unplaced, text, tuple(notes))


class _Packing:
    """Guests put together, host by host. Room at a guest's old host stays taken until it has a new one."""

    def __init__(self, board: Board, seats: Sequence[Seat], onto: tuple[str, ...], downtime: bool) -> None:
        self.board, self.onto, self.downtime = board, onto, downtime
        self.shrunk: dict[str, tuple[FieldChange, ...]] = {}
        self.extra: dict[str, int] = {}
        """Guest -> percent of a CPU that it has over what it shall keep."""
        self.whole = {seat.name: seat for seat in seats}
        self.seats = tuple(self._shrunk(seat) for seat in seats)

    def _shrunk(self, seat: Seat) -> Seat:
        """The guest as small as its document allows."""
        fields = []
        memory = _memory(seat)
        if memory is not None:
            fields.append(memory)
        percent, least = seat.entry.cpu_entitlement_percent, seat.guest.cpu_entitlement_min_percent
        if least is not None and least < percent:
            declared = seat.guest.cpu_entitlement_percent
            fields.append(FieldChange(ENTITLEMENT, f"{declared}%" if declared is not None else "", f"{least}%"))
            self.extra[seat.name] = (percent - least) * seat.entry.vcpus if seat.will_run else 0
            seat = self.board.resize(seat, replace(seat.entry, cpu_entitlement_percent=least))
        self.shrunk[seat.name] = tuple(fields)
        return seat

    def give_back(self, left: Sequence[Seat]) -> None:
        """Let guests that are not parked keep their sizes: nothing came to where they stay."""
        for seat in left:
            self.shrunk[seat.name] = ()
            self.extra.pop(seat.name, None)
            self.board.resize(seat, self.whole[seat.name].entry)

    def pack(self) -> list[Seat]:
        """Pack until another round gains nothing, and give the guests that found no host."""
        left = self._round()
        for _ in self.board.most:  # what a round frees may let the next one free one host more
            homes = dict(self.board.home)
            again = self._round()
            if self.board.home == homes:
                break
            left = again
        return left

    def _round(self) -> list[Seat]:
        """Pack once; all stay where they are where nothing is gained."""
        board = self.board
        before = {seat.name: board.home[seat.name] for seat in self.seats}
        occupied = len(board.residents)
        left = sorted(self.seats, key=self._size)
        hosts = self.onto or (*board.open, *(home for home in before.values()))
        rest = [host for host in dict.fromkeys(hosts) if host in board.most]
        choices = {host: self._choice(host, left) for host in rest}
        while left and choices:
            choice = self._best(choices, left)
            if not choice.seats:
                break
            del choices[choice.host]
            freed = {board.home[seat.name] for seat in choice.seats}
            for seat in choice.seats:
                board.put(seat, choice.host)
            taken = {seat.name for seat in choice.seats}
            left = [seat for seat in left if seat.name not in taken]
            choices |= {host: self._choice(host, left) for host in sorted(freed & choices.keys())}
        after = {seat.name: board.home[seat.name] for seat in self.seats}
        joined = self._outside(after) < self._outside(before)
        fewer = len(set(after.values())) < len(set(before.values()))
        if not (joined or fewer or len(board.residents) < occupied):
            for seat in self.seats:
                board.put(seat, before[seat.name])
        return [seat for seat in left if board.home[seat.name] not in self.onto]

    def _outside(self, homes: Mapping[str, str]) -> int:
        """How many are not on the hosts that are named."""
        return sum(home not in self.onto for home in homes.values()) if self.onto else 0

    def _best(self, choices: dict[str, _Choice], left: Sequence[Seat]) -> _Choice:
        """The best choice there is now. Without new room, a host takes no more of fewer guests: only those that were
        the best are looked at again."""
        fresh: set[str] = set()
        while True:
            choice = min(choices.values(), key=lambda choice: choice.cost)
            if choice.host in fresh:
                return choice
            fresh.add(choice.host)
            choices[choice.host] = self._choice(choice.host, left)

    def _size(self, seat: Seat) -> tuple[int, int, str]:
        load = self.board.load(seat, self.board.home[seat.name])
        return -load.memory_mib, -load.cpu_percent, seat.name

    def _choice(self, host: str, left: Sequence[Seat]) -> _Choice:
        """As many of these as the host takes, those first that are there. The board is as before in the end."""
        board = self.board
        taken: list[tuple[Seat, str]] = []
        ways: list[Way] = []
        there = {seat.name for seat in left if board.home[seat.name] == host}
        for seat in sorted(left, key=lambda seat: seat.name not in there):
            way = board.way(seat, host)
            if isinstance(way, Obstacle) or (way.downtime_s > 0 and not self.downtime):
                continue
            if seat.name in there or (board.fits(seat, host) and self.against(seat, host) is None):
                ways.append(way)
                taken.append((seat, board.home[seat.name]))
                board.put(seat, host)
        occupied = len(board.residents)
        for seat, home in reversed(taken):
            board.put(seat, home)
        downtime_s, moved_mib = sum(way.downtime_s for way in ways), sum(way.moved_mib for way in ways)
        cost = (-len(taken), occupied, downtime_s, moved_mib, board.most[host].memory_mib, host)
        return _Choice(cost, host, tuple(seat for seat, _ in taken))

    def against(self, seat: Seat, host: str) -> Obstacle | None:
        """What keeps it from that host, also where it could go there but is not to."""
        board = self.board
        obstacle, way = board.obstacle(seat, host), board.way(seat, host)
        if obstacle is None and isinstance(way, Way) and way.downtime_s > 0 and not self.downtime:
            return Obstacle(host, Reason.DOWNTIME_FORBIDDEN, "it would be down for it (--allow-downtime)")
        if obstacle is None and board.unmet(seat, host) > board.unmet(seat, board.home[seat.name]):
            return Obstacle(host, Reason.PLACEMENT_RULE_VIOLATED, "a preferred rule would be broken")
        return obstacle


def _memory(seat: Seat) -> FieldChange | None:
    """The change to the least memory that document and platform allow, where that is less than it has."""
    guest, entry = seat.guest, seat.entry
    if guest.memory_min_mib is None or not entry.memory_step_mib or guest.power is PowerWish.STOPPED:
        return None
    least_mib = max(guest.memory_min_mib, entry.memory_min_mib)
    least_mib = -(-least_mib // entry.memory_step_mib) * entry.memory_step_mib
    now_mib = guest.memory_mib or entry.memory_current_mib or entry.memory_mib
    shrunk = replace(guest, memory_mib=least_mib)
    refused = settings_refusal(shrunk, entry, ((Setting.MEMORY.value, str(least_mib)),))
    if least_mib >= now_mib or refused is not None:
        return None
    return FieldChange(MEMORY, spelled(guest.memory_mib) if guest.memory_mib is not None else "", spelled(least_mib))


def spelled(mib: int) -> str:
    """As documents spell it: `2GiB`, `1536MiB`."""
    return f"{mib // 1024}GiB" if mib % 1024 == 0 else f"{mib}MiB"


def _change(board: Board, seat: Seat, label: str, packing: _Packing) -> Change:
    source, target = board.home_before[seat.name], board.home[seat.name]
    fields = packing.shrunk[seat.name]
    gains: list[str] = []
    sizes: list[str] = []
    if source != target:
        freed = format_memory(board.load(seat, source).memory_mib)
        gains.append(f"{source} is {freed} emptier" if seat.will_run else f"{source} has a guest less")
        gains.append(board.use_text(target))
    for entry in fields:
        if entry.field == MEMORY:
            now_mib = seat.entry.memory_current_mib or seat.entry.memory_mib
            least_mib = parse_memory_mib(entry.after)
            sizes.append(f"it has {format_memory(least_mib)} of memory in place of {format_memory(now_mib)}")
        else:
            percent = packing.extra.get(seat.name, 0)
            sizes.append(f"{percent} % of a CPU less is kept for it" if percent else "less CPU is kept for it")
    gain = ", and ".join(filter(None, [", ".join(gains), " and ".join(sizes)]))
    return board.change(seat, f"parked, as {label}", gain, fields)


def _text(
    board: Board,
    label: str,
    named: Sequence[str],
    seats: Sequence[Seat],
    changes: Sequence[Change],
    unplaced: Sequence[Unplaced],
) -> str:
    """What comes of it, or why nothing is proposed."""
    if not named:
        return f"no guest has the label {label}"
    if not changes and not unplaced:
        return f"guests with {label} are on as few hosts as can be, and as small as their documents allow"
    if not seats:
        return f"no guest with {label} can be parked"
    before = sorted({board.home_before[seat.name] for seat in seats})
    after = sorted({board.home[seat.name] for seat in seats})
    of = f" of {len(seats) + len(unplaced)}" if unplaced else ""
    guests = f"{len(seats)}{of} guest{'s' if len(seats) + len(unplaced) != 1 else ''} with {label}"
    was = f", before on {names_text(before)}" if before != after else ""
    return f"{guests} on {names_text(after)}{was}"
