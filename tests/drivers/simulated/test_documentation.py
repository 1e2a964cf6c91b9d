"""docs/concepts/simulated-fleet.md names every fault and incident, and its example is a fleet that works."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from reconciler.core.commands import Verb
from reconciler.core.model import RunState
from reconciler.core.records import Stage
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.codec import from_json
from reconciler.drivers.simulated.faults import FaultKind
from reconciler.drivers.simulated.incidents import INCIDENTS
from tests.drivers.simulated.story import Story

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "concepts" / "simulated-fleet.md").read_text(encoding="utf-8")
UUID = "6f1c3a52-8d4e-4b7a-9c01-2f5e8d7a6b90"


@pytest.mark.parametrize("word", [*FaultKind, *INCIDENTS])
def test_each_fault_and_each_incident_has_its_row(word: str) -> None:
    assert re.search(rf"^\| (`[a-z-]+`, )?`{word}`", PAGE, re.MULTILINE)


def test_the_example_is_a_fleet_whose_guest_can_migrate_online() -> None:
    [example] = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    schema = json.loads((ROOT / "schemas" / "simulated-fleet.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(example), schema)
    world, clock = from_json(json.loads(example), refusal)
    story = Story(world)
    assert clock.speed == 60
    record = replace(story.record(uuid=UUID), source="vmhost-a", target="vmhost-b")
    story.begin(record)
    story.wait(300)
    assert story.job(record).status == 1, "the planned abort"
    story.release(record)
    story.claim(record)
    assert story.tell(Verb.CHECK, "vmhost-a", record).output == "simctl: guest web01 can be migrated to vmhost-b"
    story.tell(Verb.MIGRATE, "vmhost-a", replace(record, attempt=2, stage=Stage.MIGRATING))
    story.wait(300)
    assert [(host, state) for host, state, _ in world.copies(UUID)] == [
        ("vmhost-a", RunState.STOPPED),
        ("vmhost-b", RunState.RUNNING),
    ]
