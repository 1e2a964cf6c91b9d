"""Histories that have a name: each is a way in which a guest was lost somewhere, told step by step."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.commands import Verb
from reconciler.core.desired import Downtime, MigrationPolicy, PowerWish
from reconciler.core.model import RunState, StorageKind
from reconciler.core.reports.report import Result
from reconciler.drivers.simulated.faults import Fault, FaultKind
from tests.simulation.story import Story, wants


def test_a_definition_left_behind_is_not_started_while_the_guest_may_run_where_nobody_can_look() -> None:
    """Somebody moved g0 by hand from h1 to h3 and left its definition on h1. Now h3 cannot be reached, and the
    document says that g0 shall run on h1. It may not be started there: it runs on h3."""
    story = Story(wants("h1", power=PowerWish.RUNNING))
    story.world.move_by_hand("uuid-0", "h3", leave_definition=True)
    story.world.partition("h3")
    report = story.one_pass()
    assert [] == story.told.commands
    assert Result.BLOCKED is report.result
    assert ["OwnerUnknown"] == [entry.reason for entry in report.plans[-1].blocked]
    assert ("h3", RunState.RUNNING, True) in story.world.copies("uuid-0")


def test_two_startable_definitions_are_left_alone_once_both_are_seen() -> None:
    story = Story(wants("h1", power=PowerWish.RUNNING))
    story.world.move_by_hand("uuid-0", "h3", leave_definition=True)
    report = story.one_pass()
    assert [] == story.told.commands
    assert ["Duplicated"] == [entry.reason for entry in report.plans[-1].blocked]


def test_a_guest_on_the_network_of_storage_moves_online_and_then_nothing_more_is_sent() -> None:
    story = Story(wants("h2"))
    assert Result.CONVERGED is story.one_pass().result
    assert [("migrate", "g0", "h1")] == story.told.deeds
    story.told.commands.clear()
    assert Result.CONVERGED is story.one_pass().result
    assert [] == story.told.commands


def test_a_guest_on_a_file_is_stopped_copied_and_started_where_its_document_allows_downtime() -> None:
    policy = MigrationPolicy(downtime=Downtime.ALLOWED)
    story = Story(wants("h2", migration=policy), kind=StorageKind.FILE)
    assert Result.CONVERGED is story.one_pass().result
    assert [("stop", "g0", "h1"), ("migrate", "g0", "h1"), ("start", "g0", "h2")] == story.told.deeds
    assert (("h1", RunState.STOPPED, False), ("h2", RunState.RUNNING, True)) == story.world.copies("uuid-0")
    assert [] == story.world.ledger.deleted_disks


def test_the_same_guest_is_blocked_where_downtime_is_forbidden() -> None:
    story = Story(wants("h2"), kind=StorageKind.FILE)
    report = story.one_pass()
    assert [] == story.told.commands
    assert ["DowntimeForbidden"] == [entry.reason for entry in report.plans[-1].blocked]


def test_a_controller_killed_while_the_guest_is_down_is_followed_by_one_that_brings_it_up() -> None:
    policy = MigrationPolicy(downtime=Downtime.ALLOWED)
    story = Story(wants("h2", migration=policy), kind=StorageKind.FILE)
    story.actor.begin()
    while ("migrate", "g0", "h1") not in story.told.deeds:
        story.timeline.step(story.timeline.now_s + 1000)
    story.actor.kill()
    until_s = story.timeline.now_s + 600
    while story.timeline.step(until_s):
        pass
    story.actor.revive(keep_state=False)
    assert Result.CONVERGED is story.one_pass().result
    assert ("h2", RunState.RUNNING, True) in story.world.copies("uuid-0")
    assert 1 == story.told.deeds.count(("migrate", "g0", "h1"))


def test_an_online_migration_that_aborts_once_is_tried_again_after_a_pause() -> None:
    story = Story(wants("h2"))
    story.world.faults.add(Fault(FaultKind.ABORT, Verb.MIGRATE))
    began_s = story.world.now_s
    report = story.one_pass()
    assert Result.CONVERGED is report.result
    assert 2 == story.told.deeds.count(("migrate", "g0", "h1"))
    assert 300 <= story.world.now_s - began_s
    assert [2] == [run.progress.attempt for run in report.steps]


def test_a_refused_step_is_not_tried_again_until_something_changes() -> None:
    story = Story(wants("h2"))
    story.world.faults.add(Fault(FaultKind.FAIL, Verb.CHECK))
    assert Result.BLOCKED is story.one_pass().result
    story.told.commands.clear()
    report = story.one_pass()
    assert [] == story.told.commands
    assert ["RefusedByPlatform"] == [entry.reason for entry in report.plans[-1].blocked]
    story.desired = replace(story.desired, guests={"g0": wants("h3")})
    assert Result.CONVERGED is story.one_pass().result


def test_a_person_can_ask_for_another_attempt_without_changing_the_document() -> None:
    story = Story(wants("h2"))
    story.world.faults.add(Fault(FaultKind.FAIL, Verb.CHECK))
    assert Result.BLOCKED is story.one_pass().result
    assert story.actor.state is not None
    config = replace(story.actor.state.config, retry=frozenset({"g0"}))
    story.actor.state = replace(story.actor.state, config=config)
    assert Result.CONVERGED is story.one_pass().result
