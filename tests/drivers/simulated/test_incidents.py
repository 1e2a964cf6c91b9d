"""Crashes, partitions and people: what befalls hosts and guests from outside."""

from __future__ import annotations

import pytest

from reconciler.core.commands import AnswerKind, Verb
from reconciler.core.model import Method
from reconciler.core.observed import Unreachable
from reconciler.drivers.simulated.fleet import SimGuest
from reconciler.drivers.simulated.incidents import INCIDENTS
from tests.drivers.simulated.story import LOCAL, LONG_S, RUNNING, SAN, STOPPED, TRANSITION, Story

AUTOSTART = {"autostart": "on"}


def test_a_crashed_host_does_not_answer_and_its_guests_are_off() -> None:
    story = Story.of()
    record = story.record()
    story.claim(record)
    story.world.crash_host("a")
    assert isinstance(story.world.look("a"), Unreachable)
    assert story.tell(Verb.START, "a", record).kind is AnswerKind.LOST
    story.world.boot_host("a")
    assert story.copies == {"a": (STOPPED, True)}
    assert story.world.fleet.hosts["a"].records == {"u1": record}, "records lie on disk"


def test_guests_with_autostart_come_up_with_their_host() -> None:
    story = Story.of(guest=SimGuest("u1", "web", attributes=AUTOSTART))
    marker = story.copy("a").boot_marker
    story.world.crash_host("a")
    story.world.boot_host("a")
    assert story.copy("a").state is TRANSITION
    story.wait(LONG_S)
    assert (story.copy("a").state, story.copy("a").boot_marker != marker) == (RUNNING, True)


def test_a_copy_that_a_migration_left_does_not_come_up_with_its_host() -> None:
    story = Story.of(guest=SimGuest("u1", "web", attributes=AUTOSTART))
    story.migrate(story.record())
    story.world.crash_host("a")
    story.world.boot_host("a")
    story.wait(LONG_S)
    assert story.copies == {"a": (STOPPED, False), "b": (RUNNING, True)}
    assert story.world.ledger.double_runs == []


def test_a_guest_dies_with_the_source_of_its_online_migration() -> None:
    story = Story.of()
    record = story.record()
    story.begin(record)
    story.world.crash_host("a")
    assert story.copies == {"a": (STOPPED, True)}
    story.world.boot_host("a")
    job = story.job(record)
    assert (job.ended, job.status) == (True, None)


def test_a_guest_survives_the_crash_of_its_target() -> None:
    story = Story.of()
    record = story.record()
    story.begin(record)
    story.world.crash_host("b")
    assert story.copies == {"a": (RUNNING, True)}
    assert (story.job(record).ended, story.job(record).status) == (True, 1)


@pytest.mark.parametrize("host", ["a", "b"])
def test_an_offline_copy_that_a_crash_cut_short_leaves_the_source_whole(host: str) -> None:
    story = Story.of(LOCAL, STOPPED)
    story.begin(story.record(Method.OFFLINE))
    story.world.crash_host(host)
    assert story.copies == {"a": (STOPPED, True)}
    assert story.world.leftovers("b") == ("/sim/b/web-0",)
    assert story.world.content("u1", "a") == story.world.fleet.guests["u1"].newest


def test_a_migration_goes_on_while_its_hosts_are_cut_off() -> None:
    story = Story.of()
    story.begin(story.record())
    story.world.partition("a")
    story.world.partition("b")
    assert isinstance(story.world.look("b"), Unreachable)
    story.wait(LONG_S)
    story.world.heal("a")
    story.world.heal("b")
    assert story.copies == {"a": (STOPPED, False), "b": (RUNNING, True)}


def test_a_reboot_makes_a_new_boot_and_ends_a_migration() -> None:
    story = Story.of()
    marker = story.copy("a").boot_marker
    story.begin(story.record())
    story.world.reboot_guest("u1")
    story.wait(LONG_S)
    assert story.copies == {"a": (RUNNING, True)}
    assert story.copy("a").boot_marker != marker
    assert story.world.ledger.double_runs == []


def test_a_move_by_hand_leaves_a_definition_that_could_be_started() -> None:
    story = Story.of()
    story.world.move_by_hand("u1", "c")
    assert story.copies == {"a": (STOPPED, True), "c": (RUNNING, True)}
    story.world.move_by_hand("u1", "b", leave_definition=False)
    assert story.copies == {"a": (STOPPED, True), "b": (RUNNING, True)}


def test_a_move_by_hand_needs_room_and_hosts_that_are_up() -> None:
    story = Story.of()
    story.world.place(SimGuest("u9", "big", memory_mib=60000), "b", ())
    story.world.crash_host("c")
    for host in ("b", "c"):
        story.world.move_by_hand("u1", host)
    assert story.copies == {"a": (RUNNING, True)}


def test_a_registration_that_vanishes_leaves_its_volumes() -> None:
    story = Story.of(LOCAL)
    story.world.vanish("u1", "a")
    assert story.copies == {}
    assert story.world.leftovers("a") == ("/dev/vg01/web",)


def test_a_migration_whose_guest_vanishes_comes_to_nothing() -> None:
    for host in ("a", "b"):
        story = Story.of()
        story.begin(story.record())
        story.world.vanish("u1", host)
        story.wait(LONG_S)
        assert story.copies == ({} if host == "a" else {"a": (RUNNING, True)})


def test_incidents_happen_in_order_at_their_time() -> None:
    story = Story.of(SAN)
    now_s = story.world.now_s
    story.world.schedule(now_s + 20, "boot-host", host="a")
    story.world.schedule(now_s + 10, "crash-host", host="a")
    story.world.schedule(now_s + 20, "start-by-hand", host="a", guest="u1")
    story.wait(15)
    assert not story.world.fleet.hosts["a"].up
    story.wait(5)
    assert story.copies == {"a": (TRANSITION, True)}


def test_an_incident_that_nobody_knows_is_refused() -> None:
    story = Story.of()
    with pytest.raises(ValueError, match="crash-host"):
        story.world.schedule(story.world.now_s, "earthquake")
    assert len(INCIDENTS) == 9


def test_time_does_not_run_backwards() -> None:
    story = Story.of()
    with pytest.raises(ValueError, match="forward"):
        story.wait(-1)
