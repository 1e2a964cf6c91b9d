"""Give every leg of an order a start, as early as the order stays possible: list scheduling, event by event.

Called by the scheduler. A leg may begin before its turn where there is room for it now and every leg that comes before
it in the order keeps its room. So nothing is ever locked out, whatever begins early.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.core.desired import Fleet
from reconciler.core.model import StepKind
from reconciler.core.planning.order.accounts import SCATTER, Amounts, Item, scattered
from reconciler.core.planning.order.times.slots import Slots
from reconciler.core.records import MoveRecord

Starts = list[float]
"""Seconds from the start of the run, an item each."""


@dataclass(frozen=True)
class Task:
    """An item of an order as this module needs it, forwards or backwards in time."""

    source: int
    target: int
    seconds: float
    takes: Amounts
    frees: Amounts
    moves: bool
    network: str
    before: int
    """The task that the same guest comes from, or -1."""
    then: int
    """The task that it goes on with, or -1."""


@dataclass(frozen=True)
class Problem:
    """Tasks in an order that is possible, the room at the start, and what may be under way at once."""

    tasks: Sequence[Task]
    free: Sequence[int]
    hosts: Sequence[str]
    fleet: Fleet
    records: Sequence[MoveRecord]

    @staticmethod
    def of(
        order: Sequence[Item], free: Sequence[int], hosts: Sequence[str], fleet: Fleet, records: Sequence[MoveRecord]
    ) -> Problem:
        """The order as a problem. Accounts that cannot run short whatever begins when are left out."""
        wanted: dict[int, int] = {}
        for item in order:
            for account, amount in item.takes:
                wanted[account] = wanted.get(account, 0) + amount
        short = {account for account, amount in wanted.items() if free[account] < amount}
        before = [-1] * len(order)
        then = [-1] * len(order)
        last: dict[int, int] = {}
        for number, item in enumerate(order):
            if item.journey in last:
                before[number] = last[item.journey]
                then[before[number]] = number
            last[item.journey] = number
        tasks = [
            Task(
                item.source,
                item.target,
                item.seconds,
                tuple(entry for entry in item.takes if entry[0] in short),
                tuple(entry for entry in item.frees if entry[0] in short),
                item.leg.kind is StepKind.MIGRATE,
                item.leg.network,
                before[number],
                then[number],
            )
            for number, item in enumerate(order)
        ]
        return Problem(tasks, free, hosts, fleet, records)

    def backwards(self) -> Problem:
        """The same, seen from its end: what was freed is taken, what was taken is freed."""
        left = list(self.free)
        for task in self.tasks:
            for account, amount in task.takes:
                left[account] -= amount
            for account, amount in task.frees:
                left[account] += amount
        tasks = [
            replace(
                task,
                source=task.target,
                target=task.source,
                takes=task.frees,
                frees=task.takes,
                before=task.then,
                then=task.before,
            )
            for task in self.tasks
        ]
        return Problem(tasks, left, self.hosts, self.fleet, self.records)


def schedule(problem: Problem, order: Sequence[int], *, longest_first: bool, variation: int = 0) -> Starts | None:
    """A start for every task. `order` must be possible. Where several may begin, the one that the longest rest of the
    work waits for goes first, or with `longest_first` false the first of the order; a `variation` weighs each task
    otherwise, by up to a third. None where it gets stuck, as a look
    backwards may from a host that stays over its capacity."""
    return _Desk(problem, order, longest_first, variation).run()


class _Desk:
    """The state while starts are given."""

    def __init__(self, problem: Problem, order: Sequence[int], longest_first: bool, variation: int) -> None:
        self.tasks = problem.tasks
        self.slots = Slots(problem.fleet, problem.hosts, problem.records)
        self.turn = [0] * len(order)
        for place, number in enumerate(order):
            self.turn[number] = place
        self.free = list(problem.free)
        """What is there now; departures give theirs at their end."""
        self.promised = list(problem.free)
        """What there will be once all that is under way has ended."""
        self.coming: dict[int, list[tuple[int, int]]] = {}
        """Account -> (turn, what changes) of the tasks that have not begun, in turn."""
        self.work_s = [0.0] * len(problem.hosts)
        for number in order:
            task = self.tasks[number]
            for account, amount in task.takes:
                self.coming.setdefault(account, []).append((self.turn[number], -amount))
            for account, amount in task.frees:
                self.coming.setdefault(account, []).append((self.turn[number], amount))
            self.work_s[task.source] += task.seconds
            self.work_s[task.target] += task.seconds
        self.rest_s = _rests(problem, order) if longest_first else None
        self.variation = variation
        self.starts = [0.0] * len(order)
        self.now_s = 0.0
        self.running: list[tuple[float, int]] = []
        self.ready: tuple[list[tuple[tuple[float, ...], int]], ...] = ([], [])
        """Heaps: others, moves. Moves wait there for a slot of the fleet."""
        self.for_host: dict[int, list[int]] = {}
        """Host, network or account -> tasks that wait for a slot of it, or for room."""
        self.for_network: dict[str, list[int]] = {}
        self.for_room: dict[int, list[int]] = {}

    def run(self) -> Starts | None:
        begun = 0
        for number, task in enumerate(self.tasks):
            if task.before < 0:
                self.consider(number)
        while True:
            begun += self.begin_what_can()
            if not self.running:
                return self.starts if begun == len(self.tasks) else None
            self.end_what_ends_next()

    def key(self, number: int) -> tuple[float, ...]:
        task = self.tasks[number]
        if self.rest_s is None:
            return (not task.moves, self.turn[number])
        rest_s = max(self.rest_s[number], self.work_s[task.source], self.work_s[task.target])
        if self.variation:
            rest_s *= 1 + scattered(number, self.variation) / (3 * SCATTER)
        return (-rest_s, -task.seconds, self.turn[number])

    def consider(self, number: int) -> None:
        heapq.heappush(self.ready[self.tasks[number].moves], (self.key(number), number))

    def begin_what_can(self) -> int:
        begun = 0
        others, moves = self.ready
        while others or (moves and not self.slots.fleet_full):
            heap = others or moves
            _, number = heapq.heappop(heap)
            task = self.tasks[number]
            if task.moves and self.slots.network_full(task.network):
                self.for_network.setdefault(task.network, []).append(number)
                continue
            full = self.slots.full_at(task.source, task.target, task.moves)
            if full is not None:
                self.for_host.setdefault(full, []).append(number)
                continue
            short = self.short_of(number, task)
            if short is not None:
                self.for_room.setdefault(short, []).append(number)
                continue
            self.begin(number, task)
            begun += 1
        return begun

    def short_of(self, number: int, task: Task) -> int | None:
        """The account that has no room for it now, or would have none for something whose turn is earlier."""
        turn = self.turn[number]
        for account, amount in task.takes:
            if self.free[account] < amount:
                return account
            left = self.promised[account] - amount
            if left < 0:
                return account
            for other, change in self.coming[account]:
                if other >= turn:
                    break
                left += change
                if left < 0 and change < 0:
                    return account
        return None

    def begin(self, number: int, task: Task) -> None:
        turn = self.turn[number]
        for account, amount in task.takes:
            self.free[account] -= amount
            self.promised[account] -= amount
            self.coming[account].remove((turn, -amount))
        for account, amount in task.frees:
            self.promised[account] += amount
            self.coming[account].remove((turn, amount))
        self.slots.take_at(task.source, task.target, task.moves, task.network)
        self.work_s[task.source] -= task.seconds
        self.work_s[task.target] -= task.seconds
        self.starts[number] = self.now_s
        heapq.heappush(self.running, (self.now_s + task.seconds, number))
        for account, _ in task.frees:  # what waits for its turn only may have it now
            self.wake(self.for_room.pop(account, ()))

    def end_what_ends_next(self) -> None:
        self.now_s = self.running[0][0]
        woken: list[int] = []
        while self.running and self.running[0][0] <= self.now_s:
            _, number = heapq.heappop(self.running)
            task = self.tasks[number]
            self.slots.give_at(task.source, task.target, task.moves, task.network)
            for account, amount in task.frees:
                self.free[account] += amount
                woken += self.for_room.pop(account, ())
            woken += self.for_network.pop(task.network, ())
            for host in (task.source, task.target):
                woken += self.for_host.pop(host, ())
            if task.then >= 0:
                woken.append(task.then)
        self.wake(woken)

    def wake(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self.consider(number)


def _rests(problem: Problem, order: Sequence[int]) -> list[float]:
    """How long it takes from the start of each task to the end of all that waits for it, by the order's own turns."""
    waiting: list[list[int]] = [[] for _ in problem.tasks]
    pools = [max(0, amount) for amount in problem.free]
    debts = [max(0, -amount) for amount in problem.free]
    freed: dict[int, deque[tuple[int, int]]] = {}
    for number in order:
        task = problem.tasks[number]
        for account, amount in task.takes:
            from_pool = min(pools[account], amount)
            pools[account] -= from_pool
            amount -= from_pool
            given = freed.get(account, deque())
            while amount > 0 and given:
                giver, there = given[0]
                waiting[giver].append(number)
                if there > amount:
                    given[0] = (giver, there - amount)
                else:
                    given.popleft()
                amount -= there
        for account, amount in task.frees:
            paid = min(debts[account], amount)
            debts[account] -= paid
            if amount > paid:
                freed.setdefault(account, deque()).append((number, amount - paid))
        if task.then >= 0:
            waiting[number].append(task.then)
    rests = [0.0] * len(problem.tasks)
    for number in reversed(order):
        rests[number] = problem.tasks[number].seconds + max((rests[other] for other in waiting[number]), default=0.0)
    return rests
