"""The daemon's log: one line of JSON an event, on stderr. An observer; never raises, whatever the stream is."""

from __future__ import annotations

import contextlib
import json
import threading
from datetime import UTC, datetime
from typing import TextIO

from reconciler.core.reports.events import Event
from reconciler.core.reports.report import Report
from reconciler.loop.daemon.observer import Health


class EventLog:
    """Writes to one stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def event(self, event: Event) -> None:
        """A line."""
        moment = datetime.fromtimestamp(event.at_s, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": moment,
            "level": event.severity.value,
            "kind": event.kind.value,
            "fleet": event.fleet,
            "run": event.run,
            "message": event.message,
            **event.details,
        }
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._stream.write(json.dumps(line, default=str) + "\n")
            self._stream.flush()

    def reported(self, report: Report, duration_s: float) -> None:
        """Said as an event already."""

    def beat(self, health: Health) -> None:
        """No line: a log of heartbeats hides what matters."""
