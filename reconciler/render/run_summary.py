"""A pass in a few lines: what was moved, what failed, how it ended. The rows of every history.

Made from a report, and read back from run records and from the index of the status branch. Never holds commands and
their output: those are in the run record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.core.execution.run import StepState
from reconciler.core.model import Method, StepKind
from reconciler.core.reports.report import Report, Result, StepRun
from reconciler.render.paths import run_path
from reconciler.render.words import change, when

BEGUN = frozenset({StepState.STARTED, StepState.DONE, StepState.FAILED, StepState.UNKNOWN})
BAD = frozenset({StepState.FAILED, StepState.UNKNOWN})


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

    @property
    def path(self) -> str:
        """Where its record lies on the status branch."""
        return run_path(self.id, self.started)

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
    )


def _tenths(seconds: float) -> float:
    return round(seconds, 1)
