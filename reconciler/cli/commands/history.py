"""`reconciler history`: the run records."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command

SHOWN = 20


@click.command("history", cls=Command, examples=["reconciler history", "reconciler history web01 -o json"])
@click.argument("guest", required=False, default="")
@click.option(
    "--limit", type=click.IntRange(min=1), default=SHOWN, show_default=True, metavar="N", help="Passes to show."
)
@options.settings
@options.output("json")
def command(guest: str, limit: int, settings_file: Path | None, output: str) -> int:
    """Show what was done, pass by pass.

    Newest first, from the run records on the status branch. With GUEST only what was done to it. Passes that did
    nothing and changed nothing leave no record.
    """
    from reconciler.cli.sources import settings_of
    from reconciler.cli.terminal import data, json_data, painter
    from reconciler.errors import ExitCode, UsageError
    from reconciler.git.status_branch import STATUS_REFS
    from reconciler.loop.answers.reported import runs, status_branch
    from reconciler.render.outputs.status import history_json
    from reconciler.render.paths import INDEX, guest_path
    from reconciler.render.text.status import history_text

    branch = status_branch(settings_of(settings_file))
    told = (run for run in runs(branch) if not guest or run.of_guest(guest).moves)
    shown = list(islice(told, limit))
    if guest and not shown and branch.read(INDEX) is not None and branch.read(guest_path(guest)) is None:
        raise UsageError(f"the last report has no guest {guest!r}", hint="`reconciler observe` lists hosts and guests")
    if output == "json":
        json_data(history_json(branch.ref.removeprefix(STATUS_REFS), shown, guest))
    else:
        data(history_text(shown, guest, paint=painter()))
    return ExitCode.OK
