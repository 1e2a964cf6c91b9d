"""The server behind a fleet's stand-in commands: one world, one lock, one clock, a thread for each command under way.

Called by the fleet; reached by the commands over a Unix socket that every host sees. What a command does is in
stand_ins. Its clock runs `speed` times the wall's; the clocks of the hosts run with the wall's.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.drivers.simulated.fleet import SimHost
from reconciler.drivers.simulated.world import World
from tests.drivers.hosts.catalogue import Catalogue
from tests.drivers.hosts.variants import Lie, Variants

REQUEST_BYTES_MAX = 1024 * 1024
POLL_S = 0.02
SETTLE_S = 5.0
"""How long `settle` waits for what ended on the hosts to be noticed there."""
JOB_MARK = b"\0jobs/"
"""What the command line of a job's shell holds, and nothing else's."""
GARBAGE = bytes(range(128, 256)) + b"\x1b[2J\0\n"


class ClientGone(Exception):
    """Whoever gave the command was killed, or its host went down."""


class RunTheRealOne(Exception):
    """The command is not about the fleet: the host's own program shall do it."""


@dataclass
class Wait:
    """A command that waits for something to end."""

    over: Callable[[], bool]
    job_pids: tuple[int, ...]
    """The shells of the job that it is part of."""


@dataclass
class Call:
    """One command on one host."""

    server: Server
    host_name: str
    name: str
    argv: tuple[str, ...]
    connection: socket.socket

    @property
    def host(self) -> SimHost:
        """The host in the world."""
        return self.server.world.fleet.hosts[self.host_name]

    @property
    def variants(self) -> Variants:
        """How this fleet differs."""
        return self.server.catalogue.variants

    @property
    def catalogue(self) -> Catalogue:
        """What the hosts call things."""
        return self.server.catalogue

    def out(self, text: str) -> None:
        """Print on stdout."""
        self._send(b"o", text.encode())

    def err(self, text: str) -> None:
        """Print on stderr."""
        self._send(b"e", text.encode())

    def raw(self, data: bytes) -> None:
        """Print bytes on stdout."""
        self._send(b"o", data)

    def status(self, status: int) -> None:
        """Let the command end."""
        with contextlib.suppress(OSError):
            self.connection.sendall(struct.pack("!cI", b"x", status))

    def real(self) -> None:
        """Let the host's own program do it."""
        with contextlib.suppress(OSError):
            self.connection.sendall(struct.pack("!cI", b"r", 0))

    def _send(self, kind: bytes, data: bytes) -> None:
        try:
            self.connection.sendall(struct.pack("!cI", kind, len(data)) + data)
        except OSError as error:
            raise ClientGone from error

    def gone(self, timeout_s: float) -> bool:
        """Whether the client has gone, at the end of that time at the latest."""
        readable, _, _ = select.select([self.connection], [], [], timeout_s)
        try:
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def wait(self, over: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None) -> None:
        """Wait until `over`, which is asked under the lock. Raises ClientGone."""
        waiting = Wait(over, self._job_pids())
        with self.server.waiting(waiting):
            while True:
                with self.server.locked():
                    if over():
                        return
                    meanwhile()
                if self.gone(POLL_S):
                    raise ClientGone

    def _job_pids(self) -> tuple[int, ...]:
        credentials = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid = int(struct.unpack("3i", credentials)[0])
        found = []
        while pid > 1:
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
                stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                break
            if JOB_MARK in line:
                found.append(pid)
            pid = int(stat.rpartition(")")[2].split()[1])
        return tuple(found)


Command = Callable[[Call], int]


