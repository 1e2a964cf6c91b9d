"""What is wrong with documents, or that nothing is, as people read it in a terminal. Called for `validate`."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.desired import DesiredFleet
from reconciler.errors import Problem
from reconciler.render import words
from reconciler.render.escape import terminal
from reconciler.render.layout import Paint, no_paint, wrap
from reconciler.render.text.names import name


def validation_text(desired: DesiredFleet | None, problems: Sequence[Problem], *, paint: Paint = no_paint) -> str:
    """Each problem as everywhere else (what, where, what to do), then what follows from them."""
    ordered = sorted(problems, key=lambda problem: (problem.location, problem.code))
    blocks = ["\n".join(_problem(problem, paint)) for problem in ordered]
    style = "bad" if desired is None else "warn" if ordered else "good"
    blocks.append("\n".join(paint(style, line) for line in wrap(_last_line(desired, len(ordered)))))
    return "\n\n".join(blocks) + "\n"


def _problem(problem: Problem, paint: Paint) -> list[str]:
    """Places are not wrapped apart from their line number, so that editors and terminals can follow them."""
    place = f"{terminal(problem.location.file)}:{problem.location.line}:{problem.location.column}: "
    lines = [paint("bad", line) for line in wrap(f"error: {terminal(problem.code)}")]
    lines += wrap(f"{place}{terminal(problem.what)}", rest="  ")
    if problem.hint:
        lines += wrap(terminal(problem.hint), first="hint: ", rest="  ")
    return lines


def _last_line(desired: DesiredFleet | None, problems: int) -> str:
    if desired is None:
        return f"{words.counted(problems, 'problem')}: the commit is held, nothing is started from it."
    counts = f"{words.counted(len(desired.guests), 'guest')} on {words.counted(len(desired.hosts), 'host')}"
    valid = f"Fleet {name(desired.fleet.name)} is valid: {counts}."
    if not problems:
        return valid
    held = words.counted(len(desired.quarantined), "guest is", "guests are")
    return f"Fleet {name(desired.fleet.name)}: {counts}. {held} quarantined: reported, never touched, until mended."
