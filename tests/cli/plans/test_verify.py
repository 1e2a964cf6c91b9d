"""The proof, by itself on files, and before every plan that is shown or run."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.documents.values import schema_problems
from reconciler.loop import deciding
from tests.cli.bench import Bench

PACKAGE = Path(__file__).resolve().parents[3] / "reconciler"


@pytest.fixture
def moving(bench: Bench) -> Bench:
    """A fleet with one move to come."""
    bench.commit(web="h2")
    return bench


def saved(bench: Bench, folder: Path, **fields: Any) -> Path:
    """The plan of now in a file, its first step changed."""
    plan = bench.call("plan", "-o", "json").json
    plan["steps"][0] |= fields
    path = folder / "plan.json"
    path.write_text(json.dumps(plan))
    return path


def test_a_plan_is_proven_from_three_files_without_git_hosts_or_settings(moving: Bench, tmp_path: Path) -> None:
    snapshot = tmp_path / "observed.json"
    snapshot.write_text(moving.call("observe", "-o", "json").out)
    nothing = {"RECONCILER_SETTINGS": str(tmp_path / "nowhere.toml"), "PATH": "/nowhere"}
    arguments = ("verify", saved(moving, tmp_path), "--desired", moving.desired, "--observed", snapshot)
    found = moving.executable(*arguments, env=nothing)
    assert (0, "") == (found.code, found.err)
    assert found.out.startswith("Proven: 1 step.")
    lie = saved(moving, tmp_path, load={"memory_mib": 1, "cpu_percent": 0, "disk_mib": 0, "vcpus": 0})
    found = moving.executable("verify", lie, *arguments[2:], env=nothing)
    assert 6 == found.code
    assert "Not proven: 1 thing is wrong." in found.out
    assert "\n01-web: web h1 → h2\n  says it takes 1 MiB of memory, the guest takes" in found.out


def test_a_plan_that_was_run_holds_no_longer(moving: Bench, tmp_path: Path) -> None:
    plan = saved(moving, tmp_path)
    assert 0 == moving.call("verify", plan).code
    assert 0 == moving.call("apply", "--yes").code
    for observed in ("live", "status"):
        found = moving.call("verify", plan, "--observed", observed, "-o", "json")
        assert 6 == found.code
        assert () == schema_problems("output/proof.schema.json", found.json)
        assert {"01-web"} == {fault["step"] for fault in found.json["faults"]}


def test_a_plan_is_held_against_the_documents_that_are_named(moving: Bench, tmp_path: Path) -> None:
    plan = saved(moving, tmp_path)
    assert 0 == moving.call("verify", plan, "--rev", "main").code
    found = moving.call("verify", plan, "--rev", "main~1")
    assert 6 == found.code
    assert "goes to h2, declared is h1" in found.out


def test_nothing_changes_by_a_proof(moving: Bench, tmp_path: Path) -> None:
    plan = saved(moving, tmp_path)
    before = moving.hosts.read_bytes()
    moving.call("verify", plan)
    assert before == moving.hosts.read_bytes()
    assert [] == moving.sent()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"apiVersion": "reconciler/v1alpha1", "kind": "Run"}'])
def test_a_file_that_is_no_plan_is_refused_with_a_hint(bench: Bench, tmp_path: Path, content: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(content)
    found = bench.call("verify", path)
    assert 2 == found.code
    assert "plan -o json > plan.json" in found.err


# --- before every plan -----------------------------------------------------------------------------------------------

PLANNING = {
    "plan": ["plan"],
    "plan as JSON": ["plan", "-o", "json"],
    "plan for a review": ["plan", "-o", "markdown"],
    "diff": ["diff"],
    "diff of two revisions": ["diff", "--base", "main~1"],
    "explain": ["explain", "web"],
    "explain another host": ["explain", "web", "--to", "h3"],
    "apply": ["apply", "--yes"],
    "run": ["run", "--once"],
}


@pytest.mark.parametrize("name", PLANNING)
def test_no_plan_that_fails_its_proof_is_shown_or_run(
    moving: Bench, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "verify", lambda *arguments, **options: ("01-web: falls off the table",))
    found = moving.call(*PLANNING[name])
    assert 70 == found.code
    assert "01-web: falls off the table" in found.err
    assert "" == found.out
    assert [] == moving.sent()
    assert ["h1"] == moving.where("web")


def test_plans_are_made_in_one_place_and_proven_there() -> None:
    """So that no way of showing or running one can miss the proof."""
    makers = {
        path.relative_to(PACKAGE).as_posix(): called_in(path, "make_plan")
        for path in PACKAGE.rglob("*.py")
        if "make_plan(" in path.read_text(encoding="utf-8")
    }
    makers.pop("core/planning/scheduler.py")  # where it is defined
    assert {"loop/deciding.py": ["planned"]} == makers
    assert ["planned"] == called_in(PACKAGE / "loop" / "deciding.py", "verify")


def called_in(module: Path, name: str) -> list[str]:
    """The functions of the module that call this one."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return [
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        and any(
            isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == name
            for call in ast.walk(function)
        )
    ]
