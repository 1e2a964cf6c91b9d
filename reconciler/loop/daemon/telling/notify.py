"""Tell a program of the operator's about events, one by one, with the event as JSON on its stdin. An observer.

The program is named in settings only. It is run on a thread of its own, with a time limit and a bounded queue: one
that hangs, fails or is missing costs notifications, never a pass.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import IO

from reconciler.core.reports.events import Event, EventKind, Severity
from reconciler.core.reports.report import Report
from reconciler.loop.daemon.telling.observer import Health
from reconciler.loop.daemon.telling.signals import NotifySettings
from reconciler.render.outputs.event import event_json, harmless

WAITING_MAX = 256
COMPLAIN_S = 300.0
"""Trouble with the program is logged at most so often."""
SLICE_S = 0.2
"""How soon the thread notices that it should end."""
CLOSE_S = 1.2
"""How long what waits may take when the daemon ends; then it is left."""
KILL_S = 0.6
LAST_WORDS_BYTES = 400
KEPT = ("PATH", "HOME", "LANG")
"""All that the program gets of our environment: what else is in there may be secret."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Notifier:
    """Runs the program. `tell` gets events about trouble with it; it must not lead back here."""

    def __init__(
        self,
        settings: NotifySettings | None,
        tell: Callable[[Event], None],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._tell, self._clock_s = tell, clock_s
        self._changed = threading.Condition()
        self._waiting: deque[Event] = deque()
        self._dropped = self._failures = 0
        self._complained_s: float | None = None
        self._closing = self._abandoned = False
        self._thread = threading.Thread(target=self._work, name="notify", daemon=True)
        self._thread.start()

    def use(self, settings: NotifySettings | None) -> None:
        """Go on like this; None: nobody is told."""
        self._settings = settings

    def event(self, event: Event) -> None:
        """Have the program told, if it wants to be."""
        settings = self._settings
        if settings is None or event.kind is EventKind.NOTIFY_TROUBLE or not settings.wants(event.kind, event.severity):
            return
        with self._changed:
            if self._closing:
                return
            if len(self._waiting) >= WAITING_MAX:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(event)
            self._changed.notify_all()

    def reported(self, report: Report, duration_s: float) -> None:
        """Told as events."""

    def beat(self, health: Health) -> None:
        """Nobody is paged because all is well."""

    def close(self) -> None:
        """Within two seconds: what waits is told if that goes quickly, and the program is ended where it hangs."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(CLOSE_S)
        self._abandoned = True
        self._thread.join(KILL_S)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if self._abandoned or not self._waiting:
                    return
                event = self._waiting.popleft()
                dropped, self._dropped = self._dropped, 0
            settings = self._settings
            if settings is not None:
                self._complain(event, settings, self._run(settings, event), dropped)

    def _run(self, settings: NotifySettings, event: Event) -> str:
        """Run the program once. Says what went wrong, or nothing."""
        sent = json.dumps(event_json(event)).encode() + b"\n"
        with tempfile.TemporaryFile() as last_words:
            try:
                process = subprocess.Popen(
                    settings.program,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=last_words,
                    cwd="/",
                    env={"PATH": PATH, **{name: os.environ[name] for name in KEPT if name in os.environ}},
                    start_new_session=True,  # a group of its own: it is ended with all that it started
                )
            except OSError as error:
                return f"cannot be started: {error.strerror or error}"
            except ValueError as error:  # a null byte among its arguments
                return f"cannot be started: {error}"
            return self._ended(process, sent, settings.timeout_s) or _judged(process, last_words)

    def _ended(self, process: subprocess.Popen[bytes], sent: bytes, timeout_s: float) -> str:
        """Wait for its end, and bring it about where it takes too long."""
        until_s = time.monotonic() + timeout_s
        first: bytes | None = sent
        while True:
            try:
                process.communicate(first, timeout=max(0.0, min(SLICE_S, until_s - time.monotonic())))
            except subprocess.TimeoutExpired:
                first = None  # what it has not read yet is sent on by the next call
                if not self._abandoned and time.monotonic() < until_s:
                    continue
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                if process.stdin is not None:
                    with contextlib.suppress(OSError):
                        process.stdin.close()
                return f"took longer than {timeout_s:g} s and was ended"
            return ""

    def _complain(self, event: Event, settings: NotifySettings, trouble: str, dropped: int) -> None:
        """Say what went wrong, but not each time."""
        with self._changed:
            self._failures += bool(trouble)
            self._dropped += dropped
            now_s = self._clock_s()
            if not trouble and not self._dropped:
                return
            if self._complained_s is not None and now_s - self._complained_s < COMPLAIN_S:
                return
            self._complained_s = now_s
            failures, self._failures = self._failures, 0
            lost, self._dropped = self._dropped, 0
        program = settings.program[0]
        said = [f"{program} {trouble}"] if trouble else []
        if lost:
            said.append(f"{lost} events were dropped: {program} is too slow for what happens")
        details = {"failures": failures, "dropped": lost}
        text = "; ".join(said)
        self._tell(
            Event(EventKind.NOTIFY_TROUBLE, Severity.WARNING, time.time(), event.fleet, text, event.run, details)
        )


def _judged(process: subprocess.Popen[bytes], last_words: IO[bytes]) -> str:
    if process.returncode == 0:
        return ""
    size = last_words.seek(0, os.SEEK_END)
    last_words.seek(max(0, size - LAST_WORDS_BYTES))
    said = harmless(last_words.read().decode("utf-8", "replace").strip())
    how = f"ended with {process.returncode}" if process.returncode > 0 else f"was ended by signal {-process.returncode}"
    return f"{how}: {said}" if said else how
