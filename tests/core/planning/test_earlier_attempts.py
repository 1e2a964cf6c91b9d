"""What move records on the hosts mean for a plan: moves under way, refusals, attempts."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.desired import Limits
from reconciler.core.model import Load, Method
from reconciler.core.observed import Look, Registration
from reconciler.core.planning.intent import facts_digest, intent_digest
from reconciler.core.planning.plan import Plan
from reconciler.core.records import MoveRecord, Parked
from tests.core.fleets import (
    ALLOWED,
    STOPPED,
    away,
    guest,
    host,
    parked,
    record,
    refusal,
    refusals,
    registration,
    told,
    world,
)

WEB = registration("web")


def plan_with(
    *records: MoveRecord, entry: Registration = WEB, clock_s: float = 1000.0, controller: str = "", **policy: Any
) -> Plan:
    """The plan for `web` on a, declared on b, with these records lying on a."""
    looks = [host("a", entry, records=records, clock_s=clock_s), host("b", registration("other"))]
    return world(looks, [guest("web", "b", **policy)]).plan(controller=controller)


def ended(why: Parked, *, wanted: dict[str, Any] | None = None, **fields: Any) -> MoveRecord:
    """A parked record for the document of `plan_with`, whose migration policy is `wanted`."""
    intent = intent_digest(guest("web", "b", **(wanted or {})))
    return parked(record("web", "a", "b"), why, **{"intent": intent, "note": "target was busy", **fields})


# --- under way --------------------------------------------------------------------------------------------------------


def test_a_guest_that_another_controller_moves_is_left_alone() -> None:
    plan = plan_with(record("web", "a", "b", expires_s=1180.0), controller="controller-1")
    assert {"web": "HeldByOther"} == refusals(plan)
    text = refusal(plan, "web").text
    assert "controller-2 is at work on it (migrate a → b, stage migrating)" in text
    assert "until 1970-01-01 00:19 UTC by the clock of a" in text


def test_a_record_that_claims_an_impossible_time_is_respected_and_shown() -> None:
    held = record("web", "a", "b", expires_s=1e30)
    plan = world([host("a", registration("web"), records=(held,)), host("b")], [guest("web", "b")]).plan()
    assert {"web": "HeldByOther"} == refusals(plan)


def test_a_guest_arriving_somewhere_is_held_rather_than_duplicated() -> None:
    moving = record("web", "a", "b")
    looks = [host("a", WEB, records=(moving,)), host("b", WEB, records=(moving,))]
    assert {"web": "HeldByOther"} == refusals(world(looks, [guest("web", "b")]).plan())


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "no longer declared"])
def test_a_guest_that_has_arrived_and_is_still_to_be_started_is_not_in_order(declared: bool) -> None:
    """Its controller was killed between the migration and the start: the record says that it ran."""
    moving, arrived = record("web", "a", "b"), registration("web", state=STOPPED)
    looks = [host("a", registration("web", state=STOPPED, runnable=False), records=(moving,)), host("b", arrived)]
    fleet = world(looks, [guest("web", "b")] if declared else [])
    assert {"web": "HeldByOther"} == refusals(fleet.plan())
    assert not fleet.difference.converged


def test_an_earlier_move_of_our_own_is_gone_on_with_before_anything_is_planned() -> None:
    plan = plan_with(record("web", "a", "b", controller="controller-1"), controller="controller-1")
    assert {"web": "MoveUnderWay"} == refusals(plan)


def test_a_move_of_our_own_that_left_nothing_runnable_says_what_a_person_can_do() -> None:
    """Another pass alone does not mend it: both copies wait for somebody who knows which one is the good one."""
    moving, dead = (
        record("web", "a", "b", controller="controller-1"),
        registration("web", state=STOPPED, runnable=False),
    )
    looks = [host("a", dead, records=(moving,)), host("b", dead, records=(moving,))]
    blocked = refusal(world(looks, [guest("web", "b")]).plan(controller="controller-1"), "web")
    assert "MoveUnderWay" == blocked.reason
    assert "make it runnable" in blocked.fix


def test_the_slots_of_a_move_under_way_are_taken_for_the_whole_plan() -> None:
    moving = record("x", "a", "c")
    looks = [host("a", WEB, registration("x"), records=(moving,)), host("b"), host("c", records=(moving,))]
    plan = world(looks, [guest("web", "b")]).plan()
    assert {"web": "SlotsTaken", "x": "HeldByOther"} == refusals(plan)
    assert "moves under way take every slot of a: x by controller-2" == refusal(plan, "web").text


def test_the_fleets_slots_are_taken_as_well() -> None:
    moving = record("x", "c", "d")
    looks = [host("a", WEB), host("b"), host("c", registration("x"), records=(moving,)), host("d", records=(moving,))]
    assert {"x": "HeldByOther"} == refusals(world(looks, [guest("web", "b")]).plan())
    plan = world(looks, [guest("web", "b")], limits=Limits(concurrent=1)).plan()
    assert {"web": "SlotsTaken", "x": "HeldByOther"} == refusals(plan)


@pytest.mark.parametrize("target_knows", [True, False], ids=["target-knows", "claimed-on-its-source-only"])
def test_the_room_of_a_guest_on_its_way_is_taken_for_the_whole_plan(target_knows: bool) -> None:
    moving = record("x", "c", "b", load=Load(4096))
    looks = [
        host("a", WEB),
        host("b", memory_mib=6000, records=(moving,) if target_knows else ()),
        host("c", registration("x"), records=(moving,)),
    ]
    limits = Limits(concurrent_host=2, concurrent_in=2)
    plan = world(looks, [guest("web", "b")], limits=limits).plan()
    assert {"web": "NoRoom", "x": "HeldByOther"} == refusals(plan)


# --- refused ----------------------------------------------------------------------------------------------------------


def facts_now(entry: Registration = WEB) -> str:
    return facts_digest(entry, host("a", entry), host("b", registration("other")))


def test_a_refusal_holds_while_the_facts_are_the_same() -> None:
    plan = plan_with(ended(Parked.REFUSED, facts=facts_now()))
    assert {"web": "RefusedByPlatform"} == refusals(plan)
    assert "the platform refused, and nothing has changed since: target was busy" == refusal(plan, "web").text


def test_a_refusal_ends_when_a_fact_changes() -> None:
    plan = plan_with(ended(Parked.REFUSED, facts=facts_now(registration("web", 2048))))
    assert ["web a → b online"] == told(plan)


def test_a_refusal_ends_when_the_document_changes() -> None:
    plan = plan_with(ended(Parked.REFUSED, facts=facts_now()), attempts=4)
    assert ["web a → b online"] == told(plan)


def test_a_refused_pair_of_hosts_is_no_way_for_a_hop() -> None:
    looks = [host("a", WEB, memory_mib=4096), host("b", registration("app"), memory_mib=4096), host("c")]
    documents = [guest("web", "b"), guest("app", "a", hop=False)]
    fleet = world(looks, documents)
    assert "web a → c online (hop)" in told(fleet.plan())
    no = parked(record("web", "a", "c"), Parked.REFUSED, intent=intent_digest(documents[0]))
    refused = parked(no, Parked.REFUSED, facts=facts_digest(WEB, looks[0], looks[2]))
    looks[0] = host("a", WEB, memory_mib=4096, records=(refused,))
    assert {"web": "NoSafeOrder", "app": "NoSafeOrder"} == refusals(world(looks, documents).plan())


# --- aborted ----------------------------------------------------------------------------------------------------------


def test_the_next_attempt_counts_on() -> None:
    [step] = plan_with(ended(Parked.ABORTED, attempt=2)).steps
    assert (3, 3) == (step.attempt, step.attempts_max)


def test_the_pause_after_an_abort_goes_by_the_hosts_clock() -> None:
    record_ = ended(Parked.ABORTED, not_before_s=1300.0)
    assert {"web": "BackingOff"} == refusals(plan_with(record_, clock_s=1299.0))
    assert {} == refusals(plan_with(record_, clock_s=1300.0))


def test_waiting_says_the_same_on_each_pass() -> None:
    """A text that counted down would make a new report each minute."""
    record_ = ended(Parked.ABORTED, not_before_s=1300.0)
    texts = {refusal(plan_with(record_, clock_s=clock_s), "web").text for clock_s in (1000.0, 1100.0, 1200.0)}
    expected = "attempt 1 of 3 ended harmlessly (target was busy); the next one not before 1970-01-01 00:21 UTC"
    assert {f"{expected} by the clock of a"} == texts


def test_used_up_attempts_block_where_downtime_is_forbidden() -> None:
    plan = plan_with(ended(Parked.ABORTED, attempt=3))
    assert {"web": "AttemptsExhausted"} == refusals(plan)
    assert "3 attempts of 3 ended without a move: target was busy" in refusal(plan, "web").text


def test_used_up_online_attempts_lead_to_an_offline_one_where_downtime_is_allowed() -> None:
    [step] = plan_with(ended(Parked.ABORTED, attempt=3, wanted={"downtime": ALLOWED}), downtime=ALLOWED).steps
    assert (Method.OFFLINE, 4) == (step.method, step.attempt)
    assert "declared on b; offline because 3 online attempts ended without a move" == step.reason


@pytest.mark.parametrize(
    ("last", "wanted"),
    [
        (Method.OFFLINE, {"downtime": ALLOWED}),  # the offline attempt was the last one
        (Method.ONLINE, {"downtime": ALLOWED, "method": Method.ONLINE}),  # the document wants nothing else
    ],
)
def test_used_up_attempts_block_where_offline_is_no_way_out(last: Method, wanted: dict[str, Any]) -> None:
    aborted = ended(Parked.ABORTED, attempt=4, wanted=wanted, method=last)
    assert {"web": "AttemptsExhausted"} == refusals(plan_with(aborted, **wanted))


def test_attempts_of_another_intent_do_not_count() -> None:
    [step] = plan_with(ended(Parked.ABORTED, attempt=3, wanted={"downtime": ALLOWED})).steps
    assert 1 == step.attempt


# --- failed -----------------------------------------------------------------------------------------------------------


def test_what_failed_is_not_tried_again_for_the_same_intent() -> None:
    plan = plan_with(ended(Parked.FAILED))
    assert {"web": "FailedBefore"} == refusals(plan)
    assert "the last attempt failed: target was busy" == refusal(plan, "web").text
    assert ["web a → b online"] == told(plan_with(ended(Parked.FAILED), attempts=5))


def test_a_parked_record_takes_no_room_and_no_slot() -> None:
    resting = parked(record("x", "a", "b"), Parked.ABORTED, load=Load(99999))
    looks: list[Look] = [host("a", WEB, records=(resting,)), host("b", records=(resting,)), away("c")]
    assert ["web a → b online"] == told(world(looks, [guest("web", "b")]).plan())
