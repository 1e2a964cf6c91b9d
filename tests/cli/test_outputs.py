"""What programs read: every command's JSON satisfies its published schema, and the same fleet gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.cli.program import COMMANDS
from reconciler.documents.values import schema_problems
from tests.cli.bench import Bench

OUTPUTS = {
    "validate": (["validate"], "validation"),
    "import": (["import", "--dry-run"], "import"),
    "observe": (["observe"], "observed"),
    "check": (["check"], "check"),
    "diff": (["diff"], "diff"),
    "diff --base": (["diff", "--base", "main~1"], "change"),
    "plan": (["plan"], "plan"),
    "propose": (["propose", "drain", "h2", "--dry-run"], "proposal"),
    "apply": (["apply", "--yes"], "run"),
    "status": (["status"], "status"),
    "history": (["history"], "history"),
    "history GUEST": (["history", "web"], "history"),
    "explain": (["explain", "db"], "explanation"),
    "run": (["run", "--once"], "run"),
    "suspend": (["suspend", "host", "h1", "--reason", "why"], "suspensions"),
    "resume": (["resume", "host", "h1"], "resumed"),
    "settings": (["settings"], "settings"),
    "version": (["version"], "version"),
}


@pytest.fixture
def eventful(bench: Bench) -> Bench:
    """A fleet with a report, then with a move to come and a guest that is blocked."""
    bench.commit(web="h2")
    bench.call("apply", "--yes")
    bench.commit(web="h3", db="h2")
    return bench


def test_the_proof_of_a_plan_satisfies_its_schema(eventful: Bench, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(eventful.call("plan", "-o", "json").out)
    for moved in (False, True):
        found = eventful.call("verify", plan, "-o", "json")
        assert () == schema_problems("output/proof.schema.json", found.json), found.err
        assert found.json["proven"] is not moved
        eventful.call("apply", "--yes")


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_json_of_each_command_satisfies_its_schema(eventful: Bench, name: str) -> None:
    arguments, schema = OUTPUTS[name]
    found = eventful.call(*arguments, "-o", "json")
    assert () == schema_problems(f"output/{schema}.schema.json", found.json), found.err


def test_every_command_has_json_but_the_demo() -> None:
    tested_apart = {"refresh", "verify"}  # with a daemon; with a plan
    assert set(COMMANDS) - {"demo"} == {arguments[0] for arguments, _ in OUTPUTS.values()} | tested_apart


def test_the_same_fleet_gives_the_same_bytes(eventful: Bench) -> None:
    for command in ("observe", "diff", "plan", "status"):
        assert eventful.call(command, "-o", "json").out == eventful.call(command, "-o", "json").out, command


def test_problems_of_documents_are_listed_as_json_too(bench: Bench) -> None:
    (bench.desired / "web.yaml").write_text("kind: Guest\nkind: Guest\n")
    found = bench.call("validate", bench.desired, "-o", "json")
    assert () == schema_problems("output/validation.schema.json", found.json)
    assert (3, True) == (found.code, found.json["held"])


def test_data_goes_to_stdout_and_everything_else_to_stderr(eventful: Bench) -> None:
    applied = eventful.call("apply", "--yes", "-o", "json")
    assert "Run" == applied.json["kind"]
    assert "Plan for fleet bench" in applied.err
    assert "looking at 3 hosts" in applied.err
    plan = eventful.call("plan", "--observed", "status", "-o", "json")
    assert "Plan" == plan.json["kind"]
    assert "observed: as of the last report" in plan.err


def test_a_plan_needs_no_git_no_hosts_and_no_settings(eventful: Bench, tmp_path: Path) -> None:
    snapshot = tmp_path / "observed.json"
    snapshot.write_text(eventful.call("observe", "-o", "json").out)
    with_all = eventful.call("plan", "-o", "json").json
    nothing = {"RECONCILER_SETTINGS": str(tmp_path / "nowhere.toml"), "PATH": "/nowhere"}
    arguments = ("plan", "--desired", eventful.desired, "--observed", snapshot, "-o", "json")
    alone = eventful.executable(*arguments, env=nothing)
    assert (6, "") == (alone.code, alone.err)
    planned = json.loads(alone.out)
    assert None is planned["commit"]
    for ours, theirs in zip(planned["steps"], with_all["steps"], strict=True):
        assert ours == {**theirs, "commands": ours["commands"]}
        assert ours["commands"], "commands are known without a driver that is open"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"apiVersion": "reconciler/v1alpha1", "kind": "Plan"}', "\x00"])
def test_a_file_that_is_no_snapshot_is_refused_with_a_hint(bench: Bench, tmp_path: Path, content: str) -> None:
    path = tmp_path / "observed.json"
    path.write_text(content)
    found = bench.call("plan", "--observed", path)
    assert 2 == found.code
    assert "observe -o json > observed.json" in found.err


def test_base_shows_only_what_the_change_brings(eventful: Bench) -> None:
    found = eventful.call("diff", "--base", "main~1", "-o", "json")
    assert 1 == found.code
    assert ["web"] == [step["guest"] for step in found.json["brought"]["steps"]]
    assert ["db"] == [entry["guest"] for entry in found.json["brought"]["blocked"]]
    assert {"steps": [], "blocked": [], "brakes": [], "violations": []} == found.json["dropped"]
    text = eventful.call("diff", "--base", "main~1").out
    assert "+  web" in text
    assert "The change moves nothing." in eventful.call("diff", "--base", "main").out


def test_markdown_begins_with_the_mark_by_which_ci_finds_its_comment(eventful: Bench) -> None:
    found = eventful.call("plan", "-o", "markdown").out
    assert found.startswith("<!-- reconciler:plan -->\n")
    assert "db" in found
