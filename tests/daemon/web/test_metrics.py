"""Metrics: what passes found and did, in series whose number does not depend on the fleet's size."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from reconciler.core.diff import Diff, Finding, HostFinding, HostReason
from reconciler.core.observed import ObservedFleet, Unreachable
from reconciler.core.planning.plan import Brake
from reconciler.core.reports.conditions import Condition, ConditionType, Status
from reconciler.core.reports.events import Event, EventKind, Severity
from reconciler.core.reports.report import CommandRun, GuestStatus, Report, StepRun
from reconciler.loop.daemon.telling.observer import Health
from reconciler.web.metrics import Metrics
from tests.render import example

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "reference" / "metrics.md").read_text(encoding="utf-8")
GUIDE = (DOCS / "guides" / "watch-it-with-prometheus.md").read_text(encoding="utf-8")

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def series(metrics: Metrics) -> Series:
    """As a Prometheus reads them."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return series(metrics).get((f"reconciler_{name}", tuple(sorted(labels.items()))))


def reported(*reports: Report) -> Metrics:
    metrics = Metrics()
    for report in reports:
        metrics.reported(report, report.ended_s - report.started_s)
    return metrics


def test_a_pass_is_counted_and_the_fleet_shown_as_it_was_found_last() -> None:
    metrics = reported(example.REPORT, example.later())
    assert 2 == value(metrics, "passes_total", result="incomplete")
    assert 0 == value(metrics, "passes_total", result="converged")
    assert (2, 909) == (value(metrics, "pass_duration_seconds_count"), value(metrics, "pass_duration_seconds_sum"))
    assert (2, 1) == (value(metrics, "guests", condition="Ready"), value(metrics, "guests", condition="Stalled"))
    assert 1 == value(metrics, "guests_by_finding", finding="misplaced")
    assert (4, 1, 0) == tuple(
        value(metrics, name) for name in ("hosts_declared", "hosts_unreachable", "hosts_distrusted")
    )


def test_moves_are_counted_by_how_they_ended_and_those_never_begun_are_not() -> None:
    metrics = reported(example.REPORT)
    assert 1 == value(metrics, "moves_total", method="online", outcome="done")
    assert 1 == value(metrics, "moves_total", method="online", outcome="unknown")
    assert 1 == value(metrics, "moves_total", method="offline", outcome="done")
    assert 970 == value(metrics, "move_duration_seconds_sum", method="online")
    assert 2 == value(metrics, "move_duration_seconds_count", method="online")


def test_downtime_runs_from_the_stop_to_the_end_of_the_move() -> None:
    begun_s = example.BEGUN_S
    stop = CommandRun("vmhost-c", "stop", (), begun_s + 50, begun_s + 51, "", 0, "")
    offline = StepRun(example.DB, example.REPORT.steps[1].progress, (stop,))
    asleep = replace(offline, step=replace(example.DB, running=False))
    assert 151 == value(reported(replace(example.REPORT, steps=(offline,))), "downtime_seconds_total")
    assert 0 == value(reported(replace(example.REPORT, steps=(asleep,))), "downtime_seconds_total")


def test_there_is_one_commit_only() -> None:
    other = replace(example.later(), commit=replace(example.COMMIT, id="f" * 40))
    metrics = reported(example.REPORT, other)
    found = [labels for name, labels in series(metrics) if name == "reconciler_commit_info"]
    assert [(("commit", "f" * 40), ("fleet", "demo"))] == found


def test_brakes_are_zero_or_one_and_unknown_ones_share_a_name() -> None:
    brakes = (Brake("Suspended", ""), Brake("SomethingNew", ""))
    metrics = reported(replace(example.REPORT, brakes=brakes))
    assert [1, 0, 1] == [value(metrics, "brakes", reason=reason) for reason in ("Suspended", "TooManyMoves", "other")]
    metrics.reported(example.later(), 1)
    assert [0, 0] == [value(metrics, "brakes", reason=reason) for reason in ("Suspended", "other")]


def event(kind: EventKind, severity: Severity) -> Event:
    return Event(kind, severity, 1.0, "demo", "m")


def test_git_fails_from_the_trouble_to_the_end_of_it() -> None:
    metrics = Metrics()
    metrics.event(event(EventKind.GIT_TROUBLE, Severity.WARNING))
    assert 0 == value(metrics, "git_failing")
    metrics.event(event(EventKind.GIT_TROUBLE, Severity.ERROR))
    assert (1, 1) == (value(metrics, "git_failing"), value(metrics, "git_troubles_total"))
    metrics.event(event(EventKind.GIT_BACK, Severity.INFO))
    assert (0, 1) == (value(metrics, "git_failing"), value(metrics, "git_troubles_total"))
    assert 1 == value(metrics, "events_total", kind="git-back", severity="info")


