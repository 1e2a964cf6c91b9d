"""When running guests may be stopped, and when nothing at all may begin: windows of a calendar, with daylight saving.

Called where a pass begins (what is open now, and how long), by admission and the scheduler (does it fit), and right
before each step (does it still). A move that has begun is never cut: that is why it has to fit before it begins.

Windows are wall-clock times in a time zone. A start that the clock jumps over comes as much later as it jumps; one that
comes twice is the first of the two; a duration is time that passes, whatever clocks show.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from reconciler.core.desired import WINDOW_MARGIN_S, WINDOW_SHARE, DesiredFleet, Guest, MigrationPolicy, Window
from reconciler.core.model import Method, StepKind
from reconciler.core.planning.plan import Step
from reconciler.core.quantities import format_duration

LONGEST_DAYS = 7
"""No window is longer."""
LOOK_AHEAD_DAYS = 400
"""An opening further away is none."""

Interval = tuple[float, float]
"""From and until, in seconds since the epoch."""


def needed_s(duration_s: float) -> float:
    """The time that must be left for what is predicted to take so long."""
    return duration_s * WINDOW_SHARE + WINDOW_MARGIN_S


# --- the calendar ----------------------------------------------------------------------------------------------------


def occurrences(window: Window, since_s: float, until_s: float) -> list[Interval]:
    """The times for which a window is open that touch this span, in order."""
    zone = ZoneInfo(window.zone)
    day = datetime.fromtimestamp(since_s, zone).date() - timedelta(days=LONGEST_DAYS + 1)
    last = datetime.fromtimestamp(until_s, zone).date() + timedelta(days=1)
    found = []
    while day <= last:
        if day.weekday() in window.days:
            begins_s = _begins_s(window, zone, day)
            if begins_s < until_s and begins_s + window.duration_s > since_s:
                found.append((begins_s, begins_s + window.duration_s))
        day += timedelta(days=1)
    return found


def _begins_s(window: Window, zone: ZoneInfo, day: date) -> float:
    """`fold=0` is the first of two; where the clock jumps over it, the offset before holds, which makes it that much
    later."""
    hour, minute = divmod(window.start_min, 60)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone, fold=0).astimezone(UTC).timestamp()


def joined(intervals: Iterable[Interval]) -> list[Interval]:
    """Overlapping and adjoining ones as one."""
    found: list[Interval] = []
    for begin, end in sorted(intervals):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def without(intervals: Iterable[Interval], denied: Iterable[Interval]) -> list[Interval]:
    """What is left where those that deny win."""
    left = joined(intervals)
    for begin, end in joined(denied):
        pieces = [piece for start, stop in left for piece in ((start, min(stop, begin)), (max(start, end), stop))]
        left = [(start, stop) for start, stop in pieces if start < stop]
    return left


def open_intervals(
    fleet_windows: Iterable[Window], names: Iterable[str], since_s: float, until_s: float
) -> list[Interval]:
    """When windows of these names are open and none denies."""
    wanted = set(names)
    allow: list[Interval] = []
    deny: list[Interval] = []
    for window in fleet_windows:
        if window.deny or window.name in wanted:
            (deny if window.deny else allow).extend(occurrences(window, since_s, until_s))
    return without(allow, deny)


def denied_intervals(fleet_windows: Iterable[Window], since_s: float, until_s: float) -> list[Interval]:
    """When nothing may begin."""
    return joined(span for window in fleet_windows if window.deny for span in occurrences(window, since_s, until_s))


def next_change_s(desired: DesiredFleet, now_s: float) -> float | None:
    """The next moment at which any window opens or closes."""
    moments = [
        moment
        for window in desired.fleet.windows
        for span in occurrences(window, now_s, now_s + (LONGEST_DAYS + 1) * 86400)
        for moment in span
        if moment > now_s
    ]
    return min(moments, default=None)


# --- what holds at a moment ------------------------------------------------------------------------------------------


def opened(desired: DesiredFleet, now_s: float) -> DesiredFleet:
    """The same fleet with what the windows mean at that moment: how long guests that name some may be stopped from now
    on, how long it is until nothing may begin, and until when that holds now."""
    windows = desired.fleet.windows
    if not windows:
        return desired
    horizon_s = now_s + (LONGEST_DAYS + 1) * 86400
    denied = denied_intervals(windows, now_s, horizon_s)
    within = next((end for begin, end in denied if begin <= now_s < end), None)
    quiet_in_s = next((begin - now_s for begin, _ in denied if begin > now_s), None)
    quiet = f"a window that denies is in force until {_moment(windows, within)}" if within is not None else ""
    fleet = replace(desired.fleet, quiet=quiet, quiet_in_s=quiet_in_s)
    known: dict[tuple[str, ...], tuple[float, str]] = {}
    guests: dict[str, Guest] = {}
    for name, guest in desired.guests.items():
        names = guest.migration.windows
        if names:
            if names not in known:
                known[names] = _left(windows, names, now_s)
            left_s, opens = known[names]
            guests[name] = replace(guest, migration=replace(guest.migration, open_s=left_s, opens=opens))
    return replace(desired, fleet=fleet, guests={**desired.guests, **guests})


def _left(windows: tuple[Window, ...], names: tuple[str, ...], now_s: float) -> tuple[float, str]:
    """How long they are open from now on (0: closed), and when they open next, in words."""
    spans = open_intervals(windows, names, now_s, now_s + (LONGEST_DAYS + 1) * 86400)
    for begin, end in spans:
        if begin <= now_s < end:
            return end - now_s, f"until {_moment(windows, end)}"
    soon = next((begin for begin, _ in spans if begin > now_s), None)
    if soon is None:
        far = open_intervals(windows, names, now_s, now_s + LOOK_AHEAD_DAYS * 86400)
        soon = next((begin for begin, _ in far if begin > now_s), None)
    if soon is None:
        return 0.0, "it never opens"
    return 0.0, f"it opens {_moment(windows, soon)}"  # never "in 3 h": a report that ages is a commit each pass


def _moment(windows: tuple[Window, ...], moment_s: float | None) -> str:
    """In the zone of the first window, which is the fleet's own."""
    if moment_s is None:
        return "?"
    zone = windows[0].zone
    return f"{datetime.fromtimestamp(moment_s, ZoneInfo(zone)):%a %Y-%m-%d %H:%M} {zone}"


