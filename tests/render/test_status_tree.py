"""The files of the status branch: complete, harmless in name, and the same bytes when nothing changed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.core.diff import Diff
from reconciler.core.execution.run import Progress, StepState
from reconciler.core.planning.plan import Brake
from reconciler.core.reports.conditions import conditions as core_conditions
from reconciler.core.reports.report import Report, Result
from reconciler.git.status_branch import PATH_PART
from reconciler.render.outputs.guest import GuestBefore
from reconciler.render.status_tree import (
    Before,
    Drawn,
    commit_message,
    read_before,
    read_status,
    stale_files,
    status_files,
    status_tree,
)
from tests.render import example
from tests.render.example import REPORT, later
from tests.render.values import reports

RECORD = "runs/2025/11/23/20251123T201504-7f3a.json"

few = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def test_a_pass_writes_a_file_for_everything_it_has_to_say() -> None:
    assert list(status_files(REPORT)) == [
        "README.md",
        "guests/1f/web01.json",
        "guests/37/batch07.json",
        "guests/7b/db02.json",
        "guests/e0/db-primary.json",
        "guests/e2/stray.json",
        "index.json",
        "observed/vmhost-a.json",
        "observed/vmhost-b.json",
        "observed/vmhost-c.json",
        "observed/vmhost-d.json",
        RECORD,
    ]


def test_a_pass_in_which_nothing_changed_writes_the_same_bytes_and_no_record() -> None:
    first = status_files(REPORT)
    second = status_files(later(), first)
    assert {path: content for path, content in first.items() if path != RECORD} == second
    assert status_files(later(later()), {**first, **second}) == second


@few
@given(reports())
def test_any_pass_repeated_without_change_writes_the_same_bytes(report: Report) -> None:
    first = status_files(report)
    quiet = later(report)
    second = status_files(quiet, first)
    assert status_files(later(quiet), {**first, **second}) == second
    assert status_files(quiet, {**first, **second}) == second


@few
@given(reports())
def test_any_name_gives_paths_that_git_takes(report: Report) -> None:
    for path in status_files(report):
        assert all(PATH_PART.fullmatch(part) for part in path.split("/")), path


@few
@given(st.lists(reports(), min_size=1, max_size=3))
def test_what_was_drawn_before_saves_time_and_changes_no_byte(passes: list[Report]) -> None:
    files: dict[str, bytes] = {}
    drawn, before = Drawn(), Before()
    for report in [each for one in passes for each in (one, later(one), later(one))]:
        tree = status_tree(report, before, drawn=drawn)
        assert tree.files == status_files(report, files)
        files = {path: content for path, content in files.items() if not path.startswith("guests/")} | {**tree.files}
        before = tree.after


def test_a_guest_that_stays_as_it_is_is_not_drawn_again() -> None:
    drawn = Drawn()
    first = status_tree(REPORT, Before(), drawn=drawn)
    second = status_tree(later(), first.after, drawn=drawn)
    same = [path for path in second.files if second.files[path] is first.files.get(path)]
    assert [path for path in second.files if path.startswith(("guests/", "observed/"))] == same


def test_the_same_report_published_again_is_the_same_bytes() -> None:
    """After a lost push the report is written again, onto a branch that may hold it already."""
    first = status_files(REPORT)
    assert status_files(REPORT, first) == first


def test_a_pass_that_changes_the_result_leaves_a_record_although_it_did_nothing() -> None:
    converged = replace(later(), result=Result.CONVERGED)
    files = status_files(converged, status_files(REPORT))
    assert "runs/2025/11/23/20251123T203000-0001.json" in files


def test_a_guest_keeps_its_last_move_until_the_next_one() -> None:
    first = status_files(REPORT)
    moved: Any = json.loads(status_files(later(), first)["guests/1f/web01.json"])
    assert (moved["last_move"]["target"], moved["last_run"]) == ("vmhost-b", RECORD)


def conditions(files: dict[str, bytes], path: str) -> dict[str, tuple[str, str]]:
    """Type -> reason and since when."""
    document: Any = json.loads(files[path])
    return {entry["type"]: (entry["reason"], entry["since"]) for entry in document["conditions"]}


def test_a_condition_says_since_when_it_holds_however_many_passes_ago_that_was() -> None:
    first = status_files(REPORT)
    assert ("DowntimeForbidden", "2025-11-23T20:30:09Z") == conditions(first, "guests/7b/db02.json")["Stalled"]
    assert conditions(first, "guests/7b/db02.json") == conditions(
        status_files(later(later()), first), "guests/7b/db02.json"
    )
    status = read_status(status_files(later(later()), first)["index.json"])
    assert status is not None
    assert {"db02": "2025-11-23T20:30:09Z", "batch07": "2025-11-23T20:30:09Z"} == {
        trouble.guest: trouble.since for trouble in status.troubles
    }


def test_a_condition_counts_anew_when_its_reason_changes_and_not_when_its_words_do() -> None:
    first = status_files(REPORT)

    def blocked(reason: str, text: str) -> dict[str, tuple[str, str]]:
        found = core_conditions(REPORT.guests[2].diff, replace(example.BLOCKED, reason=reason, text=text), None, False)
        guests = (*REPORT.guests[:2], replace(REPORT.guests[2], conditions=found), *REPORT.guests[3:])
        return conditions(status_files(replace(later(), guests=guests), first), "guests/7b/db02.json")

    assert "2025-11-23T20:30:09Z" == blocked("DowntimeForbidden", "in other words")["Stalled"][1]
    assert ("NoRoom", "2025-11-23T20:48:28Z") == blocked("NoRoom", "vmhost-b is full")["Stalled"]
    assert "2025-11-23T20:30:09Z" == blocked("NoRoom", "vmhost-b is full")["Ready"][1], "that one did not change"


@pytest.mark.parametrize("since", ["yesterday", "", None, 7, ["2025-11-23T20:30:09Z"]])
def test_a_time_that_cannot_be_read_counts_from_now(since: object) -> None:
    first = status_files(REPORT)
    document: Any = json.loads(first["guests/7b/db02.json"])
    for entry in document["conditions"]:
        entry["since"] = since
    files = {**first, "guests/7b/db02.json": json.dumps(document).encode()}
    assert "2025-11-23T20:48:28Z" == conditions(status_files(later(), files), "guests/7b/db02.json")["Stalled"][1]


def test_a_pass_under_way_leaves_no_record_and_says_what_is_under_way() -> None:
    moving = replace(example.ended(example.WEB01, StepState.STARTED, 0, example.DONE), commands=())
    moving = replace(moving, progress=Progress(StepState.STARTED, started_s=example.BEGUN_S))
    running = replace(REPORT, result=Result.RUNNING, steps=(moving, *REPORT.steps[1:]))
    files = status_files(running)
    assert [] == [path for path in files if path.startswith("runs/")]
    status = read_status(files["index.json"])
    assert status is not None
    assert ([("web01", "vmhost-b")], ()) == ([(step.guest, step.target) for step in status.moving], status.runs)
    assert status_files(running, files) == files, "published again it is the same"
    assert RECORD in status_files(REPORT, files), "the end of the pass writes it"


def test_a_step_that_never_began_is_nobodys_last_move() -> None:
    batch: Any = json.loads(status_files(REPORT)["guests/37/batch07.json"])
    assert (batch["last_move"]["target"], batch["last_move"]["state"]) == ("vmhost-e", "unknown")


def test_the_index_lists_the_latest_runs_newest_first() -> None:
    files = status_files(REPORT)
    for number in range(15):
        report = replace(REPORT, id=f"run-{number:02}", started_s=REPORT.started_s + 100 * number)
        files |= status_files(report, files)
    status = read_status(files["index.json"])
    assert status is not None
    assert [run.id for run in status.runs] == [f"run-{number:02}" for number in range(14, 4, -1)]


def test_files_of_guests_and_hosts_that_are_gone_are_stale_and_run_records_never_are() -> None:
    guests = tuple(guest for guest in REPORT.guests if guest.diff.name != "stray")
    first = status_files(REPORT)
    second = status_files(replace(later(), guests=guests), first)
    assert stale_files([*first, "notes.txt"], second) == ("guests/e2/stray.json",)


def test_two_guests_of_one_name_have_a_file_each_and_the_declared_one_has_the_plain_path() -> None:
    twin = replace(REPORT.guests[3], diff=replace(REPORT.guests[3].diff, name="web01", uuid="another"))
    files = status_files(replace(REPORT, guests=(twin, *REPORT.guests)))
    ours: Any = json.loads(files["guests/1f/web01.json"])
    assert ours["uuid"] == "uuid-web01"
    assert len([path for path in files if path.startswith("guests/1f/")]) == 2


def test_a_branch_that_holds_anything_else_counts_as_empty() -> None:
    """What others wrote there is shown to nobody and harms nothing."""
    strange = {"index.json": b"\xff[", "guests/1f/web01.json": b'{"kind": "GuestStatus"}', "guests/x": b"[" * 10_000}
    before = read_before(strange)
    assert (before.runs, [*before.guests.values()]) == ((), [GuestBefore(), GuestBefore()])
    assert status_files(REPORT, strange) == status_files(REPORT)


def test_the_commit_says_in_a_line_how_the_fleet_stands_and_in_trailers_what_was_done() -> None:
    assert commit_message(REPORT) == (
        "demo: incomplete, 2 guests moved, 1 guest failed",
        (
            ("Observed-Commit", example.COMMIT.id),
            ("Plan-Digest", "9c0a1b2c"),
            ("Result", "incomplete"),
            ("Guests-Moved", "2"),
            ("Guests-Failed", "1"),
            ("Reconcile-Id", "20251123T201504-7f3a"),
        ),
    )


def test_a_commit_names_the_brakes_and_counts_the_blocked() -> None:
    held = replace(later(), result=Result.HELD, brakes=(Brake("ReportMode", "reported only"),))
    assert commit_message(held)[0] == "demo: held by ReportMode"
    assert commit_message(replace(later(), result=Result.BLOCKED))[0] == "demo: 1 guest blocked"
    at_rest = replace(later(), result=Result.CONVERGED, guests=(), difference=Diff((), ()), commit=None)
    assert commit_message(at_rest)[0] == "demo: converged"
