"""`reconciler version`."""

from __future__ import annotations

import platform

import click

from reconciler import __version__
from reconciler.cli import options
from reconciler.cli.command import Command


@click.command("version", cls=Command, examples=["reconciler version", "reconciler version -o json"])
@options.output("json")
def command(output: str) -> None:
    """Show the version.

    Also the version of Python, which a report of a bug should name.
    """
    from reconciler.cli.terminal import data, json_data
    from reconciler.core.reports.json_values import headed

    if output == "json":
        json_data(headed("Version", {"version": __version__, "python": platform.python_version()}))
        return
    data(f"reconciler {__version__} (Python {platform.python_version()})")
