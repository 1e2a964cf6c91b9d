"""What was done and by whom, as people read it in a terminal. Called for `history`. Never more than 80 columns wide."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.execution.run import StepState
from reconciler.core.quantities import format_duration
from reconciler.render import words
from reconciler.render.escape import terminal, terminal_lines
from reconciler.render.layout import Column, Paint, no_paint, table, wrap
from reconciler.render.outputs.history import RunRecord, SentCommand, Sighting
from reconciler.render.run_summary import MoveSummary, RunSummary
from reconciler.render.text.names import command, name, route
from reconciler.render.text.status import COMMIT_CHARACTERS, RUN_COLUMNS, run_cells

RUNS = (*RUN_COLUMNS, Column("BY", flexible=True))
STATE_STYLES = {"done": "good", "failed": "bad", "unknown": "bad"}
OUTPUT_LINES = 5
"""Of what a command printed."""
MORE = "There are more: --limit, or --until with the oldest time above."
NO_RECORD = "No pass has left a record yet."


def history_text(
    runs: Sequence[RunRecord],
    guest: str = "",
    seen: Sequence[Sighting] = (),
    *,
    commands: bool = False,
    more: bool = False,
    newest: str = "",
    paint: Paint = no_paint,
) -> str:
    """Passes, newest first: a line each, or with their steps and commands. With a guest, what was done to it, and what
    was seen of it that nobody here did. `more`: the list was cut short. `newest`: when the latest pass of all
    began, where none was in the time that was asked about."""
    if guest:
        lines = _of_guest(runs, guest, seen, commands, paint)
    elif commands:
        blocks = [[*_run(run, paint), *_moves(run, "  ", commands, paint)] for run in runs]
        lines = [line for block in blocks for line in [*block, ""]][:-1]
    else:
        lines = _table([run.summary for run in runs], paint)
    none = f"No pass of that time left a record; the latest of all began {terminal(words.minute(newest))} UTC."
    nothing = f"Nothing was done to {name(guest)} in the passes that were read."
    lines = lines or wrap(nothing if guest else none if newest else NO_RECORD)
    return "\n".join([*lines, *([paint("dim", MORE)] if more else [])]) + "\n"


def _table(runs: Sequence[RunSummary], paint: Paint) -> list[str]:
    rows = [
        (*run_cells(run, terminal(words.minute(run.started))), terminal(words.person(run.author)) or words.NONE)
        for run in runs
    ]
    return table(RUNS, rows, paint=paint) if rows else []


def _run(record: RunRecord, paint: Paint) -> list[str]:
    """What was run, on whose behalf, and where the record lies."""
    run = record.summary
    took = f"{terminal(words.minute(run.started))}  {run.result}, {format_duration(run.duration_s)}"
    took += f"; {run.predictions}" if run.predictions else ""
    lines = [paint("strong", line) for line in wrap(took)]
    return lines + wrap(_who(record), first="  ") + wrap(terminal(run.path), first="  ")


def _who(record: RunRecord) -> str:
    """`3f2a9c1d Move the web tier (Ann Lee, approved by Bo Ek), run by ctl@adm1`."""
    run = record.summary
    commit = terminal(run.commit[:COMMIT_CHARACTERS]) or words.UNCOMMITTED
    author = terminal(words.person(run.author))
    approved = words.listed([terminal(words.person(person)) for person in record.approved_by])
    people = ", ".join([*([author] if author else []), *([f"approved by {approved}"] if approved else [])])
    by = f", run by {terminal(run.controller)}" if run.controller else ""
    return f"{commit} {terminal(run.subject)}".rstrip() + (f" ({people})" if people else "") + by


def _moves(run: RunRecord, indent: str, commands: bool, paint: Paint) -> list[str]:
    lines = []
    for move, sent in zip(run.summary.moves, run.commands, strict=True):
        lines += [paint("strong", line) for line in wrap(f"{name(move.guest)}: {_what(move)}", first=indent)]
        lines += _about(move, indent + "  ", paint)
        lines += [line for entry in sent for line in _command(entry, indent + "  ")] if commands else []
    return lines


def _of_guest(
    runs: Sequence[RunRecord], guest: str, seen: Sequence[Sighting], commands: bool, paint: Paint
) -> list[str]:
    blocks: list[tuple[str, list[str]]] = []
    for run in runs:
        for move, sent in zip(run.summary.moves, run.commands, strict=True):
            at = move.started or run.summary.started
            block = [paint("strong", line) for line in wrap(_what(move), first=f"{terminal(words.minute(at))}  ")]
            block += _about(move, "  ", paint) + wrap(_who(run), first="  who: ")
            block += wrap(terminal(run.summary.path), first="  run: ")
            block += [line for entry in sent for line in _command(entry, "  ")] if commands else []
            blocks.append((at, block))
    for sighting in seen:
        text = f"not by us: {_seen(sighting)}"
        lines = wrap(text, first=f"{terminal(words.minute(sighting.at))}  ")
        blocks.append((sighting.at, [paint("warn", line) for line in lines]))
    ordered = sorted(blocks, key=lambda block: block[0], reverse=True)
    return [line for _, block in ordered for line in [*block, ""]][:-1]


def _seen(sighting: Sighting) -> str:
    before, after = (terminal(", ".join(places)) or "nowhere" for places in (sighting.before, sighting.after))
    return f"seen on {after}, before on {before}".replace("on nowhere", "nowhere")


def _what(move: MoveSummary) -> str:
    """`vmhost-a → vmhost-b, online, done in 1m10s (1m12s predicted)`."""
    way = words.way(move)
    took = f" in {format_duration(move.took_s)}" if move.took_s is not None else ""
    if move.state is StepState.DONE and not move.adopted:
        took += f" ({format_duration(move.predicted_s)} predicted)"
    down = f", down for {format_duration(move.down_s)}" if move.down_s is not None else ""
    if down and move.predicted_down_s:
        down += f" ({format_duration(move.predicted_down_s)} predicted)"
    attempt = f", attempt {move.attempt}" if move.attempt > 1 else ""
    return f"{route(move.source, move.target)}, {way}, {move.state}{took}{down}{attempt}"


def _about(move: MoveSummary, indent: str, paint: Paint) -> list[str]:
    lines = wrap(terminal(move.why), first=f"{indent}why: ") if move.why else []
    lines += wrap(f"set {terminal(move.change)}", first=indent) if move.change else []
    if move.reason and move.state != "done":
        wrong = wrap(f"{terminal(move.reason)}: {terminal(move.text)}", first=indent)
        lines += [paint(STATE_STYLES.get(move.state, ""), line) for line in wrong]
    return lines


def _command(sent: SentCommand, indent: str) -> list[str]:
    answer = sent.answer if sent.status is None else f"{sent.answer}, status {sent.status}"
    lines = wrap(command(sent.host, sent.argv), first=indent, rest=f"{indent}  ")
    lines += wrap(f"{terminal(sent.sent)} {terminal(answer)}, {format_duration(sent.took_s)}", first=f"{indent}  ")
    for line in terminal_lines(sent.output_tail)[-OUTPUT_LINES:]:
        lines += wrap(line, first=f"{indent}  | ")
    return lines
