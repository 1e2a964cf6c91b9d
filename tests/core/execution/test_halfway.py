"""What a migration leaves between its two ends, on a platform that moves definitions and disks one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.commands import Verb
from reconciler.core.execution.halfway import aside
from reconciler.core.execution.move import LookEverywhere, Move, Pause
from reconciler.core.execution.outcome import OutcomeKind
from reconciler.core.execution.procedure import absorb
from reconciler.core.model import Method, RunState, StorageKind
from reconciler.core.observed import Disk, Job, LeftDisk, Registration
from reconciler.core.records import MoveRecord, Stage
from tests.core.execution.test_procedure import ONLINE, RECORD, at, both, copy, decide, host, settled, told

RUNNING, STOPPED = RunState.RUNNING, RunState.STOPPED
ENDED = Job(RECORD.id, 1, "migrate", ended=True, status=1, output_tail="copying web.qcow2: no space left on device")
DISK = "/srv/local/web.qcow2"


def migrating(
    entry: Registration | None,
    other: Registration | None,
    record: MoveRecord,
    *,
    source: dict[str, Any] | None = None,
    target: dict[str, Any] | None = None,
    move: Move | None = None,
) -> object:
    """What is next once the job of this record has ended, and a second look has shown the same."""
    here = host("h1", entry, record, **{"jobs": (ENDED,), **(source or {})})
    there = host("h2", other, replace(record, stage=Stage.CLAIMED), **(target or {}))
    return decide(here, there, replace(move or Move(record, "01", checked=True), looked_everywhere=True))


def left(path: str = DISK) -> tuple[LeftDisk, ...]:
    return (LeftDisk(RECORD.id, path),)


def stale(entry: Registration) -> Registration:
    return replace(entry, left_over=True)


def test_a_definition_that_never_came_alive_is_taken_away_while_the_guest_runs_on() -> None:
    action = migrating(copy(RUNNING), stale(copy(STOPPED)), at(Stage.MIGRATING, ONLINE))
    assert (Verb.DISCARD, "h2", Stage.MIGRATING) == told(action)


def test_a_definition_that_the_guest_has_left_is_taken_away_at_the_source() -> None:
    action = migrating(stale(copy(STOPPED)), copy(RUNNING), at(Stage.MIGRATING, ONLINE))
    assert (Verb.DISCARD, "h1", Stage.MIGRATING) == told(action)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (copy(STOPPED), stale(copy(STOPPED))),
        (stale(copy(STOPPED)), stale(copy(STOPPED))),
        (copy(RUNNING), copy(STOPPED)),
        (copy(RUNNING), copy(RUNNING)),
    ],
)
def test_two_copies_are_left_alone_where_it_is_not_plain_which_is_the_guests(
    here: Registration, there: Registration
) -> None:
    action = migrating(here, there, at(Stage.MIGRATING, ONLINE))
    assert (OutcomeKind.BROKEN, "TwoCopies") == settled(action)


def test_what_was_copied_in_vain_is_taken_away_before_the_guest_is_started_again() -> None:
    record = at(Stage.MIGRATING)
    action = migrating(copy(STOPPED), None, record, target={"left": left(f"{DISK}.part")})
    assert (Verb.DISCARD, "h2", Stage.MIGRATING) == told(action)
    assert (Verb.START, "h1", Stage.RESTORING) == told(migrating(copy(STOPPED), None, record))


def test_what_cannot_be_taken_away_keeps_no_guest_down() -> None:
    record = at(Stage.MIGRATING)
    tried = Move(record, "01", checked=True, tries={Verb.DISCARD: 6})
    action = migrating(copy(STOPPED), None, record, target={"left": left()}, move=tried)
    assert (Verb.START, "h1", Stage.RESTORING) == told(action)


def test_a_guest_registered_nowhere_is_withdrawn_from_the_target_then_put_back_then_started() -> None:
    record = at(Stage.MIGRATING)
    saved = {"saved": (record.id,), "left": left()}
    withdrawn = migrating(None, None, record, source=saved, target={"saved": (record.id,)})
    assert (Verb.DISCARD, "h2", Stage.MIGRATING) == told(withdrawn)
    back = migrating(None, None, record, source=saved)
    assert (Verb.PUT_BACK, "h1", Stage.MIGRATING) == told(back)
    assert (Verb.START, "h1", Stage.RESTORING) == told(migrating(copy(STOPPED), None, record))


def test_a_guest_that_was_stopped_is_put_back_and_stays_stopped() -> None:
    record = at(Stage.MIGRATING, replace(RECORD, was=STOPPED))
    assert (OutcomeKind.ABORTED, "OfflineFailed") == settled(migrating(copy(STOPPED), None, record))


def test_a_guest_registered_nowhere_is_an_alarm_where_nothing_lies_saved_or_nothing_helps() -> None:
    record = at(Stage.MIGRATING)
    saved = {"saved": (record.id,)}
    tried = Move(record, "01", checked=True, tries={Verb.PUT_BACK: 3})
    assert (OutcomeKind.BROKEN, "NotRunnableAnywhere") == settled(migrating(None, None, record))
    assert (OutcomeKind.BROKEN, "NotRunnableAnywhere") == settled(
        migrating(None, None, record, source=saved, move=tried)
    )
    stuck = Move(record, "01", checked=True, tries={Verb.DISCARD: 6})
    action = migrating(None, None, record, source=saved, target=saved, move=stuck)
    assert (OutcomeKind.BROKEN, "NotRunnableAnywhere") == settled(action)


def test_a_guest_is_put_back_only_when_every_host_was_seen_without_it() -> None:
    record = at(Stage.MIGRATING)
    here = host("h1", None, record, jobs=(ENDED,), saved=(record.id,))
    there = host("h2", None, replace(record, stage=Stage.CLAIMED))
    move = Move(record, "01", checked=True)
    assert LookEverywhere() == decide(here, there, move)
    seen = replace(move, looked_everywhere=True)
    elsewhere = decide(here, there, seen, others={"h3": host("h3", copy(STOPPED))})
    assert (OutcomeKind.BROKEN, "NotRunnableAnywhere") == settled(elsewhere)
    assert "another copy on h3" in str(elsewhere)


def test_a_guest_that_arrived_between_the_look_at_its_target_and_the_one_at_its_source_is_looked_for_again() -> None:
    record = at(Stage.MIGRATING)
    moved = replace(ENDED, status=0)
    source = host("h1", copy(STOPPED, runnable=False), record, jobs=(moved,))
    early, late = (
        host("h2", copy(STOPPED, runnable=runnable), replace(record, stage=Stage.CLAIMED)) for runnable in (False, True)
    )
    move = Move(record, "01", checked=True)
    assert LookEverywhere() == decide(source, early, move)
    again = replace(move, looked_everywhere=True)
    assert (Verb.START, "h2", Stage.STARTING) == told(decide(source, late, again))
    assert (OutcomeKind.BROKEN, "NotRunnableAnywhere") == settled(decide(source, early, again))


def test_nothing_is_deleted_at_the_source_while_a_copied_disk_is_missing_at_the_target() -> None:
    record = at(Stage.MIGRATING, replace(RECORD, copies=("vda",), delete_source=True))
    kept = {"left": left()}
    empty = migrating(None, copy(RUNNING), record, source=kept)
    assert (OutcomeKind.DONE, "Moved") == settled(empty)
    whole = replace(copy(RUNNING), disks=(Disk(DISK, StorageKind.FILE, 64, resource="vda"),))
    assert (Verb.DELETE_COPY, "h1", Stage.CLEANING) == told(migrating(None, whole, record, source=kept))


def test_hosts_give_back_how_far_a_move_of_ours_has_come_and_not_what_it_may_do() -> None:
    ours = at(Stage.MIGRATING)
    forged = replace(ours, stage=Stage.CLEANING, via="elsewhere.example", delete_source=True, vouched=True)
    looks = (host("h1", copy(STOPPED), ours), host("h2", copy(RUNNING), forged))
    read = absorb(Move(ours, "01"), *looks).record
    assert (Stage.CLEANING, "", False, False) == (read.stage, read.via, read.delete_source, read.vouched)
    assert forged == absorb(Move(ours, "01", adopted=True), *looks).record


@pytest.mark.parametrize(("delete", "verb"), [(True, Verb.DELETE_COPY), (False, Verb.PUT_ASIDE)])
def test_the_sources_disks_are_cleaned_up_once_the_guest_runs_at_the_target(delete: bool, verb: Verb) -> None:
    record = at(Stage.MIGRATING, replace(RECORD, delete_source=delete))
    arrived = migrating(None, copy(RUNNING), record, source={"left": left()})
    assert (verb, "h1", Stage.CLEANING) == told(arrived)
    early = migrating(None, copy(STOPPED), record, source={"left": left()})
    assert (Verb.START, "h2", Stage.STARTING) == told(early)


def test_disks_put_aside_are_named_in_the_report() -> None:
    record = at(Stage.CLEANING)
    moved = f"{DISK}{aside(record.id)}"
    action = migrating(None, copy(RUNNING), record, source={"left": left(moved)})
    assert (OutcomeKind.DONE, "Moved") == settled(action)
    assert moved in str(action)


def test_a_migration_that_tells_how_far_it_has_come_is_watched_closely_at_first() -> None:
    record = at(Stage.MIGRATING, ONLINE)
    job = Job(record.id, 1, "migrate", ended=False, moved_mib=40, remaining_mib=56, rate_mib_s=8.0)
    source, target = both(copy(RUNNING), None, record, jobs=(job,))
    fresh = decide(source, target, Move(record, "01", since_s=5_000.0))
    late = decide(source, target, Move(record, "01", since_s=4_000.0))
    assert Pause(1.0, "migrating: 40 MiB carried, 56 MiB left, 8 MiB/s") == fresh
    assert isinstance(late, Pause)
    assert 5.0 == late.seconds


def test_the_method_of_the_move_does_not_matter_to_what_lies_on_its_target() -> None:
    for method in Method:
        record = at(Stage.MIGRATING, replace(RECORD, method=method))
        action = migrating(copy(RUNNING), None, record, target={"left": left()})
        assert (Verb.DISCARD, "h2", Stage.MIGRATING) == told(action)
