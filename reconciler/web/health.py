"""Whether the daemon does its work, as `/healthz` answers it: for whatever would restart it, or page somebody.

Unhealthy is what a restart may mend, or what nobody would notice otherwise. Hosts that are away, git that is away or a
commit that is refused are told as events and metrics: a restart would change nothing there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from reconciler import __version__
from reconciler.core.reports.events import Event
from reconciler.core.reports.json_values import Json, headed
from reconciler.core.reports.report import Report
from reconciler.loop.daemon.telling.observer import Health
from reconciler.render.outputs.event import harmless

SILENT_S = 180.0
"""A loop that has not said for so long that it is alive hangs. One look at a host or at git may take a minute."""
INTERVALS_MAX = 3
GRACE_S = 60.0
"""What a pass may need to begin at all, beyond its interval: reading settings and git."""


class Ill(StrEnum):
    """Why it is not healthy."""

    STARTING_LATE = "starting-late"
    """It was started long ago and has not made a pass."""
    LATE = "late"
    """The last pass ended long ago, and none is under way."""
    SILENT = "silent"
    """Its loop does not answer."""
    STOPPING = "stopping"


@dataclass(frozen=True)
class Verdict:
    """How it is: `ill` is None where it is healthy."""

    ill: Ill | None
    message: str


def judge(health: Health, now_s: float, beat_age_s: float) -> Verdict:
    """How a daemon is that said this of itself so long ago. A pass may take hours: guests move in it."""
    patience_s = INTERVALS_MAX * health.interval_s + GRACE_S
    if health.stopping:
        return Verdict(Ill.STOPPING, "it was told to stop")
    if beat_age_s > SILENT_S:
        return Verdict(Ill.SILENT, f"the loop has not answered for {beat_age_s:.0f} s")
    if health.passing_since_s is not None:
        return Verdict(None, f"a pass is under way since {now_s - health.passing_since_s:.0f} s")
    if health.pass_ended_s is None:
        age_s = now_s - health.started_s
        if age_s > patience_s:
            return Verdict(Ill.STARTING_LATE, f"no pass since its start {age_s:.0f} s ago")
        return Verdict(None, "it has just been started")
    age_s = now_s - health.pass_ended_s
    if age_s > patience_s:
        return Verdict(Ill.LATE, f"the last pass ended {age_s:.0f} s ago; the interval is {health.interval_s:g} s")
    return Verdict(None, f"the last pass ended {age_s:.0f} s ago")


class Pulse:
    """Remembers what the daemon last said of itself, and when. An observer."""

    def __init__(
        self, health: Health, now_s: Callable[[], float] = time.time, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = threading.Lock()
        self._now_s, self._clock_s = now_s, clock_s
        self._health, self._beaten_s = health, clock_s()

    def event(self, event: Event) -> None:
        """No sign of life: the publisher has a thread of its own."""

    def reported(self, report: Report, duration_s: float) -> None:
        """Told with the next beat."""

    def beat(self, health: Health) -> None:
        """It is alive."""
        with self._lock:
            self._health, self._beaten_s = health, self._clock_s()

    def answer(self) -> tuple[bool, Json]:
        """Whether it is healthy, and the document that says so."""
        with self._lock:
            health, age_s = self._health, self._clock_s() - self._beaten_s
        verdict = judge(health, self._now_s(), age_s)
        return verdict.ill is None, health_json(health, verdict, age_s)


def health_json(health: Health, verdict: Verdict, beat_age_s: float) -> Json:
    """The document that `/healthz` answers with."""
    return headed(
        "Health",
        {
            "healthy": verdict.ill is None,
            "reason": verdict.ill or "",
            "message": verdict.message,
            "version": __version__,
            "fleet": harmless(health.fleet),
            "started": health.started_s,
            "interval_s": health.interval_s,
            "passing_since": health.passing_since_s,
            "pass_ended": health.pass_ended_s,
            "success": health.success_s,
            "result": harmless(health.result),
            "commit": harmless(health.commit),
            "trouble": harmless(health.trouble),
            "unpublished": health.unpublished,
            "beat_age_s": round(beat_age_s, 3),
        },
    )
