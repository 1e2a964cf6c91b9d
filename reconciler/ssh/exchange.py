"""One command on one channel, within its limits on time and output. Called by link only; knows no hosts.

The library waits for a command's start without a limit and reads one output at a time; both are mended here.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass

from paramiko import Channel

CHUNK_BYTES = 1 << 15
PACKETS_A_RING = 8
"""At most 32 KiB each, so that no more than 256 KiB wait unheard; the window, 2 MiB, is never exhausted by that."""
STATUS_NEVER_SENT = -1


class TooMuchOutput(Exception):
    """The command said more than it may."""


class OutOfTime(Exception):
    """The deadline passed. Not TimeoutError: that is also what a connection dies of."""


@dataclass(frozen=True)
class Heard:
    """What came over the channel until it closed. Not whole: it may have been cut before its end."""

    status: int | None
    stdout: bytes
    stderr: bytes
    whole: bool


class _Reply(threading.Event):
    """The server's reply to "run this", waited for until the deadline; paramiko's own wait has no end."""

    def __init__(self, deadline: float) -> None:
        super().__init__()
        self._deadline = deadline

    def wait(self, timeout: float | None = None) -> bool:
        if not super().wait(max(0.0, self._deadline - time.monotonic())):
            raise OutOfTime
        return True


class _Bell(threading.Event):
    """Rings when there is something to hear: the channel closed, or a handful of packets came.

    A thread that wakes for each packet would double what a short command costs. Only we silence the bell: it hangs on
    both outputs, and an empty one would silence what the other has.
    """

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel
        self._packets = 0

    def set(self) -> None:
        """The connection's thread calls this for each packet, and when the channel has closed."""
        self._packets += 1
        if self._channel.closed or self._packets % PACKETS_A_RING == 0:
            super().set()

    def clear(self) -> None:
        """The outputs call this when they are empty."""

    def silence(self) -> None:
        super().clear()


def exchange(channel: Channel, command: bytes, *, stdin: bytes, deadline: float, output_bytes_max: int) -> Heard:
    """Run the command and hear it out; OutOfTime or TooMuchOutput when a limit is reached."""
    bell = _Bell(channel)
    channel.in_buffer.set_event(bell)
    channel.in_stderr_buffer.set_event(bell)
    channel.event = _Reply(deadline)
    channel.exec_command(command)
    _feed(channel, stdin, deadline)
    stdout, stderr = bytearray(), bytearray()
    while True:
        bell.silence()
        ended = channel.closed  # asked before the outputs are: what came before the end is in them by then
        while channel.recv_ready():
            stdout += channel.recv(CHUNK_BYTES)
            _check(stdout, stderr, output_bytes_max)
        while channel.recv_stderr_ready():
            stderr += channel.recv_stderr(CHUNK_BYTES)
            _check(stdout, stderr, output_bytes_max)
        if ended:
            break
        if not bell.wait(max(0.0, deadline - time.monotonic())):
            raise OutOfTime
    status = channel.recv_exit_status()
    # A status can come before the last output, so it alone does not say that all of it is here.
    whole = status != STATUS_NEVER_SENT and bool(channel.eof_received)
    return Heard(None if status == STATUS_NEVER_SENT else status, bytes(stdout), bytes(stderr), whole)


def _check(stdout: bytearray, stderr: bytearray, output_bytes_max: int) -> None:
    if len(stdout) + len(stderr) > output_bytes_max:
        raise TooMuchOutput


def _feed(channel: Channel, stdin: bytes, deadline: float) -> None:
    """Send stdin as far as the host takes it at once; a thread sends the rest, so that we can read meanwhile."""
    rest = memoryview(stdin)
    with contextlib.suppress(OSError):  # the command ended without reading it all; its answer counts
        while rest and channel.send_ready():
            sent = channel.send(bytes(rest[:CHUNK_BYTES]))
            if not sent:
                return
            rest = rest[sent:]
        if not rest:
            channel.shutdown_write()
            return
        channel.settimeout(max(0.001, deadline - time.monotonic()))
        threading.Thread(target=_feed_rest, args=(channel, rest), name="ssh-stdin", daemon=True).start()


def _feed_rest(channel: Channel, rest: memoryview) -> None:
    """Ends with the channel at the latest, which is closed when the command's time is up."""
    with contextlib.suppress(OSError):
        while rest:
            sent = channel.send(bytes(rest[:CHUNK_BYTES]))
            if not sent:
                return
            rest = rest[sent:]
        channel.shutdown_write()
