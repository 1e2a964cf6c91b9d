"""An explanation as JSON. Called for `explain -o json`."""

from __future__ import annotations

from reconciler.core.desired.placement import Ruling
from reconciler.core.model import Method
from reconciler.core.reports.json_values import Json, headed, plain
from reconciler.render.explanation import Explanation
from reconciler.render.outputs.plan import step_json

KIND = "Explanation"


def explanation_json(explanation: Explanation) -> Json:
    """Every verdict in the order of the rules, and what would have to change for an online move."""
    decision = explanation.decision
    return headed(
        KIND,
        {
            "guest": explanation.guest,
            "uuid": explanation.uuid,
            "source": explanation.source,
            "target": explanation.target,
            "finding": plain(explanation.finding),
            "finding_text": explanation.finding_text,
            "answer": explanation.answer,
            "obstacle": explanation.obstacle,
            "deciding": plain(decision.deciding) if decision else None,
            "one_way": decision.one_way if decision else "",
            "verdicts": plain(decision.verdicts) if decision else [],
            "against_online": plain(explanation.against(Method.ONLINE)),
            "rulings": [_ruling(each) for each in explanation.rulings],
            "supposed": explanation.supposed,
            "blocked": plain(explanation.blocked),
            "steps": [step_json(step) for step in explanation.steps],
        },
    )


def _ruling(ruling: Ruling) -> Json:
    rule = ruling.rule
    said = {"kept": ruling.kept, "text": ruling.text, "fix": ruling.fix}
    return {"rule": rule.name, "kind": plain(rule.kind), "required": rule.required, **said}
