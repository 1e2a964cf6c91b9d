"""`reconciler propose`: a branch with changed documents, for people to merge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import options
from reconciler.cli.command import Command

if TYPE_CHECKING:
    from reconciler.cli.sources import Case, Sources
    from reconciler.loop.answers.proposing import Wish
    from reconciler.render.proposed import Proposed

ACTIONS = ("drain", "balance", "park")


@click.command(
    "propose",
    cls=Command,
    examples=[
        "reconciler propose drain vmhost-a vmhost-b",
        "reconciler propose drain vmhost-a --observed status --dry-run -o markdown",
        "reconciler propose balance --moves 5 --push",
        "reconciler propose park tier=idle --onto vmhost-small",
    ],
)
@click.argument("action", type=click.Choice(ACTIONS), metavar="drain|balance|park")
@click.argument("names", nargs=-1, metavar="[HOST...|LABEL]")
@click.option(
    "--moves",
    "moves_max",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="balance: propose at most so many moves.  [default: 10]",
)
@click.option(
    "--onto", multiple=True, metavar="HOST", help="park: onto this host, and no other that is not named, too."
)
@click.option(
    "--allow-downtime",
    is_flag=True,
    help="balance, park: also move guests that go down for it, where their documents allow that.",
)
@click.option("--dry-run", is_flag=True, help="Show the proposal and its plan, and make no branch.")
@click.option("--push", is_flag=True, help="Also push the branch to where the documents come from.")
@options.rev
@options.desired
@options.observed
@options.settings
@options.output("json", "markdown")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever was found; only what failed counts.")
def command(
    action: str,
    names: tuple[str, ...],
    moves_max: int | None,
    onto: tuple[str, ...],
    allow_downtime: bool,
    dry_run: bool,
    push: bool,
    rev: str,
    desired: Path | None,
    observed: str,
    settings_file: Path | None,
    output: str,
    exit_zero: bool,
) -> int:
    """Propose changed documents, as a branch to merge.

    Changes nothing on any host, and no branch that is there: it makes `proposal/…` with one commit on top of the one
    that was read, in which values of documents are changed and every other byte is as before. The commit says
    why each guest moves and what is gained. Merge it like any other change.

    `drain HOST...` finds another host for every guest of these hosts: least downtime first, then fewest bytes to
    carry, then the emptiest hosts. Where a guest fits nowhere, others that can go online make room:
    they are declared elsewhere for good, listed last and marked. Who cannot leave is named with the reason, host by
    host. The hosts' documents get `schedulable: false`, so that no later proposal fills them again.

    `balance` proposes a few moves from the fullest hosts to emptier ones, and nothing where no host is more than 10
    percentage points fuller, in memory or CPU, than all hosts together. What it proposes is enough: merged and carried
    out, it proposes nothing more, and never to take it back.

    `park LABEL` (`key=value`) puts the guests that have this label on as few hosts as can be, with `memory.size` at
    their `memory.min` and `cpu.entitlement` at their `cpu.min` where their documents have these, and says which hosts
    are empty then.

    With --dry-run, --desired and --observed FILE it needs no git, no hosts and no settings.

    Exits 1 if something is proposed, 0 if nothing is or its branch is there already, 6 if a guest cannot be placed.
    """
    from reconciler.cli import codes
    from reconciler.cli.sources import Sources
    from reconciler.cli.terminal import data, json_data, painter
    from reconciler.core.proposing.balance import MOVES_MAX
    from reconciler.core.proposing.proposal import Action
    from reconciler.errors import ExitCode
    from reconciler.loop.answers.proposing import Wish
    from reconciler.render.markdown.proposal import proposal_markdown
    from reconciler.render.outputs.proposal import proposal_json
    from reconciler.render.text.proposal import proposed_text

    _check_words(action, names, moves_max, onto, allow_downtime)
    wish = Wish(Action(action), names, onto, moves_max or MOVES_MAX, allow_downtime)
    case, found = _proposed(Sources(settings_file, rev, desired, observed), wish, dry_run, push)
    if output == "json":
        json_data(proposal_json(found))
    elif output == "markdown":
        data(proposal_markdown(found))
    else:
        data(proposed_text(found, paint=painter()))
    code = codes.of_proposal(found, case.planned.difference, case.problems)
    return ExitCode.OK if exit_zero else code


def _check_words(
    action: str, names: tuple[str, ...], moves_max: int | None, onto: tuple[str, ...], downtime: bool
) -> None:
    """Whether argument and options belong to what is asked for. Raises UsageError."""
    from reconciler.errors import UsageError

    if action == "drain" and not all(names or [""]):
        raise UsageError("say which hosts to drain: `propose drain HOST...`")
    if action == "balance" and names:
        raise UsageError("`propose balance` looks at all hosts, and takes no name")
    if action == "park" and (len(names) != 1 or not all(names[0].partition("="))):
        raise UsageError(
            "say which guests to park: `propose park KEY=VALUE`", hint="that is a label of their documents"
        )
    for given, option, owners in (
        (moves_max is not None, "--moves", ("balance",)),
        (bool(onto), "--onto", ("park",)),
        (downtime, "--allow-downtime", ("balance", "park")),
    ):
        if given and action not in owners:
            raise UsageError(f"`propose {action}` does not take {option}")


def _proposed(sources: Sources, wish: Wish, dry_run: bool, push: bool) -> tuple[Case, Proposed]:
    """Look, propose, plan what that would lead to, and make the branch."""
    from reconciler.cli.sources import planned_case, replanned
    from reconciler.core.proposing.proposal import applied
    from reconciler.loop.answers.proposing import branch_of, found_proposal, home_of
    from reconciler.render.proposed import Proposed

    _check(sources, dry_run, push)
    case = planned_case(sources)
    desired = case.declared.desired
    lost = frozenset(case.fleet.settings.lost_hosts) if case.fleet is not None else frozenset()
    proposal = found_proposal(desired, case.planned, wish, lost)
    planned = replanned(case, applied(desired, proposal)) if proposal.proposes else None
    branch, home = None, ""
    if planned is not None and case.fleet is not None and not dry_run:
        branch, home = branch_of(case.fleet, proposal, planned, push=push), home_of(case.fleet)
    commit = desired.commit.id if desired.commit is not None else ""
    plan = planned.plan if planned is not None else None
    return case, Proposed(desired.fleet.name, commit, proposal, plan, branch, home)


def _check(sources: Sources, dry_run: bool, push: bool) -> None:
    """Whether a branch can be made at all, before any host is asked. Raises UsageError."""
    from reconciler.cli.sources import settings_of
    from reconciler.errors import UsageError

    if dry_run:
        if push:
            raise UsageError("--dry-run makes no branch that could be pushed", hint="give one of the two")
        return
    if sources.desired is not None:
        raise UsageError("a branch is made on top of a commit, and --desired names a folder", hint="add --dry-run")
    if settings_of(sources.settings_file).remote is not None and not push:
        what = "the documents come from a repository elsewhere, and a branch is of use only there"
        raise UsageError(what, hint="add --push to make the branch there, or --dry-run to make none")
