"""What `advance` asks of the world, and what the world tells it. Values only: shell and simulation carry them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.core.commands import Answer, Command
from reconciler.core.desired import DesiredFleet
from reconciler.core.execution.evidence import Evidence
from reconciler.core.observed import Look
from reconciler.core.planning.plan import Plan
from reconciler.core.planning.stillness import Settled
from reconciler.core.reports.report import Report

# --- effects -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LookAt:
    """Look at this host; answer with `Looked`."""

    id: int
    host: str


@dataclass(frozen=True)
class Send:
    """Send this command; answer with `Answered`. Its journal entry comes before it in the effects."""

    id: int
    command: Command


@dataclass(frozen=True)
class Wake:
    """Answer with `Woke` at this time."""

    id: int
    at_s: float


@dataclass(frozen=True)
class Note:
    """Write this to the journal before carrying out any later effect. Where that fails, carry out no later `Send`
    and answer with `JournalFailed`."""

    entry: Mapping[str, object]


@dataclass(frozen=True)
class Ask:
    """Show the plan and ask whether it may be run; answer with `Decided`."""

    plan: Plan


@dataclass(frozen=True)
class Remember:
    """Keep this evidence for later passes."""

    evidence: Evidence


@dataclass(frozen=True)
class Forget:
    """Forget that these guests (by uuid) were in order, before carrying out any later effect: others are about to move
    them. Where that fails, as for `Note`."""

    uuids: frozenset[str]


@dataclass(frozen=True)
class Publish:
    """The pass is over: publish its report. `desired` is what it was compared with."""

    report: Report
    desired: DesiredFleet


Effect = LookAt | Send | Wake | Note | Ask | Remember | Forget | Publish

# --- events --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Begin:
    """Begin a pass. `previous_*` are what the last report said; they can only forbid."""

    pass_id: str
    desired: DesiredFleet
    previous_machines: Mapping[str, str] = field(default_factory=dict)
    previous_guests: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Host name -> uuids registered there."""
    previous_startable: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Host name -> uuids that ran or could be started there."""
    settled: Mapping[str, Settled] = field(default_factory=dict)
    """Guest uuid -> how it was when it was in order last."""
    bad_runs: int = 0
    """How many runs in a row ended unknown or broken."""


@dataclass(frozen=True)
class Looked:
    """A host was looked at."""

    id: int
    look: Look


@dataclass(frozen=True)
class Answered:
    """A command was answered, or was not."""

    id: int
    answer: Answer


@dataclass(frozen=True)
class Woke:
    """The time asked for has come."""

    id: int


@dataclass(frozen=True)
class Decided:
    """A person answered: run the plan, or do not."""

    run: bool


@dataclass(frozen=True)
class DesiredChanged:
    """A newer commit: nothing new of the old one begins, what is under way ends, then it is planned anew."""

    desired: DesiredFleet


@dataclass(frozen=True)
class Interrupted:
    """Begin nothing more; end the pass when what is under way has ended."""


@dataclass(frozen=True)
class JournalFailed:
    """The journal cannot be written: send nothing more. What is under way is left to the next pass."""

    text: str


Event = Begin | Looked | Answered | Woke | Decided | DesiredChanged | Interrupted | JournalFailed
