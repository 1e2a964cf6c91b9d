"""Why a guest would go online, go offline or stay: every verdict in its place, and what would change the answer.

Called by the command line for `explain`; text and JSON are made from this one value. Asks no rule itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.core.compatibility import Decision, Verdict
from reconciler.core.desired.placement import Ruling
from reconciler.core.diff import Diff, Finding, Place
from reconciler.core.model import Method
from reconciler.core.planning.plan import Blocked, Plan, Step


@dataclass(frozen=True)
class Explanation:
    """One guest and one target. Without a decision, `obstacle` says why no rule could be asked."""

    guest: str
    uuid: str
    source: str
    """Where it is; empty where it was not seen."""
    target: str
    finding: Finding
    finding_text: str
    decision: Decision | None
    obstacle: str
    blocked: Blocked | None
    """What the planner says of it, where it stays: also room and refusals that no rule knows of."""
    steps: tuple[Step, ...]
    """What the plan does to it."""
    supposed: bool = False
    """Whether that plan only supposes that its document names the target."""
    rulings: tuple[Ruling, ...] = ()
    """What each placement rule says of it on the target, all others being where they are declared."""
    places: tuple[Place, ...] = ()
    """Where copies of it were seen, where no one place can be said to be the guest's."""

    def verdicts(self, method: Method) -> tuple[Verdict, ...]:
        """The verdicts on one method, in the order of the rules."""
        return tuple(verdict for verdict in self.decision.verdicts if verdict.method is method) if self.decision else ()

    def against(self, method: Method) -> tuple[Verdict, ...]:
        """Those that refuse it."""
        return tuple(verdict for verdict in self.verdicts(method) if not verdict.allowed)

    @property
    def answer(self) -> str:
        """`online`, `offline`, `blocked` or `not asked`. The planner has the last word: it knows of room, and of
        what was tried before."""
        methods = {step.method for step in self.steps if step.method is not None}
        if methods:
            return str(Method.OFFLINE if Method.OFFLINE in methods else Method.ONLINE)
        if self.blocked is not None:
            return "blocked"
        if self.decision is None:
            return "not asked"
        return str(self.decision.method) if self.decision.method else "blocked"


def explain(
    difference: Diff,
    plan: Plan | None,
    guest: str,
    target: str,
    decision: Decision | None,
    obstacle: str = "",
    rulings: tuple[Ruling, ...] = (),
) -> Explanation:
    """Put together what is known of this guest. Raises KeyError where nobody knows it."""
    found = difference.guest(guest)
    if found is None:
        raise KeyError(guest)
    return Explanation(
        guest=guest,
        uuid=found.uuid,
        source=found.place.host if found.place else "",
        places=() if found.place else found.places,
        target=target or found.wanted,
        finding=found.finding,
        finding_text=found.text,
        decision=decision,
        obstacle=obstacle,
        blocked=_first([entry for entry in plan.blocked if entry.guest == guest]) if plan else None,
        steps=tuple(step for step in plan.steps if step.guest == guest) if plan else (),
        rulings=rulings,
    )


def supposing(explanation: Explanation, plan: Plan) -> Explanation:
    """The same with what a plan would do to this guest whose document named the target."""
    return replace(
        explanation,
        blocked=_first([entry for entry in plan.blocked if entry.guest == explanation.guest]),
        steps=tuple(step for step in plan.steps if step.guest == explanation.guest),
        supposed=True,
    )


def _first(blocked: Sequence[Blocked]) -> Blocked | None:
    return blocked[0] if blocked else None
