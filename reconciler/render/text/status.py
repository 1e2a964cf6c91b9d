"""The state of a fleet, as people read it in a terminal. Called for `status`.

Hosts are drawn as bars of their memory. Never more than 80 columns wide.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.quantities import format_duration, format_memory
from reconciler.core.reports.report import Result
from reconciler.render import words
from reconciler.render.escape import terminal
from reconciler.render.fleet_status import FleetStatus, HostUse
from reconciler.render.layout import Cell, Column, Paint, bar, no_paint, table, wrap
from reconciler.render.run_summary import RunSummary
from reconciler.render.text.names import name
from reconciler.render.text.plan import brake_lines

BAR_CHARACTERS = 16
FULL_PERCENT = 90
COMMIT_CHARACTERS = 8
TROUBLES_MAX = 20
"""So many guests are listed; the last line says how many more there are."""

HOSTS = (
    Column("HOST", flexible=True),
    Column("MEMORY"),
    Column("", right=True),
    Column("USED", right=True),
    Column("OF", right=True),
    Column("RUNNING", right=True),
    Column("VERSION", flexible=True),
)
RUN_COLUMNS = (
    Column("BEGUN (UTC)"),
    Column("TOOK", right=True),
    Column("RESULT"),
    Column("MOVED", right=True),
    Column("FAILED", right=True),
    Column("COMMIT"),
)
"""Of every table of runs; what it ends with is its own."""
RUNS = (*RUN_COLUMNS, Column("RUN", flexible=True))
MOVING = (
    Column("BEGUN (UTC)"),
    Column("GUEST", flexible=True),
    Column("FROM", flexible=True),
    Column("→ TO", flexible=True),
    Column("HOW"),
    Column("PLANNED", right=True),
)
RESULT_STYLES = {
    Result.RUNNING: "strong",
    Result.CONVERGED: "good",
    Result.BLOCKED: "bad",
    Result.HELD: "warn",
    Result.INCOMPLETE: "warn",
}


def status_text(status: FleetStatus, age: str = "", *, paint: Paint = no_paint) -> str:
    """The state of the fleet; `age` says in our own words how old this is."""
    sections = [
        [*_headline(status, paint), *([paint("dim", line) for line in wrap(age, first="  ")] if age else [])],
        brake_lines(status.brakes, paint),
        _moving(status, paint),
        _troubles(status, paint),
        wrap(words.sentence(status.plan), first="Still to do: ") if status.plan else [],
        use_lines(status.hosts, paint),
        _last_run(status, paint),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def age_text(reported_s: float | None, alive_s: float | None, now_s: float) -> str:
    """`reported 2026-11-23 20:30 UTC, 4m ago; last sign of life 1m ago`. A clock that is behind the reports, such as
    one beside a simulated fleet, makes no ages."""
    parts = []
    if reported_s is not None:
        ago = f", {format_duration(now_s - reported_s)} ago" if now_s >= reported_s else ""
        parts.append(f"reported {words.minute(words.when(reported_s))} UTC{ago}")
    if alive_s is not None and now_s >= alive_s:
        parts.append(f"last sign of life {format_duration(now_s - alive_s)} ago")
    return "; ".join(parts)


def status_line(status: FleetStatus, reported_s: float | None) -> str:
    """The state of the fleet on one line, for logs and pipes."""
    at = f"{words.when(reported_s)}  " if reported_s is not None else ""
    moving = [f"{words.counted(len(status.moving), 'step')} under way"] if status.moving else []
    to_do = [f"still to do: {status.plan}"] if status.plan else []
    return f"{at}{terminal(status.fleet)}: {status.result}: {'; '.join([_standing(status), *moving, *to_do])}\n"


def _standing(status: FleetStatus) -> str:
    counts = status.counts
    parts = [f"{counts.ready} of {words.counted(counts.declared, 'guest')} as declared"]
    parts += [f"{counts.stalled} {'needs' if counts.stalled == 1 else 'need'} a person"] if counts.stalled else []
    parts += status.going
    parts += [f"{counts.other} not settled"] if counts.other else []
    parts += [f"{counts.unmanaged} unmanaged"] if counts.unmanaged else []
    parts += [f"{words.counted(counts.hosts_in_trouble, 'host')} in trouble"] if counts.hosts_in_trouble else []
    return ", ".join(parts)


def _headline(status: FleetStatus, paint: Paint) -> list[str]:
    lines = wrap(f"Fleet {name(status.fleet)}: {status.result}. {_standing(status)}.")
    subject = f"  {terminal(status.subject)}" if status.subject else ""
    commit = terminal(status.commit[: words.COMMIT_CHARACTERS]) or words.UNCOMMITTED
    return [paint(RESULT_STYLES[status.result], line) for line in lines] + wrap(f"at {commit}{subject}", first="  ")


def _troubles(status: FleetStatus, paint: Paint) -> list[str]:
    troubles = sorted(status.troubles, key=lambda trouble: (not trouble.stalled, trouble.since or "9", trouble.guest))
    lines = [paint("bad", "Not as declared")] if troubles else []
    for trouble in troubles[:TROUBLES_MAX]:
        since = f" (since {terminal(words.minute(trouble.since))})" if trouble.since else ""
        why = f"{terminal(trouble.reason)}: {terminal(trouble.message)}{since}"
        lines += wrap(f"{name(trouble.guest)}: {why}", first="  ", rest="    ")
        if trouble.fix:
            lines += wrap(terminal(trouble.fix), first="    fix: ")
    if len(troubles) > TROUBLES_MAX:
        lines.append(f"  and {len(troubles) - TROUBLES_MAX} more: see -o json")
    return lines


def _moving(status: FleetStatus, paint: Paint) -> list[str]:
    rows = [
        (
            terminal(words.minute(step.started))[5:],
            Cell(terminal(step.guest), "strong"),
            terminal(step.source),
            f"→ {terminal(step.target)}" if step.target != step.source else "",
            words.way(step),
            format_duration(step.predicted_s),
        )
        for step in status.moving
    ]
    return [paint("strong", "Under way"), *table(MOVING, rows, paint=paint, indent="  ")] if rows else []


def use_lines(hosts: Sequence[HostUse], paint: Paint = no_paint) -> list[str]:
    """Each host as a bar; those in trouble with the reason below."""
    rows = [_use(host) for host in hosts]
    lines = table(HOSTS, rows, paint=paint) if rows else []
    for host in hosts:
        if host.trouble:
            text = f"{name(host.name)}: {terminal(host.trouble)}: {terminal(host.text)}"
            lines += [paint("bad", line) for line in wrap(text, first="  ", rest="    ")]
    return lines


def _use(host: HostUse) -> tuple[str | Cell, ...]:
    if not host.known:
        return (Cell(terminal(host.name), "bad"), Cell("not read", "bad"), "", "", "", "", "")
    share = 100 * host.memory_used_mib // host.memory_capacity_mib if host.memory_capacity_mib > 0 else 100
    style = "bad" if share > 100 else "warn" if share >= FULL_PERCENT else "good"
    return (
        terminal(host.name),
        Cell(_bar(host), style),
        f"{share}%",
        format_memory(host.memory_used_mib),
        format_memory(host.memory_capacity_mib),
        f"{host.running}/{host.guests}",
        f"{terminal(host.platform)} {terminal(host.version)}",
    )


def _bar(host: HostUse) -> str:
    running_mib = host.memory_used_mib - host.memory_kept_mib
    return bar(running_mib, host.memory_capacity_mib, BAR_CHARACTERS, kept=host.memory_kept_mib)


def _last_run(status: FleetStatus, paint: Paint) -> list[str]:
    return _runs_table(status.runs[:3], paint) if status.runs else []


def _runs_table(runs: Sequence[RunSummary], paint: Paint) -> list[str]:
    # The year is in the id of the run.
    rows = [(*run_cells(run, terminal(words.minute(run.started))[5:]), terminal(run.id)) for run in runs]
    return table(RUNS, rows, paint=paint)


def run_cells(run: RunSummary, begun: str) -> tuple[str | Cell, ...]:
    """One for each of RUN_COLUMNS; `begun` is as long as that table needs it."""
    return (
        begun,
        format_duration(run.duration_s),
        Cell(str(run.result), RESULT_STYLES[run.result]),
        str(run.moved),
        Cell(str(run.failed), "bad" if run.failed else ""),
        terminal(run.commit[:COMMIT_CHARACTERS]) or words.NONE,
    )
