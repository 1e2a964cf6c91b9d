"""One host: real processes in namespaces of their own, with an sshd, a file system that looks like HP-UX, a /var/opt.

Called by the fleet only. Knows nothing of guests: what the host's commands say comes from the fleet's server. Ends only
processes that it started, by their ids.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.ssh.sshd import PASSWD, PROGRAM, SHADOW

APART = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--uts")
START_TIMEOUT_S = 30.0
END_TIMEOUT_S = 10.0
VAR_OPT_MIB = 16
FILLER = "filler"
"""The file that fills /var/opt."""

COMMON_LINES = (
    "AuthenticationMethods publickey",
    "LogLevel ERROR",
    "MaxSessions 100",
    "MaxStartups 200",
    "PermitRootLogin yes",
    "PidFile none",
    "PrintLastLog no",
    "PrintMotd no",
    "SetEnv PATH=/opt/hpvm/bin:/usr/bin",
    "StrictModes no",
    "UseDNS no",
    "UsePAM no",
)
LEGACY_LINES = (
    "HostKeyAlgorithms ssh-rsa",
    "PubkeyAcceptedAlgorithms ssh-rsa",
    "KexAlgorithms diffie-hellman-group14-sha1",
    "Ciphers aes128-ctr,aes128-cbc",
    "MACs hmac-sha1",
)
"""What a server of 2010 spoke."""


@dataclass(frozen=True)
class Shared:
    """The folders that all hosts of a fleet see."""

    server: Path
    """Seen as /run/fleet; holds the server's socket."""
    commands: Path
    """Seen as /usr/bin."""
    opt: Path
    """Seen as /opt."""
    names: Path
    """Seen as /etc/hosts."""


