"""`reconciler status`: the last report."""

from __future__ import annotations

import time
from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command

INTERVAL_S = 2.0


@click.command(
    "status",
    cls=Command,
    examples=["reconciler status", "reconciler status --watch", "reconciler status -o json"],
)
@click.option(
    "-w", "--watch", is_flag=True, help="Go on, and show each new report: drawn anew on a terminal, a line in a pipe."
)
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1, max=3600),
    default=INTERVAL_S,
    show_default=True,
    metavar="SECONDS",
    help="How often --watch looks.",
)
@options.settings
@options.output("json")
def command(watch: bool, interval: float, settings_file: Path | None, output: str) -> int:
    """Show the fleet as the last report left it.

    Reads the status branch and asks no host: who is where, what is under way, what is blocked, why and since when, what
    is left to do, how full hosts are, and how old all this is. The same is README.md on that branch.

    --watch ends on Ctrl-C, with exit code 0. With -o json it prints one document a line.
    """
    from reconciler.cli.sources import settings_of
    from reconciler.cli.terminal import data, json_data, painter
    from reconciler.errors import ExitCode
    from reconciler.loop.answers.reported import age, last_status, status_branch
    from reconciler.render.outputs.status import status_json
    from reconciler.render.text.status import age_text, status_text

    settings = settings_of(settings_file)
    branch = status_branch(settings)
    if watch:
        from reconciler.cli import watching

        watching.watch(settings, branch, interval, as_json=output == "json")
        return ExitCode.OK
    status = last_status(branch)
    if output == "json":
        json_data(status_json(status))
    else:
        known = age(branch)
        data(status_text(status, age_text(known.reported_s, known.alive_s, time.time()), paint=painter()))
    return ExitCode.OK
