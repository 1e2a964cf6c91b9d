"""What is wrong with documents, or that nothing is, as people read it in a terminal. Called for `validate`, and for
what the declared end state violates by `diff` and `plan`.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.desired import DesiredFleet
from reconciler.core.desired.violations import Violation
from reconciler.errors import Location, Problem
from reconciler.render import words
from reconciler.render.escape import terminal
from reconciler.render.layout import Paint, no_paint, wrap
from reconciler.render.text.names import name


def validation_text(
    desired: DesiredFleet | None,
    problems: Sequence[Problem],
    violations: Sequence[Violation] = (),
    *,
    paint: Paint = no_paint,
) -> str:
    """Each problem as everywhere else (what, where, what to do), then what follows from them."""
    ordered = sorted(problems, key=lambda problem: (problem.location, problem.code))
    blocks = ["\n".join(_block("error", each.code, each.location, each.what, each.hint, paint)) for each in ordered]
    blocks += ["\n".join(block) for block in violation_blocks(violations, paint)]
    style = "bad" if desired is None else "warn" if ordered or violations else "good"
    blocks.append("\n".join(paint(style, line) for line in wrap(_last_line(desired, len(ordered), violations))))
    return "\n\n".join(blocks) + "\n"


def violation_blocks(violations: Sequence[Violation], paint: Paint = no_paint) -> list[list[str]]:
    """Each as problems are shown, those about required rules first."""
    ordered = sorted(violations, key=lambda each: not each.required)
    return [
        _block("error" if each.required else "warning", each.code, each.location, each.text, each.fix, paint)
        for each in ordered
    ]


def _block(word: str, code: str, location: Location, what: str, hint: str, paint: Paint) -> list[str]:
    """Places are not wrapped apart from their line number, so that editors and terminals can follow them."""
    place = f"{terminal(location.file)}:{location.line}:{location.column}: "
    lines = [paint("bad" if word == "error" else "warn", line) for line in wrap(f"{word}: {terminal(code)}")]
    lines += wrap(f"{place}{terminal(what)}", rest="  ")
    return lines + (wrap(terminal(hint), first="hint: ", rest="  ") if hint else [])


def _last_line(desired: DesiredFleet | None, problems: int, violations: Sequence[Violation]) -> str:
    if desired is None:
        return f"{words.counted(problems, 'problem')}: the commit is held, nothing is started from it."
    counts = f"{words.counted(len(desired.guests), 'guest')} on {words.counted(len(desired.hosts), 'host')}"
    kept = {guest for each in violations if each.required for guest in each.guests}
    warnings = sum(not each.required for each in violations)
    parts = [f"Fleet {name(desired.fleet.name)}{'' if problems or kept else ' is valid'}: {counts}."]
    if problems:
        held = words.counted(len(desired.quarantined), "guest is", "guests are")
        parts.append(f"{held} quarantined: reported, never touched, until mended.")
    if kept:
        parts.append(f"{words.counted(len(kept), 'guest')} will not be moved against required rules.")
    if warnings:
        parts.append(f"{words.counted(warnings, 'warning')}.")
    return " ".join(parts)