@dataclass
class Machine:
    """A host. `folder` is its own: keys, settings, log, home of its root, and what /var/opt held while it is down."""

    folder: Path
    name: str
    address: str
    port: int
    shared: Shared
    legacy: bool = False
    var_opt_mib: int = VAR_OPT_MIB
    cut: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def home(self) -> Path:
        """The home of its root."""
        return self.folder / "home"

    @property
    def host_key(self) -> Path:
        """Its private host key."""
        return self.folder / "host_key"

    @property
    def first(self) -> int:
        """Process 1 of the host, as the outside numbers it."""
        assert self._process is not None, f"{self.name} is down"
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (children := _children(self._process.pid)):
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.002)
        return children[0]

    @property
    def up(self) -> bool:
        """Whether it runs."""
        return self._process is not None

    def begin(self) -> None:
        """Start it, without waiting; `await_start` does."""
        assert self._process is None, f"{self.name} runs already"
        self._write_files()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*APART, "--kill-child", "/bin/sh", "-ec", self._script()],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
                start_new_session=True,
            )
        self.cut = False

    def await_start(self) -> None:
        """Return when it takes connections."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            assert self._process is not None, f"{self.name} is down"
            assert self._process.poll() is None, f"{self.name}:\n{self.log()}"
            with contextlib.suppress(OSError), socket.create_connection((self.address, self.port), timeout=1):
                return
            time.sleep(0.01)
        raise AssertionError(f"{self.name} does not listen:\n{self.log()}")

    def _write_files(self) -> None:
        for folder in (self.folder, self.home, self.folder / "var_opt"):
            folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "passwd").write_text(PASSWD.format(home=self.home), encoding="ascii")
        (self.folder / "shadow").write_text(SHADOW, encoding="ascii")
        lines = [
            *(LEGACY_LINES if self.legacy else ()),
            *COMMON_LINES,
            f"ListenAddress {self.address}:{self.port}",
            f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {self.home / '.ssh' / 'authorized_keys'}",
        ]
        (self.folder / "sshd_config").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def _script(self) -> str:
        """What makes the namespaces this host. /usr/bin goes last: what mounts lies there."""
        own = {
            "/etc/passwd": self.folder / "passwd",
            "/etc/shadow": self.folder / "shadow",
            "/etc/hosts": self.shared.names,
            "/opt": self.shared.opt,
            "/run/real": Path("/usr/bin"),
            "/run/fleet": self.shared.server,
            "/usr/bin": self.shared.commands,
        }
        kept = self.folder / "var_opt"
        here = Path(__file__).parent / "inside"
        first = ["/run/real/perl", here / "init.pl", PROGRAM, "-D", "-e", "-f", self.folder / "sshd_config"]
        return "\n".join(
            (
                f"hostname {shlex.quote(self.name)}",
                "mount -t tmpfs -o mode=755 tmpfs /run",
                "mkdir -m 755 /run/sshd /run/real /run/fleet",
                f"mount -t tmpfs -o mode=755,size={self.var_opt_mib}m tmpfs /var/opt",
                f"cp -a {shlex.quote(str(kept))}/. /var/opt",
                *(f"mount --bind {shlex.quote(str(real))} {seen}" for seen, real in own.items()),
                f"exec {shlex.join(map(str, first))}",
            )
        )

    # ------------------------------------------------------------------------------------------------------ its insides

    def path(self, inside: str) -> Path:
        """How the outside reaches a path of the running host."""
        return Path(f"/proc/{self.first}/root{inside}")

    def processes(self) -> dict[int, str]:
        """Every process on it but the first, by its id outside: its command line."""
        return {pid: _command_line(pid) for pid in _descendants(self.first)}

    def log(self) -> str:
        """What sshd said."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def fill(self) -> None:
        """Leave no room in /var/opt."""
        with self.path(f"/var/opt/{FILLER}").open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(65536))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def empty(self) -> None:
        """Undo `fill`."""
        self.path(f"/var/opt/{FILLER}").unlink(missing_ok=True)

    # ---------------------------------------------------------------------------------------------------- its troubles

    def crash(self) -> None:
        """Everything on it dies at once; what lies in /var/opt is there again when it starts."""
        self._keep(self.first)
        self.end()

    def end(self) -> None:
        """Everything on it dies at once, and nothing is kept."""
        process, self._process = self._process, None
        assert process is not None, f"{self.name} is down"
        first = _children(process.pid)
        for pid in first or [process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # with process 1 go the namespaces, and then `unshare`, which buries it
        process.wait(END_TIMEOUT_S)
        assert process.stdin is not None
        process.stdin.close()

    def _keep(self, first: int) -> None:
        """Kill all but process 1, which does nothing by itself, and save what nobody can change any more."""
        os.kill(first, signal.SIGSTOP)
        while pids := [pid for pid in _descendants(first) if not _is_dead(pid)]:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        kept = self.folder / "var_opt"
        shutil.rmtree(kept)
        with contextlib.suppress(FileNotFoundError):  # it dies before it has begun
            shutil.copytree(f"/proc/{first}/root/var/opt", kept, symlinks=True)

    def stop_listening(self) -> None:
        """Refuse connections and break those there are; what runs goes on."""
        servers = self._servers()
        for pid in servers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in servers:
            _await_end(pid)
        self.cut = True

    def hang(self) -> None:
        """Take connections and answer nothing; what was sent meanwhile arrives when the host is healed."""
        for pid in self._servers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        self.cut = True

    def heal(self) -> None:
        """Answer again."""
        servers = self._servers()
        for pid in servers:
            os.kill(pid, signal.SIGCONT)
        if not servers:
            self._listen_again()
        self.await_start()
        self.cut = False

    def restart_server(self) -> None:
        """Stop listening and begin anew, with the settings and keys as they are now."""
        self.stop_listening()
        self._listen_again()
        self.await_start()
        self.cut = False

    def _listen_again(self) -> None:
        assert self._process is not None, f"{self.name} is down"
        assert self._process.stdin is not None
        self._process.stdin.write(b"listen\n")
        self._process.stdin.flush()

    def _servers(self) -> list[int]:
        """The listening sshd and those of its sessions."""
        return [
            pid
            for pid in _descendants(self.first)
            if _command_line(pid).startswith(("sshd", PROGRAM)) and not _is_dead(pid)
        ]


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    return []


def _descendants(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _descendants(child)


def _command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return ""


def _is_dead(pid: int) -> bool:
    """Gone, or only not yet buried."""
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[0] == "Z"
    return True


def _await_end(pid: int) -> None:
    deadline = time.monotonic() + END_TIMEOUT_S
    while not _is_dead(pid):
        assert time.monotonic() < deadline, f"process {pid} does not end"
        time.sleep(0.002)
