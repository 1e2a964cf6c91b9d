"""Why a host was not reached: each cause has a name, and a word on what to do. None of them holds up the others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.errors import ExitCode
from reconciler.ssh.access import Target
from reconciler.ssh.connections import Connections
from reconciler.ssh.trouble import HostUnreachable, Trouble
from tests.ssh.bench import PATIENCE_S, Bench, key_in, target
from tests.ssh.sshd import free_port, public

# A key exchange that begins well, with names of algorithms that are no text: 8 lines of 8 bytes.
_PAYLOAD = bytes([20]) + bytes(16) + (30).to_bytes(4, "big") + b"\xff" * 30
ODD_KEXINIT = b"SSH-2.0-odd\r\n" + (60).to_bytes(4, "big") + bytes([60 - 1 - len(_PAYLOAD)]) + _PAYLOAD + bytes(8)


def trouble(connections: Connections, place: Target, *, fresh: bool = False) -> HostUnreachable:
    with pytest.raises(HostUnreachable) as caught:
        connections.run(place, ["true"], fresh=fresh)
    error = caught.value
    assert (ExitCode.HOST, error.trouble.value, True) == (error.exit_code, error.code, bool(error.hint))
    assert f'host "{place.name}"' in error.what
    return error


def test_nobody_listens(bench: Bench) -> None:
    at = bench.address()
    error = trouble(bench.connections(), Target("h1", at, free_port(at)))
    assert Trouble.CONNECTION_REFUSED == error.trouble


def test_nobody_speaks(bench: Bench) -> None:
    assert Trouble.NO_ANSWER == trouble(bench.connections(connect_timeout_s=0.2), bench.silent()).trouble


def test_somebody_stops_in_mid_handshake(bench: Bench) -> None:
    host = bench.host("h1")
    host.freeze()
    place = Target("h1", host.address, host.port)
    assert Trouble.NO_ANSWER == trouble(bench.connections(connect_timeout_s=0.2), place).trouble


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x1b[2J",
        b"SSH-2.0-odd\r\n" + bytes(100),
        b"SSH-odd\r\n",
        bytes(100_000),
        ODD_KEXINIT,
    ],
    ids=["nothing", "http", "control characters", "nonsense after the greeting", "odd greeting", "zeros", "odd names"],
)
def test_something_else_speaks(bench: Bench, says: bytes) -> None:
    error = trouble(bench.connections(), bench.chatty(says))
    assert Trouble.NO_SSH_SERVER == error.trouble
    assert str(error).replace("\n", "").isprintable()


def test_a_name_that_leads_nowhere(bench: Bench) -> None:
    """Too long to be a name at all, so that no resolver is asked."""
    assert Trouble.NAME_NOT_RESOLVED == trouble(bench.connections(), Target("h1", "localhost." + "x" * 70)).trouble


def test_a_host_that_opens_no_session(bench: Bench) -> None:
    error = trouble(bench.connections(), target(bench.host("h1", "MaxSessions 0")))
    assert Trouble.CONNECTION_REFUSED == error.trouble
    assert "MaxSessions" in error.hint


@pytest.mark.parametrize(
    ("address", "allowed", "may"),
    [
        ("127.0.0.1", ("127.0.0.0/8",), True),
        ("127.0.0.1", ("127.0.0.1",), True),
        ("127.0.0.1", ("::1/128", "127.0.0.0/8"), True),
        ("127.0.0.1", ("10.0.0.0/8",), False),
        ("127.0.0.1", ("10.0.0.0/33",), False),
        ("127.0.0.1", ("*",), False),
        ("::ffff:127.0.0.1", ("10.0.0.0/8",), False),
        ("::1", ("127.0.0.0/8",), False),
        ("localhost", ("127.0.0.0/8", "::1"), True),
        ("localhost", ("10.0.0.0/8",), False),
        ("localhost", ("LOCAL*",), True),
        ("localhost", ("*.example",), False),
    ],
)
def test_only_what_the_settings_allow_is_dialled(
    bench: Bench, address: str, allowed: tuple[str, ...], may: bool
) -> None:
    error = trouble(bench.connections(addresses=allowed), Target("h1", address, free_port("127.0.0.1")))
    assert may == (error.trouble == Trouble.CONNECTION_REFUSED)
    assert may != (error.trouble == Trouble.ADDRESS_NOT_ALLOWED)


def test_a_dead_host_is_answered_for_from_memory_until_somebody_asks_afresh(bench: Bench) -> None:
    at = bench.address()
    place = Target("h1", at, free_port(at))
    its = key_in(bench.folder)
    bench.learn(f"h1 {public(its)}\n")
    connections = bench.connections(retry_after_s=3600.0)
    trouble(connections, place)
    bench.host("h1", at=at, port=place.port, host_keys=[its], known=False)
    remembered = trouble(connections, place)
    assert Trouble.CONNECTION_REFUSED == remembered.trouble
    assert "s ago" in remembered.what
    assert b"ok\n" == connections.run(place, ["echo", "ok"], fresh=True).stdout
    assert b"ok\n" == connections.run(place, ["echo", "ok"]).stdout


def test_a_dead_host_is_tried_again_after_a_while(bench: Bench) -> None:
    at = bench.address()
    place = Target("h1", at, free_port(at))
    connections = bench.connections(retry_after_s=0.0)
    trouble(connections, place)
    bench.host("h1", at=at, port=place.port)
    assert b"ok\n" == connections.run(place, ["echo", "ok"]).stdout


def test_many_callers_of_a_silent_host_share_one_attempt(bench: Bench) -> None:
    connections, place = bench.connections(connect_timeout_s=0.5), bench.silent()
    with ThreadPoolExecutor(12) as pool:
        errors = [each.result() for each in [pool.submit(trouble, connections, place, fresh=True) for _ in range(12)]]
    assert {Trouble.NO_ANSWER} == {error.trouble for error in errors}
    assert 1 <= sum("s ago" not in error.what for error in errors) < 12


@pytest.mark.parametrize("connections_max", [2, 32])
def test_a_silent_host_does_not_hold_up_the_others(bench: Bench, connections_max: int) -> None:
    hosts = [target(bench.host(f"h{number}")) for number in range(5)]
    connections = bench.connections(connections_max=connections_max)
    listener, silent = bench.silent_listener()
    with ThreadPoolExecutor(9) as pool:
        unanswered = [pool.submit(trouble, connections, silent) for _ in range(4)]
        answers = [pool.submit(connections.run, at, ["echo", at.name]) for at in hosts]
        assert [f"{at.name}\n".encode() for at in hosts] == [answer.result(PATIENCE_S).stdout for answer in answers]
        assert not any(waiting.done() for waiting in unanswered)
        listener.close()  # it hangs up on whoever waits
        assert {Trouble.NO_SSH_SERVER} == {waiting.result(PATIENCE_S).trouble for waiting in unanswered}
