"""Our key, no other, and no algorithm that is not safe, unless the operator lists the host as an old one."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from paramiko import Transport

from reconciler.ssh import handshake
from reconciler.ssh.connections import Connections
from reconciler.ssh.trouble import HostUnreachable, Trouble
from tests.ssh.bench import Bench, key_in, target
from tests.ssh.sshd import Sshd, public

OF_2010 = (
    "HostKeyAlgorithms ssh-rsa",
    "PubkeyAcceptedAlgorithms ssh-rsa",
    "KexAlgorithms diffie-hellman-group14-sha1",
    "MACs hmac-sha1",
    "Ciphers aes128-cbc,3des-cbc",
)


def refused(connections: Connections, host: Sshd) -> HostUnreachable:
    with pytest.raises(HostUnreachable) as caught:
        connections.run(target(host), ["true"])
    return caught.value


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_keys_of_every_usual_kind_sign_in(bench: Bench, kind: str) -> None:
    ours = key_in(bench.folder, kind)
    host = bench.host("h1", authorized=[public(ours)])
    assert b"ok\n" == bench.connections(key_file=ours).run(target(host), ["echo", "ok"]).stdout


def test_a_key_that_the_host_does_not_know_is_refused_and_named(bench: Bench) -> None:
    host = bench.host("h1", authorized=[])
    error = refused(bench.connections(user="root"), host)
    assert Trouble.KEY_REFUSED == error.trouble
    assert str(bench.key) in error.what
    assert '"root"' in error.what
    assert f"ssh-keygen -y -f {bench.key}" in error.hint


def test_a_host_that_wants_a_second_proof_refuses_our_key(bench: Bench) -> None:
    host = bench.host("h1", "AuthenticationMethods publickey,password")
    assert Trouble.KEY_REFUSED == refused(bench.connections(), host).trouble


def test_a_host_that_hangs_up_while_we_sign_in_did_not_refuse_the_key(bench: Bench) -> None:
    host = bench.host("h1", "MaxAuthTries 0")
    assert Trouble.NO_SSH_SERVER == refused(bench.connections(), host).trouble


def test_no_agent_is_asked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(bench.folder / "agent"))
        agent.listen()
        agent.setblocking(False)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(bench.folder / "agent"))
        refused(bench.connections(), bench.host("h1", authorized=[]))
        bench.connections().run(target(bench.host("h2")), ["true"])
        with pytest.raises(BlockingIOError):
            agent.accept()


def test_nothing_in_the_home_folder_counts(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither keys nor settings of whoever runs the program."""
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    theirs = key_in(tmp_path / "home" / ".ssh")
    (tmp_path / "home" / ".ssh" / "config").write_text(f"Host *\n  User odd\n  Port 1\n  IdentityFile {theirs}\n")
    (tmp_path / "home" / ".fabric.yaml").write_text("user: odd\nport: 1\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert Trouble.KEY_REFUSED == refused(bench.connections(), bench.host("h1", authorized=[public(theirs)])).trouble
    assert b"root\n" == bench.connections().run(target(bench.host("h2")), ["id", "-un"]).stdout


@pytest.mark.parametrize("state", ["none named", "missing", "a folder", "encrypted", "no key", "a public key"])
def test_a_key_of_ours_that_cannot_be_used_is_told_before_anything_is_dialled(bench: Bench, state: str) -> None:
    file = bench.folder / "ours"
    if state == "a folder":
        file.mkdir()
    elif state == "encrypted":
        file = key_in(bench.folder, passphrase="secret")
    elif state == "no key":
        file.write_text("nonsense\n")
    elif state == "a public key":
        file.write_text(public(bench.key))
    with pytest.raises(HostUnreachable) as caught:
        bench.connections(key_file=None if state == "none named" else file).run(bench.silent(), ["true"])
    assert Trouble.KEY_FILE == caught.value.trouble
    assert "[ssh]" in caught.value.hint


def test_a_new_key_of_ours_is_used_without_a_restart(bench: Bench) -> None:
    new = key_in(bench.folder, "ecdsa")
    host = bench.host("h1", authorized=[public(new)])
    ours = bench.folder / "ours"
    ours.write_bytes(bench.key.read_bytes())
    connections = bench.connections(key_file=ours, retry_after_s=3600.0)
    assert Trouble.KEY_REFUSED == refused(connections, host).trouble
    new.replace(ours)
    assert b"ok\n" == connections.run(target(host), ["echo", "ok"]).stdout


def test_a_host_of_2010_is_refused_and_the_hint_is_the_setting_that_allows_it(bench: Bench) -> None:
    ours, its = key_in(bench.folder, "rsa"), key_in(bench.folder / "h1", "rsa")
    host = bench.host("h1", *OF_2010, host_keys=[its], authorized=[public(ours)])
    error = refused(bench.connections(key_file=ours), host)
    assert Trouble.OLD_ALGORITHMS == error.trouble
    assert '[ssh] legacy = ["h1"]' in error.hint
    allowed = bench.connections(key_file=ours, legacy=frozenset({"h1"}))
    assert b"ok\n" == allowed.run(target(host), ["echo", "ok"]).stdout


def test_a_host_too_old_for_our_signature_alone_gets_the_same_hint(bench: Bench) -> None:
    ours = key_in(bench.folder, "rsa")
    host = bench.host("h1", "PubkeyAcceptedAlgorithms ssh-rsa", authorized=[public(ours)])
    error = refused(bench.connections(key_file=ours), host)
    assert Trouble.KEY_REFUSED == error.trouble
    assert '[ssh] legacy = ["h1"]' in error.hint
    allowed = bench.connections(key_file=ours, legacy=frozenset({"h1"}))
    assert b"ok\n" == allowed.run(target(host), ["echo", "ok"]).stdout


def test_no_weak_algorithm_is_offered_to_a_host_that_is_not_listed() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        transport = Transport(ours, disabled_algorithms=handshake.WEAK)
        offered = {
            *transport.preferred_kex,
            *transport.preferred_keys,
            *transport.preferred_pubkeys,
            *transport.preferred_ciphers,
            *transport.preferred_macs,
        }
    weak = ("sha1", "md5", "cbc", "arcfour", "ssh-rsa", "dss", "group1-")
    assert [] == [name for name in offered if any(part in name for part in weak)]
    assert {"ssh-ed25519", "rsa-sha2-512", "aes128-ctr", "hmac-sha2-256"} <= offered
