"""All who are told what the daemon does, as its settings ask: log, notify program, health and metrics.

Made by `reconciler run`; the daemon knows them as observers only. The libraries of the web are imported where something
is served.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from reconciler.core.reports.events import Event, EventKind
from reconciler.core.reports.report import Report
from reconciler.errors import SettingsError
from reconciler.loop.daemon.telling.log import EventLog
from reconciler.loop.daemon.telling.notify import Notifier
from reconciler.loop.daemon.telling.observer import Health, Observer
from reconciler.loop.settings import read_settings

if TYPE_CHECKING:
    from reconciler.web.server import WebServer


class Listeners:
    """`open` them, have `observers` told, `close` them. [log] and [notify] follow the settings meanwhile."""

    def __init__(self, settings_file: Path, stream: TextIO) -> None:
        self._file = settings_file
        settings = read_settings(settings_file)
        self._log = EventLog(stream, settings.log)
        self._notifier = Notifier(settings.notify, self._log.event)
        self._web: WebServer | None = None
        if settings.listen is not None:
            from reconciler.web.server import WebServer

            self._web = WebServer(settings.listen, settings.interval_s)

    @property
    def observers(self) -> tuple[Observer, ...]:
        """Itself first: a change of the settings holds for the event that tells of it."""
        web = self._web.observers if self._web is not None else ()
        return self, self._log, self._notifier, *web

    def open(self) -> None:
        """Listen, where that is asked for. Raises SettingsError."""
        if self._web is not None:
            self._web.open()

    def close(self) -> None:
        """Within two seconds each, let them finish."""
        self._notifier.close()
        if self._web is not None:
            self._web.close()

    def event(self, event: Event) -> None:
        """Go on as the settings ask now."""
        if event.kind is EventKind.SETTINGS_CHANGED:
            with suppress(SettingsError):  # changed again a moment ago: the daemon will say so
                settings = read_settings(self._file)
                self._log.use(settings.log)
                self._notifier.use(settings.notify)

    def reported(self, report: Report, duration_s: float) -> None:
        """Nothing to do with settings."""

    def beat(self, health: Health) -> None:
        """Nothing to do with settings."""
