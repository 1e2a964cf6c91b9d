"""A proposal as JSON: changes, who could not be placed, the plan it would lead to. Called for `propose -o json`."""

from __future__ import annotations

from reconciler.core.reports.json_values import Json, headed, plain, plain_fields
from reconciler.render import proposed
from reconciler.render.outputs.plan import plan_body
from reconciler.render.proposed import Proposed


def proposal_json(found: Proposed) -> Json:
    """All of it."""
    return headed(
        "Proposal",
        {
            "fleet": found.fleet,
            "commit": found.commit,
            **plain_fields(found.proposal),
            "summary": proposed.cost(found.proposal),
            "plan": plan_body(found.plan) if found.plan is not None else None,
            "branch": plain(found.branch) if found.branch is not None else None,
        },
    )
