"""A move record comes back from a host as it was written, or not at all."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from reconciler.core.model import Load, StepKind
from reconciler.core.records import MoveRecord, Parked
from tests.core.fleets import parked, record


@pytest.mark.parametrize(
    "written",
    [
        record("web", "a", "b", autostart=True, wait=True),
        record("cache", "a", "a", kind=StepKind.SET, settings=(("memory_mib", "4096"), ("autostart", "on"))),
        parked(record("db", "a", "b"), Parked.ABORTED),
    ],
)
def test_a_record_comes_back_as_it_was_written(written: MoveRecord) -> None:
    assert written == MoveRecord.from_json(json.loads(json.dumps(written.to_json())))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 2),
        ("stage", "flying"),
        ("attempt", "3"),
        ("attempt", True),
        ("controller", 5),
        ("stopped_by_us", "no"),
        ("expires_s", "soon"),
        ("expires_s", math.inf),
        ("load", {"memory_mib": "much"}),
        ("load", {"gold": 1}),
        ("load", None),
        ("settings", None),
        ("settings", [["autostart"]]),
        ("settings", [["autostart", "maybe"]]),
        ("settings", [["memory_mib", "4096; reboot"]]),
        ("settings", [["gold", "1"]]),
        ("autostart", "on"),
        ("autostart", 1),
        ("wait", "yes"),
        ("network", 7),
        ("surprise", 1),
    ],
)
def test_anything_else_is_no_record(field: str, value: Any) -> None:
    """Parsed at the door: what a host holds decides who may touch a guest."""
    with pytest.raises(ValueError, match="not a move record"):
        MoveRecord.from_json({**record("web", "a", "b").to_json(), field: value})


@pytest.mark.parametrize("raw", [None, [], "record", {}])
def test_what_is_no_object_of_ours_is_no_record(raw: object) -> None:
    with pytest.raises(ValueError, match="not a move record"):
        MoveRecord.from_json(raw)


def test_a_record_written_before_there_were_settings_is_read_as_one_without() -> None:
    written = record("web", "a", "b")
    old = {key: value for key, value in written.to_json().items() if key not in ("settings", "autostart", "wait")}
    assert written == MoveRecord.from_json(json.loads(json.dumps(old)))


def test_a_record_written_before_virtual_cpus_were_counted_is_read_as_one_that_takes_none() -> None:
    old = record("web", "a", "b", load=Load(4096, 20, 70)).to_json()
    old["load"] = {"memory_mib": 4096, "cpu_percent": 20, "disk_mib": 70}
    assert Load(4096, 20, 70, 0) == MoveRecord.from_json(json.loads(json.dumps(old))).load


def test_a_record_names_its_network_and_one_written_before_there_were_names_none() -> None:
    written = json.loads(json.dumps(record("web", "a", "b", network="fast").to_json()))
    assert "fast" == MoveRecord.from_json(written).network
    del written["network"]
    assert MoveRecord.from_json(written).network is None
