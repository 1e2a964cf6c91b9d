"""The steps of a plan and how far each has come. Fed by loop/; sends nothing, looks at nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from reconciler.core.desired import Limits, Network
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.model import StepKind
from reconciler.core.planning.plan import Plan, Step
from reconciler.errors import InvariantBroken


class Busy(NamedTuple):
    """Something under way."""

    source: str
    target: str
    kind: StepKind
    network: str | None = ""
    """The migration network it goes over. None: nobody knows, it counts on all."""


class StepState(StrEnum):
    """How far a step has come."""

    WAITING = "waiting"
    """For another step, for a slot, or for its next attempt."""
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    """Ended without reaching its goal; the outcome says how."""
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    """Not begun: a step it depends on did not get done, or the run was stopped."""


TRANSITIONS: Mapping[StepState, frozenset[StepState]] = {
    StepState.WAITING: frozenset({StepState.STARTED, StepState.SKIPPED}),
    StepState.STARTED: frozenset({StepState.WAITING, StepState.DONE, StepState.FAILED, StepState.UNKNOWN}),
    StepState.DONE: frozenset(),
    StepState.FAILED: frozenset(),
    StepState.UNKNOWN: frozenset(),
    StepState.SKIPPED: frozenset(),
}
"""A started step goes back to waiting when it was aborted harmlessly and may be tried again."""


@dataclass(frozen=True)
class Progress:
    """One step's state. `not_before_s` holds for its next attempt; `attempt` counts from 1."""

    state: StepState = StepState.WAITING
    attempt: int = 1
    not_before_s: float = 0.0
    started_s: float | None = None
    ended_s: float | None = None
    outcome: Outcome | None = None
    """How it ended, or how its last attempt did."""


def _busy(step: Step) -> Busy:
    return Busy(step.source, step.target, step.kind, step.network)


def state_after(outcome: Outcome) -> StepState:
    """The state of a step that ended like this for good."""
    states = {OutcomeKind.DONE: StepState.DONE, OutcomeKind.UNKNOWN: StepState.UNKNOWN}
    return states.get(outcome.kind, StepState.FAILED)


@dataclass(frozen=True)
class Run:
    """A plan being carried out. Immutable: each change returns the next run."""

    id: str
    plan: Plan
    limits: Limits
    progress: Mapping[str, Progress] = field(default_factory=dict)
    networks: tuple[Network, ...] = ()

    @staticmethod
    def of(run_id: str, plan: Plan, limits: Limits, networks: tuple[Network, ...] = ()) -> Run:
        """A run of which nothing has begun."""
        return Run(run_id, plan, limits, {step.id: Progress(attempt=step.attempt) for step in plan.steps}, networks)

    def ready(self, now_s: float, foreign: Iterable[Busy] = ()) -> tuple[Step, ...]:
        """The steps that may begin now, in plan order: dependencies done, pause over, slots free.
        `foreign` is what is under way and not part of this run."""
        busy = [_busy(step) for step in self.started]
        busy += foreign
        ready: list[Step] = []
        for step in self.plan.steps:
            progress = self.progress[step.id]
            if progress.state is not StepState.WAITING or progress.not_before_s > now_s:
                continue
            if all(self.progress[other].state is StepState.DONE for other in step.after) and self._slot(step, busy):
                ready.append(step)
                busy.append(_busy(step))
        return tuple(ready)

    def _slot(self, step: Step, busy: list[Busy]) -> bool:
        """Whether the limits leave room for this step beside those that are under way."""
        moves = [(entry.source, entry.target) for entry in busy if entry.kind is StepKind.MIGRATE]
        if step.kind is not StepKind.MIGRATE:
            arriving = any(target == step.target for _, target in moves)
            return not arriving and all(step.source not in (entry.source, entry.target) for entry in busy)
        starting = any(entry.kind is StepKind.START and entry.source == step.target for entry in busy)
        return (
            not starting
            and len(moves) < self.limits.concurrent
            and self._network_free(step, busy)
            and sum(source == step.source for source, _ in moves) < self.limits.concurrent_out
            and sum(target == step.target for _, target in moves) < self.limits.concurrent_in
            and all(
                sum(host in (entry.source, entry.target) for entry in busy) < self.limits.concurrent_host
                for host in step.hosts
            )
        )

    def _network_free(self, step: Step, busy: list[Busy]) -> bool:
        """Whether the migration network it goes over has a slot; the one without a name has no limit of its own."""
        there = [entry for entry in busy if entry.kind is StepKind.MIGRATE and entry.network in (step.network, None)]
        return all(len(there) < network.concurrent for network in self.networks if network.name == step.network)

    @property
    def started(self) -> tuple[Step, ...]:
        """The steps under way."""
        return tuple(step for step in self.plan.steps if self.progress[step.id].state is StepState.STARTED)

    def next_attempt_s(self) -> float | None:
        """When the first step that pauses may go on, where one does and nothing else holds it."""
        pauses = [
            self.progress[step.id].not_before_s
            for step in self.plan.steps
            if self.progress[step.id].state is StepState.WAITING
            and self.progress[step.id].not_before_s > 0
            and all(self.progress[other].state is StepState.DONE for other in step.after)
        ]
        return min(pauses) if pauses else None

    @property
    def ended(self) -> bool:
        """Whether every step has come to its end."""
        return all(progress.state not in (StepState.WAITING, StepState.STARTED) for progress in self.progress.values())

    def begin(self, step_id: str, now_s: float) -> Run:
        """The step is under way."""
        first = self.progress[step_id].started_s
        return self._to(step_id, StepState.STARTED, started_s=now_s if first is None else first)

    def advance(self, step_id: str, outcome: Outcome, now_s: float, *, retry_at_s: float | None = None) -> Run:
        """The step's attempt ended. With `retry_at_s` it waits for the next one; else what depends on it is skipped."""
        if retry_at_s is not None:
            attempt = self.progress[step_id].attempt + 1
            return self._to(step_id, StepState.WAITING, outcome=outcome, not_before_s=retry_at_s, attempt=attempt)
        state = state_after(outcome)
        after = self._to(step_id, state, outcome=outcome, ended_s=now_s)
        return after if state is StepState.DONE else after._skip_dependents(step_id)

    def skip(self, step_id: str, outcome: Outcome, now_s: float) -> Run:
        """The step cannot begin any more, and what depends on it cannot either."""
        return self._to(step_id, StepState.SKIPPED, outcome=outcome, ended_s=now_s)._skip_dependents(step_id)

    def stop(self) -> Run:
        """Begin nothing more: what waits is skipped, what is under way goes on."""
        run = self
        for step in self.plan.steps:
            if run.progress[step.id].state is StepState.WAITING:
                run = run._to(step.id, StepState.SKIPPED)
        return run

    def _skip_dependents(self, step_id: str) -> Run:
        run = self
        for step in self.plan.steps:
            if step_id in step.after and run.progress[step.id].state is StepState.WAITING:
                run = run._to(step.id, StepState.SKIPPED)._skip_dependents(step.id)
        return run

    def _to(self, step_id: str, state: StepState, **changes: object) -> Run:
        before = self.progress[step_id]
        if state not in TRANSITIONS[before.state]:
            raise InvariantBroken("run", f"step {step_id} cannot go from {before.state} to {state}")
        after = replace(before, state=state, **changes)  # type: ignore[arg-type]  # fields of Progress by name
        return replace(self, progress={**self.progress, step_id: after})
