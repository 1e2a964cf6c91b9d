"""Breaks every import contract of pyproject.toml in a toy copy of the package, to see that each still bites.

Run by pytest. A contract that names a module wrongly, or one that need not exist, would otherwise pass for ever.
Never looks at the real package: `make check` runs the contracts on that.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

INWARD = "Imports point inward"
DRIVERS = "Drivers never see each other"
PURE = "The core and render take values"
VERIFIER = "The verifier imports nothing of the scheduler"

PACKAGES = (
    *("cli", "web", "loop", "drivers", "drivers.hpvm", "drivers.libvirt", "drivers.simulated"),
    *("documents", "git", "ssh", "render", "core", "core.planning", "core.planning.verify"),
)
MODULES = (
    *("errors", "drivers.registry", "drivers.protocol", "drivers.rules", "drivers.rule_pages"),
    *("core.capacity", "core.planning.scheduler", "core.planning.windows"),
)
PROOF_MAY_READ = {
    *("compatibility", "desired", "model", "names", "observed", "quantities", "records"),
    *("planning.plan", "planning.verify"),
}
"""What of the core the verifier may import: values and words, made by nobody who plans."""
PLANS_BRING = {"desired.placement", "desired.violations"}
"""What comes along with the values of plans, and what the verifier does not import itself: it works that out anew."""


def toy_package(folder: Path, importer: str | None = None, imported: str = "") -> Path:
    """A package of our shape, empty but for one import, under our own contracts."""
    for package in ("", *PACKAGES):
        (folder / "reconciler" / package.replace(".", "/")).mkdir(exist_ok=True)
        (folder / "reconciler" / package.replace(".", "/") / "__init__.py").touch()
    for module in MODULES:
        (folder / "reconciler" / module.replace(".", "/")).with_suffix(".py").touch()
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    if importer:
        path = folder / "reconciler" / importer.replace(".", "/")
        (path / "broken.py" if path.is_dir() else path.with_suffix(".py")).write_text(f"import {imported}\n")
    return folder


def broken_contracts(folder: Path) -> list[str]:
    lint = Path(sys.executable).with_name("lint-imports")
    command = [str(lint), "--no-cache", "--no-logo"]
    wide = {**os.environ, "COLUMNS": "500"}  # a contract's name on one line
    run = subprocess.run(command, cwd=folder, env=wide, capture_output=True, text=True, check=False, timeout=60)
    lines = run.stdout.splitlines()
    assert any(line.startswith("Contracts:") for line in lines), run.stdout + run.stderr
    return [line.removesuffix(" BROKEN") for line in lines if line.endswith(" BROKEN")]


def test_the_empty_house_keeps_every_contract(tmp_path: Path) -> None:
    assert [] == broken_contracts(toy_package(tmp_path))


def test_every_contract_has_a_test_that_breaks_it() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    covered = (INWARD, DRIVERS, PURE, VERIFIER)
    assert [] == [contract["name"] for contract in contracts if not contract["name"].startswith(covered)]


@pytest.mark.parametrize(
    ("importer", "imported", "contract"),
    [
        ("errors", "reconciler.core", INWARD),
        ("core", "reconciler.documents", INWARD),
        ("git", "reconciler.documents", INWARD),
        ("ssh", "reconciler.loop", INWARD),
        ("drivers.protocol", "reconciler.drivers.hpvm", INWARD),
        ("drivers.rules", "reconciler.drivers.libvirt", INWARD),
        ("drivers.rule_pages", "reconciler.drivers.hpvm", INWARD),
        ("drivers.simulated", "reconciler.drivers.registry", INWARD),
        ("loop", "reconciler.cli", INWARD),
        ("web", "reconciler.cli", INWARD),
        ("drivers.hpvm", "reconciler.drivers.simulated", DRIVERS),
        ("drivers.libvirt", "reconciler.drivers.hpvm", DRIVERS),
        ("core", "os", PURE),
        ("core.planning", "time", PURE),
        ("render", "yaml", PURE),
        ("core.planning.verify", "reconciler.core.planning.scheduler", VERIFIER),
        ("core.planning.verify", "reconciler.core.planning.windows", VERIFIER),
        ("core.planning.verify", "reconciler.core.capacity", VERIFIER),
    ],
)
def test_the_contract_breaks(tmp_path: Path, importer: str, imported: str, contract: str) -> None:
    [broken] = broken_contracts(toy_package(tmp_path, importer, imported))
    assert broken.startswith(contract)


def test_every_module_of_the_core_may_be_imported_by_the_verifier_or_may_not() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["name"].startswith(VERIFIER)]
    forbidden = {name.strip("( )").removeprefix("reconciler.core.") for name in layers[0].split(":")}
    core = ROOT / "reconciler" / "core"
    folders = (core, core / "planning", core / "desired")
    inside = {name for folder in folders for name in modules_of(folder, core)} - {"planning"}
    assert inside <= forbidden | PROOF_MAY_READ | PLANS_BRING, "name it in the contract, or here"
    assert set() == forbidden & PROOF_MAY_READ
    assert inside >= PROOF_MAY_READ


def modules_of(folder: Path, root: Path) -> set[str]:
    """Modules and packages right in this folder, by their dotted names."""
    found = [path for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    names = {".".join(path.relative_to(root).with_suffix("").parts) for path in found}
    return {name for name in names if not name.endswith("__init__")}


def test_the_verifier_imports_values_and_words_only() -> None:
    """The contract would not see what is imported and stands in neither list."""
    for module in (ROOT / "reconciler" / "core" / "planning" / "verify").glob("*.py"):
        imported = {
            node.module or ""
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
        }
        ours = {name.removeprefix("reconciler.core.") for name in imported if name.startswith("reconciler")}
        assert {name for name in ours if not name.startswith("planning.verify")} <= PROOF_MAY_READ, module.name
