"""A host is who its key says, looked up by the Host document's name, and never because the key is new."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.ssh.trouble import HostUnreachable, Trouble
from tests.ssh.bench import Bench, key_in, target
from tests.ssh.sshd import Sshd, public

KINDS = ("rsa", "ecdsa", "ed25519")


def refused(bench: Bench, host: Sshd) -> HostUnreachable:
    before = bench.known_hosts.read_bytes()
    with pytest.raises(HostUnreachable) as caught:
        bench.connections().run(target(host), ["true"])
    assert before == bench.known_hosts.read_bytes(), "the file is the operator's"
    return caught.value


def works(bench: Bench, host: Sshd) -> bool:
    return bench.connections().run(target(host), ["echo", "ok"]).stdout == b"ok\n"


def test_an_unknown_key_is_refused_and_the_hint_is_the_way_to_store_it(bench: Bench) -> None:
    host = bench.host("h1", known=False)
    error = refused(bench, host)
    assert Trouble.HOST_KEY_UNKNOWN == error.trouble
    fingerprint = subprocess.run(
        ["ssh-keygen", "-lf", str(host.host_keys[0])], check=True, capture_output=True, text=True
    ).stdout.split()[1]
    for told in ('"h1"', host.address, str(host.port), str(bench.known_hosts), fingerprint):
        assert told in error.what
    advice = error.hint.partition("if they are the same: ")[2]
    subprocess.run(["/bin/sh", "-c", advice], check=True, timeout=60)
    assert works(bench, host)


def test_a_changed_key_is_refused_and_the_hint_is_the_way_to_replace_it(bench: Bench) -> None:
    host = bench.host("h1", known=False)
    bench.learn(f"h1 {public(key_in(bench.folder))}\n")
    error = refused(bench, host)
    assert Trouble.HOST_KEY_CHANGED == error.trouble
    assert "something else answers in its place" in error.what
    remove, store = error.hint.partition("remove the old key: ")[2].split(", and store the new one: ")
    subprocess.run(["/bin/sh", "-ec", f"{remove}\n{store}"], check=True, capture_output=True, timeout=60)
    assert works(bench, host)


@pytest.mark.parametrize(
    "line", ["{address} {key}", "[{address}]:{port} {key}", "h {key}", "* {key}", "h1.example {key}"]
)
def test_a_key_under_another_name_or_under_the_address_does_not_count(bench: Bench, line: str) -> None:
    host = bench.host("h1", known=False)
    bench.learn(line.format(address=host.address, port=host.port, key=public(host.host_keys[0])) + "\n")
    assert Trouble.HOST_KEY_UNKNOWN == refused(bench, host).trouble


def test_another_address_does_not_change_whom_we_trust(bench: Bench) -> None:
    bench.host("h1")
    impostor = bench.host("h2", known=False)
    impostor.name = "h1"
    assert Trouble.HOST_KEY_CHANGED == refused(bench, impostor).trouble


def test_a_revoked_key_is_refused_although_it_is_listed(bench: Bench) -> None:
    host = bench.host("h1")
    bench.learn(f"@revoked * {public(host.host_keys[0])}\n")
    assert Trouble.HOST_KEY_UNKNOWN == refused(bench, host).trouble


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_of_key_that_is_known_is_asked_for_when_a_host_has_several(bench: Bench, kind: str) -> None:
    keys = {each: key_in(bench.folder, each) for each in KINDS}
    host = bench.host("h1", host_keys=list(keys.values()), known=False)
    bench.learn(f"h1 {public(keys[kind])}\n")
    assert works(bench, host)


@pytest.mark.parametrize("shown", ["old", "new"])
def test_two_keys_of_one_kind_may_be_known_while_a_host_changes_over(bench: Bench, shown: str) -> None:
    keys = {}
    for name in ("old", "new"):
        (bench.folder / name).mkdir()
        keys[name] = key_in(bench.folder / name)
        bench.learn(f"h1,other {public(keys[name])}\n")
    assert works(bench, bench.host("h1", host_keys=[keys[shown]], known=False))


def test_names_may_be_stored_hashed(bench: Bench) -> None:
    host = bench.host("h1")
    subprocess.run(["ssh-keygen", "-H", "-f", str(bench.known_hosts)], check=True, capture_output=True, timeout=60)
    assert b"h1" not in bench.known_hosts.read_bytes()
    assert works(bench, host)


def test_lines_that_make_no_sense_allow_nothing_and_break_nothing(bench: Bench) -> None:
    bench.learn(
        "# a comment\n\nh1\nh1 ssh-ed25519\nh1 ssh-ed25519 !!!\nh1 ssh-ed25519 AAAA\nh1 ssh-odd AAAA\n@odd h1 x y\n"
    )
    assert works(bench, bench.host("h1"))


def test_a_new_key_counts_without_a_restart_of_ours(bench: Bench) -> None:
    host = bench.host("h1")
    connections = bench.connections(retry_after_s=3600.0)
    connections.run(target(host), ["true"])
    host.stop()
    again = bench.host("h1", port=host.port, at=host.address, host_keys=[key_in(bench.folder)], known=False)
    with pytest.raises(HostUnreachable) as caught:
        connections.run(target(again), ["true"])
    assert Trouble.HOST_KEY_CHANGED == caught.value.trouble
    bench.learn(again.known_as())
    assert b"ok\n" == connections.run(target(again), ["echo", "ok"]).stdout


def test_an_open_connection_ends_when_its_key_is_no_longer_known(bench: Bench) -> None:
    host = bench.host("h1")
    connections = bench.connections()
    connections.run(target(host), ["true"])
    bench.known_hosts.write_text("", encoding="ascii")
    with pytest.raises(HostUnreachable) as caught:
        connections.run(target(host), ["true"])
    assert Trouble.HOST_KEY_UNKNOWN == caught.value.trouble


def test_without_a_known_hosts_file_no_host_is_known(bench: Bench, tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    with pytest.raises(HostUnreachable) as caught:
        bench.connections(known_hosts_file=missing).run(bench.silent(), ["true"])
    assert Trouble.HOST_KEY_UNKNOWN == caught.value.trouble
    assert str(missing) in caught.value.what
    assert not missing.exists()
