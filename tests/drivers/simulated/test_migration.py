"""Migrations: how long, what is there meanwhile, what each end leaves, and what is refused before it begins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.commands import AnswerKind, Verb
from reconciler.core.compatibility import Question
from reconciler.core.model import Method, StorageKind
from reconciler.core.observed import Disk
from reconciler.core.records import Stage
from reconciler.drivers.simulated.faults import Fault, FaultKind
from reconciler.drivers.simulated.fleet import SimGuest
from tests.drivers.simulated.story import LOCAL, LONG_S, LUN, RUNNING, SAN, STOPPED, TRANSITION, Story

NR = (STOPPED, False)
OFFLINE = Method.OFFLINE


def test_online_takes_as_long_as_memory_bandwidth_and_dirty_rate_say() -> None:
    """8192 MiB over 100 MiB/s of which the guest spoils a fifth: 102.4 s, and 5 s for the other phases."""
    story = Story.of(guest=SimGuest("u1", "web", memory_mib=8192, dirty_mib_s=20))
    story.begin(story.record())
    story.wait(107)
    assert story.copies == {"a": (RUNNING, True), "b": (TRANSITION, False)}
    story.wait(1)
    assert story.copies == {"a": NR, "b": (RUNNING, True)}


def test_online_shows_progress_and_phases() -> None:
    story = Story.of()
    record = story.record()
    seen = [story.begin(record)]
    for _ in range(3):
        story.wait(25)
        seen.append(story.job(record))
    assert [job.progress_percent for job in seen] == [0, 28, 57, 86]
    assert seen[-1].output_tail.splitlines()[-1] == "simctl: Copy phase (step 2) - progress 86%"
    story.wait(LONG_S)
    assert story.job(record).output_tail.splitlines()[-1] == "simctl: Guest migrated successfully."


def test_an_arriving_guest_takes_memory_on_both_hosts() -> None:
    story = Story.of(memory_mib=8848)
    story.begin(story.record())
    taken = [story.world.fleet.taken(story.world.fleet.hosts[name]).memory_mib for name in "abc"]
    assert (taken, story.world.overcommitted_hosts()) == ([8848, 8848, 0], ())


def test_a_guest_that_is_too_busy_aborts_and_runs_on() -> None:
    story = Story.of(guest=SimGuest("u1", "web", dirty_mib_s=95))
    job = story.migrate(story.record())
    assert (job.status, "too busy" in job.output_tail) == (1, True)
    assert story.copies == {"a": (RUNNING, True)}


def test_offline_without_copies_moves_the_configuration_alone() -> None:
    story = Story.of(SAN, STOPPED)
    story.begin(story.record(OFFLINE))
    story.wait(10)
    assert story.copies == {"a": NR, "b": (STOPPED, True)}
    assert story.copy("b").disks == SAN


def test_offline_copies_local_disks_to_new_paths_and_keeps_the_old_ones() -> None:
    both = (*SAN, *LOCAL)
    story = Story.of(both, STOPPED)
    record = story.record(OFFLINE)
    story.begin(record)
    story.wait(100)  # 10240 MiB over 100 MiB/s, and 10 s for the rest
    assert story.copies == {"a": (STOPPED, True)}
    assert story.world.fleet.hosts["b"].disk_free_mib == story.world.fleet.hosts["c"].disk_free_mib - 10240
    story.wait(13)
    assert story.copies == {"a": NR, "b": (STOPPED, True)}
    assert story.copy("b").disks == (*SAN, Disk("/sim/b/web-0", StorageKind.LOGICAL_VOLUME, 10240))
    assert story.copy("a").disks == both
    assert story.world.content("u1", "a") == story.world.content("u1", "b")


def test_a_return_move_overwrites_what_the_way_out_left() -> None:
    story = Story.of(LOCAL, STOPPED)
    out = story.record(OFFLINE)
    story.migrate(out)
    story.release(out)
    story.world.start_by_hand("u1", "b")
    story.wait(LONG_S)
    story.world.stop_guest_inside("u1")
    back = story.record(OFFLINE, source="b", target="a", id="m2")
    story.migrate(back)
    assert story.copies == {"a": (STOPPED, True), "b": NR}
    assert story.world.ledger.overwritten_disks == [("a", "/dev/vg01/web")]
    assert story.world.ledger.lost_contents == []
    story.world.start_by_hand("u1", "a")
    assert story.world.ledger.stale_starts == []


def test_delete_copy_takes_registration_and_local_disks_and_is_counted() -> None:
    story = Story.of(LOCAL, STOPPED)
    record = story.record(OFFLINE)
    story.migrate(record)
    assert story.tell(Verb.DELETE_COPY, "a", record).status == 0
    assert story.copies == {"b": (STOPPED, True)}
    assert story.world.ledger.deleted_disks == [("a", "/dev/vg01/web")]
    assert story.world.ledger.lost_contents == []


def test_the_ledger_notes_the_deletion_of_the_last_good_copy() -> None:
    story = Story.of(LOCAL, STOPPED)
    story.world.start_by_hand("u1", "a")
    story.wait(LONG_S)
    story.world.stop_guest_inside("u1")
    record = story.record(OFFLINE)
    story.migrate(record, FaultKind.BOTH_NOT_RUNNABLE)
    assert story.tell(Verb.DELETE_COPY, "a", record).status == 0
    assert [(uuid, host) for _, uuid, host in story.world.ledger.lost_contents] == [("u1", "a")]


@pytest.mark.parametrize("kind", [FaultKind.ABORT, FaultKind.JOB_FAIL, FaultKind.BOTH_NOT_RUNNABLE])
def test_an_online_migration_that_goes_wrong_leaves_the_guest_running_on_the_source(kind: FaultKind) -> None:
    story = Story.of()
    marker = story.copy("a").boot_marker
    assert story.migrate(story.record(), kind).status == 1
    assert story.copies == {"a": (RUNNING, True)}
    assert story.copy("a").boot_marker == marker


def test_an_online_migration_that_aborts_on_the_way_back_leaves_the_old_copy_where_it_was() -> None:
    story = Story.of()
    out = story.record()
    story.migrate(out)
    story.release(out)
    story.migrate(story.record(source="b", target="a", id="m2"), FaultKind.ABORT)
    assert story.copies == {"a": NR, "b": (RUNNING, True)}


@pytest.mark.parametrize("leftover", [True, False])
def test_an_offline_migration_that_fails_may_leave_half_a_copy(leftover: bool) -> None:
    story = Story.of(LOCAL, STOPPED)
    job = story.migrate(story.record(OFFLINE), Fault(FaultKind.JOB_FAIL, leftover=leftover))
    assert (job.status, story.copies) == (1, {"a": (STOPPED, True)})
    assert story.world.leftovers("b") == (("/sim/b/web-0",) if leftover else ())


def test_another_try_goes_around_the_half_copy_of_the_last() -> None:
    story = Story.of(LOCAL, STOPPED)
    record = story.record(OFFLINE)
    story.migrate(record, Fault(FaultKind.JOB_FAIL, leftover=True))
    story.tell(Verb.MIGRATE, "a", replace(record, attempt=2, stage=Stage.MIGRATING))
    story.wait(LONG_S)
    assert [disk.id for disk in story.copy("b").disks] == ["/sim/b/web-1"]


def test_the_rare_end_leaves_both_copies_not_runnable_and_the_source_whole() -> None:
    story = Story.of(LOCAL, STOPPED)
    assert story.migrate(story.record(OFFLINE), FaultKind.BOTH_NOT_RUNNABLE).status == 1
    assert story.copies == {"a": NR, "b": NR}
    assert story.world.content("u1", "a") == story.world.fleet.guests["u1"].newest
    assert story.world.content("u1", "b") == -1


def test_a_job_that_hangs_ends_with_its_host() -> None:
    story = Story.of()
    record = story.record()
    job = story.migrate(record, FaultKind.JOB_HANG)
    assert (job.ended, job.progress_percent) == (False, 99)
    story.world.crash_host("b")
    assert (story.job(record).ended, story.job(record).status) == (True, 1)
    assert story.copies == {"a": (RUNNING, True)}


def _crowd(story: Story) -> None:
    story.world.place(SimGuest("u9", "big", memory_mib=60000), "b", ())


def _fill_cpus(story: Story) -> None:
    story.world.place(SimGuest("u9", "hot", vcpus=8, cpu_entitlement_percent=100), "b", ())


def _hide_lun(story: Story) -> None:
    story.world.fleet.hosts["b"].presented = ()


def _need_network(story: Story) -> None:
    story.world.fleet.guests["u1"].networks = ("prod",)


def _need_cpus(story: Story) -> None:
    story.world.fleet.guests["u1"].vcpus = 9


def _define_there(story: Story) -> None:
    story.world.move_by_hand("u1", "b")
    story.world.move_by_hand("u1", "a")


REFUSALS = {
    "no memory": (_crowd, "insufficient memory"),
    "no CPU": (_fill_cpus, "insufficient CPU"),
    "LUN not presented": (_hide_lun, f"device {LUN} has no match"),
    "no switch": (_need_network, "vswitch validation failed"),
    "too few CPUs": (_need_cpus, "9 vCPUs"),
    "target down": (lambda story: story.world.crash_host("b"), "SSH execution error"),
    "defined there": (_define_there, "exists on b already"),
    "stopped": (lambda story: story.world.stop_guest_inside("u1"), "not running"),
    "gone": (lambda story: story.world.vanish("u1", "a"), "no"),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_what_the_check_refuses_the_migration_refuses_for_the_same_reason(reason: str) -> None:
    arrange, text = REFUSALS[reason]
    story = Story.of()
    record = story.record()
    story.claim(record)
    arrange(story)
    before = story.copies
    check = story.tell(Verb.CHECK, "a", record)
    assert (check.status, text in check.output) == (1, True), check
    assert story.tell(Verb.MIGRATE, "a", replace(record, stage=Stage.MIGRATING)).status == 0
    job = story.job(record)
    assert (job.ended, job.status, text in job.output_tail) == (True, 1, True), job
    assert story.copies == before


def test_a_running_guest_passes_the_offline_check_but_must_be_stopped_to_move() -> None:
    story = Story.of(LOCAL)
    record = story.record(OFFLINE)
    story.claim(record)
    assert story.tell(Verb.CHECK, "a", record).status == 0
    story.tell(Verb.MIGRATE, "a", replace(record, stage=Stage.MIGRATING))
    assert story.job(record).status == 1
    assert story.copies == {"a": (RUNNING, True)}


def test_offline_refuses_a_target_without_disk_room() -> None:
    story = Story.of(LOCAL, STOPPED)
    story.world.fleet.hosts["b"].disk_mib = 10239
    story.claim(record := story.record(OFFLINE))
    check = story.tell(Verb.CHECK, "a", record)
    assert (check.kind, "insufficient disk room" in check.output) == (AnswerKind.FAILED, True)


def test_a_second_migration_at_either_host_is_refused() -> None:
    story = Story.of(memory_mib=65536)
    story.world.place(SimGuest("u2", "db"), "c")
    story.begin(story.record())
    late = story.record(uuid="u2", source="c", target="b")
    assert "another migration is under way on b" in story.tell(Verb.CHECK, "c", late).output


def test_the_platforms_rules_are_asked_with_the_boot_version_that_no_look_shows() -> None:
    asked: list[tuple[str, Method]] = []

    def rules(question: Question, method: Method) -> str:
        floor = question.guest.boot_floor
        asked.append((floor.version if floor else "", method))
        return "no way back" if question.target.name == "a" else ""

    story = Story.of(rules=rules)
    story.world.fleet.hosts["b"].version = "4.3"
    out = story.record()
    story.migrate(out)
    story.release(out)
    back = story.record(source="b", target="a", id="m2")
    assert "no way back" in story.tell(Verb.CHECK, "b", back).output
    assert asked == [("4.2", Method.ONLINE)] * 2
    look = story.world.look("b")
    assert [entry.boot_floor for entry in getattr(look, "registrations", ())] == [None]


def test_cutting_the_guests_power_ends_its_migration() -> None:
    story = Story.of()
    record = story.record()
    story.begin(record)
    assert story.tell(Verb.STOP_HARD, "a", record).status == 0
    assert story.copies == {"a": (STOPPED, True)}
    assert story.job(record).status == 1
