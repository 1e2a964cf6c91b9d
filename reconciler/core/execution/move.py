"""One move under way, as this controller remembers it, and the actions that can be next for it.

Everything here but `record` is memory that may be lost: an adopter starts with the record alone and ends in the same place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.core.commands import Guard, Verb
from reconciler.core.desired import Host
from reconciler.core.execution.outcome import Outcome
from reconciler.core.observed import Look
from reconciler.core.records import MoveRecord


@dataclass(frozen=True)
class Timing:
    """Named limits of time, in seconds."""

    record_ttl_s: float = 180.0
    """How long a record holds without being renewed."""
    poll_s: float = 5.0
    """Pause between two looks at a move under way."""
    unreachable_patience_s: float = 600.0
    """How long a move waits for a host that stopped answering, before it ends as unknown."""
    job_patience_s: float = 6 * 3600.0
    """How long a migration may run, before it ends as unknown."""
    start_patience_s: float = 900.0
    """How long a guest may take to come up."""


@dataclass(frozen=True)
class Ending:
    """The outcome is settled; what is left is to take the records away."""

    outcome: Outcome
    park: bool
    """Whether a parked record stays on the source."""


@dataclass(frozen=True)
class Move:
    """A move of this controller. `record` is as last written by us or read back from the hosts."""

    record: MoveRecord
    step_id: str = ""
    """The step of the run, or empty for a move adopted from an earlier controller."""
    adopted: bool = False
    claimed_source: bool = False
    claimed_target: bool = False
    checked: bool = False
    tries: Mapping[Verb, int] = field(default_factory=dict)
    """How often each verb was sent without a clear answer."""
    ending: Ending | None = None
    replaces: MoveRecord | None = None
    """A parked record of this guest that the claim takes the place of."""
    unreachable_since_s: float | None = None

    @property
    def guest(self) -> str:
        """The guest's name."""
        return self.record.guest_name

    @property
    def two_ended(self) -> bool:
        """Whether the move touches two hosts; a start or a stop touches one."""
        return self.record.source != self.record.target


@dataclass(frozen=True)
class Scene:
    """What a decision may rest on: looks newer than everything this move has done, and the time.

    `looks` holds both ends, fresh; `elsewhere` every other host where the guest could be registered, as last seen in
    this pass, fresh where `all_fresh`.
    """

    looks: Mapping[str, Look]
    elsewhere: Mapping[str, Look]
    all_fresh: bool
    target_document: Host | None
    now_s: float
    controller: str
    timing: Timing


@dataclass(frozen=True)
class Tell:
    """Send this verb to this host, with this record, under this guard; then look again."""

    verb: Verb
    host: str
    record: MoveRecord
    guard: Guard | None


@dataclass(frozen=True)
class LookEverywhere:
    """Look at every host where the guest could be registered, then decide again."""


@dataclass(frozen=True)
class Pause:
    """Nothing to do now: look again after so many seconds. `text` says what is waited for."""

    seconds: float
    text: str
    progress_percent: int | None = None


@dataclass(frozen=True)
class Settle:
    """The outcome is known: take the records away (or leave them, as the outcome asks)."""

    outcome: Outcome


@dataclass(frozen=True)
class Finish:
    """All is done, records included."""

    outcome: Outcome


Action = Tell | LookEverywhere | Pause | Settle | Finish
