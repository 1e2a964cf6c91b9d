"""The daemon's log: one line an event, on stderr: JSON for programs, text for people. An observer.

Never raises and never waits, whatever the stream is: what nobody reads is left out, and counted.
"""

from __future__ import annotations

import contextlib
import json
import select
import threading
from typing import TextIO

from reconciler.core.reports.events import Event
from reconciler.core.reports.report import Report
from reconciler.loop.daemon.telling.observer import Health
from reconciler.loop.daemon.telling.signals import LogFormat, LogSettings
from reconciler.render.outputs.event import event_fields, event_time, harmless

LINE_BYTES_MAX = 4000
"""Below what a pipe takes at once (PIPE_BUF, 4096): a line is written as a whole or not at all, and never waits."""
PATIENCE_MS = 200
"""How long a full pipe gets to be emptied; none at all once it was given that in vain."""


class EventLog:
    """Writes to one stream."""

    def __init__(self, stream: TextIO, settings: LogSettings | None = None) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._lost = 0
        self.use(settings or LogSettings())

    def use(self, settings: LogSettings) -> None:
        """Go on like this."""
        self._settings = settings
        self._text = settings.format is LogFormat.TEXT
        if settings.format is LogFormat.AUTO:
            with contextlib.suppress(OSError, ValueError):
                self._text = self._stream.isatty()

    def event(self, event: Event) -> None:
        """A line."""
        if not self._settings.wants(event.severity):
            return
        line = _text(event) if self._text else _json(event)
        with self._lock:
            if self._writable():
                self._write(self._lost_line() + line)
            else:
                self._lost += 1

    def reported(self, report: Report, duration_s: float) -> None:
        """Said as an event already."""

    def beat(self, health: Health) -> None:
        """No line: a log of heartbeats hides what matters."""

    def _writable(self) -> bool:
        """Whether the stream takes a line now. A file always does."""
        try:
            number = self._stream.fileno()
        except (OSError, ValueError):  # no descriptor: a text in memory, or closed, which writing finds out
            return True
        poll = select.poll()
        with contextlib.suppress(OSError, ValueError):
            poll.register(number, select.POLLOUT)
            return bool(poll.poll(0 if self._lost else PATIENCE_MS))
        return False

    def _write(self, line: str) -> None:
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError):  # closed, or its disk is full: nobody's guests depend on it
            self._lost += 1
        else:
            self._lost = 0

    def _lost_line(self) -> str:
        if not self._lost:
            return ""
        text = f"{self._lost} lines were left out: nobody took them"
        line = {"level": "warning", "kind": "log-lost", "message": text, "lost": self._lost}
        return f"{text}\n" if self._text else json.dumps(line) + "\n"


def _json(event: Event) -> str:
    line = {
        "time": event_time(event),
        "level": event.severity.value,
        "kind": event.kind.value,
        "fleet": harmless(event.fleet),
        "run": harmless(event.run),
        "message": harmless(event.message),
    }
    whole = json.dumps({**event_fields(event), **line}) + "\n"
    if len(whole) > LINE_BYTES_MAX:
        whole = json.dumps({**line, "truncated": True}) + "\n"
    if len(whole) > LINE_BYTES_MAX:  # a message of escapes only
        whole = json.dumps({**line, "message": line["message"][:300], "truncated": True}) + "\n"
    return whole


def _text(event: Event) -> str:
    run = f"  ({harmless(event.run)})" if event.run else ""
    line = f"{event_time(event)}  {event.severity.value:<7}  {event.kind.value:<16}  {harmless(event.message)}{run}"
    return line.encode("utf-8", "backslashreplace")[: LINE_BYTES_MAX - 1].decode("utf-8", "ignore") + "\n"
