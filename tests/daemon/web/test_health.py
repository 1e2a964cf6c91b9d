"""When the daemon counts as healthy: what a restart may mend is unhealthy, what it would not mend is not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.loop.daemon.telling.observer import Health
from reconciler.web.health import GRACE_S, INTERVALS_MAX, SILENT_S, Ill, Pulse, judge
from tests.render.rewrite import schemas

NOW_S = 100_000.0
INTERVAL_S = 300.0
LATE_S = INTERVALS_MAX * INTERVAL_S + GRACE_S + 1
FRESH = Health("prod", NOW_S - 10, INTERVAL_S)
BETWEEN = replace(FRESH, started_s=0, pass_ended_s=NOW_S - 100, result="converged", commit="c")


@pytest.mark.parametrize(
    ("health", "beat_age_s", "ill"),
    [
        (FRESH, 0, None),
        (replace(FRESH, started_s=NOW_S - LATE_S), 0, Ill.STARTING_LATE),
        (BETWEEN, 0, None),
        (replace(BETWEEN, pass_ended_s=NOW_S - 3 * INTERVAL_S), 0, None),
        (replace(BETWEEN, pass_ended_s=NOW_S - LATE_S), 0, Ill.LATE),
        (replace(BETWEEN, pass_ended_s=NOW_S - LATE_S, passing_since_s=NOW_S - 50_000), 10, None),
        (BETWEEN, SILENT_S + 1, Ill.SILENT),
        (replace(BETWEEN, passing_since_s=NOW_S - 400), SILENT_S + 1, Ill.SILENT),
        (replace(BETWEEN, stopping=True), 0, Ill.STOPPING),
        (replace(BETWEEN, trouble="git is away", unpublished=7), 0, None),
    ],
    ids=[
        *("just started", "no pass since its start", "between passes", "three intervals", "late"),
        *("a pass of many hours", "hanging", "hanging in a pass", "stopping", "git away"),
    ],
)
def test_health(health: Health, beat_age_s: float, ill: Ill | None) -> None:
    assert ill is judge(health, NOW_S, beat_age_s).ill


def test_a_beat_is_remembered_with_its_age_and_the_answer_fits_its_schema() -> None:
    clock = [50.0]
    pulse = Pulse(FRESH, lambda: NOW_S, lambda: clock[0])
    clock[0] += 7
    assert 7 == pulse.answer()[1]["beat_age_s"]
    pulse.beat(BETWEEN)
    healthy, document = pulse.answer()
    assert (True, 0, "converged") == (healthy, document["beat_age_s"], document["result"])
    clock[0] += SILENT_S + 1
    healthy, document = pulse.answer()
    assert (False, "silent") == (healthy, document["reason"])
    validator = Draft202012Validator(schemas()["health.schema.json"])
    assert [] == list(validator.iter_errors(json.loads(json.dumps(document))))


def test_the_schema_lists_exactly_the_reasons_there_are() -> None:
    properties: Any = schemas()["health.schema.json"]["properties"]
    assert ["", *Ill] == properties["reason"]["enum"]
