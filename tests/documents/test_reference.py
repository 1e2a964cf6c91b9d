"""What people read is complete and fresh: the reference, the problems, the editors' schema, the example fleet."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from reconciler.core.desired.placement import Placement
from reconciler.core.desired.violations import violations
from reconciler.documents import Code, Kind, load, read_folder
from reconciler.documents.reference import editor_schema, reference_page
from reconciler.documents.schemas import schema

CHECKOUT = Path(__file__).parents[2]
AGAIN = "is stale: run `python -m reconciler.documents.reference` and commit what it writes"


def test_the_reference_page_is_fresh() -> None:
    page = CHECKOUT / "docs" / "reference" / "documents.md"
    assert reference_page() == page.read_text(encoding="utf-8"), f"{page.name} {AGAIN}"


def test_the_editors_schema_is_fresh() -> None:
    file = CHECKOUT / "schemas" / "document.schema.json"
    assert editor_schema() == file.read_text(encoding="utf-8"), f"{file.name} {AGAIN}"


def test_the_reference_page_spells_values_as_yaml_does() -> None:
    page = reference_page()
    assert '`[{name: nights, start: "22:00", duration: "6h",' in page
    assert "| `spec.networks[].name` |" in page
    assert "[{'" not in page


def test_examples_on_the_reference_page_are_documents() -> None:
    blocks = re.findall(r"```yaml\n(api.*?)```", reference_page(), re.DOTALL)
    assert [schema(kind)["examples"][0] for kind in Kind] == [yaml.safe_load(block) for block in blocks]


def test_the_editors_schema_accepts_each_kind_and_nothing_else() -> None:
    validator = Draft202012Validator(json.loads(editor_schema()))
    assert all(validator.is_valid(schema(kind)["examples"][0]) for kind in Kind)
    assert not validator.is_valid({**schema(Kind.GUEST)["examples"][0], "kind": "Host"})


@pytest.mark.parametrize("code", Code)
def test_each_problem_is_documented_with_reach_cause_and_remedy(code: Code) -> None:
    page = (CHECKOUT / "docs" / "reference" / "problems.md").read_text(encoding="utf-8")
    section = re.search(rf"^### {code}\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    assert section, f"docs/reference/problems.md does not explain {code}"
    assert re.fullmatch(r"\n- Holds: (guest|commit)\n- Cause: .+\n- Remedy: .+\n\n?", section[1])


def test_the_example_fleet_is_valid() -> None:
    files, problems = read_folder(CHECKOUT / "desired-state")
    loaded = load(files, problems=problems)
    assert () == loaded.problems
    fleet = loaded.require()
    assert [f"vmhost-{letter}" for letter in "abcdefg"] == list(fleet.hosts)
    assert dict.fromkeys(fleet.hosts, True) == {
        host: any(guest.host == host for guest in fleet.guests.values()) for host in fleet.hosts
    }
    assert ("web01", "web02", "web03") == Placement.of(fleet).members["shop-front-apart"]
    assert () == violations(fleet)


@pytest.mark.parametrize("file", sorted((CHECKOUT / "desired-state").rglob("*.yaml")), ids=lambda file: file.name)
def test_each_example_file_tells_editors_where_its_schema_is(file: Path) -> None:
    first = file.read_text(encoding="utf-8").partition("\n")[0]
    assert (file.parent / first.removeprefix("# yaml-language-server: $schema=")).resolve().is_file()
