"""Real git servers on loopback, each with one bare repository: over file, over sshd, over nginx with git's own backend.

Called by tests of remotes and of the daemon. Uses no code of ours but the value that says where a server is; ends only
processes that it started.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.git.remote import Remote
from tests.git.repositories import git, make_repository
from tests.ssh.packages import require_packages
from tests.ssh.sshd import Sshd, address, free_port, key_pair, public, require_sshd

START_TIMEOUT_S = 20.0
NUMBER = 240
"""Of the loopback address of these servers, among those of a test process."""
SECRET = "correct-horse-battery-staple"

PROTECT = """#!/bin/sh
while read old new ref; do
    case $ref in
        refs/heads/reconciler/*) ;;
        *) echo "branch ${ref#refs/heads/} is protected" >&2; exit 1 ;;
    esac
done
"""
"""What a forge's branch protection does: reports are taken, nothing else is."""
REFUSE = "#!/bin/sh\necho 'you are not allowed to push here' >&2\nexit 1\n"
FORGET = """#!/bin/sh
while read old new ref; do
    case $old in
        *[1-9a-f]*) git update-ref "$ref" "$old" ;;
        *) git update-ref -d "$ref" ;;
    esac
done
"""
"""As `post-receive`: everything is fine, and nothing has changed."""

NGINX = """
user root; worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; client_max_body_size 64m;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen {at}:{port};
        auth_basic forge; auth_basic_user_file {folder}/users;
        location / {{
            fastcgi_pass {at}:{backend};
            fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
            fastcgi_param GIT_PROJECT_ROOT {root};
            fastcgi_param GIT_HTTP_EXPORT_ALL 1;
            fastcgi_param PATH_INFO $uri;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
            fastcgi_param REMOTE_USER $remote_user;
            fastcgi_read_timeout 60s;
        }}
    }}
}}
"""


@dataclass
class GitServer:
    """One server. `repository` is what it serves, as it lies on its disk."""

    kind: str
    repository: Path
    remote: Remote
    port: int = 0
    at: str = ""
    start: Callable[[], None] = lambda: None
    stop: Callable[[], None] = lambda: None

    def hook(self, name: str, text: str) -> None:
        """Have the server run this on every push; empty: no longer."""
        path = self.repository / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if text:
            path.write_text(text)
            path.chmod(0o755)

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """What its refs lead to."""
        listing = git(self.repository, "for-each-ref", "--format=%(refname) %(objectname)", prefix)
        return dict(line.split() for line in listing.splitlines())

    def by_way_of(self, port: int) -> Remote:
        """The same server, at another port of its address."""
        if (known_hosts := self.remote.known_hosts_file) is not None:
            known_hosts.write_text(
                known_hosts.read_text() + known_hosts.read_text().replace(f":{self.port}", f":{port}")
            )
        return replace(self.remote, url=self.remote.url.replace(f":{self.port}/", f":{port}/"))


@contextlib.contextmanager
def file_server(folder: Path) -> Iterator[GitServer]:
    """A repository on a disk that two machines share, say."""
    repository = make_repository(folder / "served.git")
    yield GitServer("file", repository, Remote(f"file://{repository}"))


@contextlib.contextmanager
def ssh_server(folder: Path) -> Iterator[GitServer]:
    """A repository behind sshd. The host's key lies in `forge/`, ours is `pusher`."""
    require_sshd()
    repository = make_repository(folder / "served.git")
    at = address(NUMBER)
    port = free_port(at)
    pusher, known_hosts = key_pair(folder / "pusher"), folder / "known_hosts"
    running: list[Sshd] = []

    def start() -> None:
        path = "/usr/local/bin:/usr/bin:/bin"
        server = Sshd.start(folder / "forge", "forge", at, port, authorized=[public(pusher)], path=path)
        known_hosts.write_text(f"[{at}]:{port} {public(server.host_keys[0])}\n")
        running.append(server)

    def stop() -> None:
        while running:
            running.pop().stop()

    start()
    try:
        remote = Remote(f"ssh://root@{at}:{port}{repository}", pusher, known_hosts)
        yield GitServer("ssh", repository, remote, port, at, start, stop)
    finally:
        stop()


@contextlib.contextmanager
def http_server(folder: Path) -> Iterator[GitServer]:
    """A repository behind nginx, with a user and a password. Branches but ours are protected there."""
    require_packages("nginx", "fcgiwrap", program="nginx")
    require_packages("fcgiwrap", program="fcgiwrap")
    repository = make_repository(folder / "served.git")
    at = address(NUMBER)
    port, backend = free_port(at), free_port(at)
    place = folder / "nginx"
    place.mkdir()
    (place / "users").write_text(f"robot:{{PLAIN}}{SECRET}\n")
    (place / "nginx.conf").write_text(
        NGINX.format(folder=place, at=at, port=port, backend=backend, root=repository.parent)
    )
    credentials = folder / "credentials"
    credentials.write_text(f"username=robot\npassword={SECRET}\n")
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        commands = (
            ["fcgiwrap", "-c", "4", "-s", f"tcp:{at}:{backend}"],
            ["nginx", "-p", str(place), "-c", str(place / "nginx.conf"), "-e", str(place / "error.log")],
        )
        for command, listens in zip(commands, (backend, port), strict=True):
            with (place / "log").open("ab") as log:
                running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
            _await(at, listens, place)

    def stop() -> None:
        while running:
            process = running.pop()
            process.terminate()
            process.wait(START_TIMEOUT_S)

    start()
    try:
        remote = Remote(f"http://{at}:{port}/{repository.name}", credentials_file=credentials)
        server = GitServer("http", repository, remote, port, at, start, stop)
        server.hook("pre-receive", PROTECT)
        yield server
    finally:
        stop()


SERVERS = {"file": file_server, "ssh": ssh_server, "http": http_server}


def _await(at: str, port: int, folder: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((at, port), timeout=1):
            return
        time.sleep(0.02)
    logs = "\n".join(path.read_text("utf-8", "replace") for path in sorted(folder.glob("*log")))
    raise AssertionError(f"nothing listens at {at}:{port}\n{logs}")


@dataclass
class Line:
    """The network in front of a server: slow, silent or cut, as a test likes it. A thread for each direction."""

    at: str
    to: int
    bytes_max: int | None = None
    """After so many bytes from the server nothing more comes, and nobody hangs up: a half-open connection."""
    bytes_s: int | None = None
    """How much comes from the server in a second."""
    port: int = 0
    _listener: socket.socket | None = field(default=None, repr=False)
    _ends: list[socket.socket] = field(default_factory=list, repr=False)

    def __enter__(self) -> Line:
        self._listener = socket.create_server((self.at, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self._listener, *self._ends):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection((self.at, self.to))
            except OSError:
                return
            self._ends += [client, server]
            threading.Thread(target=self._carry, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._carry, args=(server, client, True), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        carried = 0
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                if answers and self.bytes_max is not None and carried + len(data) > self.bytes_max:
                    return  # both ends stay open, and hear nothing
                sink.sendall(data)
                carried += len(data)
                if answers and self.bytes_s is not None:
                    time.sleep(len(data) / self.bytes_s)
            sink.shutdown(socket.SHUT_WR)
