"""A plan as a JSON document and strictly back. Called for `plan -o json`, run records, and `apply PLAN.json`.

Holds all of the plan, so that two plans can be compared; what it adds for readers (`summary`) is dropped on reading.
"""

from __future__ import annotations

from reconciler.core.planning.plan import Plan, Step
from reconciler.core.reports.json_values import Json, body, headed, plain_fields, typed
from reconciler.render import words

KIND = "Plan"
OWN = {"fleet", "commit", "steps", "blocked", "makespan_s", "bound_s", "digest", "brakes", "violations", "remedies"}


def plan_json(plan: Plan) -> Json:
    """The plan as a document of its own."""
    return headed(KIND, plan_body(plan))


def plan_body(plan: Plan) -> Json:
    """The plan as part of another document."""
    return {
        **plain_fields(plan),
        "steps": [step_json(step) for step in plan.steps],
        "summary": {**plain_fields(words.figures(plan)), "text": words.plan_line(plan)},
    }


def plan_from_json(raw: object) -> Plan:
    """Read back what `plan_json` wrote. Raises ValueError, naming the path, for anything else."""
    content = body(raw, KIND, {*OWN, "summary"})
    content.pop("summary")
    steps = content["steps"]
    if isinstance(steps, list):
        content["steps"] = [_flat(step, f"steps[{number}]") for number, step in enumerate(steps)]
    return typed(Plan, content, "")


def step_json(step: Step) -> Json:
    """One step; its commands as objects, so that they read by themselves."""
    return {**plain_fields(step), "commands": [{"host": host, "argv": list(argv)} for host, argv in step.commands]}


def _flat(raw: object, path: str) -> object:
    """The step with its commands as the dataclass has them."""
    if not isinstance(raw, dict) or not isinstance(raw.get("commands"), list):
        return raw
    commands = []
    for number, entry in enumerate(raw["commands"]):
        if not isinstance(entry, dict) or set(entry) != {"host", "argv"}:
            raise ValueError(f"{path}.commands[{number}]: expected an object with host and argv")
        commands.append([entry["host"], entry["argv"]])
    return {**raw, "commands": commands}
