"""Events as JSON: they fit their schema, and nothing in them steers a terminal or leaks a secret."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from reconciler.core.reports.events import Event, EventKind, Severity
from reconciler.render.outputs.event import CHARACTERS_MAX, ENTRIES_MAX, event_json, harmless
from tests.render.rewrite import schemas
from tests.render.values import HOSTILE, texts

SCHEMA = schemas()["event.schema.json"]


def event(message: str = "m", **details: object) -> Event:
    return Event(EventKind.GIT_TROUBLE, Severity.ERROR, 1763928904.25, "demo", message, "r1", details)


@settings(max_examples=50)
@given(texts(), texts())
def test_any_event_fits_its_schema_on_one_line_without_control_characters(message: str, detail: str) -> None:
    document = event_json(event(message, text=detail, names=[detail], more={"x": detail}))
    assert [] == list(Draft202012Validator(SCHEMA).iter_errors(document))
    line = json.dumps(document, ensure_ascii=False, allow_nan=False)
    assert all(character.isprintable() or character == "\u3000" for character in line), line


def test_the_schema_lists_exactly_the_kinds_and_severities_there_are() -> None:
    properties: Any = SCHEMA["properties"]
    assert [kind.value for kind in EventKind] == properties["event"]["enum"]
    assert [severity.value for severity in Severity] == properties["severity"]["enum"]


@pytest.mark.parametrize(
    "said",
    [
        "fatal: could not read from 'https://ada:hunter2@forge.example.org/fleet.git'",
        "GET https://hunter2@forge.example.org/fleet.git failed",
        "password=hunter2 was refused",
        "sent Authorization: Basic hunter2",
        "http.extraheader=Authorization: Bearer hunter2",
        "https://forge.example.org/hook?access_token=hunter2&x=1",
        "api_key: hunter2",
    ],
)
def test_secrets_are_hidden(said: str) -> None:
    assert "hunter2" not in json.dumps(event_json(event(said, note=said)))
    assert "***" in harmless(said)


def test_fields_named_after_secrets_are_hidden_and_names_of_guests_are_not() -> None:
    document: Any = event_json(event("web01 moved", push_token="hunter2", guest="web01"))
    assert {"push_token": "***", "guest": "web01"} == document["details"]
    assert "web01 moved" == document["message"]


def test_size_is_bounded_and_numbers_that_json_does_not_know_are_left_out() -> None:
    names = [f"g{number}" for number in range(1000)]
    document: Any = event_json(event("x" * 10**6, names=names, rate=float("nan"), count=3))
    assert CHARACTERS_MAX == len(document["message"])
    assert ENTRIES_MAX == len(document["details"]["names"])
    assert (None, 3) == (document["details"]["rate"], document["details"]["count"])


def test_hostile_text_stays_readable_as_escapes() -> None:
    assert r"\x1b[2J\x1b]0;owned\x07" == harmless(HOSTILE[0])


def test_the_time_has_its_zone() -> None:
    assert "2025-11-23T20:15:04.250+00:00" == event_json(event())["time"]