@dataclass
class Server:
    """The world behind a fleet."""

    catalogue: Catalogue
    commands: dict[str, Command]
    speed: float
    addresses: dict[str, str] = field(default_factory=dict)
    """Address -> host."""
    cut: set[str] = field(default_factory=set)
    """Hosts that nothing gets through to."""
    firsts: Callable[[], Iterable[int]] = tuple
    """Process 1 of each host that is up, as the outside numbers it."""
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _waits: list[Wait] = field(default_factory=list)
    _listener: socket.socket | None = None

    def __post_init__(self) -> None:
        self._base_s = self.world.now_s
        self._started_s = time.time()
        self.wound_s = 0.0

    @property
    def world(self) -> World:
        """The world; touch it under the lock only."""
        return self.catalogue.world

    @contextlib.contextmanager
    def locked(self) -> Iterator[World]:
        """The world as it is now, for one thread at a time."""
        with self._lock:
            now_s = self._base_s + (time.time() - self._started_s) * self.speed + self.wound_s
            self.world.advance_to(max(now_s, self.world.now_s))
            yield self.world

    def connected(self, *hosts: str) -> bool:
        """Whether these hosts reach each other."""
        return not self.cut.intersection(hosts)

    def clock_s(self, host: str) -> float:
        """What the host's own clock shows."""
        return time.time() + self.wound_s + self.world.fleet.hosts[host].clock_skew_s

    def wind(self, seconds: float) -> None:
        """Move all clocks on, and wait until what ended by that has been noticed on the hosts.

        A job that was begun a moment ago begins before the clocks move: its shell may not have got to its command yet.
        """
        self.settle()
        with self._lock:
            self.wound_s += seconds
        self.settle()

    def settle(self) -> None:
        """Wait until every job's shell has ended or waits for something that goes on."""
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline:
            with self.locked():
                busy = {pid for wait in self._waits if not wait.over() for pid in wait.job_pids}
            if _jobs(self.firsts()) <= busy:
                return
            time.sleep(POLL_S / 4)

    @contextlib.contextmanager
    def waiting(self, wait: Wait) -> Iterator[None]:
        """Let `settle` know of a command that waits."""
        with self._lock:
            self._waits.append(wait)
        try:
            yield
        finally:
            with self._lock:
                self._waits.remove(wait)

    # -------------------------------------------------------------------------------------------------- the socket

    def listen(self, folder: Path) -> None:
        """Answer commands at `folder`/socket."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:  # a socket's path may have 108 bytes, a test's folder more
            listener.bind(f"/proc/self/fd/{directory}/socket")
        finally:
            os.close(directory)
        listener.listen(512)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self) -> None:
        """Answer nothing more."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(ClientGone, OSError):
            length = int.from_bytes(_exactly(connection, 4), "big")
            if length > REQUEST_BYTES_MAX:
                return
            host, name, *argv = _exactly(connection, length).decode("utf-8", "replace").split("\0")
            call = Call(self, host, name, tuple(argv), connection)
            try:
                status = self._answer(call)
            except RunTheRealOne:
                call.real()
            else:
                call.status(status)

    def _answer(self, call: Call) -> int:
        command = self.commands.get(call.name)
        if command is None or call.host_name not in self.world.fleet.hosts:
            call.err(f"{call.name}: not found\n")
            return 127
        if call.name in ("date", "ls"):
            return command(call)
        variants = call.variants
        if variants.delay_s and call.gone(variants.delay_s):
            raise ClientGone
        if lie := variants.lies.get(call.host_name):
            return _lie(call, lie)
        if variants.stderr_chatter:
            call.err(variants.stderr_chatter)
        if variants.stdout_chatter:
            call.out(variants.stdout_chatter)
        return command(call)


def _lie(call: Call, lie: Lie) -> int:
    if lie is Lie.GARBAGE:
        call.raw(GARBAGE)
    while lie is Lie.ENDLESS:
        call.raw(b"[Virtual Machines] and so on, and on\n" * 1000)
    while lie is Lie.HANGS:
        if call.gone(1.0):
            raise ClientGone
    return 0


def _exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            raise ClientGone
        data += part
    return data


def _jobs(firsts: Iterable[int]) -> set[int]:
    """The shells of jobs on the hosts of these processes."""
    spaces = {_space(first) for first in firsts} - {""}
    pids = {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    return {pid for pid in pids if _is_job(pid) and _space(pid) in spaces}


def _space(pid: int) -> str:
    """The process namespace that it lives in; empty where it has gone."""
    with contextlib.suppress(OSError):
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    return ""


def _is_job(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return JOB_MARK in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
