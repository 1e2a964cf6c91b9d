"""Settings of a guest in whole histories: told, lost on the way, taken over, carried along by a move."""

from __future__ import annotations

import pytest

from reconciler.core.commands import Verb
from reconciler.core.desired import Autostart, Downtime, Guest, MigrationPolicy
from reconciler.core.model import StorageKind
from reconciler.core.observed import HostFacts, Registration
from reconciler.core.reports.report import Result
from reconciler.drivers.simulated.faults import Fault, FaultKind
from reconciler.drivers.simulated.fleet import SimGuest
from tests.simulation.story import ATTRIBUTES, Story, simulated_guest, wants

WISH = wants("h1", memory_mib=1024, cpu_entitlement_percent=20, autostart=Autostart.ON)
TOLD = [("set", "g0", "h1")] * 3


def dynamic(**changes: object) -> SimGuest:
    return simulated_guest(memory_min_mib=512, memory_step_mib=64, **changes)


def seen(story: Story, host: str = "h1") -> Registration:
    look = story.world.look(host)
    assert isinstance(look, HostFacts)
    entry = look.registration("uuid-0")
    assert entry is not None
    return entry


def as_wished(story: Story) -> bool:
    entry = seen(story)
    return (entry.memory_current_mib, entry.cpu_entitlement_percent, entry.autostart) == (1024, 20, True)


def test_each_setting_is_told_once_and_then_nothing_more_is_sent() -> None:
    story = Story(WISH, guest=dynamic())
    assert Result.CONVERGED is story.one_pass().result
    assert TOLD == story.told.deeds
    assert as_wished(story)
    story.told.commands.clear()
    assert Result.CONVERGED is story.one_pass().result
    assert [] == story.told.commands


@pytest.mark.parametrize("fault", [FaultKind.FAIL, FaultKind.CUT, FaultKind.HANG, FaultKind.LOST_ANSWER])
def test_a_setting_that_got_lost_on_the_way_is_told_again(fault: FaultKind) -> None:
    story = Story(WISH, guest=dynamic())
    story.world.faults.add(Fault(fault, Verb.SET))
    assert Result.CONVERGED is story.one_pass().result
    assert as_wished(story)


def test_a_controller_killed_between_telling_and_looking_is_followed_by_one_that_ends_in_the_same_place() -> None:
    story = Story(WISH, guest=dynamic())
    story.actor.begin()
    while not story.told.deeds:
        story.timeline.step(story.timeline.now_s + 1000)
    story.actor.kill()
    story.until(300)
    story.actor.revive(keep_state=False)
    assert Result.CONVERGED is story.one_pass().result
    assert as_wished(story)
    assert all(not host.records for host in story.world.fleet.hosts.values())


def test_a_successor_sets_nothing_that_the_document_no_longer_asks_for() -> None:
    story = Story(WISH, guest=dynamic(memory_set_s=None))
    story.actor.begin()
    while not story.told.deeds:
        story.timeline.step(story.timeline.now_s + 1000)
    story.actor.kill()
    story.until(300)
    story.declare(wants("h1"))
    story.told.deeds.clear()
    story.actor.revive(keep_state=False)
    assert Result.CONVERGED is story.one_pass().result
    assert [] == story.told.deeds


def test_memory_that_never_comes_fails_and_is_not_tried_again_until_the_document_changes() -> None:
    story = Story(wants("h1", memory_mib=1024), guest=dynamic(memory_set_s=None))
    report = story.one_pass()
    assert ["SettingNotReached"] == [run.progress.outcome.reason for run in report.steps if run.progress.outcome]
    assert ["FailedBefore"] == [entry.reason for entry in report.plans[-1].blocked]
    assert [("set", "g0", "h1")] == story.told.deeds
    story.world.fleet.guests["uuid-0"].memory_set_s = 5.0
    story.declare(wants("h1", memory_mib=1536))
    assert Result.CONVERGED is story.one_pass().result


def offline() -> Guest:
    return wants("h2", migration=MigrationPolicy(downtime=Downtime.ALLOWED))


@pytest.mark.parametrize("kind", [StorageKind.SAN, StorageKind.FILE])
@pytest.mark.parametrize("autostart", ["on", "off"])
def test_a_move_carries_autostart_along(kind: StorageKind, autostart: str) -> None:
    story = Story(offline(), kind=kind, guest=simulated_guest(attributes={**ATTRIBUTES, "autostart": autostart}))
    assert Result.CONVERGED is story.one_pass().result
    assert seen(story, "h2").autostart is (autostart == "on")
    assert (autostart == "on") is (("set", "g0", "h2") in story.told.deeds)


def test_autostart_that_cannot_be_carried_along_is_reported() -> None:
    story = Story(offline(), guest=simulated_guest(attributes={**ATTRIBUTES, "autostart": "on"}))
    story.world.faults.add(Fault(FaultKind.FAIL, Verb.SET, times=9))
    report = story.one_pass()
    assert ["AutostartNotCarried"] == [run.progress.outcome.reason for run in report.steps if run.progress.outcome]
    assert seen(story, "h2").running


GOING = wants("h2", memory_mib=1024, cpu_entitlement_percent=5, autostart=Autostart.ON)


def test_a_guest_that_moves_is_made_smaller_before_and_gets_all_else_where_it_comes() -> None:
    story = Story(GOING, guest=dynamic())
    report = story.one_pass()
    assert Result.CONVERGED is report.result
    assert [*[("set", "g0", "h1")] * 2, ("migrate", "g0", "h1"), ("set", "g0", "h2")] == story.told.deeds
    assert 1 == len([plan for plan in report.plans if plan.steps])
    entry = seen(story, "h2")
    assert (1024, 5, True) == (entry.memory_current_mib, entry.cpu_entitlement_percent, entry.autostart)
    story.told.commands.clear()
    assert Result.CONVERGED is story.one_pass().result
    assert [] == story.told.commands


def test_a_guest_that_could_not_be_made_smaller_does_not_move_on_that_but_in_the_next_round_as_it_is() -> None:
    """Its host takes the order and nothing comes of it. The move that counted on it is skipped; h2 has room anyway."""
    story = Story(GOING, guest=dynamic(memory_set_s=None))
    report = story.one_pass()
    first = [(run.step.kind, str(run.progress.state)) for run in report.steps[:3]]
    assert [("set", "failed"), ("migrate", "skipped"), ("set", "skipped")] == first
    assert ("migrate", "g0", "h1") in story.told.deeds
    assert ["FailedBefore"] == [entry.reason for entry in report.plans[-1].blocked]


@pytest.mark.parametrize("verb", [Verb.SET, Verb.MIGRATE])
def test_killed_anywhere_between_the_settings_and_the_move_the_next_pass_goes_on(verb: Verb) -> None:
    story = Story(GOING, guest=dynamic())
    story.actor.begin()
    while not any(deed[0] == verb.value for deed in story.told.deeds):
        story.timeline.step(story.timeline.now_s + 1000)
    story.actor.kill()
    story.until(600)
    story.actor.revive(keep_state=False)
    assert Result.CONVERGED is story.one_pass().result
    entry = seen(story, "h2")
    assert (1024, 5, True) == (entry.memory_current_mib, entry.cpu_entitlement_percent, entry.autostart)
