"""What the daemon says as it happens: one value for the log, for `notify` and for whoever else listens.

Made by loop/; the kinds and their severities are documented in docs/reference/events.md. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """Who should look: nobody in a hurry, somebody today, somebody now."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class EventKind(StrEnum):
    """What can happen."""

    STARTED = "started"
    """The daemon has begun its work."""
    STOPPING = "stopping"
    PASS_BEGUN = "pass-begun"  # noqa: S105 - a pass over the fleet
    PASS_ENDED = "pass-ended"  # noqa: S105 - likewise
    PASS_FAILED = "pass-failed"  # noqa: S105 - likewise
    """A pass could not be made; the text says what stood in its way."""
    PLAN_MADE = "plan-made"
    STEP_BEGUN = "step-begun"
    STEP_PAUSED = "step-paused"
    """An attempt ended harmlessly; the next one follows after a pause."""
    STEP_ENDED = "step-ended"
    BRAKE_HELD = "brake-held"
    BRAKE_RELEASED = "brake-released"
    GUEST_STALLED = "guest-stalled"
    GUEST_RECOVERED = "guest-recovered"
    HOST_UNREACHABLE = "host-unreachable"
    HOST_DISTRUSTED = "host-distrusted"
    """It is not the machine it was, or two documents lead to it."""
    HOST_BACK = "host-back"
    COMMIT_REFUSED = "commit-refused"
    """The newest commit is not acted on: its documents are invalid, or it is not signed as it must be."""
    SETTINGS_CHANGED = "settings-changed"
    SETTINGS_REFUSED = "settings-refused"
    """The settings file has become invalid; the values before hold on."""
    GIT_TROUBLE = "git-trouble"
    GIT_BACK = "git-back"
    PUBLISHED = "published"
    """A report was committed."""
    NOTIFY_TROUBLE = "notify-trouble"
    """The program that is told of events fails, or is too slow for them."""
    BUG = "bug"
    """A mistake of ours."""


@dataclass(frozen=True)
class Event:
    """One thing that happened. `at_s` is in seconds since the epoch by the controller's clock, `run` the id of the pass
    it belongs to (empty: to none), `message` a sentence, `details` further fields by name, plain values only."""

    kind: EventKind
    severity: Severity
    at_s: float
    fleet: str
    message: str
    run: str = ""
    details: Mapping[str, object] = field(default_factory=dict)
