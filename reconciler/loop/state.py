"""Everything a pass knows. Immutable between calls of `advance`; any of it may be lost without harm to a guest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.core.commands import Command, Guard, Verb
from reconciler.core.compatibility import Rulebook
from reconciler.core.desired import DesiredFleet
from reconciler.core.diff import Diff
from reconciler.core.execution.evidence import Evidence
from reconciler.core.execution.move import Move, Timing
from reconciler.core.execution.run import Run
from reconciler.core.observed import Look
from reconciler.core.planning.plan import Brake, Plan, Step
from reconciler.core.records import MoveRecord
from reconciler.core.reports.report import CommandRun, StepRun
from reconciler.loop.effects import Begin

MakeCommand = Callable[[Verb, str, MoveRecord, Guard | None], Command]


@dataclass(frozen=True)
class Config:
    """What does not change during a pass. `make_command` is the driver's pure function for the host named."""

    controller: str
    """Names this controller in move records; kept in its state folder."""
    rulebooks: Mapping[str, Rulebook]
    make_command: MakeCommand
    timing: Timing = Timing()
    lost_hosts: frozenset[str] = frozenset()
    """Hosts the operator has declared out of play."""
    ask: bool = False
    """Whether a person is asked before a plan is run."""
    allow: Mapping[str, int] = field(default_factory=dict)
    """Moves and stops allowed beyond the limits, from the command line."""
    allow_report_mode: bool = False
    retry: frozenset[str] = frozenset()
    """Guests for which a person asks for another attempt, whatever earlier ones left behind."""
    paces: Mapping[str, float] = field(default_factory=dict)
    """How many times as long as the model says steps took lately."""
    held: tuple[Brake, ...] = ()
    """Brakes that were found before the pass began."""
    rounds_max: int = 4
    """How often a pass plans anew after a run."""


class Phase(StrEnum):
    """Where a pass is."""

    IDLE = "idle"
    LOOKING = "looking"
    SETTLING = "settling"
    """Bringing moves of an earlier controller to their end."""
    ASKING = "asking"
    RUNNING = "running"


@dataclass(frozen=True)
class Seen:
    """A look, and when it was asked for and answered by our clock."""

    look: Look
    asked_s: float
    at_s: float


@dataclass(frozen=True)
class Waiting:
    """What an effect under way belongs to: a move (by record id), or the pass where empty."""

    owner: str
    what: str
    """`look`, `tell`, `wake` or `tidy`."""
    asked_s: float
    host: str = ""
    command: Command | None = None


@dataclass(frozen=True)
class Pass:
    """The pass under way."""

    begin: Begin
    desired: DesiredFleet
    started_s: float
    phase: Phase = Phase.LOOKING
    settled: bool = False
    """Whether moves of earlier controllers were brought to their end, or left alone for a reason."""
    rounds: int = 0
    stopping: bool = False
    """Nothing more begins."""
    frozen: bool = False
    """Nothing more is sent: the journal cannot be written."""
    superseded: DesiredFleet | None = None
    run: Run | None = None
    plans: tuple[Plan, ...] = ()
    difference: Diff | None = None
    done: tuple[StepRun, ...] = ()
    """Steps of earlier rounds."""
    adopted: tuple[StepRun, ...] = ()
    watched: frozenset[str] = frozenset()
    """Records of guests that ignored a stop and may stop yet."""


@dataclass(frozen=True)
class State:
    """The whole of it. `moves` by record id; `waiting` by effect id; `log` by record id."""

    config: Config
    evidence: Evidence = field(default_factory=dict)
    now_s: float = 0.0
    next_id: int = 1
    current: Pass | None = None
    seen: Mapping[str, Seen] = field(default_factory=dict)
    moves: Mapping[str, Move] = field(default_factory=dict)
    waiting: Mapping[int, Waiting] = field(default_factory=dict)
    log: Mapping[str, tuple[CommandRun, ...]] = field(default_factory=dict)
    doing: Mapping[str, tuple[str, int | None]] = field(default_factory=dict)
    """Record id -> what the move waits for, and percent: for live progress."""
    steps: Mapping[str, Step] = field(default_factory=dict)
    """Record id -> the step it carries out."""

    @property
    def idle(self) -> bool:
        """Whether no pass is under way."""
        return self.current is None
