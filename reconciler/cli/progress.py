"""What a pass is doing, as lines: what begins, what it waits for, how it ended. And those lines on stderr, when piped.

Called by `apply` after each event of a pass. Reads the pass's state, never changes it; cli/live draws the same on a
terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from reconciler.cli.terminal import say
from reconciler.core.commands import Verb
from reconciler.core.execution.run import Progress, StepState
from reconciler.core.planning.plan import Step
from reconciler.loop.moving import DOING
from reconciler.loop.state import Phase, State
from reconciler.render import words
from reconciler.render.comparison import way
from reconciler.render.escape import terminal

ENDED = {StepState.DONE: "good", StepState.FAILED: "bad", StepState.UNKNOWN: "bad", StepState.SKIPPED: "warn"}
"""How a step can end -> the style in which that is shown."""

ROUTINE = frozenset({DOING[Verb.RENEW]})
"""What goes on all the time, and tells nobody anything."""


@dataclass(frozen=True)
class Line:
    """One thing that happened. `step` is None for what concerns the pass as a whole."""

    at_s: float
    text: str
    step: Step | None = None
    style: str = ""

    def __str__(self) -> str:
        """`12:03:11 web01  offline vmhost-a → vmhost-b  web01 is shutting down`, by the fleet's clock in local time."""
        clock = datetime.fromtimestamp(self.at_s, UTC).astimezone().strftime("%H:%M:%S")
        about = "" if self.step is None else f"{terminal(self.step.guest)}  {terminal(way(self.step))}  "
        return f"{clock} {about}{terminal(self.text)}"


@dataclass
class Chronicle:
    """Tells what is new since the last call. Remembers what it told, nothing else."""

    _phase: Phase | None = None
    _doing: dict[str, str] = field(default_factory=dict)
    _steps: dict[tuple[str, str], Progress] = field(default_factory=dict)
    _run_id: str = ""
    _done: int = 0
    _adopted: int = 0
    _stopping: bool = False

    def news(self, state: State) -> Iterator[Line]:
        """The lines to add for this state."""
        current = state.current
        if current is None:
            return
        yield from self._ends(state)
        yield from self._phases(state)
        for record_id in sorted(state.moves):
            text, _ = state.doing.get(record_id, ("", None))
            if text and text not in ROUTINE and self._doing.get(record_id) != text:
                self._doing[record_id] = text
                yield Line(state.now_s, text, state.steps.get(record_id))
        for run in current.adopted[self._adopted :]:
            self._adopted += 1
            if run.progress.outcome is not None:
                text = f"left by an earlier pass, ended: {run.progress.outcome.text}"
                yield Line(state.now_s, text, run.step, ENDED.get(run.progress.state, ""))
        if current.stopping and not self._stopping:
            self._stopping = True
            under_way = words.counted(len(state.moves), "step")
            text = f"interrupted: nothing new begins, waiting for {under_way} under way; once more leaves at once"
            yield Line(state.now_s, text if state.moves else "interrupted: nothing new begins", style="warn")

    def _phases(self, state: State) -> Iterator[Line]:
        current = state.current
        if current is None or current.phase is self._phase:
            return
        self._phase = current.phase
        if current.phase is Phase.LOOKING:
            yield Line(state.now_s, f"looking at {words.counted(len(current.desired.hosts), 'host')}", style="dim")
        elif current.phase is Phase.SETTLING:
            end = "bringing it to its end" if len(state.moves) == 1 else "bringing them to their end"
            text = f"{words.counted(len(state.moves), 'move')} of an earlier pass under way: {end}"
            yield Line(state.now_s, text)

    def _ends(self, state: State) -> Iterator[Line]:
        """Steps that ended, or that will be tried again."""
        current = state.current
        if current is None:
            return
        if current.run is not None:
            self._run_id = current.run.id
        found = [((self._run_id, run.step.id), run.step, run.progress) for run in current.done[self._done :]]
        self._done = len(current.done)
        if current.run is not None:
            steps = current.run.plan.steps
            found += [((self._run_id, step.id), step, current.run.progress[step.id]) for step in steps]
        for key, step, progress in found:
            before = self._steps.get(key)
            if before == progress:
                continue
            self._steps[key] = progress
            text = ended(progress, state.now_s)
            if text and (before is None or before.state is not progress.state):
                yield Line(state.now_s, text, step, ENDED.get(progress.state, "warn"))


def ended(progress: Progress, now_s: float) -> str:
    """How a step ended, or why it waits for another attempt; empty where neither."""
    outcome = progress.outcome
    if progress.state is StepState.SKIPPED:
        return "not begun"
    if outcome is None or progress.state is StepState.STARTED:
        return ""
    if progress.state is StepState.WAITING:
        pause_s = max(0, round(progress.not_before_s - now_s))
        return f"{outcome.text}; attempt {progress.attempt} in {pause_s} s"
    return f"{progress.state}: {outcome.text}"


class Watcher(Protocol):
    """Shows a pass while it goes on."""

    def __call__(self, state: State) -> None:
        """Something happened."""
        ...

    def say(self, text: str) -> None:
        """A line that is not about the pass."""
        ...

    def quiet(self) -> AbstractContextManager[None]:
        """Keep off the screen within this."""
        ...

    def close(self) -> None:
        """The pass is over."""
        ...


class PlainWatcher:
    """One line for each thing that happens: for pipes, logs and CI."""

    def __init__(self) -> None:
        self._chronicle = Chronicle()

    def __call__(self, state: State) -> None:
        """Print what is new."""
        for line in self._chronicle.news(state):
            say(str(line), style=line.style)

    def say(self, text: str) -> None:
        """Print it."""
        say(text)

    def quiet(self) -> AbstractContextManager[None]:
        """Nothing is drawn, so nothing needs to be hidden."""
        return nullcontext()

    def close(self) -> None:
        """Nothing to tidy up."""


def watcher() -> Watcher:
    """The one that suits stderr: a drawing on a terminal, lines elsewhere."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from reconciler.cli.live import LiveWatcher

        return LiveWatcher()
    return PlainWatcher()


def measure(doing: str) -> AbstractContextManager[Callable[[int, int, str], None]]:
    """How far work has come that is no pass: a bar on a terminal, nothing elsewhere. It is told of each part:
    parts done, parts in all, and what was done."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from reconciler.cli.live import measured

        return measured(doing)
    return nullcontext(lambda done, total, part: None)
