"""What a host can be told and what it answers: verbs, guards, commands, answers.

Chosen by execution/, made and sent by drivers. Nothing here knows how a platform spells a command.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.records import MoveRecord, Stage


class Verb(StrEnum):
    """All that a host can be told. Everything but CHECK changes something."""

    CLAIM = "claim"
    """Write the record; fails when this guest or the host's last slot is held. Replaces a parked or expired record
    only where `guard` names it."""
    RENEW = "renew"
    """Write the record anew, with a later expiry, where `guard` still holds."""
    RELEASE = "release"
    """Remove the record, where `guard` still holds."""
    PARK = "park"
    """Write the record as parked: the guest and the slot are free, the memory of attempts stays."""
    CHECK = "check"
    """Ask the platform whether it would do this migration. Changes nothing."""
    STOP = "stop"
    """Ask the guest to shut down. Returns at once; the guest stops, or not, in its own time."""
    STOP_HARD = "stop-hard"
    """Cut the guest's power."""
    MIGRATE = "migrate"
    """Start the migration as a job of its own, on the source."""
    START = "start"
    """Start the guest. Returns at once; the guest comes up in its own time."""
    SET = "set"
    """Set the first of the record's settings. Returns at once; memory changes in its own time."""
    DELETE_COPY = "delete-copy"
    """Delete the disks, and the registration, that a proven copy left on the source."""
    PUT_ASIDE = "put-aside"
    """Give the disks that a proven copy left on the source names under which nothing finds them any more."""
    DISCARD = "discard"
    """Take away what this move left here and is not the guest's: a definition that never came alive or that the guest
    has left, and on the target what was copied in vain."""
    PUT_BACK = "put-back"
    """Register the guest again on the source, as it was saved there before it was taken away."""


@dataclass(frozen=True)
class Guard:
    """Checked on the host in the same invocation as the command: the record that lies there must be this one, still
    under this controller, still at one of these stages, and not expired. Otherwise the command is not run."""

    record_id: str
    controller: str
    stages: tuple[Stage, ...]
    may_be_expired: bool = False
    """Adopting an expired record, and tidying up a parked one, do not need it to be alive."""


@dataclass(frozen=True)
class Command:
    """One remote invocation: check the guard, write the record (stage before deed), run argv."""

    host: str
    verb: Verb
    argv: tuple[str, ...]
    record: MoveRecord
    """The record as it shall lie on the host when argv runs."""
    guard: Guard | None
    timeout_s: float = 60.0

    @property
    def touches_guest(self) -> bool:
        """Whether the command changes more than the move record."""
        return self.verb in GUEST_VERBS


GUEST_VERBS = frozenset(set(Verb) - {Verb.CLAIM, Verb.RENEW, Verb.RELEASE, Verb.PARK, Verb.CHECK})


UNASKED = 75
"""The status of a check that could not ask the other host: sysexits.h has it for failures that pass (EX_TEMPFAIL)."""


class AnswerKind(StrEnum):
    """What is known of a command that was sent."""

    DONE = "done"
    """Exit status 0."""
    FAILED = "failed"
    """Another exit status. It may have done something all the same: look."""
    GUARDED = "guarded"
    """The guard did not hold: the command was not run."""
    LOST = "lost"
    """No answer. It may have been done, may be done later, or not: look."""


@dataclass(frozen=True)
class Answer:
    """What a host answered."""

    kind: AnswerKind
    status: int | None = None
    output: str = ""
    """The tail of what it printed, both streams, scrubbed by whoever shows it."""
