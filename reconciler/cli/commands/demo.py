"""`reconciler demo`: the story, told with the commands of everyone."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command


@click.command("demo", cls=Command, examples=["reconciler demo", "reconciler demo --seed 7 --keep /tmp/fleet"])
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Another seed, another fleet.")
@click.option(
    "--speed",
    type=click.FloatRange(min=1, max=3600),
    default=30.0,
    show_default=True,
    metavar="X",
    help="How many times faster than real time the simulated hosts live.",
)
@click.option("--keep", type=options.FILE, metavar="DIR", help="Use this new folder and keep it, to go on from there.")
def command(seed: int, speed: float, keep: Path | None) -> int:
    """See all of it work, on a simulated fleet in a temporary folder.

    Makes a repository with documents, and hosts that exist only in a file; then moves guests about with the very
    commands that manage a real fleet, and shows each of them. Nothing outside of the folder is touched. Fails if
    anything it tells did not happen.
    """
    from reconciler.cli.program import run
    from reconciler.cli.terminal import data, painter
    from reconciler.demo.story import tell
    from reconciler.demo.telling import Teller

    return tell(seed=seed, speed=speed, keep=keep, run=run, teller=Teller(lambda line: data(f"{line}\n"), painter()))
