"""Real hosts and the connections to them, for the tests of ssh/. Each test has its own."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from reconciler.ssh.access import Access, Target
from reconciler.ssh.connections import Connections
from tests.ssh.sshd import Sshd, address, key_pair, public

NUMBERS = itertools.cycle(range(1, 250))
PATIENCE_S = 60.0
"""How long a test waits for what must happen; on a busy machine it may take long, and then it still happened."""


class Bench:
    """Starts hosts, knows their keys, hands out connections, and clears everything away."""

    def __init__(self, folder: Path, key: Path) -> None:
        self.folder = folder
        self.key = key
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.touch()
        self.access = Access(self.known_hosts, key, connect_timeout_s=PATIENCE_S, command_timeout_s=PATIENCE_S)
        self._stack = contextlib.ExitStack()

    def host(
        self,
        name: str,
        *config_lines: str,
        known: bool = True,
        port: int = 0,
        at: str = "",
        authorized: Sequence[str] | None = None,
        host_keys: Sequence[Path] = (),
        path: str = "",
    ) -> Sshd:
        """A running host, whose key is known and which knows ours unless it is said otherwise."""
        server = Sshd.start(
            self.folder / name,
            name,
            at or self.address(),
            port,
            authorized=[public(self.key)] if authorized is None else authorized,
            host_keys=host_keys,
            config_lines=config_lines,
            path=path,
        )
        self._stack.callback(server.stop)
        if known:
            self.learn(server.known_as())
        return server

    def address(self) -> str:
        return address(next(NUMBERS))

    def learn(self, lines: str) -> None:
        with self.known_hosts.open("a", encoding="ascii") as file:
            file.write(lines)

    def connections(self, **changes: object) -> Connections:
        made = Connections(replace(self.access, **changes))  # type: ignore[arg-type] # fields of Access, by name
        self._stack.callback(made.close)
        return made

    def silent(self) -> Target:
        """An address where connections are taken and nothing is ever said."""
        return self.silent_listener()[1]

    def silent_listener(self) -> tuple[socket.socket, Target]:
        listener = self._stack.enter_context(socket.create_server((self.address(), 0)))
        return listener, Target("silent", *listener.getsockname())

    def chatty(self, says: bytes) -> Target:
        """An address where something is said, and then the connection is closed."""
        listener = self._stack.enter_context(socket.create_server((self.address(), 0)))
        thread = threading.Thread(target=_say, args=(listener, says), daemon=True)
        thread.start()
        self._stack.callback(listener.shutdown, socket.SHUT_RDWR)
        return Target("chatty", *listener.getsockname())

    def close(self) -> None:
        self._stack.close()


def _say(listener: socket.socket, says: bytes) -> None:
    with contextlib.suppress(OSError):
        while True:
            peer, _ = listener.accept()
            with peer, contextlib.suppress(OSError):
                peer.sendall(says)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(1 << 16):
                    pass


def target(server: Sshd) -> Target:
    return Target(server.name, server.address, server.port)


@contextlib.contextmanager
def bench_in(folder: Path, key: Path) -> Iterator[Bench]:
    made = Bench(folder, key)
    try:
        yield made
    finally:
        made.close()


def key_in(folder: Path, kind: str = "ed25519", *, passphrase: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    return key_pair(folder / f"id_{kind}", kind, passphrase=passphrase)
