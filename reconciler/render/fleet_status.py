"""The state of a fleet after a pass: what `status` shows, and what index.json and README.md of the status branch hold.

Made from a report and the runs before it; read back by `status` where the branch is read. Never holds what a pass in
which nothing changed would change: its time, its id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.core import capacity
from reconciler.core.desired import Host
from reconciler.core.diff import Finding, GuestDiff, HostReason
from reconciler.core.execution.run import StepState
from reconciler.core.model import Method, StepKind
from reconciler.core.observed import HostFacts, Look
from reconciler.core.planning.plan import Blocked, Brake, Plan
from reconciler.core.reports.conditions import ConditionType
from reconciler.core.reports.report import GuestStatus, Report, Result
from reconciler.render import words
from reconciler.render.run_summary import RunSummary, run_summary

RUNS_MAX = 10
MOVES_MAX = 100
"""So many runs, and moves of each, are listed in the index; the run records hold all."""


@dataclass(frozen=True)
class Counts:
    """Guests by how they stand. `declared` is what has a document; the next four add up to it."""

    declared: int
    ready: int
    reconciling: int
    stalled: int
    other: int
    """Neither: for instance a step that a brake holds, or a guest that may be on a host that was not read."""
    unmanaged: int
    hosts: int
    hosts_in_trouble: int


@dataclass(frozen=True)
class HostUse:
    """One host: what it holds of what it may hold, or why nothing is known or done there."""

    name: str
    trouble: str
    text: str
    platform: str
    version: str
    guests: int
    running: int
    memory_used_mib: int
    memory_kept_mib: int
    """Of what is used, what is kept for guests on their way."""
    memory_capacity_mib: int
    cpu_used_percent: int
    cpu_capacity_percent: int

    @property
    def memory_free_mib(self) -> int:
        """What is left for more guests; negative where the host is over."""
        return self.memory_capacity_mib - self.memory_used_mib

    @property
    def known(self) -> bool:
        """Whether it was read."""
        return bool(self.platform)


@dataclass(frozen=True)
class Trouble:
    """A declared guest that is not where or as it shall be, with the condition that says why."""

    guest: str
    finding: Finding
    wanted: str
    places: tuple[str, ...]
    stalled: bool
    reason: str
    message: str
    fix: str
    """What would help; empty where nobody knows, or where nothing is needed but time."""
    since: str
    """When it came to this; empty where that was never reported."""


@dataclass(frozen=True)
class MovingStep:
    """A step that is under way."""

    guest: str
    kind: StepKind
    source: str
    target: str
    method: Method | None
    hop: bool
    started: str
    predicted_s: float
    change: str = ""
    """What a set step changes, in words."""
    aside: bool = False
    """Whether the guest steps aside for others."""


@dataclass(frozen=True)
class PlannedStep:
    """A step that is planned and was not run."""

    guest: str
    kind: StepKind
    source: str
    target: str
    method: Method | None
    downtime_s: float
    change: str = ""
    """What a set step changes, in words."""


@dataclass(frozen=True)
class FleetStatus:
    """The whole of it. `runs` are those that did something or changed the result, newest first."""

    fleet: str
    commit: str
    subject: str
    author: str
    result: Result
    counts: Counts
    brakes: tuple[Brake, ...]
    hosts: tuple[HostUse, ...]
    troubles: tuple[Trouble, ...]
    moving: tuple[MovingStep, ...]
    """What is under way: in the middle of a pass, or left to the next one."""
    plan: str
    """What is left to do, on one line; empty where nothing is."""
    plan_digest: str
    planned: tuple[PlannedStep, ...]
    runs: tuple[RunSummary, ...]

    @property
    def going(self) -> list[str]:
        """`2 on the way`, `3 to do`: guests with a step under way, and those whose steps are planned only."""
        moving = min(self.counts.reconciling, len({step.guest for step in self.moving}))
        to_do = self.counts.reconciling - moving
        return [f"{number} {what}" for number, what in ((moving, "on the way"), (to_do, "to do")) if number]


def fleet_status(
    report: Report, runs_before: Sequence[RunSummary] = (), documents: Mapping[str, Host] | None = None
) -> FleetStatus:
    """The state at the end of this pass. With the Host documents, capacities count what those take away."""
    plan = report.plans[-1] if report.plans else None
    commit = report.commit
    return FleetStatus(
        fleet=report.fleet,
        commit=commit.id if commit else "",
        subject=commit.subject if commit else "",
        author=commit.author if commit else "",
        result=report.result,
        counts=_counts(report),
        brakes=report.brakes,
        hosts=host_uses(report, documents or {}),
        troubles=_troubles(report, plan),
        moving=_moving(report),
        plan=_still_to_do(report, plan),
        plan_digest=plan.digest if plan and plan.steps else "",
        planned=_planned(plan)[:MOVES_MAX],
        runs=recent_runs(report, runs_before),
    )


def noteworthy(report: Report, runs_before: Sequence[RunSummary]) -> bool:
    """Whether the pass leaves a record: it is over, and did something or has another result than the last record."""
    if report.result is Result.RUNNING:
        return False
    if report.steps or report.adopted:
        return True
    before = newest_first(runs_before)
    return not before or before[0].result is not report.result


def recent_runs(report: Report, runs_before: Sequence[RunSummary]) -> tuple[RunSummary, ...]:
    """The latest runs that left a record, this one included where it does."""
    runs = [run for run in runs_before if run.id != report.id]
    if noteworthy(report, runs):
        runs.append(run_summary(report))
    return tuple(run.shortened(MOVES_MAX) for run in newest_first(runs)[:RUNS_MAX])


def newest_first(runs: Sequence[RunSummary]) -> list[RunSummary]:
    """By start, then id."""
    return sorted(runs, key=lambda run: (run.started, run.id), reverse=True)


def host_uses(report: Report, documents: Mapping[str, Host]) -> tuple[HostUse, ...]:
    """Every host of the fleet, by name."""
    troubles = {found.host: (found.reason, found.text) for found in report.difference.hosts}
    return tuple(
        host_use(look, documents.get(name), *troubles.get(name, ("", "")))
        for name, look in sorted(report.observed.hosts.items())
    )


def host_use(look: Look, document: Host | None, trouble: str = "", text: str = "") -> HostUse:
    """One host."""
    if not isinstance(look, HostFacts):
        return HostUse(look.name, trouble or HostReason.UNREACHABLE, text or look.reason, "", "", *[0] * 7)
    used, there = capacity.used(look), capacity.capacity(look, document)
    return HostUse(
        name=look.name,
        trouble=trouble,
        text=text,
        platform=look.platform,
        version=look.version,
        guests=len(look.registrations),
        running=sum(entry.running for entry in look.registrations),
        memory_used_mib=used.memory_mib,
        memory_kept_mib=used.memory_mib - capacity.running(look).memory_mib,
        memory_capacity_mib=there.memory_mib,
        cpu_used_percent=used.cpu_percent,
        cpu_capacity_percent=there.cpu_percent,
    )


def _counts(report: Report) -> Counts:
    declared = [guest for guest in report.guests if guest.diff.finding is not Finding.UNMANAGED]
    ready = sum(guest.ready for guest in declared)
    stalled = sum(guest.stalled is not None for guest in declared if not guest.ready)
    going = [guest.holding(ConditionType.RECONCILING) for guest in declared if not guest.ready and not guest.stalled]
    reconciling = sum(condition is not None for condition in going)
    return Counts(
        declared=len(declared),
        ready=ready,
        reconciling=reconciling,
        stalled=stalled,
        other=len(declared) - ready - stalled - reconciling,
        unmanaged=len(report.guests) - len(declared),
        hosts=len(report.observed.hosts),
        hosts_in_trouble=len({found.host for found in report.difference.hosts}),
    )


def _is_trouble(guest: GuestStatus) -> bool:
    return guest.diff.finding is not Finding.UNMANAGED and (not guest.ready or guest.stalled is not None)


def _troubles(report: Report, plan: Plan | None) -> tuple[Trouble, ...]:
    blocked = {entry.guest: entry for entry in plan.blocked} if plan else {}
    return tuple(_trouble(guest, blocked.get(guest.diff.name)) for guest in report.guests if _is_trouble(guest))


def _trouble(guest: GuestStatus, blocked: Blocked | None) -> Trouble:
    why = guest.stalled or guest.still or guest.conditions[0]
    found: GuestDiff = guest.diff
    message, fix = why.message, ""
    if blocked is not None and why.reason == blocked.reason:
        message, fix = blocked.text, blocked.fix
    return Trouble(
        guest=found.name,
        finding=found.finding,
        wanted=found.wanted,
        places=tuple(str(place) for place in found.places),
        stalled=guest.stalled is not None,
        reason=why.reason,
        message=message,
        fix=fix,
        since=why.since,
    )


def _moving(report: Report) -> tuple[MovingStep, ...]:
    runs = [run for run in (*report.adopted, *report.steps) if run.progress.state is StepState.STARTED]
    return tuple(
        MovingStep(
            guest=run.step.guest,
            kind=run.step.kind,
            source=run.step.source,
            target=run.step.target,
            method=run.step.method,
            hop=run.step.hop,
            started=words.when(run.progress.started_s) if run.progress.started_s is not None else "",
            predicted_s=round(run.step.duration_s, 1),
            change=words.change(run.step),
            aside=run.step.aside,
        )
        for run in runs
    )


def _still_to_do(report: Report, plan: Plan | None) -> str:
    """On one line. In the middle of a pass without times: they were predicted for the whole plan."""
    if plan is None or not plan.steps:
        return ""
    if report.result is Result.RUNNING:
        return ", ".join([*words.work(plan), words.downtime(plan)])
    return words.plan_line(plan)


def _planned(plan: Plan | None) -> tuple[PlannedStep, ...]:
    steps = plan.steps if plan else ()
    return tuple(
        PlannedStep(step.guest, step.kind, step.source, step.target, step.method, step.downtime_s, words.change(step))
        for step in steps
    )
