"""`reconciler check`: what stands in the way of moves."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command


@click.command("check", cls=Command, examples=["reconciler check", "reconciler check vmhost-a vmhost-b"])
@click.argument("hosts", nargs=-1, metavar="[HOST]...")
@click.option("--assumptions", is_flag=True, help="List every assumption about the platform, and where it holds.")
@options.rev
@options.desired
@options.settings
@options.output("json")
def command(
    hosts: tuple[str, ...], assumptions: bool, rev: str, desired: Path | None, settings_file: Path | None, output: str
) -> int:
    """Find what stands in the way, before the first move.

    Logs in to the hosts (all, or those that are named) and from each of them to the others, exactly as a migration
    would; reads versions, switches, storage, rights and clocks; and says which of the things that are assumed about the
    platform hold there. Each finding comes with what mends it. Changes nothing. Exits 4 if there is a problem.
    """
    from reconciler.cli.progress import measure
    from reconciler.cli.sources import Sources, fleet_of
    from reconciler.cli.terminal import data, json_data, painter
    from reconciler.errors import ExitCode
    from reconciler.loop.answers.checking import check
    from reconciler.render.outputs.check import check_json
    from reconciler.render.text.check import check_text

    fleet = fleet_of(Sources(settings_file, rev, desired))
    with measure("checking") as watch:
        report = check(fleet, hosts, watch)
    if output == "json":
        json_data(check_json(report))
    else:
        data(check_text(report, assumptions=assumptions, paint=painter()))
    return ExitCode.OK if report.sound else ExitCode.HOST
