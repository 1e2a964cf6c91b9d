"""Real SSH servers on loopback addresses, each with a world of its own: account, mounts, host keys, settings, log.

Called by tests that need hosts. Uses no code of ours, touches no file outside the folder that it is given, and ends
only processes that it started.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.ssh.packages import missing, require_packages

PROGRAM = "/usr/sbin/sshd"
START_TIMEOUT_S = 30.0
PASSWD = "root:x:0:0:root:{home}:/bin/sh\nsshd:x:74:74:sshd:/run/sshd:/usr/sbin/nologin\n"
# `*` is no password, not a locked account: sshd without PAM refuses the latter.
SHADOW = "root:*:20000::::::\nsshd:*:20000::::::\n"


def require_sshd() -> None:
    """Return when real SSH servers can be started here; skip, or fail on CI, when not."""
    if os.getuid() != 0:
        missing("real SSH servers are started as root")
    require_packages("openssh-server", program=PROGRAM)
    if not _can_unshare():
        missing("real SSH servers need mount namespaces (`unshare -m`)")


@functools.cache
def _can_unshare() -> bool:
    with contextlib.suppress(OSError):
        return subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode == 0
    return False


def worker() -> int:
    """Which of the parallel test processes this is, counted from 0; each has loopback addresses of its own."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def address(number: int) -> str:
    """A loopback address that no other test process uses."""
    assert 0 < number < 255, "one worker has 254 addresses"
    return f"127.76.{worker() % 256}.{number}"


def free_port(at: str) -> int:
    with socket.socket() as probe:
        probe.bind((at, 0))
        return int(probe.getsockname()[1])


def key_pair(path: Path, kind: str = "ed25519", *, passphrase: str = "") -> Path:
    """The key pair of this name, made when it is not there yet; the public half is beside it as `.pub`."""
    if path.exists():
        return path
    bits = ["-b", "2048"] if kind == "rsa" else []
    command = ["ssh-keygen", "-q", "-t", kind, *bits, "-N", passphrase, "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def public(key: Path) -> str:
    """Kind and key, as they stand in known_hosts and authorized_keys."""
    return " ".join(key.with_name(key.name + ".pub").read_text(encoding="ascii").split()[:2])


@dataclass
class Sshd:
    """A running server. `folder` is its own: settings, keys, log, and the home of its root."""

    folder: Path
    name: str
    address: str
    port: int
    host_keys: tuple[Path, ...]
    process: subprocess.Popen[bytes] = field(repr=False)

    @classmethod
    def start(
        cls,
        folder: Path,
        name: str,
        address: str,
        port: int = 0,
        *,
        authorized: Iterable[str] = (),
        host_keys: Sequence[Path] = (),
        config_lines: Iterable[str] = (),
        mounts: Mapping[Path, Path] | None = None,
        path: str = "",
    ) -> Sshd:
        """Start it, and return when it takes connections.

        `authorized`: public keys that may sign in. `host_keys`: an ed25519 key of its own if empty. `mounts`: what the
        server and its commands see in place of a path (which must exist): `{seen: real}`. `path`: PATH of commands.
        """
        folder.mkdir(parents=True, exist_ok=True)
        home = folder / "home"
        home.mkdir(exist_ok=True)
        port = port or free_port(address)
        keys = tuple(host_keys) or (key_pair(folder / "host_ed25519"),)
        (folder / "authorized_keys").write_text("".join(f"{key}\n" for key in authorized), encoding="ascii")
        (folder / "passwd").write_text(PASSWD.format(home=home), encoding="ascii")
        (folder / "shadow").write_text(SHADOW, encoding="ascii")
        environment = [f'SetEnv "PATH={path}"'] if path else []
        lines = [
            *config_lines,  # first: sshd takes the first value it finds
            *environment,
            f"ListenAddress {f'[{address}]' if ':' in address else address}:{port}",
            *(f"HostKey {key}" for key in keys),
            f"AuthorizedKeysFile {folder / 'authorized_keys'}",
            "AuthenticationMethods publickey",
            "PermitRootLogin yes",
            "PidFile none",
            "PrintLastLog no",
            "PrintMotd no",
            "StrictModes no",
            "UsePAM no",
            "UseDNS no",
        ]
        (folder / "sshd_config").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        script = _world(folder, {Path("/etc/passwd"): folder / "passwd", Path("/etc/shadow"): folder / "shadow"})
        script += _binds(mounts or {})
        script += f"exec {PROGRAM} -D -e -f {shlex.quote(str(folder / 'sshd_config'))}\n"
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                ["unshare", "-m", "/bin/sh", "-ec", script],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
                start_new_session=True,
            )
        server = cls(folder, name, address, port, keys, process)
        try:
            server._await_start()
        except BaseException:
            server.stop()
            raise
        return server

    def _await_start(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"sshd did not start:\n{self.log()}"
            with contextlib.suppress(OSError), socket.create_connection((self.address, self.port), timeout=1):
                return
            time.sleep(0.01)
        raise AssertionError(f"sshd does not listen:\n{self.log()}")

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def known_as(self, name: str = "") -> str:
        """Its lines in known_hosts."""
        return "".join(f"{name or self.name} {public(key)}\n" for key in self.host_keys)

    def children(self) -> list[int]:
        """Process ids of the sessions: one a connection."""
        return _children(self.process.pid)

    def descendants(self) -> list[int]:
        """Sessions, and all that runs in them."""
        return list(_descendants(self.process.pid))

    def kill_children(self, with_signal: int = signal.SIGKILL) -> None:
        """Cut every connection; the server itself stays."""
        for pid in self.descendants():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, with_signal)

    def freeze(self) -> None:
        """Answer nothing more, though the kernel still takes connections. `stop` ends a frozen server, too."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def stop(self) -> None:
        """End the server and all that runs in it."""
        pids = self.descendants()
        self.process.kill()
        self.process.wait()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def __enter__(self) -> Sshd:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _world(folder: Path, files: Mapping[Path, Path]) -> str:
    """Mounts that only this server sees. /run is its own, for /run/sshd."""
    own = "mount --make-rprivate /\n" + _binds(files)
    return own + "mount -t tmpfs -o mode=755 tmpfs /run\nmkdir -m 755 /run/sshd\n"


def _binds(mounts: Mapping[Path, Path]) -> str:
    return "".join(f"mount --bind {shlex.quote(str(real))} {shlex.quote(str(seen))}\n" for seen, real in mounts.items())


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    return []


def _descendants(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _descendants(child)
