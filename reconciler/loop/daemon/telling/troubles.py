"""What is the matter just now. Each trouble is told when it begins and when it ends, and not in between.

Called by the daemon and its threads. What a trouble is about tells one of a kind from another: git may answer, and take
no reports.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.core.reports.events import EventKind, Severity


class About(StrEnum):
    """What a trouble keeps from being done."""

    PASSES = "passes"
    SETTINGS = "settings"
    COMMIT = "commit"
    READING = "reading"
    """The desired state, from git."""
    REPORTING = "reporting"
    LIFE = "heartbeat"


ENDS: dict[About, tuple[EventKind, str]] = {
    About.READING: (EventKind.GIT_BACK, "git answers again"),
    About.REPORTING: (EventKind.GIT_BACK, "git takes reports again"),
    About.LIFE: (EventKind.GIT_BACK, "git takes the sign of life again"),
}
"""Whose end is told by an event of its own; that of the others is seen in what follows."""

Tell = Callable[[EventKind, Severity, str, str], None]
"""Kind, severity, message, run."""


@dataclass
class Troubles:
    """Those of one daemon. Safe on any thread."""

    tell: Tell
    _texts: dict[About, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, about: About, kind: EventKind, text: str, run: str = "") -> None:
        """Something is the matter, with these words."""
        with self._lock:
            new = self._texts.get(about) != text
            self._texts[about] = text
        if new:
            self.tell(kind, Severity.ERROR, text, run)

    def end(self, about: About) -> None:
        """It is not, or no longer."""
        with self._lock:
            was = self._texts.pop(about, None)
        if was is not None and about in ENDS:
            kind, text = ENDS[about]
            self.tell(kind, Severity.INFO, text, "")

    def lasts(self, about: About) -> bool:
        """Whether it is the matter now."""
        with self._lock:
            return about in self._texts

    @property
    def text(self) -> str:
        """The first of them, by what it keeps from being done; empty where nothing is the matter."""
        with self._lock:
            return next((self._texts[about] for about in About if about in self._texts), "")
