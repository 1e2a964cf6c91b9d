"""Every JSON document fits its published schema, and a plan comes back from its document as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from reconciler.core.desired import DesiredFleet, Fleet
from reconciler.core.diff import Diff
from reconciler.core.observed import ObservedFleet
from reconciler.core.planning.plan import Plan
from reconciler.core.reports.json_values import canonical
from reconciler.core.reports.report import Report
from reconciler.core.reports.snapshot import fleet_to_json, host_to_json
from reconciler.errors import Location, Problem
from reconciler.render.explanation import Explanation
from reconciler.render.fleet_status import fleet_status
from reconciler.render.outputs.difference import diff_json, validation_json
from reconciler.render.outputs.explanation import explanation_json
from reconciler.render.outputs.guest import guest_from_json, guest_json
from reconciler.render.outputs.history import Sighting, history_json, run_record_from_json, sightings
from reconciler.render.outputs.plan import plan_from_json, plan_json
from reconciler.render.outputs.proposal import proposal_json
from reconciler.render.outputs.run import run_json, run_summary_from_json
from reconciler.render.outputs.status import status_from_json, status_json
from reconciler.render.proposed import Proposed
from reconciler.render.run_summary import moves_of, run_summary
from tests.render import example
from tests.render.rewrite import schemas
from tests.render.values import observed_fleets, plans, reports, values

SCHEMAS = schemas()
VALIDATORS = {name.removesuffix(".schema.json"): Draft202012Validator(schema) for name, schema in SCHEMAS.items()}

few = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def as_sent(document: Mapping[str, object]) -> Any:
    return json.loads(canonical(document))


def assert_fits(name: str, document: Mapping[str, object]) -> None:
    assert [] == [f"{error.json_path}: {error.message}" for error in VALIDATORS[name].iter_errors(as_sent(document))]


@few
@given(plans())
def test_a_plan_fits_its_schema_and_comes_back(plan: Plan) -> None:
    assert_fits("plan", plan_json(plan))
    assert plan_from_json(as_sent(plan_json(plan))) == plan


@few
@given(reports())
def test_a_report_fits_its_schemas_and_its_summaries_come_back(report: Report) -> None:
    summary, status = run_summary(report), fleet_status(report)
    assert_fits("run", run_json(report))
    assert_fits("status", status_json(status))
    record = run_record_from_json(as_sent(run_json(report)))
    assert record.summary == summary
    assert_fits(
        "history", history_json("fleet", [record, record.without_commands()], "web", [Sighting("", (), ("a",))])
    )
    assert run_summary_from_json(as_sent(run_json(report))) == summary
    assert status_from_json(as_sent(status_json(status))) == status
    for guest in report.guests:
        last = next(iter(moves_of(report)), None)
        document = guest_json(guest, last, "runs/x.json" if last else "")
        assert_fits("guest", document)
        before = guest_from_json(as_sent(document))
        assert (before.last_move, before.last_run) == (last, "runs/x.json" if last else "")


@few
@given(observed_fleets())
def test_a_snapshot_fits_its_schemas(fleet: ObservedFleet) -> None:
    assert_fits("observed", fleet_to_json(fleet))
    for look in fleet.hosts.values():
        assert_fits("observed-host", host_to_json(look))


@few
@given(values(Diff))
def test_a_diff_fits_its_schema(difference: Diff) -> None:
    assert_fits("diff", diff_json(difference, "fleet", example.COMMIT))


@few
@given(values(Explanation))
def test_an_explanation_fits_its_schema(explanation: Explanation) -> None:
    assert_fits("explanation", explanation_json(explanation))


@few
@given(values(Proposed))
def test_a_proposal_fits_its_schema(found: Proposed) -> None:
    assert_fits("proposal", proposal_json(found))


@few
@given(values(Problem))
def test_a_validation_fits_its_schema(problem: Problem) -> None:
    desired = DesiredFleet(Fleet("demo", Location("fleet.yaml")), {}, {}, {"web": problem})
    assert_fits("validation", validation_json(None, [problem]))
    assert_fits("validation", validation_json(desired, [problem]))


def test_commands_read_by_themselves() -> None:
    steps: Any = plan_json(example.PLAN)["steps"]
    assert steps[1]["commands"][0] == {"host": "vmhost-c", "argv": ["hpvmstop", "-P", "db-primary"]}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"kind": "Run"}, "kind: expected Plan"),
        ({"steps": "all"}, "steps: expected a list, found a string"),
        ({"more": 1}, "more: unknown"),
        ({"steps": [{"commands": [{"host": "a"}]}]}, "steps[0].commands[0]: expected an object with host and argv"),
        ({"steps": [1]}, "steps[0]: expected an object, found a number"),
        ({"makespan_s": None}, "makespan_s: expected a number, found nothing"),
    ],
)
def test_a_plan_that_is_wrong_is_refused_with_its_place(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the message is compared below, whole
        plan_from_json({**as_sent(plan_json(example.PLAN)), **change})
    assert str(refusal.value) == complaint


def test_a_history_of_a_guest_leaves_out_what_was_not_done_to_it() -> None:
    record = run_record_from_json(as_sent(run_json(example.REPORT)))
    document: Any = history_json("demo", [record.of_guest("batch07")], "batch07")
    moves = document["runs"][0]["moves"]
    assert ["batch07", "batch07"] == [move["guest"] for move in moves]
    assert [["hpvmmigrate", "-o", "-P", "batch07"]] == [command["argv"] for command in moves[0]["commands"]]


def version(*places: tuple[str, str], move: str = "", finding: str = "in-place", state: str = "done") -> Any:
    """A guest's file, as far as it says where the guest was; `move` stands for the last thing done to it."""
    found = [{"host": host, "state": power, "runnable": True} for host, power in places]
    last = {"ended": move, "state": state} if move else None
    return {"finding": finding, "places": found, "last_move": last}


