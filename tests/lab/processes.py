"""Processes by id and start time: what is ended is what was started, never a stranger that got the same number.

Called by whatever starts namespaces. Never looks for a process by its name.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

STATE, STARTED = 0, 19
"""Fields of /proc/PID/stat, counted from behind the name."""


@dataclass(frozen=True)
class Process:
    """One that was there when we looked."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that has this id now; None when there is none."""
        fields = _stat(pid)
        return cls(pid, fields[STARTED]) if fields else None

    @property
    def alive(self) -> bool:
        """Whether it is still that one, and not only unburied."""
        fields = _stat(self.pid)
        return bool(fields) and fields[STARTED] == self.started and fields[STATE] not in "ZX"

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there. The file descriptor keeps the id from changing hands meanwhile."""
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(self.pid)
            try:
                if self.alive:
                    signal.pidfd_send_signal(descriptor, number)
            finally:
                os.close(descriptor)


def children(pid: int) -> list[Process]:
    """Those it started, or adopted."""
    with contextlib.suppress(OSError):
        pids = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return [child for each in pids if (child := Process.of(int(each)))]
    return []


def command_line(pid: int) -> str:
    """As it was started, or calls itself."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return ""


def _stat(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()
    return []
