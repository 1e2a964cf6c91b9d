"""What is new since before, as events: told once when it begins and once when it ends, not on each pass.

Called by the daemon: with two reports after each pass, and with its steps as they go on. Remembers nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from reconciler.core.diff import Finding, HostReason
from reconciler.core.execution.brakes import BrakeReason
from reconciler.core.execution.outcome import OutcomeKind
from reconciler.core.execution.run import Progress, StepState
from reconciler.core.planning.plan import Plan, Step
from reconciler.core.reports.events import Event, EventKind, Severity
from reconciler.core.reports.report import Report

EACH_MAX = 20
"""So many alike are told one by one; more at once are one event that counts them: one page, no flood."""
NAMES_MAX = 10
"""How many names such an event spells out."""

ALARMING = frozenset({Finding.DUPLICATED, Finding.NOT_RUNNABLE})
"""Findings of a stalled guest that somebody should look at now."""
CALM = frozenset({BrakeReason.REPORT_MODE, BrakeReason.FLEET_SUSPENDED, BrakeReason.NOT_APPROVED})
"""Brakes that somebody wanted."""
USUAL = frozenset({BrakeReason.TOO_MANY_MOVES, BrakeReason.TOO_MANY_STOPS})
"""Brakes that a big change pulls, and a commit trailer releases."""

Told = tuple[EventKind, Severity, str, str, str]
"""Kind, severity, whom it is about, reason, sentence."""
Key = TypeVar("Key")


def changes(before: Report | None, after: Report) -> tuple[Event, ...]:
    """What has begun or ended between two passes: hosts, brakes, guests. Without a report before, all that holds has
    begun: whoever starts to listen hears what is the matter."""
    told = [
        *_differences(_hosts(before), _hosts(after), _host_back),
        *_differences(_brakes(before), _brakes(after), _brake_released),
        *_differences(_stalled(before), _stalled(after), _guest_recovered(after)),
    ]
    return tuple(_bounded(told, after))


def steps_moved_on(
    before: Mapping[str, Progress], after: Iterable[tuple[Step, Progress]], fleet: str, run: str, at_s: float
) -> tuple[Event, ...]:
    """What became of the steps of a plan since they were seen before (step id -> progress; none: not begun yet). Those
    that were never begun are not spoken of."""
    events: list[Event] = []
    for step, now in after:
        was = before.get(step.id) or Progress(attempt=step.attempt)
        if was is not now and was != now and (found := _step(step, was, now)) is not None:
            kind, severity, message = found
            details = {**_step_details(step, now), **_outcome_details(now)}
            events.append(Event(kind, severity, at_s, fleet, message, run, details))
    return tuple(events)


def plan_made(plan: Plan, run: str, at_s: float) -> Event:
    """A plan of this pass, in numbers."""
    text = f"{_count(len(plan.steps), 'step')} planned, {_count(len(plan.blocked), 'guest')} blocked"
    held = f"; held: {', '.join(brake.reason for brake in plan.brakes)}" if plan.brakes else ""
    details = {
        "steps": len(plan.steps),
        "moves": len(plan.moves),
        "stops": len(plan.stops),
        "blocked": len(plan.blocked),
        "makespan_s": plan.makespan_s,
        "digest": plan.digest,
    }
    return Event(EventKind.PLAN_MADE, Severity.INFO, at_s, plan.fleet, text + held, run, details)


# --- between two reports --------------------------------------------------------------------------------------------


def _differences(
    before: Mapping[Key, Told], after: Mapping[Key, Told], over: Callable[[Told], Told | None]
) -> Iterator[Told]:
    """What is there now and was not, or has another reason; then what is over."""
    for key, told in sorted(after.items(), key=lambda item: str(item[0])):
        if key not in before or before[key][3] != told[3]:
            yield told
    for key, told in sorted(before.items(), key=lambda item: str(item[0])):
        if key not in after and (ended := over(told)) is not None:
            yield ended


def _hosts(report: Report | None) -> dict[str, Told]:
    found: dict[str, Told] = {}
    for finding in report.difference.hosts if report is not None else ():
        away = finding.reason is HostReason.UNREACHABLE
        kind = EventKind.HOST_UNREACHABLE if away else EventKind.HOST_DISTRUSTED
        severity = Severity.WARNING if away else Severity.ERROR
        text = f"{finding.host}: {finding.text}"
        found[finding.host] = (kind, severity, finding.host, finding.reason.value, text)
    return found


def _host_back(told: Told) -> Told:
    return (EventKind.HOST_BACK, Severity.INFO, told[2], told[3], f"{told[2]} is read again")


def _brakes(report: Report | None) -> dict[str, Told]:
    found: dict[str, Told] = {}
    for brake in report.brakes if report is not None else ():
        severity = Severity.INFO if brake.reason in CALM else Severity.ERROR
        if brake.reason in USUAL:
            severity = Severity.WARNING
        text = f"{brake.text} ({brake.release})" if brake.release else brake.text
        found[brake.reason] = (EventKind.BRAKE_HELD, severity, "", brake.reason, text)
    return found


def _brake_released(told: Told) -> Told:
    return (EventKind.BRAKE_RELEASED, Severity.INFO, "", told[3], f"{told[3]} holds nothing any more")


def _stalled(report: Report | None) -> dict[str, Told]:
    found: dict[str, Told] = {}
    for guest in report.guests if report is not None else ():
        condition = guest.stalled
        if condition is not None:
            severity = Severity.ERROR if guest.diff.finding in ALARMING else Severity.WARNING
            name = guest.diff.name
            text = f"{name}: {condition.message}"
            found[name] = (EventKind.GUEST_STALLED, severity, name, condition.reason, text)
    return found


def _guest_recovered(after: Report) -> Callable[[Told], Told | None]:
    """A guest that stalls no more has recovered; one that is not declared any more has not: it is simply gone."""
    there = {guest.diff.name for guest in after.guests}

    def over(told: Told) -> Told | None:
        text = f"{told[2]} is not stalled any more"
        return (EventKind.GUEST_RECOVERED, Severity.INFO, told[2], told[3], text) if told[2] in there else None

    return over


def _bounded(told: Sequence[Told], report: Report) -> Iterator[Event]:
    """One by one, or as one event where too many are of a kind."""
    kinds: dict[EventKind, list[Told]] = {}
    for entry in told:
        kinds.setdefault(entry[0], []).append(entry)
    for kind, entries in kinds.items():
        if len(entries) <= EACH_MAX:
            for _, severity, subject, reason, text in entries:
                details = {**_subject(kind, subject), "reason": reason}
                yield Event(kind, severity, report.ended_s, report.fleet, text, report.id, details)
            continue
        worst = max((entry[1] for entry in entries), key=list(Severity).index)
        names = [entry[2] for entry in entries[:NAMES_MAX]]
        reasons = sorted({entry[3] for entry in entries})
        text = f"{kind.value}, {len(entries)} at once ({', '.join(reasons)}): {', '.join(names)} …"
        details = {"count": len(entries), "names": names, "reasons": reasons}
        yield Event(kind, worst, report.ended_s, report.fleet, text, report.id, details)


def _subject(kind: EventKind, name: str) -> dict[str, object]:
    if not name:
        return {}
    return {"host" if kind.value.startswith("host") else "guest": name}


# --- during a run ---------------------------------------------------------------------------------------------------


def _step(step: Step, was: Progress, now: Progress) -> tuple[EventKind, Severity, str] | None:
    what = f"{step.kind.value} {step.guest}"
    way = f", {step.source} -> {step.target} ({step.method})" if step.source != step.target else f" on {step.source}"
    reason = f": {now.outcome.text}" if now.outcome is not None else ""
    if now.state is StepState.STARTED:
        again = f", attempt {now.attempt}" if now.attempt > 1 else ""
        return EventKind.STEP_BEGUN, Severity.INFO, f"{what}{way}{again}"
    if now.state is StepState.WAITING and was.state is StepState.STARTED:
        return EventKind.STEP_PAUSED, Severity.INFO, f"{what}{way}: to be tried again{reason}"
    if now.state is StepState.DONE:
        return EventKind.STEP_ENDED, Severity.INFO, f"{what}{way}: done"
    if now.state in (StepState.FAILED, StepState.UNKNOWN):
        bad = now.outcome is None or now.outcome.kind.bad
        return EventKind.STEP_ENDED, Severity.ERROR if bad else _failure(now), f"{what}{way}: {now.state}{reason}"
    return None


def _failure(now: Progress) -> Severity:
    """A world that is not as planned is planned anew at once: no reason to look."""
    changed = now.outcome is not None and now.outcome.kind is OutcomeKind.CHANGED
    return Severity.INFO if changed else Severity.WARNING


def _step_details(step: Step, now: Progress) -> dict[str, object]:
    method = {"method": step.method.value} if step.method is not None else {}
    return {
        "step": step.id,
        "action": step.kind.value,
        "guest": step.guest,
        "source": step.source,
        "target": step.target,
        **method,
        "attempt": now.attempt,
    }


def _outcome_details(now: Progress) -> dict[str, object]:
    took: dict[str, object] = {}
    if now.started_s is not None and now.ended_s is not None:
        took = {"duration_s": round(now.ended_s - now.started_s, 3)}
    if now.outcome is None or now.state is StepState.STARTED:
        return took
    return {"outcome": now.outcome.kind.value, "reason": now.outcome.reason, **took}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
