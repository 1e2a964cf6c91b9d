"""Tell what a pass changes, as it goes on and once it has ended. Remembers what was told: nothing is told twice.

Called by the daemon, on its thread. What is new, and how bad that is, is decided in core/reports/changes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.core.execution.run import Progress
from reconciler.core.planning.plan import Step
from reconciler.core.reports.changes import changes, plan_made, steps_moved_on
from reconciler.core.reports.events import Event
from reconciler.core.reports.report import Report, StepRun
from reconciler.loop.state import State


@dataclass
class Telling:
    """What one daemon has told."""

    tell: Callable[[Event], None]
    _report: Report | None = None
    """Of the pass before."""
    _pass_id: str = ""
    _plans: int = 0
    """How many plans of the pass were told."""
    _done: int = 0
    """How many steps of its earlier rounds."""
    _seen: Mapping[str, Progress] = field(default_factory=dict)
    """How far the steps of the round under way had come."""

    def watch(self, state: State) -> None:
        """After every event of a pass: its plans, and its steps as they begin, pause and end."""
        current = state.current
        if current is None:
            return
        fleet = current.desired.fleet.name
        self._begin(current.begin.pass_id)
        self._rounds_ended(current.done, fleet)
        for plan in current.plans[self._plans :]:
            if not plan.empty or plan.brakes:
                self._all([plan_made(plan, self._pass_id, state.now_s)])
        self._plans = len(current.plans)
        if current.run is not None and current.run.progress is not self._seen:
            progress = current.run.progress
            self._steps([(step, progress[step.id]) for step in current.run.plan.steps], fleet)
            self._seen = progress

    def ended(self, report: Report) -> None:
        """After a pass: its last steps, then the hosts, brakes and guests that are not as after the one before."""
        self._begin(report.id)
        self._rounds_ended(report.steps, report.fleet)
        self._all(changes(self._report, report))
        self._report = report

    def _begin(self, pass_id: str) -> None:
        if pass_id != self._pass_id:
            self._pass_id, self._plans, self._done, self._seen = pass_id, 0, 0, {}

    def _rounds_ended(self, done: tuple[StepRun, ...], fleet: str) -> None:
        """A round ends in the very event that ends its last step: how that one went stands among what is done."""
        if len(done) > self._done:
            self._steps([(run.step, run.progress) for run in done[self._done :]], fleet)
            self._done, self._seen = len(done), {}

    def _steps(self, steps: Iterable[tuple[Step, Progress]], fleet: str) -> None:
        self._all(steps_moved_on(self._seen, steps, fleet, self._pass_id, 0.0))

    def _all(self, events: Iterable[Event]) -> None:
        for event in events:
            self.tell(replace(event, at_s=time.time()))  # a simulated fleet has a clock of its own, a log has not
