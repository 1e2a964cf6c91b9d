"""Ctrl-C and SIGTERM during a pass: once begins nothing new and waits, twice leaves at once.

Used by `apply`. Only passes the signal on to the shell of the loop, which is safe in a signal handler; says nothing
itself.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from reconciler.loop.shell import Shell

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Handles both signals from `ready` until the end of `handled`; in between, `as_answer` gives Ctrl-C to a
    question."""

    def __init__(self) -> None:
        self._shell: Shell | None = None

    def ready(self, shell: Shell) -> None:
        """From now on signals go to this shell."""
        self._shell = shell
        for number in SIGNALS:
            signal.signal(number, self._pass_on)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        if self._shell is not None:
            self._shell.interrupt()

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Give the signals back to whoever had them."""
        before = {number: signal.getsignal(number) for number in SIGNALS}
        try:
            yield
        finally:
            self._shell = None
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def as_answer(self) -> Iterator[None]:
        """While a question is asked, Ctrl-C is the answer no."""
        before = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
