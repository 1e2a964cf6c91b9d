"""What a change would do, as text: what it adds to the plan, and what it takes away. Called for `diff --base`."""

from __future__ import annotations

from reconciler.core.planning.plan import Plan
from reconciler.core.quantities import format_duration
from reconciler.render import words
from reconciler.render.comparison import Change
from reconciler.render.escape import terminal
from reconciler.render.layout import Cell, Column, Paint, Row, no_paint, table, wrap
from reconciler.render.text.documents import violation_blocks
from reconciler.render.text.names import route
from reconciler.render.text.plan import STYLES, blocked_lines, brake_lines

COLUMNS = (
    Column(""),
    Column("GUEST", flexible=True),
    Column("FROM → TO", flexible=True),
    Column("HOW"),
    Column("TIME", right=True),
    Column("DOWN", right=True),
    Column(""),
)


def change_text(change: Change, *, paint: Paint = no_paint) -> str:
    """`+` is what the change brings, `-` what would have been done without it."""
    one, other = words.short_commit(change.base.commit), words.short_commit(change.plan.commit)
    title = wrap(f"What {terminal(other)} changes, compared with {terminal(one)}, on the same hosts")
    rows = [*_rows("+", "good", change.brought), *_rows("-", "bad", change.dropped)]
    sections = [
        title,
        table(COLUMNS, rows, paint=paint, indent=" ") if rows else [],
        blocked_lines(change.brought.blocked, paint),
        _released(change.dropped),
        brake_lines(change.brought.brakes, paint),
        *violation_blocks(change.brought.violations, paint),
        [_last_line(change, paint)],
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _rows(sign: str, style: str, plan: Plan) -> list[Row]:
    return [
        (
            Cell(sign, style),
            Cell(terminal(step.guest), "strong"),
            route(step.source, step.target),
            Cell(words.how(step), STYLES[words.how(step)]),
            format_duration(step.duration_s),
            Cell(format_duration(step.downtime_s), "warn") if step.downtime_s else words.NONE,
            Cell(", ".join(words.marks(step)), "warn"),
        )
        for step in plan.steps
    ]


def _released(dropped: Plan) -> list[str]:
    names = [terminal(entry.guest) for entry in dropped.blocked]
    return wrap(f"No longer blocked, or for another reason: {words.listed(names)}") if names else []


def _last_line(change: Change, paint: Paint) -> str:
    if change.empty:
        return paint("good", "The change moves nothing.")
    brought = words.plan_line(change.brought) if not change.brought.empty else "nothing"
    return paint("strong", f"It brings: {brought.partition(' · ')[2] or brought}")
