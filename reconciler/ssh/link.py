"""An open connection to one host, and the commands on it. Made by handshake, used by connections only.

Never sends a command twice, and says of each one whether it may have been sent.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from fabric import Connection
from paramiko import Channel, PKey, Transport

from reconciler.ssh.access import Said, Target
from reconciler.ssh.exchange import OutOfTime, TooMuchOutput, exchange
from reconciler.ssh.trouble import ConnectionLost, Loss

SESSIONS_MAX = 1000
"""Commands over one connection; then it is made anew, because paramiko remembers every channel for ever (#1685)."""
KEEPALIVE_S = 30
WAKE_S = 1.0
"""How often an idle connection's thread looks up; paramiko's own 0.1 s costs a fleet a tenth of a core for nothing."""


class NotSent(Exception):
    """The connection turned out dead before the command was sent."""


class Link:
    """An open connection. Kept while commands are on it, also after it is retired."""

    def __init__(self, target: Target, connection: Connection, sock: socket.socket, host_key: PKey) -> None:
        self.target = target
        self.host_key = host_key
        self._connection = connection
        self._transport: Transport = connection.transport
        self._socket = sock
        self._lock = threading.Lock()
        self._users = 0
        self._sessions = 0
        self._retired = False
        self._transport.set_keepalive(KEEPALIVE_S)
        sock.settimeout(WAKE_S)

    @property
    def usable(self) -> bool:
        return not self._retired and self._sessions < SESSIONS_MAX and self._transport.is_active()

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """To be entered under the lock that hands the link out: it is not closed while somebody is inside."""
        with self._lock:
            self._users += 1
            self._sessions += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                last = self._retired and not self._users
            if last:
                self.close()

    def retire(self) -> None:
        """Take no more commands; those under way are heard out."""
        with self._lock:
            self._retired = True
            idle = not self._users
        if idle:
            self.close()

    def close(self) -> None:
        """At once: commands under way are lost."""
        self._retired = True
        close(self._connection, self._socket)

    def run(self, command: bytes, *, stdin: bytes, timeout_s: float, output_bytes_max: int) -> Said:
        """NotSent if the connection is dead; ConnectionLost once the command may have been sent."""
        channel = self._session()
        deadline = time.monotonic() + timeout_s
        try:
            heard = exchange(channel, command, stdin=stdin, deadline=deadline, output_bytes_max=output_bytes_max)
        except TooMuchOutput as error:
            cause = f"the command said more than {output_bytes_max} bytes and was left alone"
            raise self._lost(Loss.TOO_MUCH_OUTPUT, cause) from error
        except OutOfTime as error:
            self.retire()  # slow command or dead host? the next command finds out, on a connection of its own
            raise self._lost(Loss.TIMED_OUT, f"the command took longer than {timeout_s:g} s") from error
        except Exception as error:  # we are handed whatever the library's thread died of
            raise self._lost(Loss.CUT, "the connection was cut while the command was sent") from error
        finally:
            with contextlib.suppress(Exception):  # the connection may be gone, and then there is nothing to close
                channel.close()
        if not heard.whole and not self._outlived():
            raise self._lost(Loss.CUT, "the connection was cut while the command ran")
        return Said(heard.status, heard.stdout, heard.stderr)

    def _session(self) -> Channel:
        try:
            return self._transport.open_session()
        except Exception as error:  # we are handed whatever the library's thread died of
            self.retire()
            raise NotSent from error

    def _outlived(self) -> bool:
        """Whether the connection is still there after the channel closed, so that it was the host that closed it."""
        try:
            self._session().close()
        except NotSent:
            return False
        return True

    def _lost(self, reason: Loss, cause: str) -> ConnectionLost:
        hint = "it may have run, and may still be running: look at the host before you send it again"
        return ConnectionLost(self.target, reason, cause, hint=hint)


def close(connection: Connection, sock: socket.socket) -> None:
    """End a connection, also one that was never fully opened."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)  # wakes the connection's thread, which is waited for next
    connection.client.close()
    sock.close()
