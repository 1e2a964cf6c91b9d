"""What is sent arrives unchanged, and what comes back is told unchanged."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from reconciler.ssh.access import Access, Said
from reconciler.ssh.connections import Connections
from reconciler.ssh.trouble import HostUnreachable, Trouble
from tests.ssh.bench import Bench, target

HOSTILE = [
    "a b",
    "it's",
    '"',
    "$(id)",
    "`id`",
    "line\nbreak",
    "*",
    "",
    "~",
    "--",
    ";",
    "ü",
    "\\n",
    "\udcff",
    "\x1b[31m",
]


def test_every_argument_arrives_as_it_is(bench: Bench) -> None:
    host = bench.host("h1")
    said = bench.connections().run(target(host), ["printf", "%s\\0", *HOSTILE])
    expected = b"".join(argument.encode("utf-8", "surrogateescape") + b"\0" for argument in HOSTILE)
    assert Said(0, expected, b"") == said


def test_both_outputs_and_the_status_come_back_byte_by_byte(bench: Bench) -> None:
    host = bench.host("h1")
    script = r"printf '\377\000\n'; printf '\376' >&2; exit 3"
    assert Said(3, b"\xff\0\n", b"\xfe") == bench.connections().run(target(host), ["sh", "-c", script])


@pytest.mark.parametrize("size", [0, 1, 100_000, 5_000_000], ids=["none", "little", "some", "more than a window"])
def test_stdin_arrives_whole_and_ends(bench: Bench, size: int) -> None:
    host = bench.host("h1")
    stdin = os.urandom(size)
    said = bench.connections(output_bytes_max=size + 1).run(target(host), ["cat"], stdin=stdin)
    assert (0, size, stdin == said.stdout) == (said.status, len(said.stdout), True)


def test_a_command_that_reads_no_stdin_is_still_heard(bench: Bench) -> None:
    host = bench.host("h1")
    assert Said(0, b"ok\n", b"") == bench.connections().run(target(host), ["echo", "ok"], stdin=bytes(8_000_000))


def test_a_command_that_a_signal_ended_has_no_status(bench: Bench) -> None:
    host = bench.host("h1")
    said = bench.connections().run(target(host), ["sh", "-c", "echo so far; kill -9 $PPID"])
    assert Said(None, b"so far\n", b"") == said


def test_the_remote_shell_gets_no_terminal_no_agent_and_its_own_path(bench: Bench) -> None:
    host = bench.host("h1", path="/nowhere:/usr/bin:/bin")
    script = 'test -t 0 || test -t 1 || echo "no terminal, agent:$SSH_AUTH_SOCK, $PATH"'
    said = bench.connections().run(target(host), ["sh", "-c", script])
    assert b"no terminal, agent:, /nowhere:/usr/bin:/bin\n" == said.stdout


@pytest.mark.parametrize("argv", [[], ["echo", "cut\0short"]], ids=["nothing", "NUL"])
def test_what_no_shell_can_be_told_is_refused_before_it_is_sent(argv: list[str], bench: Bench) -> None:
    with pytest.raises(ValueError, match="at least one word"):
        bench.connections().run(bench.silent(), argv)


def test_importing_the_way_in_loads_no_ssh_library() -> None:
    code = "import sys, reconciler.cli, reconciler.ssh.connections; print({'fabric', 'paramiko'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert "set()\n" == done.stdout


def test_the_library_says_nothing_on_stderr(bench: Bench) -> None:
    """A program that sets up no logging must not see paramiko's tracebacks between its own lines."""
    place = bench.chatty(b"SSH-2.0-odd\r\n" + bytes(64))
    code = (
        "from pathlib import Path\n"
        "from reconciler.ssh.access import Access, Target\n"
        "from reconciler.ssh.connections import Connections\n"
        "from reconciler.ssh.trouble import HostUnreachable\n"
        f"access = Access(Path({str(bench.known_hosts)!r}), Path({str(bench.key)!r}))\n"
        f"try: Connections(access).run(Target('h', {place.address!r}, {place.port}), ['true'])\n"
        "except HostUnreachable as error: print(error.trouble)\n"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert ("no-ssh-server\n", "") == (done.stdout, done.stderr)


def test_a_closed_set_of_connections_runs_nothing_more(bench: Bench) -> None:
    host = bench.host("h1")
    connections = Connections(Access(bench.known_hosts, bench.key))
    connections.run(target(host), ["true"])
    connections.close()
    with pytest.raises(HostUnreachable) as caught:
        connections.run(target(host), ["true"])
    assert Trouble.CLOSING == caught.value.trouble
