"""`reconciler history`: the run records."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command

SHOWN = 20


@click.command(
    "history",
    cls=Command,
    examples=[
        "reconciler history",
        "reconciler history web01 --commands",
        "reconciler history --since 7d -o json",
    ],
)
@click.argument("guest", required=False, default="")
@click.option(
    "--limit", type=click.IntRange(min=1), default=SHOWN, show_default=True, metavar="N", help="Passes to show."
)
@options.moment("--since", "Nothing before this time")
@options.moment("--until", "Nothing after this time")
@click.option(
    "-v", "--commands", is_flag=True, help="Also every step with each command: host, arguments, answer, output."
)
@options.settings
@options.output("json")
def command(
    guest: str, limit: int, since: str, until: str, commands: bool, settings_file: Path | None, output: str
) -> int:
    """Show who moved what, when, why and how.

    Newest first, from the run records on the status branch. With GUEST what was done to it: from where to where, on
    whose commit, why, how long it took and how long the guest was down. Also what was seen of it that nobody here did,
    such as a move by hand. Passes that did nothing and changed nothing leave no record.
    """
    from reconciler.cli.sources import settings_of
    from reconciler.cli.terminal import data, json_data, painter
    from reconciler.errors import ExitCode, UsageError
    from reconciler.git.status_branch import STATUS_REFS
    from reconciler.loop.answers.reported import Period, approved, guest_history, runs, status_branch
    from reconciler.render.outputs.history import Sighting, history_json
    from reconciler.render.text.history import history_text

    settings, period = settings_of(settings_file), Period(since, until)
    branch = status_branch(settings)
    seen: tuple[Sighting, ...] = ()
    if guest:
        found = guest_history(branch, guest, period)
        if not found.known and branch.commit is not None:
            hint = "`reconciler observe` lists hosts and guests"
            raise UsageError(f"no report has a guest {guest!r}", hint=hint)
        told, seen = found.runs, found.seen
    else:
        told = runs(branch, period)
    shown = [run if commands else run.without_commands() for run in approved(settings, islice(told, limit))]
    more = next(told, None) is not None
    if output == "json":
        json_data(history_json(branch.ref.removeprefix(STATUS_REFS), shown, guest, seen))
    else:
        latest = next(runs(branch), None) if period != Period() and not shown and not guest else None
        newest = latest.summary.started if latest is not None else ""
        data(history_text(shown, guest, seen, commands=commands, more=more, newest=newest, paint=painter()))
    return ExitCode.OK