def test_what_the_daemon_says_of_itself_is_shown() -> None:
    metrics = Metrics()
    metrics.beat(Health("demo", 5.0, 300.0, 9.0, 8.0, None, unpublished=3, trouble="git is away"))
    names = ("start_timestamp_seconds", "interval_seconds", "pass_under_way", "last_pass_timestamp_seconds")
    assert [5, 300, 1, 8] == [value(metrics, name) for name in names]
    assert (0, 3, 1) == tuple(
        value(metrics, name) for name in ("last_success_timestamp_seconds", "reports_unpublished", "trouble")
    )


def large(guests: int, commit: str) -> Report:
    """Many guests and hosts, none like the other."""
    condition = Condition(ConditionType.STALLED, Status.TRUE, "NoRoom", "no room")
    statuses = tuple(
        GuestStatus(example.guest(f"g{number}", finding, f"h{number}", "", "x"), (condition,))
        for number in range(guests)
        for finding in [list(Finding)[number % len(Finding)]]
    )
    hosts = {f"h{number}": Unreachable(f"h{number}", "away") for number in range(guests // 10)}
    away = tuple(HostFinding(host, HostReason.UNREACHABLE, "away") for host in hosts)
    steps = tuple(
        StepRun(replace(example.WEB01, id=f"{number}", guest=f"g{number}"), example.REPORT.steps[0].progress, ())
        for number in range(guests // 10)
    )
    found = replace(
        example.REPORT, difference=Diff((), away), guests=statuses, observed=ObservedFleet(hosts), steps=steps
    )
    return replace(found, commit=replace(example.COMMIT, id=commit), brakes=(Brake("Suspended", f"{guests}"),))


def test_twenty_thousand_guests_have_as_many_series_as_twenty() -> None:
    metrics = reported(large(20, "a" * 40), example.REPORT)
    before = set(series(metrics))
    metrics.reported(large(20_000, "b" * 40), 1)
    after = set(series(metrics))
    assert 20_000 == sum(
        number for (name, _), number in series(metrics).items() if name == "reconciler_guests_by_finding"
    )
    assert {"reconciler_commit_info"} == {name for name, _ in before ^ after}
    assert len(before) == len(after) < 250


def names(metrics: Metrics) -> set[str]:
    return {
        f"{family.name}_total" if family.type == "counter" else family.name for family in metrics.registry.collect()
    }


def test_each_metric_is_documented_and_none_that_there_is_not() -> None:
    documented = set(re.findall(r"^\| `([a-z_]+)", PAGE, re.MULTILINE))
    ours = {name for name in names(Metrics()) if name.startswith("reconciler_")}
    assert len(ours) > 20
    assert ours == documented


def test_each_metric_is_documented_with_its_type_and_its_labels() -> None:
    rows = dict(re.findall(r"^\| `([a-z_]+)(?:\{[a-z, ]*\})?` \| (\w+)", PAGE, re.MULTILINE))
    types = {
        f"{family.name}_total" if family.type == "counter" else family.name: family.type
        for family in Metrics().registry.collect()
        if family.name.startswith("reconciler_")
    }
    assert types == rows
    labels = dict(re.findall(r"^\| `([a-z_]+)\{([a-z, ]*)\}`", PAGE, re.MULTILINE))
    metrics = reported(example.REPORT)
    metrics.event(event(EventKind.STARTED, Severity.INFO))
    found = {
        re.sub("_(bucket|sum|count)$", "", name): ", ".join(key for key, _ in pairs if key != "le")
        for (name, pairs) in series(metrics)
        if name.startswith("reconciler_") and [key for key, _ in pairs if key != "le"]
    }
    assert found == labels


def test_the_alerts_of_the_guide_name_metrics_labels_and_reasons_that_there_are() -> None:
    expressions = re.findall(r"^ +expr: (.*)$", GUIDE, re.MULTILINE)
    metrics = reported(example.REPORT)
    metrics.event(event(EventKind.STARTED, Severity.INFO))
    known = {name for name, _ in series(metrics)}
    used = {name for line in expressions for name in re.findall(r"\breconciler_\w+", line)}
    assert len(expressions) >= 5
    assert set() == used - known
    values = {pair for _, pairs in series(metrics) for pair in pairs}
    matchers = [pair for line in expressions for pair in re.findall(r'(\w+)(?:=~|!~|!=|=)"([^"]+)"', line)]
    named = {(label, word) for label, words in matchers if label != "job" for word in words.split("|")}
    assert len(named) >= 4
    assert set() == named - values
