"""How a pass went, as people read it at the end of `apply`. Never more than 80 columns wide."""

from __future__ import annotations

from reconciler.core.execution.run import StepState
from reconciler.core.model import StepKind
from reconciler.core.planning.plan import Plan
from reconciler.core.quantities import format_duration
from reconciler.core.reports.report import Report, Result
from reconciler.render import words
from reconciler.render.escape import terminal, terminal_lines
from reconciler.render.layout import Cell, Column, Paint, no_paint, table, wrap
from reconciler.render.run_summary import BAD, MoveSummary, failed_guests, moved_guests, moves_of, run_summary
from reconciler.render.text.difference import host_lines
from reconciler.render.text.names import command, name
from reconciler.render.text.plan import blocked_lines, brake_lines

COLUMNS = (
    Column(""),
    Column("GUEST", flexible=True),
    Column("FROM", flexible=True),
    Column("→ TO", flexible=True),
    Column("HOW"),
    Column("ENDED"),
    Column("TOOK", right=True),
    Column("PLANNED", right=True),
)
SIGNS = {
    StepState.DONE: ("✓", "good"),
    StepState.FAILED: ("✗", "bad"),
    StepState.UNKNOWN: ("?", "bad"),
    StepState.STARTED: ("…", "warn"),
    StepState.WAITING: ("-", "dim"),
    StepState.SKIPPED: ("-", "dim"),
}
OUTPUT_LINES = 5
"""Of the last command of a step that went wrong."""


def run_text(report: Report, *, shown: Plan | None = None, paint: Paint = no_paint) -> str:
    """The pass: each step with how it ended, what went wrong in full, what is left, and a line to sum up.

    What a plan that was `shown` just before said is not said again where nothing was run.
    """
    moves = moves_of(report)
    left = report.plans[-1] if report.plans else None
    blocked, brakes = left.blocked if left else (), report.brakes
    if shown is not None and not moves:
        blocked = () if blocked == shown.blocked else blocked
        brakes = tuple(brake for brake in brakes if brake not in shown.brakes)
    sections = [
        table(COLUMNS, [_row(move) for move in moves], paint=paint) if moves else [],
        _changes(moves),
        _wrong(report, paint),
        host_lines(report.difference.hosts, paint),
        blocked_lines(blocked, paint),
        brake_lines(brakes, paint),
        [paint("good" if report.result is Result.CONVERGED else "strong", line) for line in wrap(_last_line(report))],
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _row(move: MoveSummary) -> tuple[str | Cell, ...]:
    sign, style = SIGNS[move.state]
    ended = str(move.state) if move.state is not StepState.FAILED else move.outcome or "failed"
    return (
        Cell(sign, style),
        Cell(terminal(move.guest), "strong"),
        terminal(move.source),
        f"→ {terminal(move.target)}" if move.target != move.source else "",
        words.way(move),
        Cell(terminal(ended), style),
        format_duration(move.took_s) if move.took_s is not None else words.NONE,
        format_duration(move.predicted_s) if not move.adopted else words.NONE,
    )


def _changes(moves: tuple[MoveSummary, ...]) -> list[str]:
    """What the set steps among them were to change."""
    lines = []
    for move in moves:
        lines += (
            wrap(f"set {name(move.guest)}: {terminal(move.change)}", first="  ", rest="    ") if move.change else []
        )
    return lines


def _wrong(report: Report, paint: Paint) -> list[str]:
    """What an operator needs to go on from: the reason, where the guest was seen, and what the host printed."""
    lines = []
    for run in (*report.adopted, *report.steps):
        if run.progress.state not in BAD:
            continue
        outcome = run.progress.outcome
        why = f"{terminal(outcome.reason)}: {terminal(outcome.text)}" if outcome else "no outcome was recorded"
        lines += wrap(f"{name(run.step.guest)}: {why}", first="  ", rest="    ")
        if run.read_back:
            lines += wrap(f"seen last: {terminal(run.read_back)}", first="    ")
        if run.commands:
            last = run.commands[-1]
            lines += wrap(command(last.host, last.argv), first="    ", rest="      ")
            for line in terminal_lines(last.output_tail)[-OUTPUT_LINES:]:
                lines += wrap(line, first="      | ", rest="      | ")
    return [paint("bad", "What went wrong"), *lines] if lines else []


OTHERWISE = {StepKind.START: "started", StepKind.STOP: "stopped", StepKind.SET: "set"}
"""What is done to guests besides moving them."""


def _last_line(report: Report) -> str:
    moves = moves_of(report)
    moved, failed = len(moved_guests(moves)), len(failed_guests(moves))
    skipped = sum(move.state in (StepState.SKIPPED, StepState.WAITING) for move in moves)
    parts = [f"{words.counted(moved, 'guest')} moved"] if moved else []
    for kind, what in OTHERWISE.items():
        others = {move.guest for move in moves if move.kind is kind and move.state is StepState.DONE}
        parts += [f"{words.counted(len(others), 'guest')} {what}"] if others else []
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{words.counted(skipped, 'step')} not begun"] if skipped else []
    done = ", ".join(parts) or "nothing was done"
    took = f" in {format_duration(report.ended_s - report.started_s)}" if parts else ""
    predictions = run_summary(report).predictions
    took += f", {predictions}" if predictions else ""
    a_person = any(guest.stalled is not None for guest in report.guests)
    follows = {
        Result.RUNNING: "the pass goes on",
        Result.CONVERGED: "the fleet is as declared",
        Result.BLOCKED: "what is left needs nothing but time"
        if report.waits
        else "what is left needs a person"
        if a_person
        else "what is left is left so on purpose",
        Result.HELD: "the rest is held" if parts else "the plan is held",
        Result.INCOMPLETE: "the next pass goes on",
    }[report.result]
    return words.sentence(f"{done}{took}; {follows}")
