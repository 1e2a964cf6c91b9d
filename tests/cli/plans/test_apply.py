"""`apply`: only what is committed, only what was approved, and a report of it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from pathlib import Path

import pytest

from reconciler.core.commands import Verb
from reconciler.drivers.simulated.faults import Fault, FaultKind
from reconciler.errors import StateFolderError
from reconciler.loop.journal import StateFolder
from tests.cli.bench import EXECUTABLE, Bench


def test_a_guest_is_moved_and_the_report_is_a_commit(bench: Bench) -> None:
    bench.commit(web="h2")
    found = bench.call("apply", "--yes")
    assert (0, ["h2"]) == (found.code, bench.where("web"))
    assert 1 == len(bench.reports())
    assert f"report: {bench.reports()[0][:12]} on reconciler/status/bench" in found.err
    assert "1 guest moved" in found.out
    assert "web" in bench.call("history").out or "1" in bench.call("history").out
    assert "bench: converged" in bench.call("status").out


def test_a_second_pass_sends_nothing_and_commits_nothing(bench: Bench) -> None:
    bench.commit(web="h2")
    bench.call("apply", "--yes")
    sent, reports = bench.sent(), bench.reports()
    found = bench.call("apply", "--yes")
    assert (0, sent, reports) == (found.code, bench.sent(), bench.reports())
    assert "nothing changed, nothing committed" in found.err


def test_what_is_not_committed_is_not_applied(bench: Bench) -> None:
    bench.homes["web"] = "h2"
    bench.write()
    assert 0 == bench.call("apply", "--yes").code
    assert ["h1"] == bench.where("web")


def test_without_a_terminal_it_wants_yes(bench: Bench) -> None:
    bench.commit(web="h2")
    found = bench.executable("apply")
    assert (2, ["h1"]) == (found.code, bench.where("web"))
    assert "then add --yes" in found.err


def test_what_was_reviewed_is_applied(bench: Bench, tmp_path: Path) -> None:
    bench.commit(web="h2", batch="h3")
    path = tmp_path / "plan.json"
    path.write_text(bench.call("plan", "-o", "json").out)
    found = bench.call("apply", path, "--yes")
    assert (0, ["h2"], ["h3"]) == (found.code, bench.where("web"), bench.where("batch"))


def test_what_was_not_reviewed_is_refused_guest_by_guest(bench: Bench, tmp_path: Path) -> None:
    bench.commit(web="h2", batch="h3")
    path = tmp_path / "plan.json"
    path.write_text(bench.call("plan", "-o", "json").out)
    bench.commit(web="h3")
    found = bench.call("apply", path, "--yes")
    assert (6, ["h1"], ["h2"], []) == (found.code, bench.where("web"), bench.where("batch"), bench.sent())
    assert "error: plan-differs" in found.err
    assert "web: now online h1 → h3, reviewed online h1 → h2" in found.err
    assert "batch: now" not in found.err


def test_nothing_is_run_from_the_file_itself(bench: Bench, tmp_path: Path) -> None:
    """A plan that asks for more than the documents do moves nobody who is not to be moved."""
    bench.commit(web="h2")
    path = tmp_path / "plan.json"
    path.write_text(bench.call("plan", "-o", "json").out)
    bench.commit(web="h1")
    made_for, now = (bench.git("rev-parse", rev)[:10] for rev in ("main~1", "main"))
    found = bench.call("apply", path, "--yes")
    assert (0, ["h1"], []) == (found.code, bench.where("web"), bench.sent())
    told = f"the reviewed plan was made for {made_for}, and this is {now}:"
    assert f"{told}\nnot needed or not possible now: web: online h1 → h2\n" in found.err


def test_a_reviewed_plan_that_is_carried_out_already_is_said_to_be(bench: Bench, tmp_path: Path) -> None:
    bench.commit(web="h2")
    path = tmp_path / "plan.json"
    path.write_text(bench.call("plan", "-o", "json").out)
    assert "not needed" not in bench.call("apply", path, "--yes").err
    again = bench.call("apply", path, "--yes", "-o", "json")
    assert (0, [], "converged") == (again.code, again.steps, again.json["result"])
    assert "hosts\nnot needed or not possible now: web: online h1 → h2\nreport: " in again.err


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"apiVersion": "reconciler/v1alpha1", "kind": "Plan"}'])
def test_a_file_that_is_no_plan_is_refused(bench: Bench, tmp_path: Path, content: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(content)
    found = bench.call("apply", path, "--yes")
    assert (2, True) == (found.code, "plan -o json > plan.json" in found.err)


def test_report_mode_shows_the_plan_and_runs_it_only_when_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, mode="report").build()
    bench.commit(web="h2")
    held = bench.call("apply", "--yes")
    assert (6, ["h1"], []) == (held.code, bench.where("web"), bench.sent())
    assert 1 == held.out.count("ReportMode")
    assert (0, ["h2"]) == (bench.call("apply", "--yes", "--allow-report-mode").code, bench.where("web"))


def test_more_than_the_limits_needs_to_be_allowed(bench: Bench) -> None:
    fleet = bench.desired / "fleet.yaml"
    bench.commit(web="h2", batch="h3")
    fleet.write_text(fleet.read_text() + "  limits: {movesPerPass: 1}\n")
    bench.git("commit", "--quiet", "--all", "--message=Few moves")
    held = bench.call("apply", "--yes")
    assert (6, [], True) == (held.code, bench.sent(), "--allow-moves 2" in held.out)
    assert 0 == bench.call("apply", "--yes", "--allow-moves", 2).code
    assert (["h2"], ["h3"]) == (bench.where("web"), bench.where("batch"))


@pytest.mark.parametrize("option", [("--retry", "wbe", "web"), ("--accept-machine", "h11", "h1")], ids=lambda it: it[0])
def test_a_slip_in_a_name_is_no_permission(bench: Bench, option: tuple[str, str, str]) -> None:
    bench.commit(web="h2")
    found = bench.call("apply", *option[:2], "--yes")
    assert (2, ["h1"], True) == (found.code, bench.where("web"), f"did you mean {option[2]}" in found.err)
    assert 0 == bench.call("apply", option[0], option[2], "--yes").code


def test_an_aborted_migration_is_told_and_tried_again(bench: Bench) -> None:
    bench.change_hosts(lambda world: world.faults.add(Fault(FaultKind.ABORT, Verb.MIGRATE, guest="web")))
    bench.commit(web="h2")
    found = bench.call("apply", "--yes")
    assert (0, ["h2"]) == (found.code, bench.where("web"))
    assert "attempt 2 in 10 s" in found.err


def test_a_report_that_cannot_be_committed_is_5_and_the_run_is_told_all_the_same(bench: Bench) -> None:
    bench.commit(web="h2")
    (bench.folder / "fleet" / ".git" / "refs" / "heads" / "reconciler").write_text("in the way\n")
    found = bench.call("apply", "--yes")
    assert (5, ["h2"]) == (found.code, bench.where("web"))
    assert "1 guest moved" in found.out
    assert "error: status-branch-unwritable" in found.err


def test_a_state_folder_that_cannot_be_made_is_4_and_nothing_is_sent(bench: Bench) -> None:
    (bench.folder / "state").write_text("a file where the folder should be")
    bench.commit(web="h2")
    before = bench.hosts.read_bytes()
    found = bench.call("apply", "--yes")
    assert (4, before) == (found.code, bench.hosts.read_bytes())
    assert "error: state-folder-unwritable" in found.err
    assert "hint: nothing more is sent" in found.err


def with_journal_room(bench: Bench, room_bytes: int) -> subprocess.CompletedProcess[str]:
    """Apply on a disk that has so much room left, and no more."""
    journal = bench.folder / "state" / "journal.jsonl"
    journal.write_text(json.dumps({"what": "old", "text": "x" * 100_000}) + "\n")  # larger than any other file
    most = journal.stat().st_size + room_bytes
    return subprocess.run(
        [EXECUTABLE, "apply", "--yes"],
        cwd=bench.folder / "empty",
        env={**os.environ, "RECONCILER_SETTINGS": str(bench.settings)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_journal_that_cannot_grow_stops_before_the_first_command(bench: Bench) -> None:
    bench.call("apply", "--yes")
    bench.commit(web="h2")
    before, reports = bench.hosts.read_bytes(), bench.reports()
    found = with_journal_room(bench, 0)
    assert (4, before) == (found.returncode, bench.hosts.read_bytes()), found.stderr
    assert "error: state-folder-unwritable" in found.stderr
    assert ([], reports) == (bench.sent(), bench.reports()), "a report would say that no host was looked at"


def test_a_disk_that_fills_up_on_the_way_leaves_a_move_that_the_next_pass_ends(bench: Bench) -> None:
    bench.call("apply", "--yes")
    bench.commit(web="h2")
    found = with_journal_room(bench, 1500)
    assert 4 == found.returncode, found.stderr
    assert "error: state-folder-unwritable" in found.stderr
    assert "claim" in bench.sent()
    assert ("migrate" in bench.sent()) == ("h2" in bench.where("web") or 2 == len(bench.where("web")))
    journal = bench.folder / "state" / "journal.jsonl"
    journal.write_text("")  # somebody made room
    assert (0, ["h2"]) == (bench.call("apply", "--yes").code, bench.where("web"))


def test_a_state_folder_that_goes_away_during_the_last_step_is_4_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(self: StateFolder, commit: str) -> None:
        raise StateFolderError(f"{self.folder}: No such file or directory")

    monkeypatch.setattr(StateFolder, "act_on", gone)
    bench.commit(web="h2")
    found = bench.call("apply", "--yes")
    assert (4, ["h2"], 1) == (found.code, bench.where("web"), len(bench.reports()))
    assert "error: state-folder-unwritable" in found.err


def test_what_was_done_besides_moves_is_counted(bench: Bench) -> None:
    bench.more["batch"] = "  power: running\n"
    bench.commit(web="h2")
    assert "1 guest moved, 1 guest started in " in bench.call("apply", "--yes").out
    bench.more["batch"] = "  power: stopped\n"
    bench.commit()
    assert "1 guest stopped in " in bench.call("apply", "--yes").out
