"""Where output goes: data to stdout, everything else to stderr; colour only where a person sees it.

Called by all of cli/. Makes harmless whatever did not come through render/; renders nothing itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TextIO

import click

from reconciler.core.reports.json_values import canonical
from reconciler.errors import Problem, UsageError
from reconciler.render.escape import terminal_lines
from reconciler.render.layout import Paint, no_paint

STYLES: Mapping[str, Mapping[str, object]] = {
    "good": {"fg": "green"},
    "warn": {"fg": "yellow"},
    "bad": {"fg": "red"},
    "dim": {"dim": True},
    "strong": {"bold": True},
}
"""render's words for what matters -> how a terminal shows it."""

PROBLEMS_SHOWN_MAX = 20


def data(text: str, *, err: bool = False) -> None:
    """What was asked for; `err` for what render/ made and another program does not want between its data. Raises
    UsageError where it cannot be written.
    """
    try:
        click.echo(text, nl=not text.endswith("\n"), err=err)
    except BrokenPipeError:
        raise  # `| head` has read enough
    except OSError as error:
        hint = "see what the output is redirected to"
        raise UsageError(f"the output cannot be written: {error.strerror or error}", hint=hint) from error


def json_data(document: Mapping[str, object]) -> None:
    """What was asked for, for programs."""
    data(canonical(document).decode("ascii"))


def say(text: str, *, style: str = "") -> None:
    """Anything else: one or more lines, harmless. Lost where nobody reads them: a pass must not end because of that."""
    paint = painter(sys.stderr)
    with suppress(OSError):
        for line in terminal_lines(text):
            mark = style or ("bad" if line.startswith("error:") else "dim" if line.startswith("hint:") else "")
            click.echo(paint(mark, line) if mark else line, err=True)


def say_problems(problems: Iterable[Problem]) -> None:
    """What is wrong with documents: the first of them in full, then how many more."""
    listed = list(problems)
    for problem in listed[:PROBLEMS_SHOWN_MAX]:
        say(f"{problem}\n")
        with suppress(OSError):
            click.echo(err=True)
    if len(listed) > PROBLEMS_SHOWN_MAX:
        say(f"and {len(listed) - PROBLEMS_SHOWN_MAX} more; `reconciler validate` lists them all")


def coloured(stream: TextIO) -> bool:
    """Whether to use colour: on a terminal, unless https://no-color.org/ or the terminal says no."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painter(stream: TextIO | None = None) -> Paint:
    """The paint for render/: for stdout unless another stream is given."""
    return _paint if coloured(stream or sys.stdout) else no_paint


def _paint(style: str, text: str) -> str:
    return click.style(text, **STYLES.get(style, {}))  # type: ignore[arg-type]  # the words of STYLES are click's


def interactive() -> bool:
    """Whether a person is there to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
