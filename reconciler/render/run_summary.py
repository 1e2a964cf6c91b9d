"""A pass in a few lines: what was moved, what failed, how it ended. The rows of every history.

Made from a report, and read back from run records and from the index of the status branch. Never holds commands and
their output: those are in the run record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reconciler.core.commands import Verb
from reconciler.core.execution.run import StepState
from reconciler.core.model import Method, StepKind
from reconciler.core.planning.ways.learned import Sample, median_error_percent
from reconciler.core.reports.report import Report, Result, StepRun
from reconciler.render.paths import run_path
from reconciler.render.words import change, when

BEGUN = frozenset({StepState.STARTED, StepState.DONE, StepState.FAILED, StepState.UNKNOWN})
STOPS = frozenset({Verb.STOP.value, Verb.STOP_HARD.value})
BAD = frozenset({StepState.FAILED, StepState.UNKNOWN})
FAR_OFF_PERCENT = 50
"""A prediction that is further off than that was too short by more than half, or too long."""


@dataclass(frozen=True)
class MoveSummary:
    """One step as it ended. `outcome`, `reason` and `text` are empty where it never began."""

    guest: str
    uuid: str
    kind: StepKind
    source: str
    target: str
    method: Method | None
    hop: bool
    state: StepState
    attempt: int
    outcome: str
    reason: str
    text: str
    ended: str
    took_s: float | None
    predicted_s: float
    adopted: bool
    """Whether an earlier controller began it."""
    change: str = ""
    """What a set step changes, in words."""
    why: str = ""
    """Why the plan had this step, in this way."""
    started: str = ""
    """When its first attempt began; empty where none did."""
    down_s: float | None = None
    """How long the guest was down, from the request to stop until its start was answered; None where it was not."""
    predicted_down_s: float = 0.0
    """How long the plan said it would be."""
    model_s: float = 0.0
    """What the model said before anything that was learned; 0 where nobody noted it. Later predictions rest on it."""
    network: str = ""
    """The migration network it went over; empty for the one without a name."""
    guest_class: str = ""
    """What was done to what kind of guest; empty where nobody noted it."""
    aside: bool = False
    """Whether the guest stepped aside for others."""

    @property
    def measured(self) -> bool:
        """Whether its time tells how good predictions are: pauses between attempts are no part of the way."""
        return self.state is StepState.DONE and self.attempt == 1 and not self.adopted and self.took_s is not None

    @property
    def begun(self) -> bool:
        """Whether anything was done."""
        return self.state in BEGUN


@dataclass(frozen=True)
class RunSummary:
    """One pass. `moves` are its steps, those adopted from an earlier controller first."""

    id: str
    started: str
    duration_s: float
    result: Result
    commit: str
    """Empty where the documents were never committed."""
    subject: str
    moved: int
    """Guests that changed hosts."""
    failed: int
    """Guests whose last step failed, or ended unknown."""
    moves: tuple[MoveSummary, ...]
    left_out: int = 0
    """How many moves are not listed here for want of room."""
    author: str = ""
    """Who wrote the commit."""
    controller: str = ""
    """Which controller ran it."""
    median_error_percent: float | None = None
    """By how much predictions were off in the median, of the steps that were done at the first attempt."""

    @property
    def path(self) -> str:
        """Where its record lies on the status branch."""
        return run_path(self.id, self.started)

    @property
    def predictions(self) -> str:
        """`predictions 10 % off in the median`; where all that were far off were far too short, how many times as long
        it took. Empty where nothing was measured."""
        error = self.median_error_percent
        if error is None:
            return ""
        far_off = [
            move.took_s > move.predicted_s
            for move in self.moves
            if move.measured
            and move.took_s is not None
            and 100 * abs(move.took_s - move.predicted_s) > FAR_OFF_PERCENT * move.took_s
        ]
        if FAR_OFF_PERCENT < error < 100 and far_off and all(far_off):
            return f"steps took {100 / (100 - error):.0f} times as long as predicted in the median"
        return f"predictions {error:.0f} % off in the median"

    def of_guest(self, guest: str) -> RunSummary:
        """Only what was done to one guest."""
        return replace(self, moves=tuple(move for move in self.moves if move.guest == guest))

    def shortened(self, moves_max: int) -> RunSummary:
        """At most so many moves."""
        over = max(0, len(self.moves) - moves_max)
        return replace(self, moves=self.moves[:moves_max], left_out=self.left_out + over)


def run_summary(report: Report) -> RunSummary:
    """The pass that this report is of."""
    moves = moves_of(report)
    return RunSummary(
        id=report.id,
        started=when(report.started_s),
        duration_s=_tenths(report.ended_s - report.started_s),
        result=report.result,
        commit=report.commit.id if report.commit else "",
        subject=report.commit.subject if report.commit else "",
        moved=len(moved_guests(moves)),
        failed=len(failed_guests(moves)),
        moves=moves,
        author=report.commit.author if report.commit else "",
        controller=report.controller,
        median_error_percent=median_error_percent(
            (move.predicted_s, move.took_s) for move in moves if move.measured and move.took_s is not None
        ),
    )


def samples(moves: Iterable[MoveSummary]) -> tuple[Sample, ...]:
    """What later predictions learn from: steps that were done, and whose time is their own."""
    return tuple(
        Sample(move.source, move.target, move.network, move.guest_class, move.model_s, move.took_s)
        for move in moves
        if move.measured and move.model_s > 0 and move.guest_class and move.took_s is not None
    )


def moves_of(report: Report) -> tuple[MoveSummary, ...]:
    """Every step of the pass, in the order in which they were to be run."""
    return (*(_move(run, True) for run in report.adopted), *(_move(run, False) for run in report.steps))


def moved_guests(moves: Sequence[MoveSummary]) -> frozenset[str]:
    """Who changed hosts."""
    return frozenset(
        move.uuid or move.guest for move in moves if move.kind is StepKind.MIGRATE and move.state is StepState.DONE
    )


def failed_guests(moves: Sequence[MoveSummary]) -> frozenset[str]:
    """Whose last step that was begun went wrong."""
    last = {move.uuid or move.guest: move for move in moves if move.begun}
    return frozenset(guest for guest, move in last.items() if move.state in BAD)


def _move(run: StepRun, adopted: bool) -> MoveSummary:
    step, progress = run.step, run.progress
    took_s = None
    if progress.started_s is not None and progress.ended_s is not None:
        took_s = _tenths(progress.ended_s - progress.started_s)
    return MoveSummary(
        guest=step.guest,
        uuid=step.uuid,
        kind=step.kind,
        source=step.source,
        target=step.target,
        method=step.method,
        hop=step.hop,
        state=progress.state,
        attempt=progress.attempt,
        outcome=str(progress.outcome.kind) if progress.outcome else "",
        reason=progress.outcome.reason if progress.outcome else "",
        text=progress.outcome.text if progress.outcome else "",
        ended=when(progress.ended_s) if progress.ended_s is not None else "",
        took_s=took_s,
        predicted_s=_tenths(step.duration_s),
        adopted=adopted,
        change=change(step),
        why=step.reason,
        started=when(progress.started_s) if progress.started_s is not None else "",
        down_s=_down_s(run),
        predicted_down_s=_tenths(step.downtime_s),
        model_s=_tenths(step.model_s),
        network=step.network,
        guest_class=step.guest_class,
        aside=step.aside,
    )


def _down_s(run: StepRun) -> float | None:
    """Measured on what was sent: nobody watches the guest itself. A guest that was stopped for its own sake, or was
    not started again, counts as down until the step ended."""
    stops = [command.sent_s for command in run.commands if command.verb in STOPS]
    if not stops:
        return None
    starts = [command.ended_s for command in run.commands if command.verb == Verb.START and command.sent_s >= stops[0]]
    ended_s = starts[-1] if starts else run.progress.ended_s
    return _tenths(max(0.0, ended_s - stops[0])) if ended_s is not None else None


def _tenths(seconds: float) -> float:
    return round(seconds, 1)
