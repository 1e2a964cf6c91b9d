"""Histories that have a name: each is a way in which a guest was lost somewhere, told step by step."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from reconciler.core.commands import Answer, Command, Verb
from reconciler.core.desired import DesiredFleet, Downtime, Fleet, Guest, Host, MigrationPolicy, Mode, PowerWish
from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import Disk
from reconciler.core.reports.report import Report, Result
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.faults import Fault, FaultKind
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.world import World
from reconciler.errors import Location
from tests.simulation.actors import Actor, Timeline, Watcher

HERE = Location("story.yaml")
ATTRIBUTES = {"os": "HPUX", "guest_kit": "yes", "inserted_media": "none"}


@dataclass
class Told(Watcher):
    """Remembers the commands that did something to a guest, and the reports."""

    deeds: list[tuple[str, str, str]] = field(default_factory=list)
    commands: list[Verb] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def after(self, actor: Actor, sent: Command, answer: Answer) -> None:
        self.commands.append(sent.verb)
        if sent.touches_guest:
            self.deeds.append((sent.verb.value, sent.record.guest_name, sent.host))

    def published(self, actor: Actor, report: Report) -> None:
        self.reports.append(report)


class Story:
    """Three hosts and one guest, g0, that its document wants on h1 unless a test says otherwise."""

    def __init__(
        self, document: Guest, *, kind: StorageKind = StorageKind.SAN, state: RunState = RunState.RUNNING
    ) -> None:
        hosts = [SimHost(f"h{number}", networks=("lan0",), presented=("lun-0",)) for number in (1, 2, 3)]
        self.world = World.of(hosts, rules=refusal)
        guest = SimGuest("uuid-0", "g0", networks=("lan0",), attributes=ATTRIBUTES)
        disk = Disk("lun-0" if kind.shared else "/guests/g0.img", kind, 1000)
        self.world.place(guest, "h1", (disk,), state)
        self.world.advance_to(self.world.now_s + 1)
        self.desired = DesiredFleet(
            Fleet("story", HERE, mode=Mode.APPLY),
            {host.name: Host(host.name, "simulated", HERE) for host in hosts},
            {"g0": document},
        )
        self.told = Told()
        self.timeline = Timeline(self.world)
        self.actor = Actor("a", self.timeline, random.Random(1), self.told, lambda: self.desired)

    def one_pass(self) -> Report:
        self.actor.begin()
        while self.actor.busy:
            self.timeline.step(self.timeline.now_s + 1000)
        assert self.told.reports, "the pass ended without a report"
        return self.told.reports[-1]


def wants(host: str, **changes: object) -> Guest:
    return replace(Guest("g0", host, HERE), **changes)  # type: ignore[arg-type]  # fields of Guest by name


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
