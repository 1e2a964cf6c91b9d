"""Run one git process within limits on time and output. Called by plumbing only; knows nothing of repositories.

The environment it hands on is the caller's without its git variables: a `GIT_DIR` left by a hook, or a setting
meant for a person, must not decide what we read or where we write.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from reconciler.git.trouble import GitTrouble, printable

CHUNK_BYTES = 1 << 16
STDERR_KEPT_BYTES = 1 << 16
GRACE_S = 5.0
"""How long git may take to remove its lock files after SIGTERM, before it is killed."""

KEPT_GIT_VARIABLES = frozenset({"GIT_EXEC_PATH"})
HARDENED: Mapping[str, str] = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",  # a partial clone must not reach for the network while we read
    "GIT_NO_REPLACE_OBJECTS": "1",  # refs/replace and grafts would show another commit than the one that was reviewed
    "GIT_GRAFT_FILE": os.devnull,
}
NO_PERSONAL_CONFIG: Mapping[str, str] = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}

Pipes = tuple[IO[bytes], IO[bytes], IO[bytes]]


@dataclass(frozen=True)
class Answer:
    """What a git process left behind; a negative code is the signal that ended it."""

    code: int
    stdout: bytes
    stderr: bytes
    pid: int


def environment(*, personal_config: bool = False) -> dict[str, str]:
    """The variables a git process gets. With `personal_config`, the caller's own git configuration counts, too."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_")
        or name in KEPT_GIT_VARIABLES
        or (personal_config and name.startswith("GIT_CONFIG"))
    }
    return {**kept, **HARDENED, **({} if personal_config else NO_PERSONAL_CONFIG)}


def exchange(
    argv: Sequence[str], *, folder: Path, env: Mapping[str, str], stdin: bytes, timeout_s: float, output_max_bytes: int
) -> Answer:
    """Run it to its end, whatever its exit code; a GitTrouble if it cannot start, takes too long or says too much."""
    name = printable(" ".join(argv[:1]))
    deadline = time.monotonic() + timeout_s
    with _started(argv, folder, env) as child:
        try:
            stdout, stderr = _transfer(child, stdin, deadline, output_max_bytes)
            code = child.wait(max(0.0, deadline - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            raise GitTrouble(
                "git-timeout",
                f"{name} in {printable(str(folder))} took longer than {timeout_s:g} s and was ended",
                hint="look for a slow or hanging file system, or a repository that needs `git gc`",
            ) from error
    return Answer(code, stdout, stderr, child.pid)


@contextlib.contextmanager
def _started(argv: Sequence[str], folder: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        # A group of its own: Ctrl-C in the terminal must not end git in the middle of a write; we end it, in order.
        child = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=env,
            process_group=0,
        )
    except OSError as error:
        if not folder.is_dir():
            raise GitTrouble("repository-missing", f"there is no folder {printable(str(folder))}") from error
        raise GitTrouble(
            "git-missing", f"git cannot be started: {error.strerror}", hint="install git, and see that it is on PATH"
        ) from error
    try:
        yield child
    finally:
        if child.poll() is None:
            _end(child)
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _end(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _transfer(
    child: subprocess.Popen[bytes], stdin: bytes, deadline: float, output_max_bytes: int
) -> tuple[bytes, bytes]:
    """Feed stdin and collect both outputs at once, so that neither side waits for the other for ever."""
    to_git, from_git, complaints = cast("Pipes", (child.stdin, child.stdout, child.stderr))
    stdout, stderr = bytearray(), bytearray()
    rest = memoryview(stdin)
    with selectors.DefaultSelector() as selector:
        selector.register(from_git, selectors.EVENT_READ, stdout)
        selector.register(complaints, selectors.EVENT_READ, stderr)
        if rest:
            os.set_blocking(to_git.fileno(), False)
            selector.register(to_git, selectors.EVENT_WRITE)
        else:
            to_git.close()
        while selector.get_map():
            left_s = deadline - time.monotonic()
            ready = selector.select(left_s) if left_s > 0 else []
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                if key.fileobj is to_git:
                    rest = _fed(to_git.fileno(), rest)
                    if not rest:
                        selector.unregister(to_git)
                        to_git.close()
                elif chunk := os.read(key.fd, CHUNK_BYTES):
                    key.data.extend(chunk)
                else:
                    selector.unregister(key.fileobj)
            del stderr[:-STDERR_KEPT_BYTES]
            if len(stdout) > output_max_bytes:
                raise GitTrouble(
                    "git-output-too-large",
                    f"git answered with more than {output_max_bytes} bytes and was ended",
                    hint="name a smaller folder as the path of the desired state",
                )
    return bytes(stdout), bytes(stderr)


def _fed(descriptor: int, rest: memoryview) -> memoryview:
    try:
        return rest[os.write(descriptor, rest[:CHUNK_BYTES]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        return rest[len(rest) :]  # git has ended early; its exit code and stderr say why
