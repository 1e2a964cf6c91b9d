"""The status branch, watched: drawn anew on a terminal, a line for each report elsewhere.

Called by `status --watch`. Asks git only whether the branch has moved; reads it where it has. Ends on Ctrl-C.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from reconciler.cli.terminal import data, painter, say
from reconciler.core.reports.json_values import Json
from reconciler.errors import GitError
from reconciler.git.status_branch import StatusBranch
from reconciler.loop.answers.reported import age, last_status, moved
from reconciler.loop.settings import Settings
from reconciler.render.fleet_status import FleetStatus
from reconciler.render.outputs.status import status_json
from reconciler.render.text.status import age_text, status_line, status_text

WAITING = "No report yet."


def watch(settings: Settings, branch: StatusBranch, interval_s: float, *, as_json: bool) -> None:
    """Show the branch now, and again whenever it has moved, until somebody presses Ctrl-C."""
    drawn = not as_json and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    show = _draw if drawn else _json_line if as_json else _line
    with suppress(KeyboardInterrupt):
        show(_Reports(settings, branch, interval_s))


class _Reports:
    """The reports, one after the other."""

    def __init__(self, settings: Settings, branch: StatusBranch, interval_s: float) -> None:
        self._settings, self._branch, self._interval_s = settings, branch, interval_s
        self._trouble = ""

    def follow(self, new: Callable[[StatusBranch], None], again: Callable[[], None] = lambda: None) -> None:
        """Call `new` for each report there is, `again` after each look that found none. Never returns."""
        seen: str | None = None
        while True:
            if self._branch.commit not in (None, seen):
                new(self._branch)
                seen = self._branch.commit
            else:
                again()
            time.sleep(self._interval_s)
            self._look()

    def _look(self) -> None:
        """A server that is away comes back: that is said once, and what was read last stays."""
        try:
            self._branch, self._trouble = moved(self._settings, self._branch), ""
        except GitError as error:
            if str(error) != self._trouble:
                say(str(error))
            self._trouble = str(error)


def _line(reports: _Reports) -> None:
    reports.follow(lambda branch: data(status_line(last_status(branch), age(branch).reported_s)))


def _json_line(reports: _Reports) -> None:
    """A document a line, so that a program can read them as they come."""

    def line(document: Json) -> str:
        return json.dumps(document, sort_keys=True, ensure_ascii=True, allow_nan=False)

    reports.follow(lambda branch: data(line(status_json(last_status(branch)))))


def _draw(reports: _Reports) -> None:
    from reconciler.cli.live import Screen

    screen = Screen()
    told: list[tuple[StatusBranch, FleetStatus]] = []

    def new(branch: StatusBranch) -> None:
        told[:] = [(branch, last_status(branch))]
        again()

    def again() -> None:
        """The age goes on, also where nothing else does."""
        text = WAITING
        for branch, status in told:
            known = age(branch)
            told_age = age_text(known.reported_s, known.alive_s, time.time())
            text = status_text(status, told_age, paint=painter())
        screen.show(text)

    try:
        reports.follow(new, again)
    finally:
        screen.close()
