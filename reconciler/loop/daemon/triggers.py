"""What asks the daemon for a pass. Pulled from any thread and from signal handlers, taken by the daemon alone.

A trigger is a hint, never a message: every pass reads git and the hosts anew, whatever asked for it.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Why(StrEnum):
    """What asks for a pass, as the log says it."""

    START = "start"
    COMMIT = "commit"
    """The branch has moved on."""
    INTERVAL = "interval"
    """Nothing else did for so long: reality may have drifted."""
    CALENDAR = "calendar"
    """A suspension has run out, or a window has opened or closed."""
    SETTINGS = "settings"
    """SIGHUP: the settings may have changed."""
    REQUEST = "request"
    """Somebody said `reconciler refresh`."""
    SUSPENSION = "suspension"
    """Somebody said `reconciler suspend` or `resume`."""
    RETRY = "retry"
    """The pass before could not begin: another reconciler was at work, or git was away."""
    STOP = "stop"
    """SIGTERM or SIGINT: no pass, but the end."""


@dataclass(frozen=True)
class Trigger:
    """One of them. `request` is the id that a refresh came with."""

    why: Why
    request: str = ""


@dataclass
class Triggers:
    """Those that wait. Safe in a signal handler: a SimpleQueue may be put to while it is being put to."""

    _waiting: queue.SimpleQueue[Trigger] = field(default_factory=queue.SimpleQueue)

    def pull(self, why: Why, request: str = "") -> None:
        """Ask for a pass."""
        self._waiting.put(Trigger(why, request))

    def wait(self, until_s: float) -> tuple[Trigger, ...]:
        """All that wait, as soon as there is one; none when that moment (of the monotonic clock) comes first."""
        try:
            first = self._waiting.get(timeout=max(0.0, until_s - time.monotonic()))
        except queue.Empty:
            return ()
        return (first, *self.waiting())

    def waiting(self) -> Iterable[Trigger]:
        """All that wait just now."""
        found: list[Trigger] = []
        while True:
            try:
                found.append(self._waiting.get_nowait())
            except queue.Empty:
                return tuple(found)
