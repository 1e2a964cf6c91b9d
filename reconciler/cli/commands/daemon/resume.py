"""`reconciler resume`: end a suspension that was given on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command
from reconciler.errors import ExitCode


@click.command("resume", cls=Command, examples=["reconciler resume fleet", "reconciler resume host vmhost-a"])
@options.subject(required=True)
@options.settings
@options.output("json")
def command(what: str, name: str, settings_file: Path | None, output: str) -> int:
    """End what `reconciler suspend` began.

    A suspension in a document ends with that document's change. Of a fleet that has suspended itself after runs that
    ended badly, a person takes care with `reconciler apply --resume`.
    """
    from reconciler.cli.sources import settings_of
    from reconciler.cli.terminal import data, json_data
    from reconciler.core.reports.json_values import headed
    from reconciler.loop.daemon import suspensions
    from reconciler.loop.daemon.control import tell_daemon

    options.check_subject(what, name)
    settings = settings_of(settings_file)
    there = suspensions.resume(settings.state_folder, what, name)
    tell_daemon(settings.control_socket)
    if output == "json":
        json_data(headed("Resumed", {"what": what, "name": name, "resumed": there}))
    else:
        about = f"{what} {name}".strip()
        data(f"{about} goes on." if there else f"{about} was not suspended on this machine.")
    return ExitCode.OK
