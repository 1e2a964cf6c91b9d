"""What steps took makes later predictions better, coarsely, and allows nothing that the model alone would not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reconciler.core.execution.brakes import BrakeReason, brakes
from reconciler.core.model import Method, StepKind
from reconciler.core.planning.plan import Plan
from reconciler.core.planning.ways.learned import (
    FACTOR_LEAST,
    FACTOR_MOST,
    RUNG,
    SAMPLES_MAX,
    SAMPLES_MIN,
    Paces,
    Sample,
    guest_class,
    median_error_percent,
    noted,
    pace,
    paces,
    with_paces,
)
from reconciler.core.planning.windows import refusal_now
from tests.core.fleets import ALLOWED, World, guest, host, local_disk, refusals, registration, told, world
from tests.core.planning.test_windows import NIGHTS, at

GIB = 1024
SMALL, LARGE = "offline, 1 GiB", "offline, 8 GiB"


def took(
    times: float, of_class: str = SMALL, source: str = "a", target: str = "b", n: int = SAMPLES_MIN
) -> list[Sample]:
    """So many steps that took so many times as long as the model said."""
    return [Sample(source, target, "", of_class, 100.0, 100.0 * times)] * n


def known(samples: Sequence[Sample], of_class: str = SMALL, source: str = "a", target: str = "b") -> float:
    return pace(paces(samples), source, target, "", of_class)


# --- from the past to factors -----------------------------------------------------------------------------------------


def test_where_nothing_is_known_the_model_holds() -> None:
    assert 1.0 == known([])
    assert 1.0 == known(took(3, n=SAMPLES_MIN - 1))


def test_the_factor_is_a_rung_near_the_median_of_what_steps_took() -> None:
    assert 3 / known(took(3)) == pytest.approx(1, abs=0.05)
    assert known(took(3)) == known([*took(3), *took(50, n=1), *took(0.1, n=1)])


def test_a_little_more_or_less_changes_no_factor() -> None:
    assert known(took(3.05)) == known(took(3.1)) == known(took(3.2))
    assert 1.0 == known(took(1.04)) == known(took(0.96))


def test_what_is_far_off_is_held_within_bounds() -> None:
    assert FACTOR_LEAST <= known(took(0.001)) <= FACTOR_LEAST * RUNG
    assert FACTOR_MOST / RUNG <= known(took(900)) <= FACTOR_MOST


def test_only_the_latest_steps_count() -> None:
    assert known(took(1)) == known([*took(4, n=SAMPLES_MAX), *took(1, n=SAMPLES_MAX)])


def test_link_and_class_come_before_class_before_link_before_method() -> None:
    past = [
        *took(4, SMALL, "a", "b"),
        *took(2, SMALL, "c", "d", n=2 * SAMPLES_MAX),
        *took(0.5, LARGE, "a", "b", n=SAMPLES_MAX),
    ]
    assert known(took(4)) == known(past, SMALL, "a", "b")
    assert known(took(2)) == known(past, SMALL, "e", "f")
    assert known(took(0.5)) == known(past, "offline, 64 GiB", "a", "b")
    assert known(took(0.5)) == known(past, "offline, 64 GiB", "e", "f")
    assert 1.0 == known(past, "online, 1 GiB", "a", "b")


def test_networks_are_links_of_their_own() -> None:
    over_fast = [replace(sample, network="fast") for sample in took(4, n=SAMPLES_MAX)]
    found = paces([*over_fast, *took(1, "offline, 2 GiB", n=SAMPLES_MAX)])
    assert pace(found, "a", "b", "fast", "offline, 64 GiB") > pace(found, "a", "b", "", "offline, 64 GiB")


def test_a_class_is_what_is_done_the_memory_up_to_a_power_of_two_and_whether_disks_go_along() -> None:
    assert "online, 8 GiB" == guest_class(StepKind.MIGRATE, Method.ONLINE, registration("g", 5 * GIB))
    copied = registration("g", 64, disks=(local_disk(5),))
    assert "offline, 1 GiB, copied" == guest_class(StepKind.MIGRATE, Method.OFFLINE, copied)
    assert "start, 1 GiB" == guest_class(StepKind.START, None, copied)


def test_the_error_of_predictions_is_the_median_in_percent_of_what_was_taken() -> None:
    assert 50.0 == median_error_percent([(100, 100), (150, 100), (400, 100)])
    assert median_error_percent([]) is None


# --- in plans ---------------------------------------------------------------------------------------------------------


def fleet(**policy: object) -> World:
    """Four running guests that move offline from a to b, one after the other."""
    guests = [registration(f"g{number}", GIB) for number in range(4)]
    looks = [host("a", *guests), host("b", version="4.1")]
    return world(looks, [guest(entry.name, "b", downtime=ALLOWED, **policy) for entry in guests])


def planned(found: World, factors: Paces) -> Plan:
    found = replace(found, desired=with_paces(found.desired, factors))
    return noted(found.plan(), found.desired, found.observed)


def history(plan: Plan, times: float) -> list[Sample]:
    """Every step of the plan, done in so many times what the model said."""
    return [
        Sample(step.source, step.target, step.network, step.guest_class, step.model_s, step.model_s * times)
        for step in plan.steps
    ]


@pytest.mark.parametrize("times", [3.0, 0.3])
def test_after_steps_that_took_so_many_times_as_long_the_next_plan_is_right_within_a_tenth(times: float) -> None:
    first = planned(fleet(), {})
    past = history(first, times)
    second = planned(fleet(), paces(past))
    for step, before in zip(second.steps, first.steps, strict=True):
        assert times * before.duration_s == pytest.approx(step.duration_s, rel=0.1)
        assert times * before.downtime_s == pytest.approx(step.downtime_s, rel=0.1)
        assert before.model_s == pytest.approx(step.model_s, abs=0.01)
    # learning goes on from what the model says, not from what was learned: it comes to rest
    assert second == planned(fleet(), paces([*past, *history(second, times)]))


def test_what_was_learned_is_no_part_of_a_plans_digest() -> None:
    plain, slow = planned(fleet(), {}), planned(fleet(), paces(took(3)))
    assert (plain.digest, told(plain)) == (slow.digest, told(slow))
    assert plain.makespan_s < slow.makespan_s


def test_starts_and_stops_are_learned_too() -> None:
    looks = [host("a", registration("g", GIB))]
    stops = world(looks, [guest("g", "a", power="stopped")])
    first = planned(stops, {})
    assert ["stop, 1 GiB"] == [step.guest_class for step in first.steps]
    second = planned(stops, paces(history(first, 0.3) * SAMPLES_MIN))
    assert 0.3 * first.steps[0].duration_s == pytest.approx(second.steps[0].duration_s, rel=0.1)


# --- what rests on permission (promise I10) ---------------------------------------------------------------------------


def nights(found: World, open_s: float) -> World:
    """The same with a window that is open for so long from now on."""
    guests = {
        name: replace(entry, migration=replace(entry.migration, windows=("nights",), open_s=open_s))
        for name, entry in found.desired.guests.items()
    }
    declared = replace(found.desired.fleet, windows=(NIGHTS,))
    return replace(found, desired=replace(found.desired, fleet=declared, guests=guests))


def test_a_step_that_the_model_finds_too_long_for_a_window_is_not_let_in_by_what_was_learned() -> None:
    one = world([host("a", registration("g", GIB)), host("b", version="4.1")], [guest("g", "b", downtime=ALLOWED)])
    quick = paces(took(0.3))
    fits_only_if_quick = nights(one, 90.0)
    assert planned(one, quick).steps[0].duration_s < 40
    assert {"g": "OutsideWindow"} == refusals(planned(fits_only_if_quick, quick))


def test_nor_is_one_that_would_only_begin_in_time_because_others_are_quick() -> None:
    found = nights(fleet(), 400.0)
    assert {"g2": "OutsideWindow", "g3": "OutsideWindow"} == refusals(planned(found, {}))
    assert refusals(planned(found, {})) == refusals(planned(found, paces(took(0.3))))


def test_a_step_that_took_longer_than_the_model_says_must_fit_with_what_it_took() -> None:
    one = world([host("a", registration("g", GIB)), host("b", version="4.1")], [guest("g", "b", downtime=ALLOWED)])
    roomy = nights(one, 200.0)
    assert {} == refusals(planned(roomy, {}))
    assert {"g": "OutsideWindow"} == refusals(planned(roomy, paces(took(3))))


def test_right_before_a_step_the_model_is_asked_too() -> None:
    found = nights(fleet(), 86400.0)
    step = planned(found, paces(took(0.3))).steps[0]
    minutes_left = {left: at(f"2026-06-02T03:{60 - left}") for left in (2, 4)}
    assert step.duration_s < 60 < step.model_s
    assert "" != refusal_now(found.desired, step, minutes_left[2])
    assert "" == refusal_now(found.desired, step, minutes_left[4])


@pytest.mark.parametrize(("factor", "held"), [(0.3, True), (1.0, True), (3.0, True)])
def test_a_ceiling_of_downtime_is_not_widened_by_what_was_learned(factor: float, held: bool) -> None:
    found = fleet()
    limits = replace(found.desired.fleet.limits, downtime_per_pass_s=400)
    found = replace(found, desired=replace(found.desired, fleet=replace(found.desired.fleet, limits=limits)))
    plan = planned(found, paces(took(factor)))
    assert (factor < 1) is (sum(step.downtime_s for step in plan.steps) < 400)
    reasons = [
        brake.reason for brake in brakes(found.desired, found.observed, plan, previous_guests={}, bad_runs=0, allow={})
    ]
    assert held is (BrakeReason.TOO_MUCH_DOWNTIME in reasons)
