"""A command that says too much, takes too long or loses its connection is lost, and told so; others go on."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import paramiko
import pytest
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED

from reconciler.ssh.access import Target
from reconciler.ssh.connections import Connections
from reconciler.ssh.trouble import ConnectionLost, Loss
from tests.ssh.bench import PATIENCE_S, Bench, target
from tests.ssh.sshd import public

SHORT_S = 0.3


def lost(connections: Connections, at: Target, script: str, **options: float) -> ConnectionLost:
    with pytest.raises(ConnectionLost) as caught:
        connections.run(at, ["sh", "-c", script], timeout_s=options.get("timeout_s"))
    assert "may have run" in caught.value.hint
    return caught.value


def fifo(bench: Bench, name: str) -> Path:
    os.mkfifo(bench.folder / name)
    return bench.folder / name


@pytest.mark.parametrize("script", ["yes", "yes >&2", "yes & yes >&2"], ids=["stdout", "stderr", "both"])
def test_a_flood_is_cut_off(bench: Bench, script: str) -> None:
    host, connections = bench.host("h1"), bench.connections(output_bytes_max=300_000)
    assert Loss.TOO_MUCH_OUTPUT == lost(connections, target(host), script).reason
    assert b"ok\n" == connections.run(target(host), ["echo", "ok"]).stdout


def test_as_much_output_as_is_allowed_is_no_flood(bench: Bench) -> None:
    host, connections = bench.host("h1"), bench.connections(output_bytes_max=300_000)
    script = "head -c 200000 /dev/zero; head -c 100000 /dev/zero >&2"
    said = connections.run(target(host), ["sh", "-c", script])
    assert (0, 200_000, 100_000) == (said.status, len(said.stdout), len(said.stderr))


def test_a_command_that_hangs_is_lost_at_its_deadline_and_its_neighbour_is_not(bench: Bench) -> None:
    host, connections = bench.host("h1"), bench.connections()
    connections.run(target(host), ["true"])
    begun, gate = fifo(bench, "begun"), fifo(bench, "gate")
    with ThreadPoolExecutor(1) as pool:
        neighbour = pool.submit(connections.run, target(host), ["sh", "-c", f"echo > {begun}; cat {gate}"])
        begun.read_text()
        assert Loss.TIMED_OUT == lost(connections, target(host), "sleep 20", timeout_s=SHORT_S).reason
        gate.write_text("opened\n")
        assert b"opened\n" == neighbour.result(PATIENCE_S).stdout
    assert b"ok\n" == connections.run(target(host), ["echo", "ok"]).stdout


def test_a_command_that_drips_for_ever_is_lost_at_its_deadline(bench: Bench) -> None:
    host, connections = bench.host("h1"), bench.connections()
    script = "while echo drip; do sleep 0.02; done"
    assert Loss.TIMED_OUT == lost(connections, target(host), script, timeout_s=SHORT_S).reason


def test_stdin_that_nobody_reads_does_not_outlast_the_deadline(bench: Bench) -> None:
    host, connections = bench.host("h1"), bench.connections()
    with pytest.raises(ConnectionLost) as caught:
        connections.run(target(host), ["sleep", "20"], stdin=bytes(8_000_000), timeout_s=SHORT_S)
    assert Loss.TIMED_OUT == caught.value.reason


def test_a_host_that_freezes_after_the_session_opened_is_lost_at_the_deadline(bench: Bench) -> None:
    host, connections = bench.host("h1"), bench.connections()
    begun = fifo(bench, "begun")
    with ThreadPoolExecutor(1) as pool:
        frozen = pool.submit(lost, connections, target(host), f"echo > {begun}; sleep 20", timeout_s=1.0)
        begun.read_text()
        host.kill_children(signal.SIGSTOP)
        assert Loss.TIMED_OUT == frozen.result(PATIENCE_S).reason


class _Mute(paramiko.ServerInterface):
    """Lets anybody in, and never answers to "run this"."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.over.wait(PATIENCE_S)
        return False


def test_a_host_that_never_says_whether_it_runs_the_command_is_lost_at_the_deadline(bench: Bench) -> None:
    """The library itself would wait for this answer for ever; sshd cannot be made to withhold it."""
    listener, place = bench.silent_listener()
    bench.learn(f"{place.name} {public(bench.key)}\n")
    server = _Mute()
    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(lost, bench.connections(), place, "true", timeout_s=SHORT_S)
        peer, _ = listener.accept()
        transport = paramiko.Transport(peer)
        try:
            transport.add_server_key(paramiko.Ed25519Key.from_private_key_file(str(bench.key)))
            transport.start_server(server=server)
            assert Loss.TIMED_OUT == said.result(PATIENCE_S).reason
        finally:
            server.over.set()
            transport.close()


def test_a_cut_in_mid_command_is_told_and_the_next_command_works(bench: Bench) -> None:
    host, connections = bench.host("h1"), bench.connections()
    begun, ran = fifo(bench, "begun"), bench.folder / "ran"
    script = f"echo run >> {ran}; echo half; echo > {begun}; sleep 20"
    with ThreadPoolExecutor(1) as pool:
        cut = pool.submit(lost, connections, target(host), script)
        begun.read_text()
        host.kill_children()
        assert Loss.CUT == cut.result(PATIENCE_S).reason
    assert b"ok\n" == connections.run(target(host), ["echo", "ok"]).stdout
    assert "run\n" == ran.read_text(), "what may have been sent is never sent again"


def test_closing_loses_what_is_under_way(bench: Bench) -> None:
    host, connections = bench.host("h1"), bench.connections()
    begun = fifo(bench, "begun")
    with ThreadPoolExecutor(1) as pool:
        cut = pool.submit(lost, connections, target(host), f"echo > {begun}; sleep 20")
        begun.read_text()
        connections.close()
        assert Loss.CUT == cut.result(PATIENCE_S).reason
