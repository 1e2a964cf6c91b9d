"""A pass on a terminal: a bar for each step under way, what ended above them, how far the whole has come in the first
bar. And one bar for what takes long and is no pass.

Made by `apply` and `check` where stderr is a terminal, and by `status --watch` where stdout is; the only module that
imports rich. Shows what cli/progress or the command tells, and no more.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from reconciler.cli.progress import Chronicle
from reconciler.cli.terminal import coloured
from reconciler.core.execution.run import StepState
from reconciler.loop.state import Phase, State
from reconciler.render.comparison import way
from reconciler.render.escape import terminal
from reconciler.render.words import counted

MEASURE_AFTER_S = 1.0
"""What is over sooner needs no bar."""
RICH_STYLES = {"good": "green", "warn": "yellow", "bad": "red", "dim": "dim", "strong": "bold"}
ALMOST = 0.97
"""A step that takes longer than predicted shows this much: only its end is its end."""


class LiveWatcher:
    """Draws on stderr until closed."""

    def __init__(self) -> None:
        self._chronicle = Chronicle()
        self._console = Console(stderr=True, highlight=False, markup=False, no_color=not coloured(sys.stderr))
        columns = (
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.fields[way]}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[doing]}", markup=False),
        )
        self._progress = Progress(*columns, console=self._console, transient=True)
        self._bars: dict[str, TaskID] = {}
        self._whole = self._progress.add_task("", total=None, way="", doing="")
        self._drawn = False

    def __call__(self, state: State) -> None:
        """Draw this state."""
        if not self._drawn:
            self._progress.start()
            self._drawn = True
        for line in self._chronicle.news(state):
            if line.style != "dim" and (line.step is None or line.style):
                self._console.print(Text(str(line), style=RICH_STYLES.get(line.style, "")))
        for record_id in [known for known in self._bars if known not in state.moves]:
            self._progress.remove_task(self._bars.pop(record_id))
        for record_id in sorted(state.moves):
            self._bar(state, record_id)
        self._sum(state)

    def _bar(self, state: State, record_id: str) -> None:
        step = state.steps[record_id]
        if record_id not in self._bars:
            name = terminal(step.guest)
            self._bars[record_id] = self._progress.add_task(name, total=1.0, way=terminal(way(step)), doing="")
        text, percent = state.doing.get(record_id, ("", None))
        doing = terminal(text) if percent is None else f"{terminal(text)} {percent} %"
        self._progress.update(self._bars[record_id], completed=self._share(state, record_id), doing=doing)

    def _share(self, state: State, record_id: str) -> float:
        """How much of the time that was predicted for the step is over."""
        current, step = state.current, state.steps[record_id]
        progress = current.run.progress.get(step.id) if current is not None and current.run is not None else None
        if progress is None or progress.started_s is None or step.duration_s <= 0:
            return 0.0
        return min(ALMOST, (state.now_s - progress.started_s) / step.duration_s)

    def _sum(self, state: State) -> None:
        """The first bar: the pass as a whole."""
        current = state.current
        run = current.run if current is not None else None
        if run is not None and run.plan.steps:
            over = sum(entry.state not in (StepState.WAITING, StepState.STARTED) for entry in run.progress.values())
            text = f"{over} of {counted(len(run.plan.steps), 'step')}"
            self._progress.update(self._whole, total=len(run.plan.steps), completed=over, doing=text)
        elif current is not None and current.phase is Phase.LOOKING:
            looked = sum(host in state.seen for host in current.desired.hosts)
            text = f"looking at {counted(len(current.desired.hosts), 'host')}"
            self._progress.update(self._whole, total=len(current.desired.hosts), completed=looked, doing=text)

    def say(self, text: str) -> None:
        """A line above the bars."""
        self._console.print(Text(terminal(text)))

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Take the bars away, and bring them back."""
        self._progress.stop()
        try:
            yield
        finally:
            self._drawn = False

    def close(self) -> None:
        """Leave the screen as it was, with the lines that were said."""
        self._progress.stop()


class Screen:
    """A text on stdout that is drawn anew in its place: as much of it as the terminal has lines."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, no_color=not coloured(sys.stdout))
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="ellipsis")

    def show(self, text: str) -> None:
        """Draw this text; colours are those of painter()."""
        if not self._live.is_started:
            self._live.start()
        self._live.update(Text.from_ansi(text), refresh=True)

    def close(self) -> None:
        """Leave the last text where it is."""
        self._live.stop()


@contextmanager
def measured(doing: str) -> Iterator[Callable[[int, int, str], None]]:
    """A bar on stderr for work that takes more than a second, gone when it ends. Gives what is to be told of each part:
    parts done, parts in all, and what was done."""
    console = Console(stderr=True, highlight=False, markup=False, no_color=not coloured(sys.stderr))
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[part]}", markup=False),
    )
    progress = Progress(*columns, console=console, transient=True)
    bar = progress.add_task(terminal(doing), total=None, part="")
    timer = threading.Timer(MEASURE_AFTER_S, progress.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda done, total, part: progress.update(bar, completed=done, total=total, part=terminal(part))
    finally:
        timer.cancel()
        timer.join()
        progress.stop()
