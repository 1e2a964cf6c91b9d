"""Two plans compared, step by step: what one would do that the other would not.

Called for `diff --base`, where both were made from the same hosts, and for `apply PLAN.json`, where one was reviewed
before. Compares deeds, not schedules: times, order and wording may differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.core.desired.violations import Violation
from reconciler.core.planning.plan import Blocked, Plan, Step
from reconciler.render import words

Deed = tuple[object, ...]


def deed(step: Step) -> Deed:
    """All of a step that a reviewer approves: what is done to whom, where and how."""
    ends = (step.source, step.target, step.hop)
    how = (step.kind, step.method, step.running, step.delete_source, step.stop, step.settings)
    return (step.guest, step.uuid, step.known_as, *ends, *how, step.intent)


def way(step: Step) -> str:
    """`online vmhost-a → vmhost-b`, `start vmhost-a`, or `set vmhost-a memory 8192 → 4096 MiB`."""
    ends = step.source if step.source == step.target else f"{step.source} → {step.target}"
    return " ".join(filter(None, [words.how(step), ends, words.change(step)]))


@dataclass(frozen=True)
class Change:
    """What one set of documents would do, compared with another. `brought` and `dropped` hold only what is not in
    both."""

    base: Plan
    plan: Plan
    brought: Plan
    dropped: Plan

    @staticmethod
    def between(base: Plan, plan: Plan) -> Change:
        """Compare."""
        return Change(base, plan, brought=_without(plan, base), dropped=_without(base, plan))

    @property
    def empty(self) -> bool:
        """Whether both would do, and refuse, the same."""
        return self.brought.empty and self.dropped.empty


def _without(plan: Plan, other: Plan) -> Plan:
    """The plan with only those steps and refusals that the other plan has not."""
    deeds, refusals = {_unordered(step) for step in other.steps}, {_refusal(entry) for entry in other.blocked}
    steps = tuple(step for step in plan.steps if _unordered(step) not in deeds)
    breaches = set(map(_breach, other.violations))
    return replace(
        plan,
        steps=steps,
        blocked=tuple(entry for entry in plan.blocked if _refusal(entry) not in refusals),
        brakes=tuple(brake for brake in plan.brakes if brake not in other.brakes),
        violations=tuple(each for each in plan.violations if _breach(each) not in breaches),
    )


def _unordered(step: Step) -> Deed:
    """Its document may have changed without changing what is done: that is no difference in deeds."""
    return deed(step)[:-1]


def _refusal(entry: Blocked) -> tuple[str, ...]:
    return (entry.guest, entry.uuid, entry.wanted, entry.reason)


def _breach(each: Violation) -> tuple[object, ...]:
    """What it is about, wherever in its file that stands now."""
    return (each.code, each.required, each.rule, each.guests, each.hosts, each.text)
