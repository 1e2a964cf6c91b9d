"""The schemas: complete descriptions, examples that hold, defaults that are core's, and two validators that agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.core import quantities
from reconciler.documents import Kind, schema_folder
from reconciler.documents.schemas import Violation, satisfies, schema, violations
from tests.documents.examples import FLEET, load_with

FILES = ["document.schema.json", *(f"{kind.lower()}.schema.json" for kind in Kind)]


def properties(part: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a schema with its path."""
    for name, child in part.get("properties", {}).items():
        yield f"{path}/{name}", child
        yield from properties(child, f"{path}/{name}")


FIELDS = [(kind, path, part) for kind in Kind for path, part in properties(dict(schema(kind)))]
IDS = [f"{kind}{path}" for kind, path, _ in FIELDS]


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_a_schema_of_its_draft(name: str) -> None:
    loaded = json.loads((schema_folder() / name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(loaded)
    jsonschema_rs.Draft202012Validator(loaded)


@pytest.mark.parametrize(("_", "__", "part"), FIELDS, ids=IDS)
def test_each_field_has_a_description_and_examples_that_hold(_: Kind, __: str, part: dict[str, Any]) -> None:
    assert part["description"].endswith(".")
    assert part["examples"]
    for example in [*part["examples"], *([part["default"]] if "default" in part else [])]:
        assert [] == list(Draft202012Validator(part).iter_errors(example))
        assert jsonschema_rs.Draft202012Validator(part).is_valid(example)


@pytest.mark.parametrize(("_", "__", "part"), FIELDS, ids=IDS)
def test_each_mapping_refuses_what_it_does_not_know(_: Kind, __: str, part: dict[str, Any]) -> None:
    if part.get("type") == "object" and "labels" not in __.lower():
        assert part["additionalProperties"] is False
    if part.get("type") == "string":
        assert part["pattern"].startswith("^")
        assert part["title"]
    assert "\\p" not in str(part.get("pattern"))  # one of the two validators does not know it


@pytest.mark.parametrize("kind", Kind)
def test_each_kinds_examples_are_valid_documents(kind: Kind) -> None:
    for example in schema(kind)["examples"]:
        assert satisfies(kind, example)


def test_quantities_are_written_as_core_reads_them() -> None:
    patterns = {
        part["pattern"]
        for _, path, part in FIELDS
        if "pattern" in part
        and path.endswith(("/memory", "/size", "/entitlement", "/graceful", "/backoff", "/backoffMax"))
    }
    assert {quantities.MEMORY_PATTERN, quantities.PERCENT_PATTERN, quantities.DURATION_PATTERN} == patterns


def test_guests_and_fleet_defaults_know_the_same_migration_fields() -> None:
    guest = schema(Kind.GUEST)["properties"]["spec"]["properties"]["migration"]["properties"]
    fleet = schema(Kind.FLEET)["properties"]["spec"]["properties"]["defaults"]["properties"]["migration"]["properties"]
    assert guest == fleet


def with_defaults(part: dict[str, Any]) -> Any:
    """The defaults of a schema, written out."""
    if "properties" not in part:
        return part.get("default")
    written = {name: with_defaults(child) for name, child in part["properties"].items()}
    return {name: value for name, value in written.items() if value is not None and value != {}}


def test_the_defaults_that_schemas_promise_are_those_of_core() -> None:
    spec = {kind: with_defaults(dict(schema(kind)["properties"]["spec"])) for kind in Kind}
    guest = {"apiVersion": "reconciler/v1alpha1", "kind": "Guest", "metadata": {"name": "web"}}
    bare = load_with(
        {
            "fleet.yaml": FLEET.replace("spec: {mode: apply}\n", ""),
            "g.yaml": json.dumps({**guest, "spec": {"host": "h1"}}),
        }
    )
    full = load_with(
        {
            "fleet.yaml": FLEET.replace("{mode: apply}", json.dumps(spec[Kind.FLEET])),
            "g.yaml": json.dumps({**guest, "spec": {"host": "h1", **spec[Kind.GUEST]}}),
        }
    )
    assert bare.require() == full.require()
    assert {"mode", "defaults", "limits", "retry", "drift", "driftDowntime"} == set(spec[Kind.FLEET])


# ---------------------------------------------------------------------------------------------- both validators agree

PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**15), 10**15), st.text(max_size=8),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from(["web\n", "h1", "4GiB", "4GiB\n", "5m", "", "m", "allowed", "a/b", "é", "x" * 64, "x" * 65]),
)  # fmt: skip
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def spoilt_documents(draw: st.DrawFn) -> tuple[Kind, dict[str, Any]]:
    """An example document with up to three of its values replaced, removed or added."""
    kind = draw(st.sampled_from(Kind))
    document = json.loads(json.dumps(schema(kind)["examples"][0]))
    for _ in range(draw(st.integers(0, 3))):
        place = document
        while inner := [key for key in place if isinstance(place[key], dict)]:
            key = draw(st.sampled_from([*inner, ""]))
            if key == "":
                break
            place = place[key]
        key = draw(st.sampled_from([*place, "labels", "power", "attempts", "a b", "x\n"]))
        if draw(st.booleans()):
            place[key] = draw(VALUES)
        else:
            place.pop(key, None)
    return kind, document


@given(spoilt_documents())
def test_both_validators_agree_on_any_document(case: tuple[Kind, dict[str, Any]]) -> None:
    kind, document = case
    found: list[Violation] = list(violations(kind, document))
    assert satisfies(kind, document) == (not found)
