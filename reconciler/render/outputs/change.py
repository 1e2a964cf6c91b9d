"""What a change would do, as JSON. Called for `diff --base -o json`."""

from __future__ import annotations

from reconciler.core.planning.plan import Plan
from reconciler.core.reports.json_values import Json, headed, plain
from reconciler.render.comparison import Change
from reconciler.render.outputs.plan import step_json


def change_json(change: Change) -> Json:
    """What is in one plan and not in the other, each step in full."""
    return headed(
        "Change",
        {
            "fleet": change.plan.fleet,
            "base": change.base.commit.id if change.base.commit else "",
            "commit": change.plan.commit.id if change.plan.commit else "",
            "brought": _part(change.brought),
            "dropped": _part(change.dropped),
        },
    )


def _part(plan: Plan) -> Json:
    return {
        "steps": [step_json(step) for step in plan.steps],
        "blocked": plain(plan.blocked),
        "brakes": plain(plan.brakes),
        "violations": plain(plan.violations),
    }
