"""A move record comes back from a host as it was written, or not at all."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from reconciler.core.records import MoveRecord, Parked
from tests.core.fleets import parked, record


@pytest.mark.parametrize("written", [record("web", "a", "b"), parked(record("db", "a", "b"), Parked.ABORTED)])
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
