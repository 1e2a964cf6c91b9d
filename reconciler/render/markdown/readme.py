"""README.md of the status branch: the state of the fleet for whoever opens the branch on the forge.

Called by status_tree. Never holds a time or id of a pass that changed nothing; long lists end with a hint at
index.json.
"""

from __future__ import annotations

from reconciler.core.model import StepKind
from reconciler.core.quantities import format_duration, format_memory
from reconciler.core.reports.report import Result
from reconciler.render import words
from reconciler.render.fleet_status import FleetStatus, HostUse
from reconciler.render.layout import bar
from reconciler.render.markdown.table import head, row, said
from reconciler.render.run_summary import MoveSummary, RunSummary

ROWS_MAX = 100
BAR_CHARACTERS = 20


def readme(status: FleetStatus) -> str:
    """The page."""
    sections = [
        [f"# Fleet {said(status.fleet)}", "", state_sentence(status), "", _documents(status)],
        _brakes(status),
        _troubles(status),
        _planned(status),
        _hosts(status),
        _last_moves(status),
        _runs(status),
        ["---", FOOT],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def state_sentence(status: FleetStatus) -> str:
    """How the fleet stands, in a sentence."""
    counts = status.counts
    away = counts.hosts_in_trouble
    trouble = f" {words.counted(away, 'host is', 'hosts are')} in trouble." if away else ""
    others = f"{counts.declared - counts.ready} of {words.counted(counts.declared, 'declared guest')}"
    text = {
        Result.CONVERGED: f"all {words.counted(counts.declared, 'declared guest')} are where and as declared.",
        Result.BLOCKED: f"{others} cannot be brought to their place without a person.",
        Result.HELD: f"a brake keeps the plan from being run; {others} are not as declared.",
        Result.INCOMPLETE: f"{others} are not there yet; the next pass goes on.",
    }[status.result]
    return f"**{status.result.value.capitalize()}**: {text}{trouble}"


def _documents(status: FleetStatus) -> str:
    if not status.commit:
        return "The documents were never committed."
    subject = f", {said(status.subject)}" if status.subject else ""
    author = f" ({said(status.author)})" if status.author else ""
    return f"Documents: {said(status.commit)}{subject}{author}"


def _brakes(status: FleetStatus) -> list[str]:
    lines = []
    for brake in status.brakes:
        release = f"<br>Release: {said(brake.release)}" if brake.release else ""
        lines.append(f"- **{said(brake.reason)}**: {said(brake.text)}{release}")
    return ["## Held", "", *lines] if lines else []


def _troubles(status: FleetStatus) -> list[str]:
    """Those that need a person first."""
    troubles = sorted(status.troubles, key=lambda trouble: (not trouble.stalled, trouble.guest))
    rows = [
        row(
            [
                said(trouble.guest),
                said(", ".join(trouble.places)) or "not seen",
                said(trouble.wanted) or words.NONE,
                f"**{said(trouble.reason)}**: {said(trouble.message)}",
            ]
        )
        for trouble in troubles
    ]
    return _table("Guests that are not as declared", ("Guest", "Is on", "Declared on", "Why"), rows)


def _planned(status: FleetStatus) -> list[str]:
    if not status.plan:
        return []
    rows = [
        row(
            [
                said(step.guest),
                _route(step.source, step.target),
                f"{step.method or step.kind} {said(step.change)}".rstrip(),
                format_duration(step.downtime_s) if step.downtime_s else words.NONE,
            ]
        )
        for step in status.planned
    ]
    lines = _table("Still to do", ("Guest", "From → to", "How", "Down:"), rows)
    return [lines[0], "", words.sentence(status.plan), *lines[1:]]


def _hosts(status: FleetStatus) -> list[str]:
    columns = ("Host", "Memory for guests", "Used:", "Of:", "Running:", "Registered:", "Version")
    return _table("Hosts", columns, [_host(host) for host in status.hosts])


def _host(host: HostUse) -> str:
    name = said(host.name)
    if not host.known:
        return row([name, f"**{said(host.trouble)}**: {said(host.text)}", *[words.NONE] * 5])
    trouble = f"<br>**{said(host.trouble)}**: {said(host.text)}" if host.trouble else ""
    drawing = bar(host.memory_used_mib, host.memory_capacity_mib, BAR_CHARACTERS)
    used = format_memory(host.memory_used_mib)
    return row(
        [
            name,
            f"`{drawing}`{trouble}",
            f"**{used}**" if host.memory_used_mib > host.memory_capacity_mib else used,
            format_memory(host.memory_capacity_mib),
            str(host.running),
            str(host.guests),
            f"{said(host.platform)} {said(host.version)}",
        ]
    )


def _last_moves(status: FleetStatus) -> list[str]:
    """The latest run that did anything."""
    run = next((run for run in status.runs if run.moves), None)
    if run is None:
        return []
    rows = [
        row([said(move.guest), _route(move.source, move.target), _way(move), _end(move), _took(move)])
        for move in run.moves
    ]
    lines = _table("Last moves", ("Guest", "From → to", "How", "Ended", "Took:"), rows, run.left_out)
    return [lines[0], "", f"Begun {said(run.started)}, {_link(run)}.", *lines[1:]]


def _route(source: str, target: str) -> str:
    return said(source) if source == target else f"{said(source)} → {said(target)}"


def _way(move: MoveSummary) -> str:
    word = f"{move.method or move.kind} {said(move.change)}".rstrip()
    return f"{word} (hop)" if move.kind is StepKind.MIGRATE and move.hop else word


def _end(move: MoveSummary) -> str:
    if not move.reason or move.state == "done":
        return move.state
    return f"**{move.state}** {said(move.reason)}: {said(move.text)}"


def _took(move: MoveSummary) -> str:
    return format_duration(move.took_s) if move.took_s is not None else words.NONE


def _runs(status: FleetStatus) -> list[str]:
    rows = [
        row(
            [
                _link(run),
                said(run.started),
                run.result,
                said(run.commit[: words.COMMIT_CHARACTERS]) or words.NONE,
                str(run.moved),
                str(run.failed),
            ]
        )
        for run in status.runs
    ]
    return _table("Last runs", ("Run", "Begun", "Result", "Documents", "Moved:", "Failed:"), rows)


def _link(run: RunSummary) -> str:
    return f"[{said(run.id)}]({run.path})"


FOOT = (
    "Written by the reconciler when something changed. An old page means a fleet at rest, or a reconciler that is not "
    "running: this page cannot tell which. `index.json` is this page for programs, `guests/` has every guest, "
    "`observed/` what each host said, `runs/` every run with its commands."
)


def _table(title: str, columns: tuple[str, ...], rows: list[str], left_out: int = 0) -> list[str]:
    """A section with at most ROWS_MAX rows; none where there are no rows."""
    if not rows:
        return []
    left_out += max(0, len(rows) - ROWS_MAX)
    more = ["", f"*{left_out} more are in `index.json` or the run record.*"] if left_out else []
    return [f"## {title}", "", head("", *columns), *rows[:ROWS_MAX], *more]
