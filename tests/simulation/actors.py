"""Controllers in virtual time: carry out the effects of `advance` on a simulated world, and die when told to."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.core.commands import Answer, AnswerKind, Command
from reconciler.core.desired import DesiredFleet
from reconciler.core.execution.evidence import Evidence
from reconciler.core.execution.move import Timing
from reconciler.core.observed import Look, startable
from reconciler.core.planning.stillness import Settled, settled_after
from reconciler.core.reports.report import Report
from reconciler.drivers.hpvm.rulebook.book import RULEBOOK
from reconciler.drivers.simulated.commands import command
from reconciler.drivers.simulated.world import World
from reconciler.loop.advance import advance
from reconciler.loop.effects import (
    Answered,
    Begin,
    DesiredChanged,
    Effect,
    Event,
    Forget,
    LookAt,
    Looked,
    Publish,
    Remember,
    Send,
    Wake,
    Woke,
)
from reconciler.loop.state import Config, State

TIMING = Timing(
    record_ttl_s=120,
    poll_s=20,
    unreachable_patience_s=400,
    job_patience_s=1800,
    start_patience_s=300,
    late_stop_s=1800,
    wait_for_person_s=2400,
)
ANSWER_TIMEOUT_S = 30.0


@dataclass
class Timeline:
    """What happens when, in one order: the same calls give the same history."""

    world: World
    events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    count: int = 0

    @property
    def now_s(self) -> float:
        return self.world.now_s

    def after(self, delay_s: float, what: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.events, (self.now_s + delay_s, self.count, what))

    def step(self, until_s: float) -> bool:
        """Let the next thing happen, or time run on to `until_s`; False when there was nothing before that."""
        if not self.events or self.events[0][0] > until_s:
            self.world.advance_to(until_s)
            return False
        at_s, _, what = heapq.heappop(self.events)
        self.world.advance_to(max(at_s, self.now_s))
        what()
        return True


class Watcher:
    """What the history wants to know of each controller; does nothing by itself."""

    def looked(self, actor: Actor, host: str, look: Look, at_s: float) -> None: ...

    def decided(self, actor: Actor, sent: Command) -> None: ...

    def before(self, actor: Actor, sent: Command) -> None: ...

    def after(self, actor: Actor, sent: Command, answer: Answer) -> None: ...

    def published(self, actor: Actor, report: Report) -> None: ...


@dataclass
class Actor:
    """One controller: a life of it. `kill` ends the life; `revive` begins another, with or without its state folder."""

    name: str
    timeline: Timeline
    chance: random.Random
    watcher: Watcher
    desired: Callable[[], DesiredFleet]
    state: State | None = None
    life: int = 0
    alive: bool = True
    passes: int = 0
    evidence: Evidence = field(default_factory=dict)
    last: Report | None = None
    remembers: bool = False
    """Whether it keeps what tells drift from a change that a commit asks for."""
    settled: Mapping[str, Settled] = field(default_factory=dict)
    began: Begin | None = None

    def __post_init__(self) -> None:
        self.state = State(self._config(self.name))

    def _config(self, controller: str) -> Config:
        return Config(controller, {"integrity-vm": RULEBOOK}, command, timing=TIMING)

    @property
    def controller(self) -> str:
        assert self.state is not None
        return self.state.config.controller

    @property
    def busy(self) -> bool:
        """Whether a pass of its is under way."""
        return self.alive and self.state is not None and not self.state.idle

    def begin(self) -> None:
        """Begin a pass, unless one is under way."""
        if not self.alive or self.busy:
            return
        self.passes += 1
        pass_id, startable_before = f"{self.name}{self.life}p{self.passes}", self._reported()
        self.began = Begin(pass_id, self.desired(), previous_startable=startable_before, settled=self.settled)
        self.take(self.began)

    def _reported(self) -> dict[str, tuple[str, ...]]:
        """What the status branch would say: it outlives every controller."""
        return {} if self.last is None else {name: startable(look) for name, look in self.last.observed.hosts.items()}

    def changed(self) -> None:
        """A newer commit is there."""
        if self.busy:
            self.take(DesiredChanged(self.desired()))

    def kill(self) -> None:
        """kill -9: whatever was sent is sent, nothing comes back."""
        self.alive = False
        self.life += 1

    def revive(self, *, keep_state: bool) -> None:
        """A new life. Without its state folder it has another name and no evidence."""
        self.alive = True
        name = self.controller if keep_state else f"{self.name}-{self.life}"
        if not keep_state:
            self.evidence, self.settled = {}, {}
        self.state = State(self._config(name), evidence=self.evidence)

    def take(self, event: Event) -> None:
        """Feed `advance`, and set out to do what it asks for."""
        assert self.state is not None
        self.state, effects = advance(self.state, event, self.timeline.now_s)
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        life = self.life
        there_s = self.chance.uniform(0.05, 1.0)
        match effect:
            case LookAt(effect_id, host):
                self.timeline.after(there_s, lambda: self._look(life, effect_id, host))
            case Send(effect_id, sent):
                self.watcher.decided(self, sent)
                self.timeline.after(there_s, lambda: self._send(life, effect_id, sent))
            case Wake(effect_id, at_s):
                delay_s = max(0.0, at_s - self.timeline.now_s)
                self.timeline.after(delay_s, lambda: self._hear(life, Woke(effect_id)))
            case Remember(evidence):
                self.evidence = evidence
            case Forget(uuids):
                self.settled = {uuid: entry for uuid, entry in self.settled.items() if uuid not in uuids}
            case Publish(report, desired):
                if self.remembers and self.began is not None:
                    begun = [run.step for run in (*report.adopted, *report.steps) if run.progress.started_s is not None]
                    before = self.began.settled
                    self.settled = settled_after(desired, report.difference, before, begun, report.ended_s)
                self.last = report
                self.watcher.published(self, report)

    def _look(self, life: int, effect_id: int, host: str) -> None:
        look, at_s = self.timeline.world.look(host), self.timeline.now_s

        def back() -> None:
            if self.alive and life == self.life:
                self.watcher.looked(self, host, look, at_s)
                self.take(Looked(effect_id, look))

        self.timeline.after(self.chance.uniform(0.05, 1.0), back)

    def _send(self, life: int, effect_id: int, sent: Command) -> None:
        self.watcher.before(self, sent)
        answer = self.timeline.world.execute(sent)
        self.watcher.after(self, sent, answer)
        self._back(life, Answered(effect_id, answer), lost=answer.kind is AnswerKind.LOST)

    def _back(self, life: int, event: Event, *, lost: bool = False) -> None:
        delay_s = ANSWER_TIMEOUT_S if lost else self.chance.uniform(0.05, 1.0)
        self.timeline.after(delay_s, lambda: self._hear(life, event))

    def _hear(self, life: int, event: Event) -> None:
        if self.alive and life == self.life:
            self.take(event)
