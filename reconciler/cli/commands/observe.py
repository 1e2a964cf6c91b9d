"""`reconciler observe`: a snapshot of all hosts."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command


@click.command(
    "observe",
    cls=Command,
    examples=["reconciler observe", "reconciler observe -o json > observed.json"],
)
@options.rev
@options.observed
@options.settings
@options.output("json")
@click.option("--exit-zero", is_flag=True, help="Exit 0 also where a host could not be read.")
def command(rev: str, observed: str, settings_file: Path | None, output: str, exit_zero: bool) -> int:
    """Look at all hosts: who runs where.

    Changes nothing. The JSON is a snapshot that `plan`, `diff` and `explain` take with --observed: what it holds is
    what a plan rests on, so an unchanged fleet gives the same bytes. Exits 4 if a host could not be read.
    """
    from reconciler.cli.sources import Sources, fleet_of, observed_state
    from reconciler.cli.terminal import data, json_data, painter
    from reconciler.core.reports.snapshot import fleet_to_json
    from reconciler.errors import ExitCode
    from reconciler.render.text.observed import observed_text

    fleet = fleet_of(Sources(settings_file, rev))
    found = observed_state(fleet, observed)
    if output == "json":
        json_data(fleet_to_json(found))
    else:
        data(observed_text(found, fleet.desired, paint=painter()))
    away = any(True for _ in found.unreachable())
    return ExitCode.HOST if away and not exit_zero else ExitCode.OK