def too_late(policy: MigrationPolicy, quiet_in_s: float | None, *, stops: bool, end_s: float) -> str:
    """Why what is predicted to be over so many seconds from now cannot be done; empty where it can. `end_s` counts
    from the moment for which `opened` was asked."""
    margin_s = needed_s(end_s)
    if stops and policy.open_s is not None and margin_s > policy.open_s:
        name = " or ".join(policy.windows)
        if policy.open_s <= 0:
            return f"window {name} is closed: {policy.opens}"
        return f"window {name} is open {policy.opens} only, and {format_duration(margin_s)} are needed"
    if quiet_in_s is not None and margin_s > quiet_in_s:
        return f"a window that denies begins before it would be over: {format_duration(margin_s)} are needed"
    return ""


def refusal_now(desired: DesiredFleet, step: Step, now_s: float) -> str:
    """Why this step cannot begin at this very moment; empty where it can. Asked right before it would: what came before
    it may have taken longer than predicted."""
    guest = desired.guests.get(step.guest)
    if guest is None or not desired.fleet.windows:
        return ""
    only = opened(replace(desired, guests={guest.name: guest}), now_s)
    if only.fleet.quiet:
        return only.fleet.quiet
    policy = only.guests[guest.name].migration
    return too_late(policy, only.fleet.quiet_in_s, stops=stops(step), end_s=step.cautious_s)


def stops(step: Step) -> bool:
    """Whether it takes a running guest down."""
    offline = step.kind is StepKind.MIGRATE and step.method is Method.OFFLINE
    return step.kind is StepKind.STOP or (offline and step.running)


def is_zone(zone: str) -> bool:
    """Whether this system knows the time zone."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return False
    return True
