"""One connection a host, kept open, used by many at once, and replaced when it is dead or worn."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.ssh import link
from reconciler.ssh.access import Target
from tests.ssh.bench import Bench, target


def test_commands_share_one_connection(bench: Bench) -> None:
    host, connections = bench.host("h1"), bench.connections()
    connections.run(target(host), ["true"])
    [session] = host.children()
    for _ in range(5):
        connections.run(target(host), ["true"])
    assert [session] == host.children()


def test_many_at_once_share_one_connection_and_each_gets_its_own_answer(bench: Bench) -> None:
    """More than the ten sessions that sshd allows on one."""
    host, connections = bench.host("h1"), bench.connections()

    def ask(number: int) -> tuple[int | None, bytes, bytes]:
        said = connections.run(
            target(host), ["sh", "-c", f"cat; echo {number} >&2; exit {number}"], stdin=b"%d" % number
        )
        return said.status, said.stdout, said.stderr

    with ThreadPoolExecutor(30) as pool:
        assert [(n, b"%d" % n, b"%d\n" % n) for n in range(60)] == list(pool.map(ask, range(60)))
    assert 1 == len(host.children())


def test_a_host_that_allows_fewer_sessions_gets_more_connections(bench: Bench) -> None:
    host, connections = bench.host("h1", "MaxSessions 1"), bench.connections()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda n: connections.run(target(host), ["echo", str(n)]).stdout, range(2)))
    assert [b"0\n", b"1\n"] == answers


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["gone", "frozen"])
def test_a_connection_that_died_while_nobody_used_it_is_replaced_unseen(bench: Bench, how: signal.Signals) -> None:
    host, connections = bench.host("h1"), bench.connections(connect_timeout_s=3.0)
    connections.run(target(host), ["true"])
    host.kill_children(how)
    assert b"ok\n" == connections.run(target(host), ["echo", "ok"]).stdout


def test_a_worn_connection_is_replaced(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "SESSIONS_MAX", 2)
    host, connections = bench.host("h1"), bench.connections()
    sessions = []
    for _ in range(4):
        connections.run(target(host), ["true"])
        sessions.append(max(host.children()))
    assert sessions[0] == sessions[1] != sessions[2] == sessions[3]


def test_a_host_that_moves_to_another_address_is_found_there(bench: Bench) -> None:
    old, connections = bench.host("h1"), bench.connections()
    connections.run(target(old), ["true"])
    new = bench.host("moved", host_keys=old.host_keys, known=False)
    place = Target("h1", new.address, new.port)
    assert f"{new.home}\n".encode() == connections.run(place, ["pwd"]).stdout


def test_many_hosts_are_asked_side_by_side(bench: Bench) -> None:
    hosts = [target(bench.host(f"h{number}")) for number in range(6)]
    connections = bench.connections(connections_max=3)
    with ThreadPoolExecutor(6) as pool:
        for _ in range(3):
            answers = pool.map(lambda at: connections.run(at, ["echo", at.name]).stdout.decode().strip(), hosts)
            assert [at.name for at in hosts] == list(answers)
