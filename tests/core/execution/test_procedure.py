"""The next action of a move, decided from its record and from what both hosts say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.commands import UNASKED, Answer, AnswerKind, Verb
from reconciler.core.execution.lateness import stopped_late
from reconciler.core.execution.move import Finish, LookEverywhere, Move, Pause, Scene, Settle, Tell, Timing
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.execution.procedure import absorb, next_action
from reconciler.core.model import Load, Method, Processor, RunState, StepKind
from reconciler.core.observed import HostFacts, Job, Look, Registration, Unreachable
from reconciler.core.records import MoveRecord, Parked, Stage

ME = "controller-1"
CLOCK_S = 10_000.0
RUNNING, STOPPED, TRANSITION = RunState.RUNNING, RunState.STOPPED, RunState.TRANSITION

RECORD = MoveRecord(
    id="run.1.1",
    guest_uuid="u1",
    guest_name="web01",
    kind=StepKind.MIGRATE,
    source="h1",
    target="h2",
    method=Method.OFFLINE,
    was=RUNNING,
    intent="i",
    facts="f",
    controller=ME,
    load=Load(2048, 10, 0),
    expires_s=CLOCK_S + 170,
    stage_since_s=CLOCK_S - 10,
)
ONLINE = replace(RECORD, method=Method.ONLINE)


def at(stage: Stage, record: MoveRecord = RECORD, **changes: Any) -> MoveRecord:
    """The record at this stage."""
    stopped_by_us = record.method is Method.OFFLINE and record.was is RUNNING and stage is not Stage.CLAIMED
    return replace(record, stage=stage, **{"stopped_by_us": stopped_by_us, **changes})


def copy(state: RunState, *, runnable: bool = True) -> Registration:
    return Registration("u1", "web01", state, runnable, memory_mib=2048)


def host(name: str, entry: Registration | None = None, record: MoveRecord | None = None, **changes: Any) -> HostFacts:
    facts = HostFacts(
        name=name,
        machine_id=f"m-{name}",
        platform="integrity-vm",
        version="4.2",
        processor=Processor(32, 1),
        cpus=8,
        memory_mib=16384,
        registrations=(entry,) if entry is not None else (),
        records=(record,) if record is not None else (),
        clock_s=CLOCK_S,
    )
    return replace(facts, **changes)


def decide(
    source: Look, target: Look, move: Move, *, others: Mapping[str, Look] | None = None, fresh: bool = True
) -> object:
    """What is next, with the record as the hosts have it."""
    scene = Scene(
        looks={"h1": source, "h2": target},
        elsewhere=others if others is not None else {"h3": host("h3")},
        all_fresh=fresh,
        documents={},
        now_s=5_000.0,
        controller=ME,
        timing=Timing(),
    )
    return next_action(absorb(move, source, target), scene)


def told(action: object) -> tuple[Verb, str, Stage]:
    assert isinstance(action, Tell), action
    return action.verb, action.host, action.record.stage


def settled(action: object) -> tuple[OutcomeKind, str]:
    assert isinstance(action, Settle), action
    return action.outcome.kind, action.outcome.reason


def both(
    entry: Registration | None, other: Registration | None, record: MoveRecord, **source: Any
) -> tuple[Look, Look]:
    """Both ends, each with the record."""
    on_target = record if record.stage in (Stage.CLAIMED, Stage.STARTING) else replace(record, stage=Stage.CLAIMED)
    return host("h1", entry, record, **source), host("h2", other, on_target)


# --- the straight way ----------------------------------------------------------------------------------------------


def test_the_source_is_claimed_first_and_the_target_second() -> None:
    move = Move(RECORD, "01")
    assert (Verb.CLAIM, "h1", Stage.CLAIMED) == told(decide(host("h1", copy(RUNNING)), host("h2"), move))
    half = decide(host("h1", copy(RUNNING), RECORD), host("h2"), move)
    assert (Verb.CLAIM, "h2", Stage.CLAIMED) == told(half)


def test_the_platform_is_asked_before_anything_is_stopped() -> None:
    source, target = both(copy(RUNNING), None, RECORD)
    assert (Verb.CHECK, "h1", Stage.CLAIMED) == told(decide(source, target, Move(RECORD, "01")))


def test_an_offline_move_stops_the_guest_and_writes_that_down_with_it() -> None:
    source, target = both(copy(RUNNING), None, RECORD)
    action = decide(source, target, Move(RECORD, "01", checked=True))
    assert (Verb.STOP, "h1", Stage.STOPPING) == told(action)
    assert isinstance(action, Tell)
    assert action.record.stopped_by_us
    assert action.guard is not None
    assert (Stage.CLAIMED,) == action.guard.stages


def test_an_online_move_migrates_without_a_stop() -> None:
    source, target = both(copy(RUNNING), None, ONLINE)
    assert (Verb.MIGRATE, "h1", Stage.MIGRATING) == told(decide(source, target, Move(ONLINE, "01", checked=True)))


def test_a_stopped_guest_is_migrated_once_it_has_stopped() -> None:
    record = at(Stage.STOPPING)
    assert isinstance(decide(*both(copy(RUNNING), None, record), Move(record, "01")), Pause)
    action = decide(*both(copy(STOPPED), None, record), Move(record, "01"))
    assert (Verb.MIGRATE, "h1", Stage.MIGRATING) == told(action)


def test_a_migration_is_followed_while_its_job_runs() -> None:
    record = at(Stage.MIGRATING)
    job = Job(record.id, 1, "migrate", ended=False, progress_percent=21)
    action = decide(*both(copy(STOPPED), None, record, jobs=(job,)), Move(record, "01"))
    assert isinstance(action, Pause)
    assert action.progress_percent == 21


def test_a_guest_that_this_move_stopped_is_started_at_the_target() -> None:
    record = at(Stage.MIGRATING)
    action = decide(*both(copy(STOPPED, runnable=False), copy(STOPPED), record), Move(record, "01"))
    assert (Verb.START, "h2", Stage.STARTING) == told(action)


def test_a_move_is_done_when_the_guest_runs_at_the_target() -> None:
    record = at(Stage.STARTING)
    nr = copy(STOPPED, runnable=False)
    assert isinstance(decide(*both(nr, copy(TRANSITION), record), Move(record, "01")), Pause)
    assert settled(decide(*both(nr, copy(RUNNING), record), Move(record, "01"))) == (OutcomeKind.DONE, "Moved")


def test_records_are_taken_away_target_first_and_source_last() -> None:
    record = at(Stage.STARTING)
    move = Move(record, "01", ending=Outcome(OutcomeKind.DONE, "Moved", ""))
    source, target = both(copy(STOPPED, runnable=False), copy(RUNNING), record)
    assert told(decide(source, target, move))[:2] == (Verb.RELEASE, "h2")
    assert told(decide(source, host("h2", copy(RUNNING)), move))[:2] == (Verb.RELEASE, "h1")
    assert isinstance(decide(host("h1"), host("h2", copy(RUNNING)), move), Finish)


# --- I1: no start beside another copy --------------------------------------------------------------------------------


def test_a_guest_is_not_started_at_the_target_while_a_third_host_shows_a_startable_copy() -> None:
    record = at(Stage.MIGRATING)
    third = {"h3": host("h3", copy(STOPPED))}
    action = decide(*both(copy(STOPPED, runnable=False), copy(STOPPED), record), Move(record, "01"), others=third)
    assert settled(action) == (OutcomeKind.BROKEN, "TwoCopies")


def test_every_host_is_looked_at_once_more_before_a_start() -> None:
    record = at(Stage.MIGRATING)
    ends = both(copy(STOPPED, runnable=False), copy(STOPPED), record)
    assert isinstance(decide(*ends, Move(record, "01"), fresh=False), LookEverywhere)


def test_a_guest_that_this_move_stopped_is_started_although_a_third_host_is_unreachable() -> None:
    record = at(Stage.MIGRATING)
    third = {"h3": Unreachable("h3", "timeout")}
    action = decide(*both(copy(STOPPED, runnable=False), copy(STOPPED), record), Move(record, "01"), others=third)
    assert (Verb.START, "h2", Stage.STARTING) == told(action)


def test_a_stopped_guest_is_not_moved_before_every_host_was_looked_at() -> None:
    record = replace(RECORD, was=STOPPED, load=Load())
    source, target = both(copy(STOPPED), None, record)
    assert isinstance(decide(source, target, Move(record, "01"), fresh=False), LookEverywhere)
    away = {"h3": Unreachable("h3", "timeout")}
    action = decide(source, target, Move(record, "01"), others=away)
    assert settled(action) == (OutcomeKind.CHANGED, "OwnerUnknown")


def test_a_guest_is_not_started_by_its_document_while_a_host_is_unreachable() -> None:
    """A definition left behind on h1, the guest running on h3, h3 unreachable, power: running on h1: not started."""
    record = replace(RECORD, kind=StepKind.START, target="h1", was=STOPPED)
    here = host("h1", copy(STOPPED), record)
    scene = Scene({"h1": here}, {"h3": Unreachable("h3", "no route")}, True, {}, 5_000.0, ME, Timing())
    action = next_action(Move(record, "01"), scene)
    assert settled(action) == (OutcomeKind.CHANGED, "OwnerUnknown")


def test_a_running_guest_on_two_hosts_after_a_migration_is_an_alarm() -> None:
    record = at(Stage.MIGRATING, ONLINE)
    action = decide(*both(copy(RUNNING), copy(RUNNING), record), Move(record, "01"))
    assert settled(action) == (OutcomeKind.BROKEN, "TwoCopies")


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_an_aborted_online_migration_is_harmless() -> None:
    record = at(Stage.MIGRATING, ONLINE)
    job = Job(record.id, 1, "migrate", ended=True, status=1, output_tail="aborted: guest too busy")
    action = decide(*both(copy(RUNNING), None, record, jobs=(job,)), Move(record, "01"))
    assert settled(action) == (OutcomeKind.ABORTED, "OnlineAborted")


def test_success_with_a_bad_exit_status_is_success() -> None:
    """State decides, never an exit code alone."""
    record = at(Stage.MIGRATING, ONLINE)
    job = Job(record.id, 1, "migrate", ended=True, status=1)
    action = decide(*both(copy(STOPPED, runnable=False), copy(RUNNING), record, jobs=(job,)), Move(record, "01"))
    assert settled(action) == (OutcomeKind.DONE, "Moved")


def test_a_guest_that_was_stopped_for_a_move_that_failed_is_started_again_where_it_was() -> None:
    record = at(Stage.MIGRATING)
    action = decide(*both(copy(STOPPED), None, record), Move(record, "01"))
    assert (Verb.START, "h1", Stage.RESTORING) == told(action)
    restoring = at(Stage.RESTORING, note="OfflineFailed: no space")
    action = decide(*both(copy(RUNNING), None, restoring), Move(restoring, "01"))
    assert settled(action) == (OutcomeKind.FAILED, "OfflineFailed")


def test_both_copies_not_runnable_is_an_alarm() -> None:
    record = at(Stage.MIGRATING)
    nr = copy(STOPPED, runnable=False)
    assert isinstance(decide(*both(nr, nr, record), Move(record, "01")), LookEverywhere), "one look may be the older"
    seen_twice = Move(record, "01", looked_everywhere=True)
    assert settled(decide(*both(nr, nr, record), seen_twice)) == (OutcomeKind.BROKEN, "NotRunnableAnywhere")


def test_a_refused_check_is_final() -> None:
    refused = (Verb.CHECK, Answer(AnswerKind.FAILED, 1, "vswitch validation failed"))
    action = decide(*both(copy(RUNNING), None, RECORD), Move(RECORD, "01", last=refused, tries={Verb.CHECK: 1}))
    assert settled(action) == (OutcomeKind.REFUSED, "RefusedByPlatform")


def test_a_target_that_cannot_be_asked_has_not_refused() -> None:
    unasked = (Verb.CHECK, Answer(AnswerKind.FAILED, UNASKED, "h2 cannot be reached from h1: timed out"))
    action = decide(*both(copy(RUNNING), None, RECORD), Move(RECORD, "01", last=unasked, tries={Verb.CHECK: 1}))
    assert settled(action) == (OutcomeKind.ABORTED, "NoAnswer")
    assert "cannot be reached" in str(action)


def test_an_unanswered_check_is_asked_again_but_not_for_ever() -> None:
    lost = (Verb.CHECK, Answer(AnswerKind.LOST))
    ends = both(copy(RUNNING), None, RECORD)
    assert told(decide(*ends, Move(RECORD, "01", last=lost, tries={Verb.CHECK: 2})))[0] is Verb.CHECK
    assert settled(decide(*ends, Move(RECORD, "01", last=lost, tries={Verb.CHECK: 3})))[0] is OutcomeKind.ABORTED


@pytest.mark.parametrize(
    ("clock_s", "hard", "expected"),
    [
        (CLOCK_S + 200, False, "wait"),
        (CLOCK_S + 320, True, "cut"),
        (CLOCK_S + 320, False, "fail"),
    ],
    ids=["before the deadline", "hard stop allowed", "given up"],
)
def test_a_guest_that_ignores_the_stop(clock_s: float, hard: bool, expected: str) -> None:
    record = at(Stage.STOPPING, stage_since_s=CLOCK_S, hard_stop=hard, expires_s=clock_s + 170)
    source, target = both(copy(RUNNING), None, record)
    assert isinstance(source, HostFacts)
    assert isinstance(target, HostFacts)
    action = decide(replace(source, clock_s=clock_s), replace(target, clock_s=clock_s), Move(record, "01"))
    if expected == "wait":
        assert isinstance(action, Pause)
    elif expected == "cut":
        assert told(action)[0] is Verb.STOP_HARD
    else:
        assert settled(action) == (OutcomeKind.FAILED, "StopTimedOut")


def test_a_guest_that_stops_after_we_gave_up_is_noted_down_and_started_again_where_it_is() -> None:
    parked = at(Stage.PARKED, parked=Parked.FAILED, stage_since_s=CLOCK_S - 60, note="StopTimedOut: it ran on")
    noted = decide(host("h1", copy(STOPPED), parked), host("h2"), Move(parked, adopted=True))
    assert (Verb.RENEW, "h1", Stage.PARKED) == told(noted)
    assert isinstance(noted, Tell)
    late = noted.record
    action = decide(host("h1", copy(STOPPED), late), host("h2"), Move(late, adopted=True))
    assert (Verb.START, "h1", Stage.RESTORING) == told(action)
    assert isinstance(decide(host("h1", copy(RUNNING), late), host("h2"), Move(late, adopted=True)), Finish)


def test_a_guest_that_stops_long_after_we_gave_up_is_nobodys_business_of_ours() -> None:
    parked = at(Stage.PARKED, parked=Parked.FAILED, stage_since_s=CLOCK_S - 60)
    assert stopped_late(parked, host("h1", copy(STOPPED), parked), Timing())
    long_ago = replace(parked, stage_since_s=CLOCK_S - 7200)
    assert not stopped_late(long_ago, host("h1", copy(STOPPED), long_ago), Timing())


def test_no_other_move_of_a_guest_begins_while_it_may_stop_late() -> None:
    parked = at(Stage.PARKED, parked=Parked.FAILED, stage_since_s=CLOCK_S - 60, id="old.1.1")
    action = decide(host("h1", copy(RUNNING), parked), host("h2"), Move(RECORD, "01"))
    assert settled(action) == (OutcomeKind.CHANGED, "StopPending")


def test_nothing_is_begun_when_the_guest_is_not_as_planned() -> None:
    action = decide(*both(copy(STOPPED), None, RECORD), Move(RECORD, "01"))
    assert settled(action) == (OutcomeKind.CHANGED, "WorldChanged")


def test_nothing_is_begun_when_the_target_has_filled_up_meanwhile() -> None:
    source, _ = both(copy(RUNNING), None, RECORD)
    other = Registration("u2", "big", RUNNING, memory_mib=15_000)
    target = host("h2", other, RECORD)
    assert settled(decide(source, target, Move(RECORD, "01"))) == (OutcomeKind.CHANGED, "NoRoomNow")


def test_an_arrival_under_way_of_another_controller_counts_at_the_target() -> None:
    source, _ = both(copy(RUNNING), None, RECORD)
    theirs = replace(RECORD, id="x", guest_uuid="u9", controller="other", load=Load(15_000, 10, 0))
    target = replace(host("h2", None, RECORD), records=(RECORD, theirs))
    assert settled(decide(source, target, Move(RECORD, "01"))) == (OutcomeKind.CHANGED, "NoRoomNow")


def test_an_unreachable_end_is_waited_for_once_something_was_done() -> None:
    record = at(Stage.MIGRATING)
    gone = Unreachable("h1", "timeout")
    assert isinstance(
        decide(gone, host("h2"), Move(record, "01", tries={Verb.MIGRATE: 1}, unreachable_since_s=4_900.0)), Pause
    )
    action = decide(gone, host("h2"), Move(record, "01", tries={Verb.MIGRATE: 1}, unreachable_since_s=4_000.0))
    assert settled(action) == (OutcomeKind.UNKNOWN, "HostUnreachable")


def test_an_unknown_end_leaves_the_records_where_they_are() -> None:
    record = at(Stage.MIGRATING)
    move = Move(record, "01", ending=Outcome(OutcomeKind.UNKNOWN, "HostUnreachable", ""))
    assert isinstance(decide(*both(copy(STOPPED), None, record), move), Finish)


def test_a_failed_move_parks_its_record_on_the_source() -> None:
    record = at(Stage.MIGRATING, ONLINE)
    move = Move(record, "01", ending=Outcome(OutcomeKind.ABORTED, "OnlineAborted", "busy"))
    action = decide(host("h1", copy(RUNNING), record), host("h2"), move)
    assert (Verb.PARK, "h1", Stage.PARKED) == told(action)
    assert isinstance(action, Tell)
    assert action.record.parked is Parked.ABORTED
    assert CLOCK_S + 300 == action.record.not_before_s


# --- I2: nothing is deleted before its copy is proven ----------------------------------------------------------------


def test_the_source_is_deleted_only_after_the_guest_runs_at_the_target() -> None:
    from reconciler.core.model import StorageKind
    from reconciler.core.observed import Disk

    disk = Disk("/d", StorageKind.FILE, 100)
    nr = replace(copy(STOPPED, runnable=False), disks=(disk,))
    record = at(Stage.STARTING, delete_source=True)
    booting = replace(copy(TRANSITION), disks=(disk,))
    assert isinstance(decide(*both(nr, booting, record), Move(record, "01")), Pause)
    up = replace(copy(RUNNING), disks=(disk,))
    action = decide(*both(nr, up, record), Move(record, "01"))
    assert (Verb.DELETE_COPY, "h1", Stage.CLEANING) == told(action)
    short = replace(copy(RUNNING), disks=(replace(disk, size_mib=50),))
    assert settled(decide(*both(nr, short, record), Move(record, "01"))) == (OutcomeKind.DONE, "Moved")


# --- I6, I11: adoption ---------------------------------------------------------------------------------------------


def test_an_expired_record_is_adopted_source_first() -> None:
    old = at(Stage.MIGRATING, controller="dead", expires_s=CLOCK_S - 1)
    move = Move(old, adopted=True)
    source, target = both(copy(STOPPED), None, old)
    action = decide(source, target, move)
    assert told(action)[:2] == (Verb.RENEW, "h1")
    assert isinstance(action, Tell)
    assert action.guard is not None
    assert action.guard.controller == "dead"
    assert action.record.controller == ME


def test_a_record_of_a_live_controller_is_left_alone() -> None:
    theirs = at(Stage.MIGRATING, controller="other")
    action = decide(*both(copy(STOPPED), None, theirs), Move(theirs, adopted=True))
    assert settled(action) == (OutcomeKind.UNKNOWN, "HeldByOther")


def test_an_adopted_move_that_had_not_begun_is_let_go() -> None:
    action = decide(*both(copy(RUNNING), None, RECORD), Move(RECORD, adopted=True))
    assert settled(action) == (OutcomeKind.CHANGED, "NothingDone")


def test_an_adopted_offline_move_starts_the_guest_that_was_stopped() -> None:
    record = at(Stage.MIGRATING)
    action = decide(*both(copy(STOPPED, runnable=False), copy(STOPPED), record), Move(record, adopted=True))
    assert (Verb.START, "h2", Stage.STARTING) == told(action)


def test_a_record_is_renewed_before_it_expires_while_we_wait() -> None:
    record = at(Stage.STOPPING, expires_s=CLOCK_S + 60)
    action = decide(*both(copy(RUNNING), None, record), Move(record, "01"))
    assert told(action)[:2] == (Verb.RENEW, "h1")


def test_a_claim_takes_the_place_of_a_parked_record_only_by_naming_it() -> None:
    parked = replace(RECORD, id="old.1.1", stage=Stage.PARKED, parked=Parked.ABORTED, expires_s=0.0)
    action = decide(host("h1", copy(RUNNING), parked), host("h2"), Move(RECORD, "01"))
    assert isinstance(action, Tell)
    assert action.guard is not None
    assert ("old.1.1", (Stage.PARKED,)) == (action.guard.record_id, action.guard.stages)
