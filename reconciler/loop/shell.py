"""Carry effects out: the one place with threads, timers and a real clock. Decides nothing.

`advance` is called on one thread only; looks and commands run on a bounded pool, and each host is used by one of
them at a time. A journal that cannot be written is told to `advance` before any later command is sent.
"""

from __future__ import annotations

import heapq
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.core.commands import Answer, AnswerKind, Command, Guard, Verb
from reconciler.core.desired import DesiredFleet, Host
from reconciler.core.observed import Unreachable
from reconciler.core.planning.plan import Plan
from reconciler.core.records import MoveRecord
from reconciler.core.reports.report import Report
from reconciler.drivers.protocol import Driver
from reconciler.errors import StateFolderError
from reconciler.loop.advance import advance
from reconciler.loop.deciding import left
from reconciler.loop.effects import (
    Answered,
    Ask,
    Begin,
    Decided,
    Effect,
    Event,
    Forget,
    Interrupted,
    JournalFailed,
    LookAt,
    Looked,
    Note,
    Publish,
    Remember,
    Send,
    Wake,
    Woke,
)
from reconciler.loop.journal import StateFolder
from reconciler.loop.state import State

CONNECTIONS_MAX = 32
"""Looks and commands under way at once."""


class Clock(Protocol):
    """The time the fleet lives in. A simulated fleet's may run faster than ours."""

    def now_s(self) -> float:
        """Seconds since the epoch."""
        ...

    def wall_s(self, seconds: float) -> float:
        """How long so many of this clock's seconds take on ours."""
        ...


class Left(Exception):
    """A second interrupt: what is under way was left to the next pass. Its records stay on the hosts. `report` is what
    the pass had done by then; None where it had begun nothing."""

    def __init__(self, report: Report | None) -> None:
        super().__init__("left in the middle")
        self.report = report


@dataclass
class Shell:
    """Runs one pass after another. `ask` shows a plan and returns yes or no; `watch` is called after every event."""

    state: State
    drivers: Mapping[str, Driver]
    """Driver name -> driver."""
    hosts: Mapping[str, Host]
    clock: Clock
    folder: StateFolder
    ask: Callable[[Plan], bool]
    watch: Callable[[State], None] = lambda state: None
    desired: DesiredFleet | None = None
    """What the last pass compared the hosts with."""
    trouble: StateFolderError | None = None
    """Why the journal could not be written during the pass, where it could not."""
    _events: queue.SimpleQueue[Event | None] = field(default_factory=queue.SimpleQueue)
    _wakes: list[tuple[float, int]] = field(default_factory=list)
    _report: Report | None = None
    _interrupts: int = 0
    _locks: dict[str, threading.Lock] = field(default_factory=dict)

    def run_pass(self, begin: Begin) -> Report:
        """One pass, from the first look to the report.

        Raises Left after a second interrupt; InvariantBroken when a promise would break.
        """
        self._forget()
        pool = ThreadPoolExecutor(CONNECTIONS_MAX, thread_name_prefix="host")
        try:
            self._take(begin, pool)
            while self._report is None:
                event = self._next_event()
                if self._interrupts > 1:
                    raise Left(left(self.state, self.clock.now_s()))
                if event is not None:
                    self._take(event, pool)
                self.watch(self.state)
            return self._report
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _forget(self) -> None:
        """What the pass before left."""
        self._report, self.trouble = None, None
        self._wakes.clear()

    def make_command(self, verb: Verb, host: str, record: MoveRecord, guard: Guard | None) -> Command:
        """The one way a command is made, for the hosts of the newest commit too."""
        return self.drivers[self.hosts[host].driver].command(verb, host, record, guard)

    def interrupt(self) -> None:
        """Ctrl-C, or SIGTERM: the first begins nothing more, the second leaves at once. Safe in a signal handler."""
        self._interrupts += 1
        self._events.put(Interrupted() if self._interrupts == 1 else None)

    def nudge(self) -> None:
        """Have `watch` called, though nothing has happened to the pass itself. Safe in a signal handler."""
        self._events.put(None)

    def tell(self, event: Event) -> None:
        """Tell the pass under way something from outside, such as a newer commit."""
        self._events.put(event)

    def _next_event(self) -> Event | None:
        """The next event: an answer, or the first wake that is due."""
        while True:
            timeout = None
            if self._wakes:
                at_s, effect_id = self._wakes[0]
                timeout = self.clock.wall_s(at_s - self.clock.now_s())
                if timeout <= 0:
                    heapq.heappop(self._wakes)
                    return Woke(effect_id)
            try:
                return self._events.get(timeout=timeout)
            except queue.Empty:
                continue

    def _take(self, event: Event, pool: ThreadPoolExecutor) -> None:
        self.state, effects = advance(self.state, event, self.clock.now_s())
        for number, effect in enumerate(effects):
            try:
                self._carry_out(effect, pool)
            except StateFolderError as error:
                self.trouble = self.trouble or error
                self._events.put(JournalFailed(error.what))
                self._without_sending(effects[number + 1 :], pool)
                return

    def _without_sending(self, effects: tuple[Effect, ...], pool: ThreadPoolExecutor) -> None:
        """What is left of the effects after the journal failed: looks and the report, no command."""
        for effect in effects:
            if isinstance(effect, LookAt | Wake | Publish):
                self._carry_out(effect, pool)

    def _carry_out(self, effect: Effect, pool: ThreadPoolExecutor) -> None:
        match effect:
            case LookAt(effect_id, host):
                pool.submit(self._look, effect_id, host)
            case Send(effect_id, command):
                pool.submit(self._send, effect_id, command)
            case Wake(effect_id, at_s):
                heapq.heappush(self._wakes, (at_s, effect_id))
            case Note(entry):
                self.folder.note(entry)
            case Ask(plan):
                self._events.put(Decided(self.ask(plan)))
            case Remember(evidence):
                self.folder.remember(evidence)
            case Forget(uuids):
                self.folder.unsettle(uuids)
            case Publish(report, desired):
                self._report, self.desired = report, desired

    def _lock(self, host: str) -> threading.Lock:
        return self._locks.setdefault(host, threading.Lock())

    def _look(self, effect_id: int, host: str) -> None:
        try:
            document = self.hosts[host]
            with self._lock(host):
                look = self.drivers[document.driver].look(document)
        except Exception as error:  # noqa: BLE001 - a driver's bug is no empty host, and must not end the pass mutely
            look = Unreachable(host, f"the driver failed: {error!r}")
        self._events.put(Looked(effect_id, look))

    def _send(self, effect_id: int, command: Command) -> None:
        try:
            document = self.hosts[command.host]
            with self._lock(command.host):
                answer = self.drivers[document.driver].send(document, command)
        except Exception as error:  # noqa: BLE001 - nothing is known of the command then: look, as always
            answer = Answer(AnswerKind.LOST, None, f"the driver failed: {error!r}")
        self._events.put(Answered(effect_id, answer))
