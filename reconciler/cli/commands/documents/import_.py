"""`reconciler import`: documents for a fleet that exists."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command

DRIVERS = ("hpvm", "libvirt", "simulated")


@click.command(
    "import",
    cls=Command,
    examples=[
        "reconciler import vmhost-a vmhost-b --fleet prod",
        "reconciler import vmhost-c=192.0.2.13:22 --dry-run",
        "reconciler import",
    ],
)
@click.argument("hosts", nargs=-1, metavar="[HOST[=ADDRESS[:PORT]]]...")
@click.option(
    "--driver",
    type=click.Choice(DRIVERS),
    help="The platform of the hosts that are given.  [default: the one the settings have a table for, else hpvm]",
)
@click.option("--fleet", default="", metavar="NAME", help="Name of the fleet; needed until a document declares it.")
@click.option(
    "--into",
    type=options.FILE,
    default="desired-state",
    show_default=True,
    metavar="FOLDER",
    help="Where the documents are written. What is there already stays as it is.",
)
@click.option("--dry-run", is_flag=True, help="Print the documents instead of writing them.")
@options.settings
@options.output("json")
def command(
    hosts: tuple[str, ...],
    driver: str | None,
    fleet: str,
    into: Path,
    dry_run: bool,
    settings_file: Path | None,
    output: str,
) -> int:
    """Write documents for a fleet that exists.

    Looks at the hosts that are given and at those that documents in FOLDER declare, changes nothing there, and writes
    a document for each host and guest that has none: where it is and whether it runs. A plan made of them is empty.

    A guest that cannot be described safely is listed with the reason and not written: one with several copies, for
    instance, or one that is being moved. No file is ever overwritten, so run it again when that is cleared up, when a
    host could not be read, or when guests were added: it offers what is new.

    Exits 4 if a host could not be read, 6 if something was listed and not written.
    """
    from reconciler.cli.importing import Wish, imported
    from reconciler.cli.sources import settings_of
    from reconciler.cli.terminal import data, json_data, painter
    from reconciler.errors import ExitCode
    from reconciler.render.outputs.imported import import_json
    from reconciler.render.text.imported import drafts_text, import_text

    done = imported(settings_of(settings_file), Wish(hosts, driver or "", fleet, into), write=not dry_run)
    if output == "json":
        json_data(import_json(done))
    elif dry_run:
        data(drafts_text(done))
        data(import_text(done), err=True)
    else:
        data(import_text(done, paint=painter()))
    return max(
        ExitCode.HELD if done.adoption.left_out else ExitCode.OK,
        ExitCode.HOST if done.adoption.unread else ExitCode.OK,
    )
