"""Guests stop and start in their own time, and only where the platform would."""

from __future__ import annotations

import pytest

from reconciler.core.commands import Verb
from reconciler.drivers.simulated.fleet import SimGuest
from tests.drivers.simulated.story import LOCAL, LONG_S, RUNNING, SAN, STOPPED, TRANSITION, Story


def test_a_guest_shuts_down_in_its_own_time() -> None:
    story = Story.of(guest=SimGuest("u1", "web", shutdown_s=40))
    story.claim(record := story.record())
    assert story.tell(Verb.STOP, "a", record).status == 0
    story.wait(39)
    assert story.copy("a").state is RUNNING
    story.wait(1)
    assert (story.copy("a").state, story.copy("a").boot_marker) == (STOPPED, "")


def test_a_second_request_to_stop_does_not_begin_anew() -> None:
    story = Story.of(guest=SimGuest("u1", "web", shutdown_s=40))
    story.claim(record := story.record())
    story.tell(Verb.STOP, "a", record)
    story.wait(30)
    story.tell(Verb.STOP, "a", record)
    story.wait(10)
    assert story.copy("a").state is STOPPED


def test_a_stubborn_guest_ignores_the_request_but_not_the_switch() -> None:
    story = Story.of(guest=SimGuest("u1", "web", shutdown_s=None))
    story.claim(record := story.record())
    assert story.tell(Verb.STOP, "a", record).status == 0
    story.wait(LONG_S)
    assert story.copy("a").state is RUNNING
    assert story.tell(Verb.STOP_HARD, "a", record).status == 0
    assert story.copy("a").state is STOPPED


def test_a_guest_that_was_stopped_hard_does_not_stop_again_when_its_shutdown_would_have_ended() -> None:
    story = Story.of(guest=SimGuest("u1", "web", shutdown_s=40, boot_s=5))
    story.claim(record := story.record())
    story.tell(Verb.STOP, "a", record)
    story.tell(Verb.STOP_HARD, "a", record)
    story.tell(Verb.START, "a", record)
    story.wait(LONG_S)
    assert story.copy("a").state is RUNNING


def test_a_start_takes_its_time_and_makes_a_new_boot() -> None:
    story = Story.of(state=STOPPED, guest=SimGuest("u1", "web", boot_s=60))
    story.claim(record := story.record())
    assert story.tell(Verb.START, "a", record).status == 0
    assert (story.copy("a").state, story.copy("a").boot_marker) == (TRANSITION, "")
    story.wait(60)
    assert (story.copy("a").state, story.copy("a").boot_marker) == (RUNNING, "boot-1")


@pytest.mark.parametrize(("verb", "state"), [(Verb.START, RUNNING), (Verb.STOP, STOPPED), (Verb.STOP_HARD, STOPPED)])
def test_what_is_so_already_is_refused_as_platforms_do(verb: Verb, state: object) -> None:
    story = Story.of(state=RUNNING if state is RUNNING else STOPPED)
    story.claim(record := story.record())
    assert story.tell(verb, "a", record).status == 1


def test_no_guest_starts_without_memory_counting_overhead_and_booting_guests() -> None:
    """8192 MiB with 8 % overhead are 8848: two of them need 17696, and the host has 17695."""
    story = Story.of(state=STOPPED, memory_mib=17695, slots=2)
    story.world.place(SimGuest("u2", "db", memory_mib=8192), "a", SAN, STOPPED)
    for uuid in ("u1", "u2"):
        story.claim(story.record(uuid=uuid))
    assert story.tell(Verb.START, "a", story.record()).status == 0
    refused = story.tell(Verb.START, "a", story.record(uuid="u2"))
    assert (refused.status, "insufficient memory" in refused.output) == (1, True)
    assert story.world.overcommitted_hosts() == ()


def test_no_guest_starts_where_another_arrives_online() -> None:
    story = Story.of(slots=2)
    story.world.place(SimGuest("u2", "db"), "b", (), STOPPED)
    story.begin(story.record())
    story.claim(other := story.record(uuid="u2", source="b", target="c"))
    refused = story.tell(Verb.START, "b", other)
    assert (refused.status, "arrives" in refused.output) == (1, True)
    story.wait(LONG_S)
    assert story.tell(Verb.START, "b", other).status == 0


def test_no_guest_starts_where_its_disk_is_not() -> None:
    story = Story.of(state=STOPPED)
    story.world.fleet.hosts["a"].presented = ()
    story.claim(record := story.record())
    assert story.tell(Verb.START, "a", record).status == 1
    local = Story.of(LOCAL, STOPPED)
    del local.world.fleet.hosts["a"].volumes[LOCAL[0].id]
    local.claim(record)
    assert local.tell(Verb.START, "a", record).status == 1


def test_the_ledger_notes_a_second_copy_that_starts() -> None:
    story = Story.of()
    story.world.move_by_hand("u1", "c")
    assert story.copies == {"a": (STOPPED, True), "c": (RUNNING, True)}
    story.claim(record := story.record())
    story.tell(Verb.START, "a", record)
    assert [(entry.uuid, entry.hosts, entry.cause) for entry in story.world.ledger.double_runs] == [
        ("u1", ("a", "c"), "command")
    ]


def test_the_ledger_notes_a_start_from_old_disks() -> None:
    story = Story.of(LOCAL)
    story.world.move_by_hand("u1", "c")
    story.world.stop_guest_inside("u1")
    assert story.world.ledger.stale_starts == []
    story.world.start_by_hand("u1", "a")
    [stale] = story.world.ledger.stale_starts
    assert (stale.host, stale.cause, stale.generation < stale.newest) == ("a", "by-hand", True)
