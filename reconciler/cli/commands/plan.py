"""`reconciler plan`: the schedule."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command


@click.command(
    "plan",
    cls=Command,
    examples=[
        "reconciler plan",
        "reconciler plan --rev change -o markdown --fail-on blocked,downtime",
        "reconciler plan --desired desired-state/ --observed observed.json -o json",
    ],
)
@options.rev
@options.desired
@options.observed
@options.settings
@options.output("json", "markdown")
@click.option("--commands", is_flag=True, help="Text: also what each step sends to which host.")
@options.exit_codes
def command(
    rev: str,
    desired: Path | None,
    observed: str,
    settings_file: Path | None,
    output: str,
    commands: bool,
    exit_zero: bool,
    fail_on: frozenset[str],
) -> int:
    """Show what would be done, in which order, and what cannot be.

    Changes nothing. Each move is online or offline, with its downtime and the reason; guests that cannot be moved are
    listed as blocked, with what would help, and hosts that nothing may be done with are named. Markdown is for a
    comment on a pull request.

    With --desired and --observed FILE it needs no git, no hosts and no settings. With --observed status it needs no
    access to hosts: it plans on what the last report saw.

    Exits 1 if there are steps, or guests that only wait for moves under way; 4 if a host is in trouble; 6 if something
    else is blocked, or held.
    """
    from reconciler.cli import codes
    from reconciler.cli.sources import Sources, planned_case
    from reconciler.cli.terminal import data, json_data, painter
    from reconciler.render.markdown.plan import plan_markdown
    from reconciler.render.outputs.plan import plan_json
    from reconciler.render.text.plan import plan_text

    case = planned_case(Sources(settings_file, rev, desired, observed))
    plan, difference = case.planned.plan, case.planned.difference
    if output == "json":
        json_data(plan_json(plan))
    elif output == "markdown":
        data(plan_markdown(plan, difference.hosts))
    else:
        data(plan_text(plan, difference.hosts, commands=commands, paint=painter()))
    code = codes.of_plan(plan, difference, case.problems)
    return codes.wanted(code, codes.Wanted(exit_zero, fail_on), plan, difference, case.problems)
