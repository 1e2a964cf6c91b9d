"""`reconciler verify`: the proof, without whoever made the plan."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command


@click.command(
    "verify",
    cls=Command,
    examples=[
        "reconciler verify plan.json",
        "reconciler verify plan.json --desired desired-state/ --observed observed.json",
        "reconciler verify plan.json --rev change --observed status -o json",
    ],
)
@click.argument("plan_file", metavar="PLAN.json", type=options.FILE)
@options.rev
@options.desired
@options.observed
@options.settings
@options.output("json")
def command(
    plan_file: Path, rev: str, desired: Path | None, observed: str, settings_file: Path | None, output: str
) -> int:
    """Prove a plan from a file safe, or say what is wrong with it.

    Replays the plan that `plan -o json` printed against documents and hosts as they are, as if it began now: room at
    every moment and at whatever speed its steps run, limits, placement rules, permissions of the documents, windows,
    identities, and where each guest ends. Whoever made the plan is not asked, and nothing is changed. It is what every
    plan has to stand before it is shown or run; the rules of the platforms are asked by `plan` and `explain` only.

    With --desired and --observed FILE it needs no git, no hosts and no settings.

    Exits 0 if the plan is proven, 6 if anything is wrong with it.
    """
    from reconciler.cli.approval import read_plan
    from reconciler.cli.sources import Sources, proof_of
    from reconciler.cli.terminal import data, json_data, painter
    from reconciler.errors import ExitCode
    from reconciler.render.outputs.proof import proof_json
    from reconciler.render.text.plan import proof_text

    plan = read_plan(plan_file)
    proof = proof_of(Sources(settings_file, rev, desired, observed), plan)
    if output == "json":
        json_data(proof_json(plan, proof.faults))
    else:
        data(proof_text(plan, proof.faults, paint=painter()))
    return max(ExitCode.HELD if proof.faults else ExitCode.OK, ExitCode.DOCUMENTS if proof.problems else ExitCode.OK)
