"""What is wrong with a plan, or that nothing is, as JSON. Called for `verify -o json`."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.planning.plan import Plan
from reconciler.core.planning.verify import Violation
from reconciler.core.reports.json_values import Json, headed, plain


def proof_json(plan: Plan, violations: Sequence[Violation]) -> Json:
    """Which plan it is, and each violation with its step and its guest."""
    return headed(
        "Proof",
        {
            "fleet": plan.fleet,
            "digest": plan.digest,
            "proven": not violations,
            "steps": len(plan.steps),
            "violations": [plain(violation) for violation in violations],
        },
    )
