"""Contract of every driver: the move record is a lock, a guard holds or nothing is done, and the stage comes first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.commands import AnswerKind, Guard, Verb
from reconciler.core.model import RunState
from reconciler.core.records import Parked, Stage
from tests.drivers.contract.bench import DB, THEM, TTL_S, US, WEB, Bench


def test_a_claimed_record_is_read_back_as_it_was_written(bench: Bench) -> None:
    record = bench.record()
    bench.claim(record)
    assert [bench.facts(host).records for host in ("a", "b")] == [(record,), (record,)]


def test_a_guest_that_is_claimed_cannot_be_claimed_again(bench: Bench) -> None:
    ours = bench.record()
    bench.claim(ours, "a")
    for second in (bench.record(id="m2", by=THEM), ours):
        assert bench.tell(Verb.CLAIM, "a", second, None).kind is AnswerKind.FAILED
    assert bench.facts("a").records == (ours,)


def test_the_last_slot_of_a_host_is_claimed_once(bench: Bench) -> None:
    bench.claim(bench.record(WEB), "b")
    assert bench.tell(Verb.CLAIM, "b", bench.record(DB), None).kind is AnswerKind.FAILED
    assert bench.facts("b").record_of(DB) is None


def test_an_expired_record_holds_no_slot(bench: Bench) -> None:
    bench.claim(bench.record(WEB), "a")
    bench.wait(TTL_S + 10)
    bench.claim(bench.record(DB), "a")


@pytest.mark.parametrize("end", ["expired", "parked"])
def test_a_record_that_ended_is_replaced_only_where_the_guard_names_it(bench: Bench, end: str) -> None:
    old = bench.record(by=THEM)
    bench.claim(old, "a")
    if end == "parked":
        old = replace(old, stage=Stage.PARKED, parked=Parked.ABORTED, attempt=2)
        bench.tell(Verb.PARK, "a", old, Guard(old.id, THEM, (Stage.CLAIMED,)))
    bench.wait(TTL_S + 10)
    new = bench.record(id="m2")
    assert bench.tell(Verb.CLAIM, "a", new, None).kind is AnswerKind.FAILED
    wrong = Guard("m0-web", THEM, (old.stage,), may_be_expired=True)
    assert bench.tell(Verb.CLAIM, "a", new, wrong).kind is AnswerKind.GUARDED
    assert bench.facts("a").records == (old,)
    right = Guard(old.id, THEM, (old.stage,), may_be_expired=True)
    assert bench.tell(Verb.CLAIM, "a", new, right).kind is AnswerKind.DONE
    assert bench.facts("a").records == (new,)


def test_a_live_record_is_not_replaced_even_where_the_guard_names_it(bench: Bench) -> None:
    theirs = bench.record(by=THEM)
    bench.claim(theirs, "a")
    guard = Guard(theirs.id, THEM, (Stage.CLAIMED,), may_be_expired=True)
    answer = bench.tell(Verb.CLAIM, "a", bench.record(id="m2"), guard)
    assert answer.kind in (AnswerKind.FAILED, AnswerKind.GUARDED)
    assert bench.facts("a").records == (theirs,)


WRONG_GUARDS = {
    "another controller": Guard("m1-web", THEM, (Stage.CLAIMED,)),
    "another stage": Guard("m1-web", US, (Stage.MIGRATING,)),
    "another record": Guard("m9-web", US, (Stage.CLAIMED,)),
    "no guard at all": None,
}


@pytest.mark.parametrize("guard", WRONG_GUARDS.values(), ids=WRONG_GUARDS)
def test_nothing_is_done_where_the_guard_does_not_hold(bench: Bench, guard: Guard | None) -> None:
    record = bench.record()
    bench.claim(record)
    before = bench.facts("a")
    verbs = [verb for verb in Verb if verb not in (Verb.CLAIM, Verb.CHECK)]
    answers = {verb: bench.tell(verb, "a", replace(record, stage=Stage.STOPPING), guard).kind for verb in verbs}
    assert dict.fromkeys(verbs, AnswerKind.GUARDED) == answers
    bench.wait(TTL_S / 2)
    assert replace(bench.facts("a"), clock_s=before.clock_s) == before


def test_nothing_is_done_under_an_expired_record(bench: Bench) -> None:
    record = bench.record()
    bench.claim(record, "a")
    bench.wait(TTL_S + 10)
    guard = Guard(record.id, US, (Stage.CLAIMED,))
    assert bench.tell(Verb.STOP_HARD, "a", replace(record, stage=Stage.STOPPING), guard).kind is AnswerKind.GUARDED
    assert bench.guest("a", WEB).state is RunState.RUNNING
    assert bench.facts("a").records == (record,)


def test_the_stage_is_written_with_the_deed(bench: Bench) -> None:
    record = bench.record()
    bench.claim(record)
    assert bench.do(Verb.STOP, "a", record, Stage.STOPPING).kind is AnswerKind.DONE
    assert [entry.stage for entry in bench.facts("a").records] == [Stage.STOPPING]
    assert [entry.stage for entry in bench.facts("b").records] == [Stage.CLAIMED]


def test_the_stage_is_written_before_a_deed_that_fails(bench: Bench) -> None:
    record = bench.record()
    bench.claim(record)
    answer = bench.do(Verb.START, "a", record, Stage.RESTORING)
    assert answer.kind is AnswerKind.FAILED, "the guest runs already"
    assert [entry.stage for entry in bench.facts("a").records] == [Stage.RESTORING]


def test_a_renewed_record_lives_longer(bench: Bench) -> None:
    record = bench.record()
    bench.claim(record, "a")
    later = replace(record, expires_s=record.expires_s + TTL_S)
    assert bench.tell(Verb.RENEW, "a", later, Guard(record.id, US, (Stage.CLAIMED,))).kind is AnswerKind.DONE
    bench.wait(TTL_S + 10)
    assert bench.do(Verb.STOP_HARD, "a", record, Stage.STOPPING).kind is AnswerKind.DONE


def test_an_expired_record_is_adopted_by_renewing_it(bench: Bench) -> None:
    theirs = bench.record(by=THEM)
    bench.claim(theirs, "a")
    bench.wait(TTL_S + 10)
    ours = replace(theirs, controller=US, expires_s=bench.facts("a").clock_s + TTL_S)
    adopt = Guard(theirs.id, THEM, (Stage.CLAIMED,), may_be_expired=True)
    assert bench.tell(Verb.RENEW, "a", ours, adopt).kind is AnswerKind.DONE
    assert bench.facts("a").records == (ours,)


def test_an_adopter_does_not_get_a_record_that_was_renewed_since_it_looked(bench: Bench) -> None:
    """Its guard still names controller and stage, so the driver itself must see that the record is alive."""
    theirs = bench.record(by=THEM)
    bench.claim(theirs, "a")
    adopt = Guard(theirs.id, THEM, (Stage.CLAIMED,), may_be_expired=True)
    assert bench.tell(Verb.RENEW, "a", replace(theirs, controller=US), adopt).kind is AnswerKind.GUARDED
    assert bench.facts("a").records == (theirs,)


def test_an_adopted_record_needs_a_slot_again(bench: Bench) -> None:
    expired = bench.record(WEB)
    bench.claim(expired, "b")
    bench.wait(TTL_S + 10)
    bench.claim(bench.record(DB), "b")
    alive = replace(expired, expires_s=bench.facts("b").clock_s + TTL_S)
    adopt = Guard(expired.id, US, (Stage.CLAIMED,), may_be_expired=True)
    assert bench.tell(Verb.RENEW, "b", alive, adopt).kind is AnswerKind.FAILED
    assert bench.facts("b").record_of(WEB) == expired


def test_a_released_record_is_gone_and_its_slot_free(bench: Bench) -> None:
    record = bench.record()
    bench.claim(record, "a")
    assert bench.tell(Verb.RELEASE, "a", record, Guard(record.id, US, (Stage.CLAIMED,))).kind is AnswerKind.DONE
    assert bench.facts("a").records == ()
    bench.claim(bench.record(DB), "a")


def test_a_parked_record_stays_and_its_slot_is_free(bench: Bench) -> None:
    record = bench.record()
    bench.claim(record, "a")
    parked = replace(record, stage=Stage.PARKED, parked=Parked.REFUSED, note="no such switch")
    assert bench.tell(Verb.PARK, "a", parked, Guard(record.id, US, (Stage.CLAIMED,))).kind is AnswerKind.DONE
    assert bench.facts("a").records == (parked,)
    bench.claim(bench.record(DB), "a")


def test_an_expired_parked_record_is_tidied_up_by_whoever_names_it(bench: Bench) -> None:
    record = bench.record()
    bench.claim(record, "a")
    parked = replace(record, stage=Stage.PARKED, parked=Parked.ABORTED)
    bench.tell(Verb.PARK, "a", parked, Guard(record.id, US, (Stage.CLAIMED,)))
    bench.wait(TTL_S + 10)
    guard = Guard(record.id, US, (Stage.PARKED,), may_be_expired=True)
    assert bench.tell(Verb.RELEASE, "a", parked, guard).kind is AnswerKind.DONE
    assert bench.facts("a").records == ()
