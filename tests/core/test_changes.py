"""An alert is sent once when something begins and once when it ends, never on each pass."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.desired import Limits
from reconciler.core.diff import Diff, Finding, HostFinding, HostReason
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.execution.run import Run
from reconciler.core.planning.plan import Brake
from reconciler.core.reports.changes import EACH_MAX, changes, plan_made, steps_moved_on
from reconciler.core.reports.conditions import Condition, ConditionType, Status
from reconciler.core.reports.events import Event, EventKind, Severity
from reconciler.core.reports.report import GuestStatus, Report
from tests.render import example

CALM = replace(example.later(), difference=Diff((), ()), guests=(), brakes=())


def kinds(events: tuple[Event, ...]) -> list[EventKind]:
    return [event.kind for event in events]


def stalled(name: str, reason: str = "NoRoom", finding: Finding = Finding.MISPLACED) -> GuestStatus:
    condition = Condition(ConditionType.STALLED, Status.TRUE, reason, f"because of {reason}")
    return GuestStatus(example.guest(name, finding, "vmhost-b", "vmhost-a", "misplaced"), (condition,))


def ready(name: str) -> GuestStatus:
    condition = Condition(ConditionType.STALLED, Status.FALSE, "NotStalled", "")
    return GuestStatus(example.guest(name, Finding.IN_PLACE, "vmhost-b", "vmhost-b", "in place"), (condition,))


def with_guests(*guests: GuestStatus) -> Report:
    return replace(CALM, guests=guests)


def with_hosts(*hosts: HostFinding) -> Report:
    return replace(CALM, difference=Diff((), hosts))


def with_brakes(*brakes: Brake) -> Report:
    return replace(CALM, brakes=brakes)


def test_the_same_trouble_is_told_once_and_not_on_each_pass() -> None:
    first = changes(None, example.REPORT)
    assert [EventKind.HOST_UNREACHABLE, EventKind.GUEST_STALLED] == kinds(first)
    assert ["vmhost-c", "db02"] == [first[0].details["host"], first[1].details["guest"]]
    assert () == changes(example.REPORT, example.later())


def test_a_guest_that_stalls_no_more_has_recovered_and_one_that_is_gone_has_not() -> None:
    before = with_guests(stalled("web01"), stalled("web02"))
    [event] = changes(before, with_guests(ready("web01")))
    assert (EventKind.GUEST_RECOVERED, "web01") == (event.kind, event.details["guest"])


def test_another_reason_is_another_alert() -> None:
    before, after = with_guests(stalled("web01")), with_guests(stalled("web01", "AttemptsExhausted"))
    [event] = changes(before, after)
    assert (EventKind.GUEST_STALLED, "AttemptsExhausted") == (event.kind, event.details["reason"])


def test_two_copies_of_a_guest_are_an_error_and_too_little_room_is_a_warning() -> None:
    events = changes(None, with_guests(stalled("a"), stalled("b", "Duplicated", Finding.DUPLICATED)))
    assert [Severity.WARNING, Severity.ERROR] == [event.severity for event in events]


def test_a_host_that_became_another_machine_is_no_host_that_is_away() -> None:
    away = HostFinding("h1", HostReason.UNREACHABLE, "refused")
    other = HostFinding("h1", HostReason.CHANGED_IDENTITY, "another machine")
    assert [EventKind.HOST_DISTRUSTED] == kinds(changes(with_hosts(away), with_hosts(other)))
    assert [EventKind.HOST_BACK] == kinds(changes(with_hosts(other), with_hosts()))


def test_a_brake_is_told_when_it_holds_and_when_it_is_released() -> None:
    brake, report_mode = Brake("Suspended", "3 bad runs", "--resume"), Brake("ReportMode", "only reported on")
    [held] = changes(CALM, with_brakes(brake))
    assert (EventKind.BRAKE_HELD, Severity.ERROR, "3 bad runs (--resume)") == (held.kind, held.severity, held.message)
    assert [EventKind.BRAKE_RELEASED] == kinds(changes(with_brakes(brake), CALM))
    assert [Severity.INFO] == [event.severity for event in changes(None, with_brakes(report_mode))]


def test_a_broken_switch_is_one_alert_and_not_hundreds() -> None:
    many = tuple(stalled(f"web{number:03}") for number in range(EACH_MAX + 1))
    [event] = changes(None, with_guests(*many))
    assert EACH_MAX + 1 == event.details["count"]
    assert "web000" in event.message
    assert EACH_MAX == len(changes(None, with_guests(*many[1:])))


def test_events_carry_the_pass_they_were_found_in() -> None:
    event = changes(None, example.REPORT)[0]
    assert (example.REPORT.id, "demo", example.REPORT.ended_s) == (event.run, event.fleet, event.at_s)


def moved_on(before: Run | None, after: Run) -> tuple[Event, ...]:
    seen = before.progress if before is not None else {}
    steps = [(step, after.progress[step.id]) for step in after.plan.steps]
    return steps_moved_on(seen, steps, "demo", "pass", 1.0)


def test_each_step_is_told_as_it_begins_pauses_and_ends() -> None:
    aborted = Outcome(OutcomeKind.ABORTED, "NetworkSlow", "the network was slow")
    waiting = Run.of("r", example.PLAN, Limits())
    begun = waiting.begin("01-web01", 10)
    paused = begun.advance("01-web01", aborted, 20, retry_at_s=50)
    again = paused.begin("01-web01", 50)
    done = again.advance("01-web01", example.DONE, 90)
    told = [
        event
        for before, after in ((None, waiting), (waiting, begun), (begun, paused), (paused, again), (again, done))
        for event in moved_on(before, after)
    ]
    assert [EventKind.STEP_BEGUN, EventKind.STEP_PAUSED, EventKind.STEP_BEGUN, EventKind.STEP_ENDED] == [
        event.kind for event in told
    ]
    assert "attempt 2" in told[2].message
    assert {"outcome": "done", "duration_s": 80, "guest": "web01", "method": "online"}.items() <= told[
        3
    ].details.items()
    assert () == moved_on(done, done)


def test_a_step_that_ends_unknown_is_an_error_and_skipped_ones_are_not_told() -> None:
    begun = Run.of("r", example.PLAN, Limits()).begin("03-batch07", 0)
    [ended] = moved_on(begun, begun.advance("03-batch07", example.LOST, 9))
    assert (EventKind.STEP_ENDED, Severity.ERROR) == (ended.kind, ended.severity)


def test_a_plan_is_told_in_numbers_with_the_brakes_that_hold_it() -> None:
    event = plan_made(example.HELD, "pass", 1.0)
    assert "5 steps planned, 1 guest blocked; held: TooManyMoves" == event.message
    assert 4 == event.details["moves"]