ON_A, ON_B = ("a", "running"), ("b", "running")


def test_what_changed_without_a_step_of_ours_was_done_by_somebody_else() -> None:
    versions = [
        ("1", version(ON_A)),
        ("2", version(ON_B, move="first")),
        ("3", version(ON_A, move="first")),
        ("4", version(("a", "stopped"), move="first")),
    ]
    assert sightings(versions) == (
        Sighting("4", ("a (running)",), ("a (stopped)",)),
        Sighting("3", ("b (running)",), ("a (running)",)),
    )


@pytest.mark.parametrize(
    "between",
    [
        version(finding="unknown"),
        version(("a", "transition")),
        None,
        {"places": "everywhere"},
        {"places": ["here"]},
    ],
)
def test_a_version_that_says_nothing_certain_is_no_sighting(between: object) -> None:
    assert () == sightings([("1", version(ON_A)), ("2", between), ("3", version(ON_A))])
    assert 1 == len(sightings([("1", version(ON_A)), ("2", between), ("3", version(ON_B))]))


def test_what_follows_a_step_that_nobody_knows_the_end_of_may_be_its_late_effect() -> None:
    versions = [("1", version(ON_A, move="m", state="unknown")), ("2", version(ON_B, move="m", state="unknown"))]
    assert () == sightings(versions)


def test_the_guests_of_a_run_record_are_those_that_were_touched_or_are_not_settled() -> None:
    guests: Any = run_json(example.REPORT)["guests"]
    assert [guest["name"] for guest in guests] == ["batch07", "db-primary", "db02", "stray", "web01"]
    quiet: Any = run_json(example.later())["guests"]
    assert [guest["name"] for guest in quiet] == ["batch07", "db02", "stray"]


def parts(schema: Any) -> Any:
    """Every schema inside of a schema."""
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from parts(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from parts(value)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_valid_closed_and_says_what_everything_means(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    for part in parts(SCHEMAS[name]):
        if isinstance(part.get("properties"), dict) and part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])
            assert part["description"]
            assert [] == [key for key, value in part["properties"].items() if not value.get("description")]


def test_a_word_means_the_same_in_every_schema() -> None:
    meanings: dict[str, Any] = {}
    for name, schema in SCHEMAS.items():
        for word, part in schema.get("$defs", {}).items():
            assert meanings.setdefault(word, part) == part, f"{word} in {name}"
