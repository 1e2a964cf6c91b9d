"""From what was found to an exit code: the highest that applies.

Called at the end of `diff`, `plan` and `propose`. Pure; what failed on the way has raised an error before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from reconciler.core.diff import Diff
from reconciler.core.planning.plan import Plan
from reconciler.core.reports.report import needs_person
from reconciler.errors import ExitCode, Problem
from reconciler.render.proposed import Proposed

FINDINGS: Mapping[str, Callable[[Plan], bool]] = {
    "blocked": lambda plan: bool(plan.blocked),
    "downtime": lambda plan: any(step.downtime_s > 0 or step.stops_guest for step in plan.steps),
    "held": lambda plan: bool(plan.brakes),
    "one-way": lambda plan: any(step.one_way for step in plan.steps),
}
"""What --fail-on can name."""


@dataclass(frozen=True)
class Wanted:
    """What the caller wants the exit code to say."""

    exit_zero: bool = False
    fail_on: Collection[str] = ()


def of_diff(difference: Diff, problems: Collection[Problem]) -> ExitCode:
    """What differs between documents and hosts."""
    code = ExitCode.OK if difference.converged else ExitCode.DIFFERENCES
    return max(code, _trouble(difference, problems))


def of_plan(plan: Plan, difference: Diff, problems: Collection[Problem]) -> ExitCode:
    """What would be done, and what cannot be."""
    code = ExitCode.DIFFERENCES if plan.steps or plan.blocked else ExitCode.OK
    if needs_person(plan, difference) or (plan.brakes and plan.steps):
        code = ExitCode.HELD
    return max(code, _trouble(difference, problems))


def of_proposal(found: Proposed, difference: Diff, problems: Collection[Problem]) -> ExitCode:
    """Whether there is something to merge that was not there before, and whether a guest could not be placed."""
    news = found.proposal.proposes and not (found.branch is not None and found.branch.existed)
    code = ExitCode.DIFFERENCES if news else ExitCode.OK
    if found.proposal.unplaced:
        code = ExitCode.HELD
    return max(code, _trouble(difference, problems))


def _trouble(difference: Diff, problems: Collection[Problem]) -> ExitCode:
    return max(
        ExitCode.DOCUMENTS if problems else ExitCode.OK,
        ExitCode.HOST if difference.hosts else ExitCode.OK,
    )


def wanted(code: ExitCode, want: Wanted, plan: Plan, difference: Diff, problems: Collection[Problem]) -> ExitCode:
    """The code after --exit-zero and --fail-on."""
    if want.exit_zero:
        return ExitCode.OK
    if want.fail_on:
        found = any(FINDINGS[word](plan) for word in want.fail_on)
        return max(ExitCode.HELD if found else ExitCode.OK, _trouble(difference, problems))
    return code
