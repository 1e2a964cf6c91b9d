"""What a pass tells people: the one value that status branch, terminal and history are rendered from.

Made by loop/ at the end of a pass, and while a long one goes on. Holds no text for display beyond sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.desired import Commit
from reconciler.core.diff import HANDS_OFF, Diff, GuestDiff
from reconciler.core.execution.run import Progress
from reconciler.core.model import RunState
from reconciler.core.observed import ObservedFleet
from reconciler.core.planning.plan import Brake, Plan, Step
from reconciler.core.reports.conditions import DELIBERATE, Condition, ConditionType, Status
from reconciler.errors import ExitCode


class Result(StrEnum):
    """How a pass ended as a whole, or that it has not."""

    RUNNING = "running"
    """It is under way: this report is of what is done so far."""
    CONVERGED = "converged"
    """Every declared guest is where and as it shall be."""
    BLOCKED = "blocked"
    """All that could be done is done; at least one guest needs a person, or waits for moves under way."""
    HELD = "held"
    """A brake kept the plan from being run."""
    INCOMPLETE = "incomplete"
    """Steps failed, were skipped or are unknown: the next pass goes on."""


@dataclass(frozen=True)
class CommandRun:
    """One command as it was sent, for the record: who asks "with which commands" reads these."""

    host: str
    verb: str
    argv: tuple[str, ...]
    sent_s: float
    ended_s: float
    answer: str
    status: int | None
    output_tail: str


@dataclass(frozen=True)
class StepRun:
    """One step with how it went. `read_back` says where the guest was seen when it ended."""

    step: Step
    progress: Progress
    commands: tuple[CommandRun, ...]
    read_back: str = ""


@dataclass(frozen=True)
class GuestStatus:
    """One guest at the end of a pass."""

    diff: GuestDiff
    conditions: tuple[Condition, ...]

    @property
    def ready(self) -> bool:
        """Whether the Ready condition holds."""
        return self.holding(ConditionType.READY) is not None

    @property
    def stalled(self) -> Condition | None:
        """The Stalled condition, where it holds."""
        return self.holding(ConditionType.STALLED)

    @property
    def still(self) -> Condition | None:
        """The condition that says that somebody wants the guest left as it is, where it does."""
        return next((entry for entry in self.conditions if entry.reason in DELIBERATE), None)

    def holding(self, kind: ConditionType) -> Condition | None:
        """The condition of this type, where it holds."""
        return next((entry for entry in self.conditions if entry.type is kind and entry.status is Status.TRUE), None)


@dataclass(frozen=True)
class Report:
    """A whole pass. Times are seconds since the epoch by the controller's clock."""

    id: str
    fleet: str
    controller: str
    commit: Commit | None
    started_s: float
    ended_s: float
    result: Result
    difference: Diff
    """As seen last."""
    plans: tuple[Plan, ...]
    """The plan of each round of the pass; the last one is what is left."""
    steps: tuple[StepRun, ...]
    guests: tuple[GuestStatus, ...]
    observed: ObservedFleet
    brakes: tuple[Brake, ...] = ()
    adopted: tuple[StepRun, ...] = ()
    """Moves of an earlier controller that this pass brought to their end."""

    @property
    def waits(self) -> bool:
        """Whether all that is left ends by itself."""
        return bool(self.plans) and not needs_person(self.plans[-1], self.difference)

    @property
    def exit_code(self) -> ExitCode:
        """What the command that made this pass tells its caller."""
        if self.result is Result.HELD or (self.result is Result.BLOCKED and not self.waits):
            return ExitCode.HELD
        if self.result in (Result.INCOMPLETE, Result.RUNNING, Result.BLOCKED):
            return ExitCode.HOST
        return ExitCode.HOST if self.difference.hosts else ExitCode.OK


def needs_person(plan: Plan, difference: Diff) -> bool:
    """Whether time alone does not get every blocked guest going: also where a move under way has left one in a state
    that somebody must look at, and nothing about it is in transition any more."""
    amiss = {
        found.name
        for found in difference.guests
        if found.finding in HANDS_OFF and all(place.state is not RunState.TRANSITION for place in found.places)
    }
    return any(not entry.waits or entry.guest in amiss for entry in plan.blocked)
