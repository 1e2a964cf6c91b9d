"""A daemon as a real process on a bench of simulated hosts, and what it says. Used by the tests of this folder."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.bench import EXECUTABLE

PATIENCE_S = 60.0
"""A busy machine is no failure."""
POLL_S = 0.02

Said = dict[str, Any]


@dataclass
class Running:
    """The process. `said` is everything it has logged so far."""

    process: subprocess.Popen[str]
    said: list[Said] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    """Lines that are no JSON: there should be none."""
    _lines: queue.SimpleQueue[Said | None] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stderr or ():
            try:
                self._lines.put(json.loads(line))
            except ValueError:
                self.odd.append(line)
        self._lines.put(None)

    def hears(self, kind: str, **wanted: object) -> Said:
        """Wait until it has logged such an event, from now on."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            assert line is not None, f"no {kind} {wanted}; it said:\n{self.told()}"
            self.said.append(line)
            if line["kind"] == kind and all(line.get(name) == value for name, value in wanted.items()):
                return line

    def told(self) -> str:
        """All it said, for a person."""
        return "\n".join([*(f"{line['kind']}: {line['message']}" for line in self.said), *self.odd])

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def ended(self, timeout_s: float = PATIENCE_S) -> int:
        """Its exit code, once it has ended by itself."""
        return self.process.wait(timeout_s)

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self.signal(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        """As a power failure does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def daemon(settings: Path, *, settled: bool = True, **variables: str) -> Iterator[Running]:
    """A daemon under these settings; `settled` waits until its first pass is over. What it reports comes after that."""
    running = Running(
        subprocess.Popen(
            [str(EXECUTABLE), "run"],
            cwd=settings.parent,
            env={**os.environ, "RECONCILER_SETTINGS": str(settings), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    try:
        if settled:
            running.hears("pass-ended")
        yield running
    finally:
        if running.process.poll() is None:
            running.kill()
        if running.process.stderr is not None:
            running.process.stderr.close()


def eventually(true: Callable[[], bool], what: str = "") -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, what or "it never came to be"
        time.sleep(POLL_S)
