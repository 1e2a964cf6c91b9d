"""What Prometheus reads: counts and times of passes, moves, guests and hosts. An observer.

Labels are words of the code only (findings, reasons, outcomes), never names of guests or hosts: a fleet of 20,000
guests has as many series as one of three. Each metric is documented in docs/reference/metrics.md.
"""

from __future__ import annotations

import threading
from collections import Counter as Count

import prometheus_client as prometheus
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from reconciler import __version__
from reconciler.core.commands import Verb
from reconciler.core.diff import Finding, HostReason
from reconciler.core.execution.brakes import BrakeReason
from reconciler.core.model import Method, StepKind
from reconciler.core.reports.conditions import ConditionType
from reconciler.core.reports.events import Event, EventKind, Severity
from reconciler.core.reports.report import Report, Result, StepRun
from reconciler.loop.daemon.telling.observer import Health

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The format that every Prometheus reads."""
PASS_BUCKETS_S = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 43200.0)
MOVE_BUCKETS_S = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21600.0)
STOPS = frozenset({Verb.STOP.value, Verb.STOP_HARD.value})
OTHER = "other"
"""Instead of a reason that is none of ours."""


class Metrics:
    """One daemon's, in a registry of their own."""

    def __init__(self) -> None:
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]  # a series for each that nobody reads
        self.registry = CollectorRegistry()
        self._lock = threading.Lock()
        ProcessCollector(registry=self.registry)
        self._of_passes()
        self._of_the_fleet()
        self._of_moves()
        self._of_the_daemon()

    def text(self) -> bytes:
        """All of them in the text format."""
        with self._lock:
            return generate_latest(self.registry)

    # --- what is counted ---------------------------------------------------------------------------------------------

    def _of_passes(self) -> None:
        self._passes = Counter("reconciler_passes", "Passes that ended, by result", ["result"], registry=self.registry)
        for result in set(Result) - {Result.RUNNING}:
            self._passes.labels(result.value)
        self._pass_duration = Histogram(
            "reconciler_pass_duration_seconds", "How long passes took", registry=self.registry, buckets=PASS_BUCKETS_S
        )
        self._last_pass = self._gauge("last_pass_timestamp_seconds", "When the last pass ended")
        self._last_success = self._gauge(
            "last_success_timestamp_seconds", "When a pass last ended with all as declared"
        )
        self._makespan = self._gauge("plan_makespan_seconds", "How long what is left of the plan would take")
        self._commit = self._gauge("commit_info", "The commit that the last pass was made on", "fleet", "commit")

    def _of_the_fleet(self) -> None:
        self._guests = self._gauge("guests", "Guests for which a condition holds", "condition")
        self._findings = self._gauge("guests_by_finding", "Guests, by how they stand to their documents", "finding")
        self._declared = self._gauge("hosts_declared", "Hosts with a document")
        self._unreachable = self._gauge("hosts_unreachable", "Hosts that the last pass could not read")
        self._distrusted = self._gauge("hosts_distrusted", "Hosts that are not the machines they should be")
        self._brakes = self._gauge("brakes", "Brakes that hold: 1 or 0", "reason")
        for brake in BrakeReason:
            self._brakes.labels(brake.value)

    def _of_moves(self) -> None:
        self._moves = Counter(
            "reconciler_moves", "Moves that ended, by method and outcome", ["method", "outcome"], registry=self.registry
        )
        self._move_duration = Histogram(
            "reconciler_move_duration_seconds",
            "How long moves took, all attempts included",
            ["method"],
            registry=self.registry,
            buckets=MOVE_BUCKETS_S,
        )
        for method in Method:
            self._move_duration.labels(method.value)
        self._downtime = Counter(
            "reconciler_downtime_seconds", "For how long moves kept guests down", registry=self.registry
        )

    def _of_the_daemon(self) -> None:
        self._gauge("build_info", "The version of reconciler", "version").labels(__version__).set(1)
        self._started = self._gauge("start_timestamp_seconds", "When the daemon was started")
        self._beat = self._gauge("alive_timestamp_seconds", "When the daemon's loop last said that it is alive")
        self._interval = self._gauge("interval_seconds", "From the end of one pass to the next")
        self._passing = self._gauge("pass_under_way", "Whether a pass is under way: 1 or 0")
        self._unpublished = self._gauge("reports_unpublished", "Reports that wait for git")
        self._git_failing = self._gauge("git_failing", "Whether git does not answer or takes no reports: 1 or 0")
        self._git_troubles = Counter("reconciler_git_troubles", "How often git began to fail", registry=self.registry)
        self._trouble = self._gauge("trouble", "Whether anything keeps passes or reports from being made: 1 or 0")
        self._events = Counter("reconciler_events", "Events, by kind", ["kind", "severity"], registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"reconciler_{name}", text, labels, registry=self.registry)

    # --- what is heard -----------------------------------------------------------------------------------------------

    def event(self, event: Event) -> None:
        """Count it."""
        with self._lock:
            self._events.labels(event.kind.value, event.severity.value).inc()
            if event.kind is EventKind.GIT_TROUBLE and event.severity is Severity.ERROR:
                self._git_troubles.inc()
                self._git_failing.set(1)
            elif event.kind is EventKind.GIT_BACK:
                self._git_failing.set(0)

    def reported(self, report: Report, duration_s: float) -> None:
        """Take over what a pass has found and done."""
        with self._lock:
            self._passes.labels(report.result.value).inc()
            self._pass_duration.observe(duration_s)
            self._makespan.set(report.plans[-1].makespan_s if report.plans else 0)
            self._commit.clear()
            if report.commit is not None:
                self._commit.labels(report.fleet, report.commit.id).set(1)
            self._fleet(report)
            for step in (*report.adopted, *report.steps):
                self._step(step)

    def beat(self, health: Health) -> None:
        """Take over what the daemon says of itself."""
        with self._lock:
            self._beat.set_to_current_time()
            self._started.set(health.started_s)
            self._interval.set(health.interval_s)
            self._passing.set(health.passing_since_s is not None)
            self._unpublished.set(health.unpublished)
            self._trouble.set(bool(health.trouble))
            if health.pass_ended_s is not None:
                self._last_pass.set(health.pass_ended_s)
            if health.success_s is not None:
                self._last_success.set(health.success_s)

    def _fleet(self, report: Report) -> None:
        for condition in ConditionType:
            holding = sum(guest.holding(condition) is not None for guest in report.guests)
            self._guests.labels(condition.value).set(holding)
        findings = Count(guest.diff.finding for guest in report.guests)
        for finding in Finding:
            self._findings.labels(finding.value).set(findings[finding])
        away = sum(host.reason is HostReason.UNREACHABLE for host in report.difference.hosts)
        self._declared.set(len(report.observed.hosts))
        self._unreachable.set(away)
        self._distrusted.set(len(report.difference.hosts) - away)
        held = {brake.reason for brake in report.brakes}
        for reason in BrakeReason:
            self._brakes.labels(reason.value).set(reason.value in held)
        self._brakes.labels(OTHER).set(bool(held - set(BrakeReason)))

    def _step(self, run: StepRun) -> None:
        """One step that has ended; those that were never begun moved nobody."""
        progress, method = run.progress, run.step.method
        if run.step.kind is not StepKind.MIGRATE or method is None:
            return
        if progress.outcome is None or progress.started_s is None or progress.ended_s is None:
            return
        self._moves.labels(method.value, progress.outcome.kind.value).inc()
        self._move_duration.labels(method.value).observe(max(0.0, progress.ended_s - progress.started_s))
        if method is Method.OFFLINE and run.step.running:
            stops = [command.sent_s for command in run.commands if command.verb in STOPS]
            self._downtime.inc(max(0.0, progress.ended_s - min(stops)) if stops else 0.0)
