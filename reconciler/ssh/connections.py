"""Run commands on hosts over connections that stay open. The way into ssh/: drivers and loop call this, nothing else.

Owns which host has which connection, how much is under way at once, and the memory of hosts that did not answer.
Never sends a command twice: what may have been sent and was not answered is lost, and its caller is told so.
"""

from __future__ import annotations

import contextlib
import shlex
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.ssh.access import Access, Said, Target
from reconciler.ssh.trouble import HostUnreachable, Trouble

if TYPE_CHECKING:
    from reconciler.ssh.credentials import Stamp
    from reconciler.ssh.link import Link

SESSIONS_AT_ONCE_MAX = 8
"""Commands at once on one host: sshd allows a connection ten unless it is told otherwise (MaxSessions)."""


@dataclass(frozen=True)
class _Failure:
    error: HostUnreachable
    at: float
    version: tuple[Stamp | None, Stamp | None]


class _Host:
    """What we hold of one host."""

    def __init__(self) -> None:
        self.opening = threading.Lock()
        self.sessions = threading.BoundedSemaphore(SESSIONS_AT_ONCE_MAX)
        self.link: Link | None = None
        self.failure: _Failure | None = None


class Connections:
    """Commands on hosts, from any thread. Making one loads the SSH libraries; importing this module does not."""

    def __init__(self, access: Access) -> None:
        from reconciler.ssh.credentials import Credentials
        from reconciler.ssh.handshake import open_link
        from reconciler.ssh.link import NotSent

        self._access = access
        self._credentials = Credentials(access)
        self._open_link = open_link
        self._not_sent = NotSent
        self._lock = threading.Lock()
        self._hosts: dict[Target, _Host] = {}
        self._closed = False
        self._under_way = threading.BoundedSemaphore(access.connections_max)

    def run(
        self,
        target: Target,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout_s: float | None = None,
        fresh: bool = False,
    ) -> Said:
        """Run it and hear it out.

        HostUnreachable: nothing was sent. ConnectionLost: it was, or may have been, and nothing more is known.
        `fresh` asks a host again that did not answer a moment ago.
        """
        command = _quoted(argv)
        called_at = time.monotonic()
        host = self._host(target)
        self._recall(host, called_at, fresh=fresh)  # before any wait, so that a dead host is answered for at once
        timeout_s = self._access.command_timeout_s if timeout_s is None else timeout_s
        limit = self._access.output_bytes_max
        with host.sessions:
            for _ in range(2):  # a connection that died while nobody used it is replaced once
                with contextlib.suppress(self._not_sent), self._link(host, target, called_at, fresh=fresh) as link:
                    return link.run(command, stdin=stdin, timeout_s=timeout_s, output_bytes_max=limit)
        raise HostUnreachable(
            target,
            Trouble.CONNECTION_REFUSED,
            "lets us sign in, but opens no session",
            hint="look into the log of sshd on the host: MaxSessions may be too low, or the host short of processes",
        )

    def close(self) -> None:
        """End all connections at once. Commands under way are lost; nothing can be run any more."""
        with self._lock:
            self._closed = True
            links = [host.link for host in self._hosts.values() if host.link]
        for link in links:
            link.close()

    def _host(self, target: Target) -> _Host:
        with self._lock:
            host = self._hosts.get(target)
            if host is not None:
                return host
            # A document gave this name another address: its old connection ends when its last command does.
            moved = [known for known in self._hosts if known.name == target.name]
            old = [self._hosts.pop(known).link for known in moved]
            host = self._hosts[target] = _Host()
        for link in old:
            if link:
                link.retire()
        return host

    @contextlib.contextmanager
    def _link(self, host: _Host, target: Target, called_at: float, *, fresh: bool) -> Iterator[Link]:
        """The host's connection, opened if need be. Others wait meanwhile: one handshake serves them all.

        They wait before they count as under way, so that a dead host with many callers takes one place, not all.
        """
        with contextlib.ExitStack() as stack:
            with host.opening:
                stack.enter_context(self._under_way)
                link = host.link
                if link and not (link.usable and link.host_key in self._credentials.keys_of(target)):
                    link.retire()
                    link = None
                if link is None:
                    self._recall(host, called_at, fresh=fresh)
                    link = self._open(host, target)
                stack.enter_context(link.used())
            yield link

    def _open(self, host: _Host, target: Target) -> Link:
        self._refuse_if_closed(target)
        version = self._credentials.version()
        try:
            link = self._open_link(target, self._access, self._credentials)
        except HostUnreachable as error:
            # A copy: the error itself holds on to all that was on the stack when it was raised.
            host.link, host.failure = None, _Failure(error.copied(), time.monotonic(), version)
            raise
        with self._lock:  # from here on, `close` finds it
            host.link, host.failure = link, None
            closed = self._closed
        if closed:
            link.close()
        self._refuse_if_closed(target)
        return link

    def _refuse_if_closed(self, target: Target) -> None:
        if self._closed:
            raise HostUnreachable(
                target, Trouble.CLOSING, "we are closing our connections", hint="nothing to do: this program is ending"
            )

    def _recall(self, host: _Host, called_at: float, *, fresh: bool) -> None:
        """Raise what is remembered of a host that did not answer, unless it is old, or a file says something new."""
        failure = host.failure
        if failure is None or (host.link and host.link.usable):
            return
        ago_s = time.monotonic() - failure.at
        since_call = failure.at >= called_at  # as fresh as it gets: tried while this caller waited
        if since_call or (not fresh and ago_s < self._access.retry_after_s):
            if failure.version == self._credentials.version():
                raise failure.error.copied(f" (tried {ago_s:.0f} s ago, not tried again yet)")


def _quoted(argv: Sequence[str]) -> bytes:
    """The one string that SSH takes, for the shell at the other end."""
    command = shlex.join(argv)
    if not command or "\0" in command:
        raise ValueError("a command has at least one word, and no NUL in any")
    return command.encode("utf-8", "surrogateescape")
