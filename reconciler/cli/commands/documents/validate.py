"""`reconciler validate`: documents alone, without hosts."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command


@click.command(
    "validate",
    cls=Command,
    examples=["reconciler validate desired-state/", "reconciler validate --rev change -o json"],
)
@click.argument("path", required=False, type=options.FILE)
@options.rev
@options.settings
@options.output("json")
def command(path: Path | None, rev: str, settings_file: Path | None, output: str) -> int:
    """Check documents: a folder, or what a commit holds.

    With PATH the documents of that folder are checked as they lie there; neither settings nor git are needed. Without
    it, those of a commit in the repository that the settings name. Placement rules are held against where guests are
    declared: what breaks one that is required is an error, what breaks one that is preferred a warning.

    Exits 3 if anything is wrong, with the place of each problem and what to do about it.
    """
    from reconciler.cli.sources import settings_of
    from reconciler.cli.terminal import data, json_data, painter
    from reconciler.core.desired.violations import violations
    from reconciler.errors import ExitCode, UsageError
    from reconciler.loop.wiring import desired_repository, loaded_at, loaded_in
    from reconciler.render.outputs.difference import validation_json
    from reconciler.render.text.documents import validation_text

    if path is not None:
        if rev:
            raise UsageError("PATH and --rev both say which documents to check", hint="give one of the two")
        if not path.is_dir():
            raise UsageError(f"{path} is not a folder", hint="name the folder that holds the documents")
        loaded = loaded_in(path)
    else:
        settings = settings_of(settings_file)
        loaded = loaded_at(desired_repository(settings), rev or settings.ref, settings.folder)
    found = violations(loaded.desired) if loaded.desired is not None else ()
    if output == "json":
        json_data(validation_json(loaded.desired, loaded.problems, found))
    else:
        data(validation_text(loaded.desired, loaded.problems, found, paint=painter()))
    wrong = bool(loaded.problems) or any(each.required for each in found)
    return ExitCode.DOCUMENTS if wrong else ExitCode.OK
