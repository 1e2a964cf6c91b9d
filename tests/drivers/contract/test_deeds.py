"""Contract of every driver: what a look shows, what each deed leaves behind, and what is refused."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from reconciler.core.commands import AnswerKind, Verb
from reconciler.core.execution.halfway import aside
from reconciler.core.model import Method, RunState
from reconciler.core.observed import Unreachable
from reconciler.core.records import Stage
from reconciler.errors import ReconcilerError
from tests.drivers.contract.bench import DB, TTL_S, WEB, Bench


def test_a_look_shows_guests_with_identity_state_and_disks(bench: Bench) -> None:
    facts = bench.facts("a")
    web, db = bench.guest("a", WEB), bench.guest("a", DB)
    assert (facts.name, web.name, web.state, web.runnable) == ("a", "web", RunState.RUNNING, True)
    assert (web.boot_marker != "") is bench.boots
    assert [disk.kind.shared for disk in web.disks] == [True]
    assert (db.state, db.runnable, [disk.kind.shared for disk in db.disks]) == (RunState.STOPPED, True, [False])
    assert bench.facts("b").registrations == ()
    assert bench.facts("b").machine_id != facts.machine_id


def test_two_looks_at_an_idle_host_differ_by_the_clock_alone(bench: Bench) -> None:
    first = bench.facts("a")
    bench.wait(30)
    second = bench.facts("a")
    assert second.clock_s > first.clock_s
    assert replace(second, clock_s=first.clock_s) == first


def test_a_host_that_cannot_be_reached_is_a_value_and_answers_nothing(bench: Bench) -> None:
    record = bench.record()
    bench.cut_off("b")
    seen = bench.look("b")
    assert isinstance(seen, Unreachable)
    assert (seen.name, bool(seen.reason)) == ("b", True)
    assert bench.tell(Verb.CLAIM, "b", record, None).kind is AnswerKind.LOST


def test_a_host_that_nobody_knows_is_a_value(bench: Bench) -> None:
    assert isinstance(bench.look("nowhere"), Unreachable)


@pytest.mark.parametrize("method", Method)
def test_a_check_agrees_and_changes_nothing(bench: Bench, method: Method) -> None:
    record = bench.record(WEB, method)
    bench.claim(record)
    before = bench.facts("a"), bench.facts("b")
    assert bench.tell(Verb.CHECK, "a", record, None).kind is AnswerKind.DONE
    after = bench.facts("a"), bench.facts("b")
    assert [replace(seen, clock_s=0) for seen in after] == [replace(seen, clock_s=0) for seen in before]


def test_a_check_refuses_what_the_rules_refuse_and_says_why(bench: Bench) -> None:
    answer = bench.tell(Verb.CHECK, "a", bench.record(DB, Method.ONLINE), None)
    assert answer.kind is AnswerKind.FAILED
    assert answer.output.strip() != ""


def test_an_online_migration_keeps_the_boot_and_leaves_a_copy_that_cannot_start(bench: Bench) -> None:
    boot = bench.boot("a")
    job = bench.migrate(bench.record(WEB))
    assert (job.status, job.record_id) == (0, "m1-web")
    left, arrived = bench.facts("a").registration(WEB), bench.guest("b", WEB)
    assert (left is not None) is bench.keeps_registration
    assert left is None or (left.state, left.runnable, left.startable) == (RunState.STOPPED, False, False)
    assert (arrived.state, arrived.runnable, bench.boot("b")) == (RunState.RUNNING, True, boot)


def test_a_migration_goes_on_as_a_job_of_its_own(bench: Bench) -> None:
    bench.slow_down()
    record = bench.record(WEB)
    bench.claim(record)
    assert bench.do(Verb.MIGRATE, "a", record, Stage.MIGRATING).kind is AnswerKind.DONE
    job = bench.facts("a").job(record.id, record.attempt)
    assert job is not None
    assert not job.ended
    assert bench.guest("a", WEB).running
    arriving = bench.facts("b").registration(WEB)
    assert arriving is None or (arriving.state is not RunState.RUNNING and not arriving.runnable)
    bench.wait(TTL_S / 2)
    assert [bench.startable(host, WEB) for host in ("a", "b")] == [False, True]


def test_an_offline_migration_leaves_the_guest_stopped_and_the_source_disks_in_place(bench: Bench) -> None:
    disks = bench.guest("a", DB).disks
    record = bench.record(DB, Method.OFFLINE)
    job = bench.migrate(record)
    assert job.status == 0
    source, arrived = bench.facts("a"), bench.guest("b", DB)
    left = source.registration(DB)
    assert not bench.startable("a", DB)
    assert disks == left.disks if left else [disk.id for disk in disks] == [*source.left_by(record.id)]
    assert (arrived.state, arrived.runnable) == (RunState.STOPPED, True)
    assert [(disk.kind, disk.size_mib) for disk in arrived.disks] == [(disk.kind, disk.size_mib) for disk in disks]


def test_a_guest_comes_back_over_the_copy_that_it_left(bench: Bench) -> None:
    out = bench.record(WEB)
    bench.migrate(out)
    for host in ("a", "b"):
        assert bench.do(Verb.RELEASE, host, out, Stage.CLAIMED).kind is AnswerKind.DONE
    back = bench.record(WEB, id="m2", ends=("b", "a"))
    bench.claim(back)
    bench.do(Verb.MIGRATE, "b", back, Stage.MIGRATING)
    bench.wait(TTL_S / 2)
    assert [bench.startable(host, WEB) for host in ("a", "b")] == [True, False]


def test_the_copy_left_on_the_source_does_not_start(bench: Bench) -> None:
    record = bench.record(WEB)
    bench.migrate(record)
    assert bench.do(Verb.START, "a", record, Stage.RESTORING).kind is AnswerKind.FAILED
    bench.wait(TTL_S / 4)
    assert not bench.startable("a", WEB)


def test_a_stopped_guest_has_no_boot_and_a_started_one_has_a_new_one(bench: Bench) -> None:
    boot = bench.boot("a")
    record = bench.record(WEB)
    bench.claim(record)
    assert bench.do(Verb.STOP, "a", record, Stage.STOPPING).kind is AnswerKind.DONE
    bench.wait(TTL_S / 4)
    stopped = bench.guest("a", WEB)
    assert (stopped.state, stopped.runnable, stopped.boot_marker) == (RunState.STOPPED, True, "")
    assert bench.do(Verb.START, "a", record, Stage.RESTORING).kind is AnswerKind.DONE
    bench.wait(TTL_S / 4)
    assert bench.guest("a", WEB).state is RunState.RUNNING
    assert bench.boot("a") not in ("", boot)


def test_a_hard_stop_takes_the_guest_down(bench: Bench) -> None:
    record = bench.record(WEB)
    bench.claim(record)
    assert bench.do(Verb.STOP_HARD, "a", record, Stage.STOPPING).kind is AnswerKind.DONE
    assert bench.guest("a", WEB).state is RunState.STOPPED


def test_only_a_copy_that_cannot_start_is_deleted(bench: Bench) -> None:
    record = bench.record(DB, Method.OFFLINE)
    bench.migrate(record)
    assert bench.do(Verb.DELETE_COPY, "b", record, Stage.CLEANING).kind is AnswerKind.FAILED
    assert bench.guest("b", DB).runnable
    answer = bench.do(Verb.DELETE_COPY, "a", record, Stage.CLEANING)
    assert answer.kind is (AnswerKind.DONE if bench.deletes else AnswerKind.FAILED)
    assert (bench.facts("a").registration(DB) is None) is bench.deletes
    assert () == bench.facts("a").left


def test_disks_that_a_move_left_as_files_are_put_aside_and_others_never(bench: Bench) -> None:
    record = bench.record(DB, Method.OFFLINE)
    bench.migrate(record)
    arrived = bench.guest("b", DB)
    assert bench.do(Verb.PUT_ASIDE, "b", record, Stage.CLEANING).kind is AnswerKind.FAILED
    answer = bench.do(Verb.PUT_ASIDE, "a", record, Stage.CLEANING)
    assert answer.kind is (AnswerKind.FAILED if bench.keeps_registration else AnswerKind.DONE)
    left = [] if bench.keeps_registration else [f"{disk.id}{aside(record.id)}" for disk in arrived.disks]
    assert left == [*bench.facts("a").left_by(record.id)]
    assert arrived == bench.guest("b", DB)


@pytest.mark.parametrize("uuid", [WEB, DB], ids=["running", "stopped"])
def test_a_guest_that_is_there_is_neither_taken_away_nor_put_back(bench: Bench, uuid: str) -> None:
    record = bench.record(uuid)
    bench.claim(record)
    before = bench.guest("a", uuid)
    for verb in (Verb.DISCARD, Verb.PUT_BACK, Verb.DELETE_COPY, Verb.PUT_ASIDE):
        assert bench.do(verb, "a", record, Stage.MIGRATING).kind is AnswerKind.FAILED, verb
    assert before == bench.guest("a", uuid)


HOSTILE = ["", "-rf", "a b", "a;reboot", "$(reboot)", "a\nb", "../a", "a/b", "'", "ü", "x" * 65]


@pytest.mark.parametrize("field", ["id", "guest_uuid", "guest_name", "source", "target"])
def test_a_hostile_name_never_becomes_part_of_a_command(bench: Bench, field: str) -> None:
    record = bench.record()
    for name, verb in itertools.product(HOSTILE, Verb):
        hostile = replace(record, **{field: name})  # type: ignore[arg-type]  # fields by name
        with pytest.raises(ReconcilerError):
            pytest.fail(f"{name!r} in {bench.driver.command(verb, 'a', hostile, None).argv}")


def test_a_hostile_host_never_becomes_part_of_a_command(bench: Bench) -> None:
    with pytest.raises(ReconcilerError):
        bench.driver.command(Verb.CLAIM, "a; reboot", bench.record(), None)


def test_a_command_is_a_value_that_is_made_the_same_way_each_time(bench: Bench) -> None:
    record = bench.record()
    for verb in Verb:
        first, second = (bench.driver.command(verb, "a", record, None) for _ in range(2))
        assert first == second
        assert (first.host, first.verb, first.record) == ("a", verb, record)
        assert first.argv
        assert all(isinstance(word, str) for word in first.argv)
