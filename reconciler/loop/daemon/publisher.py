"""Reports onto the status branch while passes go on: git may be slow or away, and no migration waits for it.

Owns one thread. Reports go out in the order in which they were made; one that cannot be published is tried again, ever
more rarely, until it can be or a newer one takes its place.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from reconciler.core.reports.report import Report, Result
from reconciler.errors import GitError, ReconcilerError
from reconciler.git.status_branch import Published
from reconciler.loop.wiring import Fleet

RETRY_S = 15.0
RETRY_FACTOR = 2.0
RETRY_MAX_S = 900.0
WAITING_MAX = 64
"""Reports that wait at most; older ones are in the state folder by then."""


@dataclass(frozen=True)
class Waiting:
    """A report, and the fleet that it is about."""

    fleet: Fleet
    report: Report


class Publisher:
    """Publishes on a thread of its own. `published` and `failed` are called there."""

    def __init__(
        self,
        publish: Callable[[Fleet, Report], Published],
        published: Callable[[Waiting, Published], None],
        failed: Callable[[Waiting, ReconcilerError], None],
    ) -> None:
        self._publish, self._published, self._failed = publish, published, failed
        self._changed = threading.Condition()
        self._waiting: list[Waiting] = []
        self._busy = False
        self._closed = False
        self._retry_at_s = 0.0
        self._pause_s = RETRY_S
        self._errand: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._work, name="publisher", daemon=True)
        self._thread.start()

    @property
    def unpublished(self) -> int:
        """How many reports wait."""
        with self._changed:
            return len(self._waiting)

    def put(self, fleet: Fleet, report: Report) -> None:
        """Publish this, at once. It takes the place of what was told of a pass still under way."""
        with self._changed:
            final = [waiting for waiting in self._waiting if waiting.report.result is not Result.RUNNING]
            self._waiting = [*final, Waiting(fleet, report)][-WAITING_MAX:]
            self._retry_at_s = 0.0
            self._changed.notify_all()

    def run(self, errand: Callable[[], None]) -> None:
        """Do this as well, once no report is due: other things that git is needed for, and nobody waits for."""
        with self._changed:
            self._errand = errand
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Until all are published, or have been tried in vain, or so long. Whether nothing waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or (not self._busy and not self._due()), timeout_s)
            return not self._waiting

    def close(self, timeout_s: float) -> None:
        """Give what is under way so long to end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout_s)

    def _due(self) -> bool:
        return bool(self._waiting) and time.monotonic() >= self._retry_at_s

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._closed and not self._due() and self._errand is None:
                    left_s = self._retry_at_s - time.monotonic() if self._waiting else None
                    self._changed.wait(left_s)
                if self._closed:
                    return
                first = self._waiting[0] if self._due() else None
                errand, self._errand = (None if first else self._errand), (self._errand if first else None)
                self._busy = first is not None
            if errand is not None:
                with suppress(Exception):  # nobody waits for it, and it comes again
                    errand()
            if first is None:
                continue
            try:
                published = self._publish(first.fleet, first.report)
            except ReconcilerError as error:  # git is away, or the state folder has no room for what waits
                self._later(first, error)
            except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the reports for good, and mutely
                self._later(first, GitError(f"the report could not be published: {error!r}"))
            else:
                with self._changed:
                    self._waiting = [waiting for waiting in self._waiting if waiting is not first]
                    self._pause_s = RETRY_S
                self._published(first, published)
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def _later(self, tried: Waiting, error: ReconcilerError) -> None:
        with self._changed:
            self._retry_at_s = time.monotonic() + self._pause_s
            self._pause_s = min(RETRY_MAX_S, self._pause_s * RETRY_FACTOR)
        self._failed(tried, error)
