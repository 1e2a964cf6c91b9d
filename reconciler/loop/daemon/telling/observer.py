"""Who is told what the daemon does: log, metrics, notify program. The daemon knows them as observers only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.core.reports.events import Event
from reconciler.core.reports.report import Report


@dataclass(frozen=True)
class Health:
    """What the daemon says of itself. Times are seconds since the epoch by the wall clock; None: not yet."""

    fleet: str
    started_s: float
    interval_s: float
    passing_since_s: float | None = None
    """When the pass under way began; None between passes."""
    pass_ended_s: float | None = None
    """When the last pass ended, however it did."""
    success_s: float | None = None
    """When the last pass ended with the fleet as declared."""
    result: str = ""
    """Of the last pass."""
    commit: str = ""
    """The commit it was made on."""
    trouble: str = ""
    """What keeps passes from being made, or reports from being published, just now."""
    unpublished: int = 0
    """Reports that wait for git."""
    stopping: bool = False


class Observer(Protocol):
    """Is told of everything, on the daemon's thread or the publisher's, and must not keep either waiting. What it
    raises is logged and harms nothing."""

    def event(self, event: Event) -> None:
        """Something happened."""
        ...

    def reported(self, report: Report, duration_s: float) -> None:
        """A pass has ended."""
        ...

    def beat(self, health: Health) -> None:
        """The daemon is alive; told at least every ten seconds while it is."""
        ...


@dataclass
class Observers:
    """All of them as one. One that fails does not keep the others from being told."""

    each: tuple[Observer, ...] = ()
    failed: Callable[[Observer, Exception], None] = field(default=lambda observer, error: None)

    def event(self, event: Event) -> None:
        """Tell all."""
        self._tell(lambda observer: observer.event(event))

    def reported(self, report: Report, duration_s: float) -> None:
        """Tell all."""
        self._tell(lambda observer: observer.reported(report, duration_s))

    def beat(self, health: Health) -> None:
        """Tell all."""
        self._tell(lambda observer: observer.beat(health))

    def _tell(self, what: Callable[[Observer], None]) -> None:
        for observer in self.each:
            try:
                what(observer)
            except Exception as error:  # noqa: BLE001 - a full disk under a log must not end the daemon
                self.failed(observer, error)
