"""`reconciler explain`: the rules, one by one."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command


@click.command("explain", cls=Command, examples=["reconciler explain web01", "reconciler explain web01 --to vmhost-b"])
@click.argument("guest")
@click.option("--to", default="", metavar="HOST", help="Suppose that its document named this host.")
@options.rev
@options.desired
@options.observed
@options.settings
@options.output("json")
def command(
    guest: str, to: str, rev: str, desired: Path | None, observed: str, settings_file: Path | None, output: str
) -> int:
    """Say why a guest can move, or why not, rule by rule.

    The answer first: online, offline or blocked, room and the other moves of the plan counted. Then every rule of the
    platform and of the guest's document with its verdict and its source, the one that decides, and what would have to
    change for an online move; and what each placement rule says of it on that host. Changes nothing.
    """
    from reconciler.cli.sources import Sources, planned_case, supposed_plan
    from reconciler.cli.terminal import data, json_data, painter
    from reconciler.errors import ExitCode
    from reconciler.loop.answers.explaining import explained
    from reconciler.render.explanation import supposing
    from reconciler.render.outputs.explanation import explanation_json
    from reconciler.render.text.explain import explain_text

    case = planned_case(Sources(settings_file, rev, desired, observed))
    explanation = explained(case.declared.desired, case.planned, guest, to)
    plan = supposed_plan(case, guest, to) if to else None
    if plan is not None:
        explanation = supposing(explanation, plan)
    if output == "json":
        json_data(explanation_json(explanation))
    else:
        data(explain_text(explanation, paint=painter()))
    return ExitCode.OK
