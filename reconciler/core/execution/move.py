"""One move under way, as this controller remembers it, and the actions that can be next for it.

Everything here but `record` is memory that may be lost: an adopter starts with the record alone and ends in the same
place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.core.commands import Answer, Guard, Verb
from reconciler.core.desired import Host, Retry
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
    late_stop_s: float = 1800.0
    """How long a guest that ignored a stop is watched, in case it stops late."""
    wait_for_person_s: float = 24 * 3600.0
    """How long a move waits, after the deadline of a stop, for a person to shut its guest down."""
    set_patience_s: float = 600.0
    """How long a guest may take to get the memory that it was told to have."""
    start_patience_s: float = 900.0
    """How long a guest may take to come up."""


@dataclass(frozen=True)
class Move:
    """A move of this controller. `record` is as last written by us or read back from the hosts."""

    record: MoveRecord
    step_id: str = ""
    """The step of the run, or empty for a move adopted from an earlier controller."""
    adopted: bool = False
    checked: bool = False
    """Whether the platform agreed to the migration."""
    last: tuple[Verb, Answer] | None = None
    """The last command and what was answered."""
    tries: Mapping[Verb, int] = field(default_factory=dict)
    """How often each verb was sent."""
    ending: Outcome | None = None
    """The outcome is settled; what is left is to take the records away."""
    retry: Retry = Retry()
    may_stop_hard: bool = True
    may_wait: bool = True
    may_set: bool = True
    may_delete: bool = True
    """Whether the documents of now still allow what its record does; an adopted move may be older than they are."""
    waits_for_person: bool = False
    """Whether all that is next for it is a person's to do: others need not wait for it."""
    insisted: bool = False
    """A person asked for another attempt, whatever earlier ones left behind."""
    since_s: float = 0.0
    """Since when nothing was done to it: looks asked for later are fresh."""
    looked_everywhere: bool = False
    """Whether every host was looked at because the looks before could not tell: what they showed, these show later."""
    unreachable_since_s: float | None = None

    @property
    def guest(self) -> str:
        """The guest's name."""
        return self.record.guest_name

    @property
    def hosts(self) -> tuple[str, ...]:
        """Both ends; one host for a start or a stop."""
        record = self.record
        return (record.source,) if record.source == record.target else (record.source, record.target)

    def tried(self, verb: Verb) -> int:
        """How often this verb was sent."""
        return self.tries.get(verb, 0)


@dataclass(frozen=True)
class Scene:
    """What a decision may rest on: looks newer than everything this move has done, and the time.

    `looks` holds both ends, fresh; `elsewhere` every other host where the guest could be registered, as last seen in
    this pass, fresh where `all_fresh`.
    """

    looks: Mapping[str, Look]
    elsewhere: Mapping[str, Look]
    all_fresh: bool
    documents: Mapping[str, Host]
    """Of both ends: they may cap what a host takes."""
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
    for_person: bool = False
    """Whether it is a person who is waited for."""


@dataclass(frozen=True)
class Settle:
    """The outcome is known: take the records away (or leave them, as the outcome asks)."""

    outcome: Outcome


@dataclass(frozen=True)
class Finish:
    """All is done, records included."""

    outcome: Outcome


Action = Tell | LookEverywhere | Pause | Settle | Finish
