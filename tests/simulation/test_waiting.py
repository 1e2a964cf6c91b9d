"""`stop.then: wait`: a guest that ignores its stop is left to a person, and the move goes on once it is down."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.desired import AfterDeadline, Downtime, Guest, Host, MigrationPolicy, PowerWish, StopPolicy
from reconciler.core.model import RunState, StorageKind
from reconciler.core.reports.report import Result
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from tests.simulation.actors import TIMING
from tests.simulation.story import HERE, Story, simulated_guest, wants

DEAF = simulated_guest(shutdown_s=None)
MOVED = [("stop", "g0", "h1"), ("migrate", "g0", "h1"), ("start", "g0", "h2")]


def patient(then: AfterDeadline = AfterDeadline.WAIT, host: str = "h2") -> Guest:
    policy = MigrationPolicy(downtime=Downtime.ALLOWED, stop=StopPolicy(60, then))
    return wants(host, migration=policy)


def waiting(document: Guest | None = None) -> Story:
    """A story in which the guest has let the deadline of its stop go by."""
    story = Story(document or patient(), kind=StorageKind.FILE, guest=replace(DEAF))
    story.actor.begin()
    story.until(400)
    assert story.actor.busy
    assert [("stop", "g0", "h1")] == story.told.deeds
    return story


def finish(story: Story) -> None:
    while story.actor.busy:
        story.timeline.step(story.timeline.now_s + 1000)


def test_a_person_shuts_the_guest_down_and_the_move_goes_on() -> None:
    story = waiting()
    assert story.actor.state is not None
    assert any("waits for a person" in text for text, _ in story.actor.state.doing.values())
    story.world.stop_guest_inside("uuid-0")
    finish(story)
    assert Result.CONVERGED is story.told.reports[-1].result
    assert MOVED == story.told.deeds
    assert ("h2", RunState.RUNNING, True) in story.world.copies("uuid-0")


def test_nobody_comes_and_the_guest_runs_on_where_it_is() -> None:
    story = waiting()
    began_s = story.world.now_s
    finish(story)
    assert ["StopTimedOut"] == [
        run.progress.outcome.reason for run in story.told.reports[-1].steps if run.progress.outcome
    ]
    assert TIMING.wait_for_person_s - 400 <= story.world.now_s - began_s
    assert (("h1", RunState.RUNNING, True),) == story.world.copies("uuid-0")
    assert [("stop", "g0", "h1")] == story.told.deeds


def test_a_controller_killed_while_it_waits_is_followed_by_one_that_goes_on_waiting() -> None:
    story = waiting()
    story.actor.kill()
    story.until(300)
    story.actor.revive(keep_state=False)
    story.actor.begin()
    story.until(400)
    assert story.actor.busy
    story.world.stop_guest_inside("uuid-0")
    finish(story)
    assert MOVED == story.told.deeds
    assert ("h2", RunState.RUNNING, True) in story.world.copies("uuid-0")


def test_a_successor_does_not_wait_where_the_document_no_longer_says_so() -> None:
    story = waiting()
    story.actor.kill()
    story.until(300)
    story.declare(patient(AfterDeadline.FAIL))
    story.actor.revive(keep_state=False)
    report = story.one_pass()
    assert ["StopTimedOut"] == [run.progress.outcome.reason for run in report.adopted if run.progress.outcome]
    assert (("h1", RunState.RUNNING, True),) == story.world.copies("uuid-0")


def test_a_newer_commit_that_no_longer_says_wait_ends_the_waiting() -> None:
    story = waiting()
    story.declare(patient(AfterDeadline.FAIL))
    story.actor.changed()
    story.until(200)
    finish(story)
    assert [("stop", "g0", "h1")] == story.told.deeds[:1]
    assert "StopTimedOut" in {
        run.progress.outcome.reason for run in story.told.reports[-1].steps if run.progress.outcome
    }


def with_another_guest(story: Story) -> None:
    """Two more hosts, and a guest on one of them that a later commit wants on the other."""
    for name in ("h4", "h5"):
        story.world.fleet.hosts[name] = SimHost(name, networks=("lan0",))
    story.world.place(SimGuest("uuid-1", "g1", networks=("lan0",)), "h4", state=RunState.STOPPED)
    hosts = {name: Host(name, "simulated", HERE) for name in ("h4", "h5")}
    story.desired = replace(story.desired, hosts={**story.desired.hosts, **hosts})


def test_others_move_while_one_waits_for_a_person() -> None:
    """A newer commit wants another guest elsewhere: it does not have to wait a day for it."""
    story = Story(patient(), kind=StorageKind.FILE, guest=replace(DEAF))
    with_another_guest(story)
    story.actor.begin()
    story.until(400)
    story.declare(patient(), g1=replace(wants("h5"), name="g1"))
    story.actor.changed()
    story.until(600)
    assert ("h5", RunState.STOPPED, True) in story.world.copies("uuid-1")
    story.world.stop_guest_inside("uuid-0")
    finish(story)
    assert ("h2", RunState.RUNNING, True) in story.world.copies("uuid-0")
    assert Result.CONVERGED is story.told.reports[-1].result


def test_a_successor_plans_for_others_while_it_goes_on_waiting() -> None:
    story = Story(patient(), kind=StorageKind.FILE, guest=replace(DEAF))
    with_another_guest(story)
    story.actor.begin()
    story.until(400)
    story.actor.kill()
    story.until(300)
    story.declare(patient(), g1=replace(wants("h5"), name="g1"))
    story.actor.revive(keep_state=False)
    story.actor.begin()
    story.until(600)
    assert ("h5", RunState.STOPPED, True) in story.world.copies("uuid-1")
    assert ("h1", RunState.RUNNING, True) in story.world.copies("uuid-0")


def test_a_guest_that_shall_be_stopped_is_waited_for_as_well() -> None:
    story = waiting(replace(patient(host="h1"), power=PowerWish.STOPPED))
    story.world.stop_guest_inside("uuid-0")
    finish(story)
    assert Result.CONVERGED is story.told.reports[-1].result
