"""Wait for what happens elsewhere, by looking again and again. Every wait has a limit and says what it waited for."""

from __future__ import annotations

import time
from collections.abc import Callable

LIMIT_S = 120.0
"""Far more than anything here takes: machines that run tests are busy."""
PAUSE_S = 0.05


def until(what: str, look: Callable[[], object], limit_s: float = LIMIT_S, pause_s: float = PAUSE_S) -> None:
    """Return when `look` finds something true; fail, naming `what`, when it never does."""
    deadline = time.monotonic() + limit_s
    while not look():
        assert time.monotonic() < deadline, f"waited {limit_s:.0f} s in vain: {what}"
        time.sleep(pause_s)
