"""Windows: what is open when, over daylight saving in both directions; what fits is planned, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.desired import Downtime, Fleet, MigrationPolicy, Mode, Window
from reconciler.core.model import StorageKind
from reconciler.core.observed import Disk
from reconciler.core.planning.verify import verify
from reconciler.core.planning.windows import (
    joined,
    needed_s,
    next_change_s,
    occurrences,
    open_intervals,
    opened,
    refusal_now,
    without,
)
from tests.core.fleets import HERE, guest, host, refusal, refusals, registration, world

BERLIN = "Europe/Berlin"
NIGHTS = Window("nights", 22 * 60, 6 * 3600, BERLIN)
ZONES = (
    BERLIN,
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Apia",
    "America/Santiago",
    "UTC",
)
DAY_S = 86400.0


def at(text: str, zone: str = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def said(window: Window, since: str, until: str) -> list[tuple[str, str]]:
    """When it is open, by the clocks of its zone."""
    zone = ZoneInfo(window.zone)
    spans = occurrences(window, at(since, window.zone), at(until, window.zone))
    return [tuple(f"{datetime.fromtimestamp(moment, zone):%m-%d %H:%M %z}" for moment in span) for span in spans]  # type: ignore[misc]  # two of them


# --- the calendar ----------------------------------------------------------------------------------------------------


def test_a_start_that_the_clock_jumps_over_comes_that_much_later() -> None:
    window = replace(NIGHTS, start_min=2 * 60 + 30, duration_s=3600)
    assert [("03-29 03:30 +0200", "03-29 04:30 +0200")] == said(window, "2026-03-29T00:00", "2026-03-29T12:00")


def test_of_a_start_that_comes_twice_the_first_one_counts() -> None:
    window = replace(NIGHTS, start_min=2 * 60 + 30, duration_s=3600)
    assert [("10-25 02:30 +0200", "10-25 02:30 +0100")] == said(window, "2026-10-25T00:00", "2026-10-25T12:00")


def test_a_duration_is_time_that_passes() -> None:
    assert [("10-24 22:00 +0200", "10-25 03:00 +0100")] == said(NIGHTS, "2026-10-24T12:00", "2026-10-25T12:00")
    assert [("03-28 22:00 +0100", "03-29 05:00 +0200")] == said(NIGHTS, "2026-03-28T12:00", "2026-03-29T12:00")


def test_days_are_those_on_which_it_opens() -> None:
    friday = replace(NIGHTS, days=frozenset({4}))
    assert [("11-27 22:00 +0100", "11-28 04:00 +0100")] == said(friday, "2026-11-23T00:00", "2026-11-30T00:00")


def test_a_day_that_a_zone_left_out_has_no_window() -> None:
    """Samoa crossed the date line and had no 30th of December 2011."""
    window = Window("x", 12 * 60, 3600, "Pacific/Apia")
    days = [begin[:5] for begin, _ in said(window, "2011-12-29T00:00", "2012-01-01T00:00")]
    assert days.count("12-31") >= 1
    assert "12-30" not in days


windows = st.builds(
    Window,
    name=st.sampled_from(["a", "b"]),
    start_min=st.integers(0, 1439),
    duration_s=st.integers(300, 7 * 86400),
    zone=st.sampled_from(ZONES),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    deny=st.booleans(),
)
moments = st.integers(946684800, 2143238400).map(float)  # from 2000 to the end of 2037


def is_open(window: Window, moment_s: float) -> bool:
    """By looking at each day on which it may have opened."""
    zone = ZoneInfo(window.zone)
    today = datetime.fromtimestamp(moment_s, zone).date()
    for back in range(10):
        day = today - timedelta(days=back - 1)
        if day.weekday() not in window.days:
            continue
        begins = (datetime.combine(day, time(), zone) + timedelta(minutes=window.start_min)).timestamp()
        if begins <= moment_s < begins + window.duration_s:
            return True
    return False


@given(st.lists(windows, min_size=1, max_size=4), moments)
def test_what_is_open_is_what_the_clocks_say(several: list[Window], moment_s: float) -> None:
    spans = open_intervals(several, ["a"], moment_s - DAY_S, moment_s + DAY_S)
    allowed = any(is_open(window, moment_s) for window in several if not window.deny and window.name == "a")
    denied = any(is_open(window, moment_s) for window in several if window.deny)
    assert (allowed and not denied) == any(begin <= moment_s < end for begin, end in spans)


spans = st.lists(
    st.builds(lambda begin, length: (float(begin), float(begin + length)), st.integers(0, 50), st.integers(1, 20))
)


@given(spans, spans)
def test_intervals_are_sets_of_moments(allow: list[tuple[float, float]], deny: list[tuple[float, float]]) -> None:
    left = without(allow, deny)
    for moment in (number + 0.5 for number in range(75)):
        allowed, denied = (any(begin <= moment < end for begin, end in several) for several in (allow, deny))
        assert (allowed and not denied) == any(begin <= moment < end for begin, end in left)
    assert left == joined(left)


# --- the plan --------------------------------------------------------------------------------------------------------

LOCAL = registration("db", disks=(Disk("/dev/vg/db", StorageKind.LOGICAL_VOLUME, 1024),))
POLICY = MigrationPolicy(downtime=Downtime.ALLOWED, windows=("nights",))


def planned(moment: str, *several: Window):  # type: ignore[no-untyped-def]  # a test's world
    """`db` can move offline only, from a to b; `web` goes online."""
    looks = [host("a", LOCAL, registration("web")), host("b")]
    there = world(looks, [replace(guest("db", "b"), migration=POLICY), guest("web", "b")])
    fleet = Fleet("f", HERE, Mode.APPLY, windows=several or (NIGHTS,))
    return replace(there, desired=opened(replace(there.desired, fleet=fleet), at(moment)))


def test_a_guest_is_taken_down_inside_its_window_only() -> None:
    assert {} == refusals(planned("2026-11-27T23:00").plan())
    outside = planned("2026-11-27T12:00").plan()
    assert {"db": "OutsideWindow"} == refusals(outside)
    assert "it opens Fri 2026-11-27 22:00 Europe/Berlin" in refusal(outside, "db").text
    assert ["web"] == [step.guest for step in outside.steps], "what keeps a guest running is not bound"


def test_what_would_not_be_over_in_time_does_not_begin() -> None:
    fits = planned("2026-11-28T03:30").plan()
    (step,) = [step for step in fits.steps if step.guest == "db"]
    late_s = needed_s(step.duration_s) - 5
    moment = datetime.fromtimestamp(at("2026-11-28T04:00") - late_s, ZoneInfo(BERLIN)).isoformat()[:19]
    assert {"db": "OutsideWindow"} == refusals(planned(moment).plan())


def test_a_window_that_denies_holds_the_fleet_and_what_would_run_into_it() -> None:
    deny = Window("backup", 60, 5400, BERLIN, deny=True)
    assert {"db": "OutsideWindow", "web": "OutsideWindow"} == refusals(planned("2026-11-28T00:59", NIGHTS, deny).plan())
    assert "Sat 2026-11-28 02:30 Europe/Berlin" in planned("2026-11-28T01:30", NIGHTS, deny).desired.fleet.quiet


def test_the_verifier_refuses_what_the_window_forbids() -> None:
    inside, outside = planned("2026-11-27T23:00"), planned("2026-11-27T12:00")
    violations = verify(outside.desired, outside.observed, inside.plan())
    assert any("window nights is closed" in violation for violation in violations)


def test_a_plan_is_the_same_while_the_window_is_open() -> None:
    assert planned("2026-11-27T23:00").plan().digest == planned("2026-11-27T23:45").plan().digest


def test_a_step_is_asked_again_right_before_it_begins() -> None:
    there = planned("2026-11-27T23:00")
    (step,) = [step for step in there.plan().steps if step.guest == "db"]
    assert "" == refusal_now(there.desired, step, at("2026-11-28T03:00"))
    assert "window nights is closed" in refusal_now(there.desired, step, at("2026-11-28T05:00"))


def test_the_next_moment_at_which_something_changes() -> None:
    there = planned("2026-11-27T12:00")
    assert at("2026-11-27T22:00") == next_change_s(there.desired, at("2026-11-27T12:00"))
    assert at("2026-11-28T04:00") == next_change_s(there.desired, at("2026-11-27T22:00"))


def test_a_window_that_is_always_denied_never_opens() -> None:
    always = Window("always", 0, 7 * 86400, "UTC", deny=True)
    there = planned("2026-11-27T12:00", NIGHTS, always)
    assert "it never opens" == there.desired.guests["db"].migration.opens


def test_the_verifier_refuses_what_runs_into_a_window_that_denies() -> None:
    deny = Window("backup", 60, 5400, BERLIN, deny=True)
    free, soon = planned("2026-11-27T23:00"), planned("2026-11-28T00:59", NIGHTS, deny)
    violations = verify(soon.desired, soon.observed, free.plan())
    assert any("runs into a window that denies" in violation for violation in violations)
