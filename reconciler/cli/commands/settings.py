"""`reconciler settings`: what the operator's file says, and what holds where it says nothing."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command


@click.command(
    "settings", cls=Command, examples=["reconciler settings", "reconciler settings --settings test.toml -o json"]
)
@options.settings
@options.output("json")
def command(settings_file: Path | None, output: str) -> int:
    """Show the settings in force and where each comes from.

    Checks the file, too. Paths are shown as they are used: relative ones are relative to the file.
    """
    from reconciler.cli.terminal import data, json_data, painter
    from reconciler.core.reports.json_values import headed, plain
    from reconciler.errors import ExitCode
    from reconciler.loop.settings import effective, find_settings
    from reconciler.render.text.settings import settings_text

    path = find_settings(settings_file)
    values = effective(path)
    if output == "json":
        listed = [{"key": entry.key, "value": plain(entry.value), "origin": entry.origin.value} for entry in values]
        json_data(headed("Settings", {"file": str(path.resolve()), "settings": listed}))
    else:
        rows = [(entry.key, entry.value, entry.origin.value) for entry in values]
        data(settings_text(str(path.resolve()), rows, paint=painter()))
    return ExitCode.OK
