"""What is wrong with a plan, or that nothing is, as JSON. Called for `verify -o json`."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.planning.plan import Plan
from reconciler.core.planning.verify import Fault
from reconciler.core.reports.json_values import Json, headed, plain


def proof_json(plan: Plan, faults: Sequence[Fault]) -> Json:
    """Which plan it is, and each fault with its step and its guest."""
    return headed(
        "Proof",
        {
            "fleet": plan.fleet,
            "digest": plan.digest,
            "proven": not faults,
            "steps": len(plan.steps),
            "faults": [plain(fault) for fault in faults],
        },
    )
