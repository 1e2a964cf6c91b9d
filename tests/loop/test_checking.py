"""`check` where hosts answer looks and nothing more, and what it says of machines that are not who they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.drivers.simulated.world import World
from reconciler.errors import UsageError
from reconciler.loop.answers.checking import check
from reconciler.loop.settings import read_settings
from reconciler.loop.wiring import open_fleet
from tests.cli.bench import HOST, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path).build()


def found(bench: Bench, *hosts: str) -> set[tuple[str, str]]:
    report = check(open_fleet(read_settings(bench.settings)), hosts)
    return {(finding.subject, finding.code) for finding in report.findings}


def test_hosts_that_answer_have_no_finding_and_nothing_is_sent(bench: Bench) -> None:
    before = bench.hosts.read_bytes()
    ran = bench.call("check")
    assert (0, "Checked 3 hosts, 3 guests: nothing stands in the way.\n") == (ran.code, ran.out)
    assert before == bench.hosts.read_bytes()
    assert [] == bench.sent()


def test_a_host_that_does_not_answer_is_told_where_it_is_asked_about(bench: Bench) -> None:
    bench.change_hosts(lambda world: world.partition("h3"))
    assert {("h3", "no-answer")} == found(bench)
    assert set() == found(bench, "h1")
    assert 4 == bench.call("check", "h3").code


def test_a_host_that_became_another_machine_since_the_last_report_is_told(bench: Bench) -> None:
    bench.commit(web="h2")
    assert 0 == bench.call("apply", "--yes").code

    def replace_machine(world: World) -> None:
        world.fleet.hosts["h3"].machine_id = "another"
        world.fleet.touch(world.fleet.hosts["h3"])

    bench.change_hosts(replace_machine)
    assert {("h3", "machine-changed")} == found(bench)
    assert "--accept-machine h3" in " ".join(bench.call("check").out.split())


def test_a_name_that_no_document_declares_is_refused_with_the_nearest(bench: Bench) -> None:
    with pytest.raises(UsageError) as refused:
        found(bench, "h33")
    assert "h3" in refused.value.hint


def test_a_lost_host_that_nothing_declares_is_a_slip_unless_guests_were_seen_there(bench: Bench) -> None:
    """One that burnt down may have lost its document, too: its guests are not waited for then."""
    for name in ("h1", "h33"):
        with bench.settings.open("a") as settings:
            settings.write(f'[[lost_hosts]]\nhost = "{name}"\nsince = "2026-11-20"\nreason = "fire"\n')
    assert {("h1", "host-lost"), ("h33", "host-misnamed")} == found(bench)
    assert "fix: did you mean h3?" in bench.call("check").out
    assert {("h1", "host-lost")} == found(bench, "h1")


def test_a_lost_host_whose_document_is_gone_is_no_slip_while_its_guests_count(bench: Bench) -> None:
    bench.call("apply", "--yes")
    (bench.desired / "hosts.yaml").write_text("---\n".join(HOST % name for name in ("h1", "h3")))
    (bench.desired / "batch.yaml").unlink()
    bench.git("commit", "--quiet", "--all", "--message=Remove h2")
    with bench.settings.open("a") as settings:
        settings.write('[[lost_hosts]]\nhost = "h2"\nsince = "2026-11-20"\nreason = "fire"\n')
    assert set() == found(bench)


def test_each_part_that_is_done_is_told_once(bench: Bench) -> None:
    told: list[tuple[int, int, str]] = []
    check(open_fleet(read_settings(bench.settings)), (), lambda *part: told.append(part))
    assert [(1, 3), (2, 3), (3, 3)] == [(done, total) for done, total, _ in told]
    assert {"looked at h1", "looked at h2", "looked at h3"} == {doing for _, _, doing in told}
