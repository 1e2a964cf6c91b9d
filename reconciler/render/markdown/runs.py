"""What is under way, what is left to do and what was done, for README.md of the status branch. Called by readme."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.execution.run import StepState
from reconciler.core.model import Method, StepKind
from reconciler.core.quantities import format_duration
from reconciler.render import words
from reconciler.render.fleet_status import FleetStatus
from reconciler.render.markdown.budget import Section
from reconciler.render.markdown.codes import Links, code
from reconciler.render.markdown.table import clipped, rows_section, said
from reconciler.render.run_summary import MoveSummary, RunSummary

GUESTS_NAMED_MAX = 3
"""A run names so many of the guests it moved."""
WHY_CHARACTERS = 120
"""The beginning of a reason says why a guest moved; why it could go online follows, and is in the run record."""


def moving(status: FleetStatus) -> Section:
    """The steps under way."""
    rows = [
        (
            said(step.guest),
            _route(step.source, step.target),
            _way(step, step.change),
            said(words.minute(step.started)) or words.NONE,
            format_duration(step.predicted_s),
        )
        for step in status.moving
    ]
    return rows_section("Under way", ("Guest", "From → to", "How", "Begun", "Planned:"), rows, "steps", 0.1)


def still_to_do(status: FleetStatus) -> Section:
    """The steps that nothing was done about yet."""
    rows = [
        (
            said(step.guest),
            _route(step.source, step.target),
            _deed(step.kind, step.method, step.change),
            format_duration(step.downtime_s) if step.downtime_s else words.NONE,
        )
        for step in status.planned
    ]
    if not status.plan:
        return Section("")
    about = words.sentence(status.plan)
    return rows_section("Still to do", ("Guest", "From → to", "How", "Down:"), rows, "steps", 0.15, about=about)


def last_moves(status: FleetStatus, links: Links) -> Section:
    """The latest run that did anything, step by step."""
    run = next((run for run in status.runs if run.moves), None)
    if run is None:
        return Section("")
    rows = [
        (
            said(move.guest),
            _route(move.source, move.target),
            _way(move, move.change),
            said(clipped(move.why, WHY_CHARACTERS)) or words.NONE,
            _end(move, links),
            _duration(move.took_s),
            _duration(move.down_s),
        )
        for move in run.moves
    ]
    begun = f"Begun {said(words.minute(run.started))}, {_link(run)}."
    columns = ("Guest", "From → to", "How", "Why", "Ended", "Took:", "Down:")
    return rows_section("Last moves", columns, rows, "steps", 0.15, about=begun, left_out=run.left_out)


def last_runs(status: FleetStatus) -> Section:
    """Those that did something or changed the result, newest first."""
    rows = [
        (
            f"[{said(words.minute(run.started)) or said(run.id)}]({run.path})",
            run.result,
            _moved(run.moves, run.moved),
            str(run.failed or words.NONE),
            format_duration(run.duration_s),
            _documents(run),
            said(words.person(run.author)) or words.NONE,
        )
        for run in status.runs
    ]
    columns = ("Begun", "Result", "Moved", "Failed:", "Took:", "Documents", "By")
    return rows_section("Last runs", columns, rows, "runs", 0.1)


def _documents(run: RunSummary) -> str:
    """Which documents it was for, as people know them."""
    if not run.commit:
        return words.NONE
    subject = f" {said(run.subject)}" if run.subject else ""
    return f"{said(run.commit[: words.COMMIT_CHARACTERS])}{subject}"


def _moved(moves: Sequence[MoveSummary], count: int) -> str:
    """`web01 → vmhost-b, db → vmhost-c and 7 more`: where guests ended, each once."""
    ends = {
        move.uuid or move.guest: move
        for move in moves
        if move.kind is StepKind.MIGRATE and move.state is StepState.DONE
    }
    named = [f"{said(move.guest)} → {said(move.target)}" for move in list(ends.values())[:GUESTS_NAMED_MAX]]
    more = count - len(named)
    return words.listed([*named, f"{more} more"] if more > 0 else named) or words.NONE


def _route(source: str, target: str) -> str:
    return said(source) if source == target else f"{said(source)}&nbsp;→ {said(target)}"


def _deed(kind: StepKind, method: Method | None, change: str) -> str:
    return f"{method or kind} {said(change)}".rstrip()


def _way(step: words.AnyStep, change: str) -> str:
    deed, detour = _deed(step.kind, step.method, change), words.detour(step)
    return f"{deed} ({detour})" if detour else deed


def _end(move: MoveSummary, links: Links) -> str:
    if not move.reason or move.state == "done":
        return move.state
    return f"{move.state}: {code(move.reason, links)}: {said(move.text)}"


def _duration(seconds: float | None) -> str:
    return format_duration(seconds) if seconds is not None else words.NONE


def _link(run: RunSummary) -> str:
    return f"[{said(run.id)}]({run.path})"
