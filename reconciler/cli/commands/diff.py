"""`reconciler diff`: what differs."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command


@click.command(
    "diff",
    cls=Command,
    examples=[
        "reconciler diff",
        "reconciler diff --rev change --observed status -o json",
        "reconciler diff --rev change --base main",
    ],
)
@options.rev
@options.base
@options.desired
@options.observed
@options.settings
@options.output("json")
@click.option("--all", "everything", is_flag=True, help="Text: also list guests that are in place.")
@options.exit_codes
def command(
    rev: str,
    base: str,
    desired: Path | None,
    observed: str,
    settings_file: Path | None,
    output: str,
    everything: bool,
    exit_zero: bool,
    fail_on: frozenset[str],
) -> int:
    """Show what differs between the documents and the hosts.

    Changes nothing. Guest by guest: where it is declared, where it is, whether it runs. Hosts that could not be read
    are listed: what is not known is not called missing. What breaks a placement rule, and what the hosts have no room
    for, is listed with the file and line that declares it.

    With --base it shows what a change would do: the plans at both revisions are made from the same look at the hosts,
    and only what is in one of them and not in the other is shown.

    Exits 1 if anything differs.
    """
    from reconciler.cli import codes
    from reconciler.cli.sources import Sources, changed_case, planned_case
    from reconciler.cli.terminal import data, json_data, painter
    from reconciler.errors import ExitCode
    from reconciler.render.outputs.difference import diff_json
    from reconciler.render.text.difference import diff_text

    sources = Sources(settings_file, rev, desired, observed)
    if base:
        from reconciler.render.outputs.change import change_json
        from reconciler.render.text.change import change_text

        case, change = changed_case(sources, base)
        json_data(change_json(change)) if output == "json" else data(change_text(change, paint=painter()))
        code = ExitCode.OK if change.empty else ExitCode.DIFFERENCES
        want = codes.Wanted(exit_zero, fail_on)
        return codes.wanted(code, want, change.brought, case.planned.difference, case.problems)
    case = planned_case(sources)
    difference, fleet = case.planned.difference, case.declared.desired
    if output == "json":
        json_data(diff_json(difference, fleet.fleet.name, fleet.commit, case.violations))
    else:
        commit, found = fleet.commit, case.violations
        data(diff_text(difference, fleet.fleet.name, commit, found, everything=everything, paint=painter()))
    code = codes.of_diff(difference, case.problems)
    return codes.wanted(code, codes.Wanted(exit_zero, fail_on), case.planned.plan, difference, case.problems)
