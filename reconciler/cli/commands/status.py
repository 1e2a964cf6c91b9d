"""`reconciler status`: the last report."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command


@click.command("status", cls=Command, examples=["reconciler status", "reconciler status -o json"])
@options.settings
@options.output("json")
def command(settings_file: Path | None, output: str) -> int:
    """Show the fleet as the last report left it.

    Reads the status branch and asks no host: who is where, what is blocked and why, what is left to do, how full
    hosts are. The same is README.md on that branch.
    """
    from reconciler.cli.sources import settings_of
    from reconciler.cli.terminal import data, json_data, painter
    from reconciler.errors import ExitCode
    from reconciler.loop.answers.reported import last_status, status_branch
    from reconciler.render.outputs.status import status_json
    from reconciler.render.text.status import status_text

    status = last_status(status_branch(settings_of(settings_file)))
    if output == "json":
        json_data(status_json(status))
    else:
        data(status_text(status, paint=painter()))
    return ExitCode.OK
