"""Whether a plan may be run: what a person answers, and what a plan that was reviewed before says.

Called by `apply` for the plan of each round of a pass. A reviewed plan is only ever compared with: nothing is run
from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click

from reconciler.cli.interrupts import Interrupts
from reconciler.cli.progress import Watcher
from reconciler.cli.sources import read_json
from reconciler.core.planning.plan import Plan
from reconciler.core.quantities import format_duration
from reconciler.errors import UsageError
from reconciler.render import words
from reconciler.render.comparison import Deed, deed, way
from reconciler.render.outputs.plan import plan_from_json

PLAN_HINT = "make one with `reconciler plan -o json > plan.json`"


def read_plan(path: Path) -> Plan:
    """A plan that was reviewed. Raises UsageError where the file is none."""
    try:
        return plan_from_json(read_json(path, PLAN_HINT))
    except ValueError as error:
        raise UsageError(f"{path}: no plan: {error}", hint=PLAN_HINT) from error


def differing(plan: Plan, reviewed: Plan) -> tuple[str, ...]:
    """What the plan as it is now would do beyond what was reviewed, guest by guest; empty where nothing."""
    known = {deed(step) for step in reviewed.steps}
    before: dict[str, list[str]] = {}
    for step in reviewed.steps:
        before.setdefault(step.guest, []).append(way(step))
    lines = []
    for step in plan.steps:
        if deed(step) not in known:
            was = "; ".join(before.get(step.guest, [])) or "nothing"
            now = way(step)
            same = " (something about it changed: its document, or how it is stopped)" if now == was else ""
            lines.append(f"{step.guest}: now {now}, reviewed {was}{same}")
    return tuple(lines)


def dropped(plan: Plan | None, reviewed: Plan) -> tuple[str, ...]:
    """Steps that were reviewed and are not planned now, a line each: done already, or no longer possible. Where there
    are any, and the plan was made for another commit, that comes first."""
    now = {deed(step) for step in plan.steps} if plan is not None else set()
    left = [step for step in reviewed.steps if deed(step) not in now]
    lines = tuple(f"not needed or not possible now: {step.guest}: {way(step)}" for step in left)
    if plan is None or not left or _commit(plan) == _commit(reviewed):
        return lines
    return (f"the reviewed plan was made for {_commit(reviewed)}, and this is {_commit(plan)}:", *lines)


def _commit(plan: Plan) -> str:
    return plan.commit.id[: words.COMMIT_CHARACTERS] if plan.commit is not None else words.UNCOMMITTED


def question(plan: Plan) -> str:
    """`Run this plan? 7 moves, 1 guest down for about 2m`."""
    parts = [words.counted(len(plan.moves), "move")] if plan.moves else []
    others = len(plan.steps) - len(plan.moves)
    parts += [words.counted(others, "start or stop", "starts and stops")] if others else []
    down = {step.uuid for step in plan.steps if step.downtime_s > 0}
    if down:
        downtime = format_duration(round(sum(step.downtime_s for step in plan.steps)))
        parts.append(
            f"{words.counted(len(down), 'guest')} down for about {downtime}" + (" in all" if len(down) > 1 else "")
        )
    elif not plan.stops:
        parts.append("no downtime")
    return f"Run this plan? {', '.join(parts)}"


@dataclass
class Approval:
    """Decides on the plan of each round. What was approved in one round is not asked about again in the next."""

    show: Callable[[Plan], None]
    watch: Watcher
    interrupts: Interrupts
    yes: bool = False
    reviewed: Plan | None = None
    asked: bool = False
    shown: Plan | None = None
    """What was shown last."""
    refused: tuple[str, ...] = ()
    """Where the reviewed plan forbids it: why, guest by guest."""
    _approved: set[Deed] = field(default_factory=set)

    def __call__(self, plan: Plan) -> bool:
        """Whether this plan may be run."""
        deeds = {deed(step) for step in plan.steps}
        if deeds <= self._approved:
            return True
        self.asked = True
        with self.watch.quiet(), self.interrupts.as_answer():
            self.show(plan)
            self.shown = plan
            allowed = self._reviewed(plan) and (self.yes or self._confirmed(plan))
        if allowed:
            self._approved |= deeds
        return allowed

    def _reviewed(self, plan: Plan) -> bool:
        if self.reviewed is None:
            return True
        self.refused = differing(plan, self.reviewed)
        if not self.refused and not self._approved:
            for line in dropped(plan, self.reviewed):
                self.watch.say(line)
        return not self.refused

    def _confirmed(self, plan: Plan) -> bool:
        try:
            return click.confirm(question(plan), err=True)
        except click.Abort:
            self.watch.say("")
            return False
