"""The shortest timetable of a few tasks: all orders are tried, but for those that cannot be short enough.

Called by improving. List scheduling never lets a host wait where something could begin, and so misses timetables in
which waiting pays. Here each task begins as early as those before it in the order let it, and every order has its turn.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.core.planning.order.times.timetable import Problem, Starts, Task

TASKS_MAX = 12
"""With more tasks than this, nothing is tried."""
NODES_MAX = 6_000
"""So many beginnings of orders are looked at."""


def shortest(problem: Problem, starts: Starts, best_s: float, bound_s: float) -> tuple[Starts, int]:
    """The shortest timetable found, or the one given, and how many beginnings of orders were looked at."""
    if not 1 < len(problem.tasks) <= TASKS_MAX or problem.records:
        return starts, 0
    search = _Search(problem, starts, best_s, bound_s)
    search.go_on(_Prefix.of(problem))
    return search.best, search.nodes


@dataclass
class _Prefix:
    """The beginning of an order, with the start of each of its tasks and what that leaves."""

    starts: dict[int, float]
    ends: dict[int, float]
    sends: list[tuple[float, ...]]
    receives: list[tuple[float, ...]]
    touches: list[tuple[float, ...]]
    """Host -> when each of its slots is free again."""
    fleet: tuple[float, ...]
    networks: dict[str, tuple[float, ...]]
    free: list[int]
    """Account -> what is left once all of these tasks are over."""
    changes: dict[int, list[tuple[float, int]]]
    """Account -> (moment, change) of these tasks."""

    @staticmethod
    def of(problem: Problem) -> _Prefix:
        """Nothing has begun."""
        count, limits = range(len(problem.hosts)), problem.fleet.limits
        most = len(problem.tasks)

        def slots(number: int) -> tuple[float, ...]:
            return (0.0,) * max(1, min(number, most))

        return _Prefix(
            starts={},
            ends={},
            sends=[slots(limits.concurrent_out) for _ in count],
            receives=[slots(limits.concurrent_in) for _ in count],
            touches=[slots(limits.concurrent_host) for _ in count],
            fleet=slots(limits.concurrent),
            networks={network.name: slots(network.concurrent) for network in problem.fleet.networks},
            free=list(problem.free),
            changes={},
        )

    def start_s(self, task: Task, problem: Problem) -> float | None:
        """When the task could begin after these; None where it has to wait for one that is not among them."""
        since_s = 0.0
        if task.before >= 0:
            if task.before not in self.ends:
                return None
            since_s = self.ends[task.before]
        for account, amount in task.takes:
            if self.free[account] < amount:
                return None
            since_s = max(since_s, self._room_s(account, amount, problem.free[account]))
        if not task.moves:
            return max(since_s, *self.touches[task.source])
        lanes = [self.fleet[0], self.sends[task.source][0], self.receives[task.target][0]]
        lanes += [self.touches[task.source][0], self.touches[task.target][0]]
        if task.network in self.networks:
            lanes.append(self.networks[task.network][0])
        return max(since_s, *lanes)

    def _room_s(self, account: int, amount: int, first: int) -> float:
        """From when on there is always so much room."""
        left, since_s = first, 0.0
        for moment_s, change in sorted(self.changes.get(account, ())):
            if left < amount:
                since_s = moment_s
            left += change
        return since_s

    def then(self, number: int, task: Task, start_s: float) -> _Prefix:
        """The same with one task more."""
        end_s = start_s + task.seconds
        after = _Prefix(
            {**self.starts, number: start_s},
            {**self.ends, number: end_s},
            list(self.sends),
            list(self.receives),
            list(self.touches),
            self.fleet,
            self.networks,
            list(self.free),
            dict(self.changes),
        )
        for account, amount in task.takes:
            after.free[account] -= amount
            after.changes[account] = [*after.changes.get(account, ()), (start_s, -amount)]
        for account, amount in task.frees:
            after.free[account] += amount
            after.changes[account] = [*after.changes.get(account, ()), (end_s, amount)]
        if not task.moves:
            after.touches[task.source] = (end_s,) * len(self.touches[task.source])
            return after
        after.fleet = _taken(self.fleet, end_s)
        after.sends[task.source] = _taken(self.sends[task.source], end_s)
        after.receives[task.target] = _taken(self.receives[task.target], end_s)
        for host in (task.source, task.target):
            after.touches[host] = _taken(after.touches[host], end_s)
        if task.network in self.networks:
            after.networks = {**self.networks, task.network: _taken(self.networks[task.network], end_s)}
        return after


def _taken(slots: tuple[float, ...], end_s: float) -> tuple[float, ...]:
    """The slot that was free first is taken until then."""
    return tuple(sorted((*slots[1:], end_s)))


@dataclass
class _Search:
    problem: Problem
    best: Starts
    best_s: float
    bound_s: float
    nodes: int = 0
    rests_s: list[float] = field(default_factory=list)
    """How long each task takes with all that its guest does after it."""

    def __post_init__(self) -> None:
        tasks = self.problem.tasks
        self.rests_s = [0.0] * len(tasks)
        for number in reversed(range(len(tasks))):
            after = tasks[number].then
            self.rests_s[number] = tasks[number].seconds + (self.rests_s[after] if after >= 0 else 0.0)

    def go_on(self, prefix: _Prefix) -> None:
        """Try everything that may come next."""
        tasks = self.problem.tasks
        if len(prefix.starts) == len(tasks):
            makespan_s = max(prefix.ends.values())
            if makespan_s < self.best_s:
                self.best, self.best_s = [prefix.starts[number] for number in range(len(tasks))], makespan_s
            return
        choices = []
        for number, task in enumerate(tasks):
            if number not in prefix.starts:
                start_s = prefix.start_s(task, self.problem)
                if start_s is not None:
                    choices.append((start_s, -self.rests_s[number], number))
        for start_s, rest_s, number in sorted(choices):
            if self.nodes >= NODES_MAX or self.best_s <= self.bound_s:
                return
            if start_s - rest_s >= self.best_s or self._too_long(prefix):
                continue
            self.nodes += 1
            self.go_on(prefix.then(number, tasks[number], start_s))

    def _too_long(self, prefix: _Prefix) -> bool:
        """Whether some host has more to do than there is time for."""
        left_s: dict[int, float] = {}
        for number, task in enumerate(self.problem.tasks):
            if number not in prefix.starts:
                for host in {task.source, task.target}:
                    left_s[host] = left_s.get(host, 0.0) + task.seconds
        slots = prefix.touches
        return any((sum(slots[host]) + seconds) / len(slots[host]) >= self.best_s for host, seconds in left_s.items())
