"""What a look tells of moves under way: of ours, of somebody else's, and of what they left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.model import Method, RunState, StepKind
from reconciler.core.observed import Job, LeftDisk
from reconciler.core.records import MoveRecord, Stage
from reconciler.ssh.looks.sections import split
from tests.drivers.libvirt.looks.recorded import TOKEN, look, reading, recorded

GUESTS = (line.split(" ", 1) for line in reading("look-many").text("guests").strip().split("\n"))
UUIDS = {name: uuid for uuid, name in GUESTS}
RECORD = MoveRecord(
    id="m1",
    guest_uuid=UUIDS["s1"],
    guest_name="s1",
    source="h1",
    target="h2",
    intent="",
    facts="",
    kind=StepKind.MIGRATE,
    method=Method.ONLINE,
    was=RunState.RUNNING,
    controller="c",
    stage=Stage.MIGRATING,
)


def lying(record: MoveRecord) -> dict[str, str | None]:
    """The section of a record that lies on the host."""
    head = f"1 {record.id} {record.guest_uuid} {record.controller} {record.stage.value} 0 {int(record.under_way)}"
    return {f"record {record.guest_uuid}": f"{head}\n{json.dumps(record.to_json())}\n"}


def job(word: str, changed: Mapping[str, str | None] | None = None) -> Job:
    """The one job of a look in which libvirt moves s1 away."""
    output = {"job m1.1.migrate": f"{word}\nMigration: [ 50 %]"}
    (found,) = look("look-many", {**lying(RECORD), **output, **(changed or {})}).jobs
    return found


def test_a_job_goes_on_as_long_as_libvirt_moves_the_guest() -> None:
    """The migration lives in libvirtd: the process that asked for it may be gone."""
    for word in ("running", "gone", "137"):
        found = job(word)
        assert (False, None, 32, 28, 53) == (
            found.ended,
            found.status,
            found.moved_mib,
            found.remaining_mib,
            found.progress_percent,
        )
        assert "Migration: [ 50 %]" == found.output_tail


def test_a_job_has_ended_once_libvirt_moves_nothing() -> None:
    nothing: dict[str, str | None] = {f"migration {UUIDS['s1']}": "Job type:         None\n"}
    refused, gone = job("1", nothing), job("gone", nothing)
    assert (True, 1, True, None) == (refused.ended, refused.status, gone.ended, gone.status)
    assert not job("running", nothing).ended


def test_an_earlier_attempt_s_job_is_not_the_one_that_runs() -> None:
    second = replace(RECORD, attempt=2)
    (found,) = look("look-many", {**lying(second), "job m1.1.migrate": "1\n"}).jobs
    assert (True, 1) == (found.ended, found.status)


def test_a_move_of_ours_is_nobody_else_s() -> None:
    assert (RECORD,) == look("look-many", lying(RECORD)).records
    uuid = next(entry.uuid for entry in look("look-arriving").registrations if entry.name == "s1")
    arriving = replace(RECORD, source="h2", target="h1", guest_uuid=uuid)
    assert (arriving,) == look("look-arriving", lying(arriving)).records


def test_a_parked_record_does_not_account_for_a_migration() -> None:
    parked = replace(RECORD, stage=Stage.PARKED)
    assert {"c", "by-hand"} == {record.controller for record in look("look-many", lying(parked)).records}


def test_a_guest_of_which_libvirt_cannot_say_whether_it_moves_may_be_moving() -> None:
    said = "error: Timed out during operation: cannot acquire state change lock\n"
    silent: dict[str, str | None] = {f"migration {UUIDS['d1']}": said}
    host = look("look-many", silent)
    assert {"d1", "s1"} == {record.guest_name for record in host.records}


def test_a_guest_that_failed_to_arrive_by_our_move_is_left_over_and_could_be_started() -> None:
    uuid = next(entry.uuid for entry in look("look-older").registrations if entry.name == "g3")
    expected = replace(RECORD, source="h2", target="h1", guest_uuid=uuid)
    found = look("look-older", lying(expected)).registration(uuid)
    assert found is not None
    assert (RunState.STOPPED, True, True) == (found.state, found.left_over, found.runnable)
    for other in (replace(expected, stage=Stage.PARKED), replace(expected, source="h1", target="h2")):
        found = look("look-older", lying(other)).registration(uuid)
        assert found is not None
        assert not found.left_over


def test_a_definition_counts_as_saved_while_its_guest_is_not_registered() -> None:
    gone = replace(RECORD, guest_uuid="11111111-2222-3333-4444-555555555555", guest_name="gone")
    saved: dict[str, str | None] = {"move m1": "saved\nleft /srv/local/a b.img\nleft relative\n", "move m9": "saved\n"}
    assert ("m1",) == look("look-many", {**lying(gone), **saved}).saved
    assert () == look("look-many", {**lying(RECORD), **saved}).saved
    assert () == look("look-many", {**lying(replace(gone, stage=Stage.PARKED)), **saved}).saved
    assert (LeftDisk("m1", "/srv/local/a b.img"),) == look("look-many", {**lying(gone), **saved}).left


def test_the_recording_of_a_leaving_guest_is_one_of_the_middle_of_its_copy() -> None:
    sections = split(recorded("look-many"), TOKEN)
    assert "File remaining:   28.062 MiB" in sections[f"migration {UUIDS['s1']}"].text
