"""`reconciler check` on real hosts: silent where all is well, and each planted fault found with what mends it."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from reconciler.documents.values import schema_problems
from reconciler.drivers.hpvm.assumptions import ASSUMPTIONS
from reconciler.drivers.hpvm.checking import examine
from reconciler.drivers.hpvm.checking.assumed import TESTS
from reconciler.drivers.hpvm.checking.ways import Way, of_way
from reconciler.ssh.looks.sections import NOTHING, Section
from tests.drivers.hosts.variants import Variants
from tests.drivers.hpvm.fleet import Real, world
from tests.ssh.sshd import public


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    """Two hosts with nothing wrong."""
    with Real.started(tmp_path_factory.mktemp("pair"), world(2)) as real:
        yield real


@pytest.fixture
def pair(started: Real) -> Iterator[Real]:
    """The same, with files that a test may spoil: they are put right again."""
    documents = started.folder / "repo" / "fleet.yaml"
    files = [documents, started.settings, names(started), *ssh(started).iterdir()]
    before = {file: file.read_bytes() for file in files}
    yield started
    changed = [file for file, text in before.items() if file.read_bytes() != text]
    for file in changed:
        file.write_bytes(before[file])
    if documents in changed:
        started.git("commit", "--quiet", "--all", "--message=Back")
    started.hosts.catalogue.variants = Variants()


def names(real: Real) -> Path:
    """/etc/hosts of all hosts."""
    return real.hosts.folder / "names"


def ssh(real: Real) -> Path:
    """What ssh on host a goes by."""
    return real.hosts.machines["a"].home / ".ssh"


def findings(real: Real, *hosts: str) -> Mapping[tuple[str, str], Mapping[str, str]]:
    """What is found: (subject, code) -> all of it."""
    found = real.call("check", *hosts, "-o", "json")
    assert () == schema_problems("output/check.schema.json", found.json), found.err
    assert found.code == (0 if found.json["sound"] else 4)
    return {(entry["subject"], entry["code"]): entry for entry in found.json["findings"]}


def test_a_healthy_fleet_has_no_finding_and_the_assumptions_that_can_be_told_hold(pair: Real) -> None:
    found = pair.call("check", "--assumptions")
    assert (0, "Checked 2 hosts, 3 guests, 2 ways between two hosts: nothing stands in the way.") == (
        found.code,
        " ".join(found.out.strip().splitlines()[-2:]).strip(),
    ), found.out + found.err
    assert "version-form: holds" in found.out
    assert "fix:" not in found.out


def test_planted_faults_are_found_with_what_mends_each_and_nothing_is_changed(tmp_path: Path) -> None:
    planted = world()
    planted.fleet.hosts["b"].networks = ("other",)
    planted.fleet.hosts["c"].presented = ()
    planted.fleet.hosts["c"].clock_skew_s = 600
    with Real.started(tmp_path, planted) as real:
        (ssh(real) / "known_hosts").write_text("")
        with real.hosts.change() as there:
            before = there.fleet.revision
        found = real.call("check")
        assert [
            "host c",
            "warning: clock-skew",
            "way a → b",
            "problem: way-key-unknown",
            "way a → c",
            "problem: way-key-unknown",
            "needed by batch",
            "problem: lun-missing",
            "needed by batch, db, web",
            "problem: switch-missing",
            "needed by web",
            "problem: lun-missing",
        ] == re.findall(r"^host .*|^way .*|^needed .*|(?:problem|warning): [a-z-]+", found.out, re.MULTILINE), found.out
        for words in ("insf -e", "hpvmnet -c -S prod", "let NTP set the clocks", "on a: ssh b-hpvm-migr date once"):
            assert words in " ".join(found.out.split()), found.out
        assert all(len(line) <= 80 for line in found.out.splitlines())
        assert {("a → b", "way-key-unknown"), ("batch, db, web", "switch-missing")} == set(findings(real, "b"))
        with real.hosts.change() as there:
            assert before == there.fleet.revision
        assert [[], [], []] == [real.book(host) for host in "abc"]
        assert "" == (ssh(real) / "known_hosts").read_text()


def test_a_name_that_a_host_does_not_know_is_told(pair: Real) -> None:
    names(pair).write_text(names(pair).read_text().replace(" b-hpvm-migr", ""))
    assert {("a → b", "way-name-unknown")} == set(findings(pair))


def test_a_login_that_is_refused_and_a_key_that_changed_show_what_ssh_says(pair: Real) -> None:
    own, known = ssh(pair) / "id_ed25519", ssh(pair) / "known_hosts"
    before = own.read_text()
    own.write_text(pair.hosts.machines["b"].host_key.read_text())
    assert "Permission denied" in findings(pair)["a → b", "way-blocked"]["excerpt"]
    own.write_text(before)
    of_a, of_b = (line.split(" ", 1) for line in known.read_text().splitlines())
    known.write_text(f"{of_b[0]} {of_a[1]}\n")
    changed = findings(pair)["a → b", "way-blocked"]
    assert "Host key verification failed" in changed["excerpt"]
    assert "ssh-keygen -R b-hpvm-migr" in changed["fix"]


def test_a_login_that_does_not_find_the_platform_is_told(pair: Real) -> None:
    command = pair.hosts.folder / "opt" / "hpvm" / "bin" / "hpvmmigrate"
    aside = command.rename(command.with_name("aside"))
    try:
        assert {("a → b", "way-without-platform"), ("b → a", "way-without-platform")} == set(findings(pair))
    finally:
        aside.rename(command)


def test_a_way_that_takes_connections_and_says_nothing_is_left_in_time(
    pair: Real, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examine, "WAY_S", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = ssh(pair) / "config"
        config.write_text(
            f"Host b-hpvm-migr\n    HostName 127.0.0.1\n    Port {silent.getsockname()[1]}\n{config.read_text()}"
        )
        assert {("a → b", "way-silent")} == set(findings(pair))
    assert [] == [line for line in pair.hosts.processes("a").values() if "hpvmmigrate" in line or "sleep" in line]


def test_a_lock_that_was_left_and_a_file_in_place_of_the_folder_are_told(pair: Real) -> None:
    folder = pair.hosts.path("b", "/var/opt/reconciler")
    (folder / "lock").mkdir(parents=True)
    try:
        found = findings(pair)
        assert [("b", "lock-left")] == list(found)
        assert "on b: rm -rf /var/opt/reconciler/lock" in found["b", "lock-left"]["fix"]
        shutil.rmtree(folder)
        folder.write_text("")
        assert {("b", "records-unwritable")} == set(findings(pair))
    finally:
        folder.unlink()


def test_what_cannot_be_read_is_shown_scrubbed_and_counts_as_nothing_missing(pair: Real) -> None:
    pair.hosts.catalogue.variants = Variants(version_line="who \x1b[31mknows")
    found = pair.call("check")
    assert 4 == found.code
    assert 2 == found.out.count("output-unread")
    assert r"\x1b[31m" in found.out
    assert "\x1b" not in found.out
    assert '[drivers.hpvm.hosts.a] version = "4.2"' in " ".join(found.out.split())


def test_two_documents_of_one_machine_are_told(pair: Real) -> None:
    document = pair.hosts.host_documents_yaml().split("---\n")[0].replace("{name: a}", "{name: z}")
    with (pair.folder / "repo" / "fleet.yaml").open("a", encoding="utf-8") as documents:
        documents.write(f"---\n{document}")
    with pair.hosts.known_hosts_file.open("a", encoding="ascii") as known:
        known.write(f"z {public(pair.hosts.machines['a'].host_key)}\n")
    pair.git("commit", "--quiet", "--all", "--message=Twice")
    assert {("a", "machine-shared"), ("z", "machine-shared")} <= set(findings(pair))


def test_a_host_that_is_declared_lost_is_not_asked(pair: Real) -> None:
    with pair.settings.open("a", encoding="utf-8") as settings:
        settings.write('\n[[lost_hosts]]\nhost = "b"\nsince = "2026-11-20"\nreason = "fire"\n')
    found = findings(pair)
    assert [("b", "host-lost")] == list(found)
    assert "since 2026-11-20: fire" in found["b", "host-lost"]["text"]


def test_a_host_that_cannot_be_reached_says_why(tmp_path: Path) -> None:
    with Real.started(tmp_path, world(2)) as real:
        real.hosts.rekey("b")
        real.hosts.crash("a")
        found = real.call("check")
        assert 4 == found.code
        for words in ("host-key-changed", "connection-refused"):
            assert words in found.out
        assert 2 == found.out.count("fix:")


def test_the_assumptions_that_hold_are_named_host_by_host(pair: Real) -> None:
    told = {entry["id"]: entry["hosts"] for entry in pair.call("check", "-o", "json").json["assumptions"]}
    assert [entry.id for entry in ASSUMPTIONS] == list(told)
    assert {"a": "yes", "b": "yes"} == told["version-form"] == told["detail-labels"] == told["runnable-label"]
    assert {"a": "untold", "b": "untold"} == told["migrate-check"]


def test_each_judged_assumption_is_one_of_the_table() -> None:
    assert set() == set(TESTS) - {entry.id for entry in ASSUMPTIONS}


@pytest.mark.parametrize(
    ("way", "code"),
    [
        (Way("a", "b", "m", Section("hpvmmigrate: version B.04.20", 0)), None),
        (Way("a", "b", "m", Section("", 255), named=Section("", 1), known=Section("", 1)), "way-name-unknown"),
        (Way("a", "b", "10.1.1.1", Section("", 255), named=Section("", 1), known=Section("", 1)), "way-key-unknown"),
        (Way("a", "b", "m", Section("", 255), named=Section("", 0), known=Section("", 2)), "way-blocked"),
        (Way("a", "b", "m", Section("Permission denied", 255)), "way-blocked"),
        (Way("a", "b", "m", Section("sh: hpvmmigrate: not found", 127)), "way-without-platform"),
        (Way("a", "b", "m", Section("sh: ssh: not found", 127), client=Section("", 1)), "way-without-ssh"),
        (Way("a", "b", "m", Section("odd", 3)), "way-without-platform"),
        (Way("a", "b", "m", Section("cut off")), "way-silent"),
        (Way("a", "b", "m", NOTHING), "way-silent"),
    ],
)
def test_what_came_of_a_way_is_told_by_exit_statuses(way: Way, code: str | None) -> None:
    found = of_way(way)
    assert code == (found.code if found is not None else None)
