"""The control socket: how a person at this machine talks to the running daemon. A line of JSON each way.

    {"do": "refresh", "id": "4f1c…"}     -> {"accepted": "4f1c…"}, and when a pass that began after it has ended:
                                            {"handled": "4f1c…", "pass": …, "result": …, "commit": …, "exit_code": …}
    {"do": "suspensions"}                -> {"accepted": …}: the file of suspensions has changed
    {"do": "health"}                     -> what the daemon says of itself

Served by the daemon on threads of its own, asked by the commands. Only the daemon's own user and root are heard, and
nothing that can be asked for widens what a pass may do.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.core.names import is_name
from reconciler.errors import SettingsError

LINE_BYTES_MAX = 4096
CALLERS_MAX = 16
HEAR_TIMEOUT_S = 5.0
"""How long a caller may take to say what it wants."""
REFRESHES_KEPT = 256
PATH_BYTES_MAX = 100
"""What every system takes as the path of a Unix socket; longer ones are gone round by way of their folder."""

Reply = Mapping[str, object]


class NoDaemon(Exception):
    """Nobody listens there."""


@dataclass
class Refreshes:
    """Who waits for a pass to end. Filled by callers' threads, emptied by the daemon."""

    _changed: threading.Condition = field(default_factory=threading.Condition)
    _handled: dict[str, Reply] = field(default_factory=dict)
    _closed: bool = False

    def handled(self, request: str, reply: Reply) -> None:
        """A pass that began after this request has ended."""
        with self._changed:
            self._handled[request] = reply
            while len(self._handled) > REFRESHES_KEPT:
                del self._handled[next(iter(self._handled))]
            self._changed.notify_all()

    def close(self) -> None:
        """No pass will end any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self, request: str, timeout_s: float) -> Reply | None:
        """How it ended; None where it did not, by then."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or request in self._handled, timeout_s)
            return self._handled.pop(request, None)


class ControlSocket:
    """The daemon's end. `refresh` is called with a request's id, `suspensions` with nothing, both on other threads."""

    def __init__(
        self,
        path: Path,
        refresh: Callable[[str], None],
        suspensions: Callable[[], None],
        health: Callable[[], Reply],
    ) -> None:
        self.path = path
        self.refreshes = Refreshes()
        self._refresh, self._suspensions, self._health = refresh, suspensions, health
        self._callers = threading.BoundedSemaphore(CALLERS_MAX)
        self._listener: socket.socket | None = None

    def open(self) -> None:
        """Listen. Whoever holds the state folder may take the place of a socket that a killed daemon left."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)  # 0600 from its first moment on
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.unlink(missing_ok=True)
            with _reachable(self.path) as name:
                listener.bind(name)
            listener.listen(CALLERS_MAX)
        except OSError as error:
            listener.close()
            raise SettingsError(
                f"{self.path}: cannot listen: {error.strerror or error}",
                hint="name a path that this user may write: [state] control_socket",
            ) from error
        finally:
            os.umask(before)
        self._listener = listener
        threading.Thread(target=self._serve, args=(listener,), name="control", daemon=True).start()

    def close(self) -> None:
        """Hear nobody any more, and let those go who wait."""
        self.refreshes.close()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
            self._listener = None

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            if not self._callers.acquire(blocking=False):
                caller.close()
                continue
            threading.Thread(target=self._hear, args=(caller,), name="caller", daemon=True).start()

    def _hear(self, caller: socket.socket) -> None:
        try:
            with caller, contextlib.suppress(OSError):
                if not _trusted(caller):
                    return
                caller.settimeout(HEAR_TIMEOUT_S)
                line = caller.makefile("rb").readline(LINE_BYTES_MAX)
                for reply in self._answer(line):
                    caller.sendall(json.dumps(reply).encode() + b"\n")
        finally:
            self._callers.release()

    def _answer(self, line: bytes) -> Iterator[Reply]:
        try:
            said = json.loads(line)
            wanted, request = said["do"], str(said.get("id", ""))
            timeout_s = float(said.get("timeout_s", 0))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            yield {"error": "say one line of JSON with `do`"}
            return
        match wanted:
            case "refresh" if is_name(request):
                self._refresh(request)
                yield {"accepted": request}
                if timeout_s > 0:
                    yield self.refreshes.wait(request, timeout_s) or {"waiting": request}
            case "suspensions":
                self._suspensions()
                yield {"accepted": "suspensions"}
            case "health":
                yield self._health()
            case _:
                yield {"error": f"cannot do {wanted!r:.40}"}


def ask(path: Path, wanted: Reply, *, timeout_s: float = HEAR_TIMEOUT_S) -> Iterator[Reply]:
    """Ask the daemon at this socket, and give its answers one by one. Raises NoDaemon."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            with _reachable(path) as name:
                connection.connect(name)
            connection.sendall(json.dumps(wanted).encode() + b"\n")
            for line in connection.makefile("rb"):
                yield json.loads(line)
        except (OSError, ValueError) as error:
            raise NoDaemon(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def tell_daemon(path: Path) -> None:
    """Let a daemon that is there know of changed suspensions. One that is not reads them when it starts."""
    with contextlib.suppress(NoDaemon):
        list(ask(path, {"do": "suspensions"}))


@contextlib.contextmanager
def _reachable(path: Path) -> Iterator[str]:
    """A name for this path that fits into a socket's address."""
    if len(os.fsencode(path)) <= PATH_BYTES_MAX:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _trusted(caller: socket.socket) -> bool:
    """The socket's mode says so already; the kernel's word for who calls does not rest on a file's mode."""
    _, user, _ = struct.unpack("3i", caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return user in (0, os.geteuid())
