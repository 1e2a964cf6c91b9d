"""The rules of the house that no linter knows: sizes, names, docstrings, dependencies.

Run by pytest. Reads the source as text and syntax trees; imports of the package only what it says it ships.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from reconciler.loop.publishing import PAGES

ROOT = Path(__file__).resolve().parents[2]
CODE = ("reconciler", "tests")
FOLDERS = (*CODE, "docs", "schemas", "desired-state")

ENTRIES_MAX = 14
MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
NAMES_OF_NOTHING = {"utils", "util", "common", "helpers", "helper", "manager", "managers", "misc"}

# Calls that ask the world something which the import contract cannot see, because no import is needed for them.
IMPURE_CALLS = {"open", "print", "input", "now", "utcnow", "today", "uuid1", "uuid4"}


def modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"), filename=str(module))


def place(module: Path, line: int | None = None) -> str:
    path = module.relative_to(ROOT).as_posix()
    return path if line is None else f"{path}:{line}"


def normalised(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def pyproject() -> str:
    return (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def requirements() -> tuple[set[str], set[str]]:
    """What the package needs to run, and what developers need on top."""
    settings = tomllib.loads(pyproject())
    declared = settings["project"]["dependencies"], settings["dependency-groups"]["dev"]
    runtime, development = ({normalised(re.split(r"[^\w.-]", line)[0]) for line in lines} for lines in declared)
    return runtime, development


def foreign_imports() -> Iterator[tuple[Path, int, str]]:
    """Every import in the package that is neither our own nor the standard library's."""
    ours = sys.stdlib_module_names | {"reconciler"}
    for module in modules("reconciler"):
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            for name in names:
                if name.partition(".")[0] not in ours:
                    yield module, node.lineno, name.partition(".")[0]


def entries(folder: Path) -> list[Path]:
    """What a reader has to choose from. `__init__.py` is not counted: it is the folder's own front page."""
    return [entry for entry in folder.iterdir() if not entry.name.startswith((".", "__pycache__", "__init__"))]


def is_only_data(folder: Path) -> bool:
    """Recordings, scenarios, example documents, a schema a command: one more is no reason to think about structure."""
    data = ("tests", "desired-state", "schemas")
    return folder.relative_to(ROOT).parts[0] in data and not any(folder.rglob("*.py"))


def test_no_folder_holds_more_entries_than_one_can_take_in_at_a_glance() -> None:
    assert len(entries(ROOT)) <= ENTRIES_MAX
    below = [path for name in FOLDERS for path in (ROOT / name, *(ROOT / name).rglob("*")) if path.is_dir()]
    folders = [folder for folder in below if folder.name != "__pycache__" and not is_only_data(folder)]
    crowded = {place(folder): len(entries(folder)) for folder in folders if len(entries(folder)) > ENTRIES_MAX}
    assert {} == crowded, "split by noun"


def test_no_module_is_longer_than_500_lines() -> None:
    lengths = {place(module): len(module.read_text(encoding="utf-8").splitlines()) for module in modules(*CODE)}
    assert {} == {name: length for name, length in lengths.items() if length > MODULE_LINES_MAX}


def test_every_function_fits_on_a_screen() -> None:
    long = {
        f"{place(module, node.lineno)} {node.name}": node.end_lineno - node.lineno + 1
        for module in modules(*CODE)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX
    }
    assert {} == long


def test_every_module_is_named_after_one_thing() -> None:
    paths = {path for module in modules(*CODE) for path in (module, *module.relative_to(ROOT).parents)}
    assert [] == sorted(str(path) for path in paths if NAMES_OF_NOTHING & set(path.stem.split("_")))


def test_every_module_says_in_its_docstring_what_it_is_for() -> None:
    assert [] == [place(module) for module in modules(*CODE) if not (ast.get_docstring(tree(module)) or "").strip()]


def test_the_core_and_render_ask_nothing_of_the_world() -> None:
    calls = [
        (module, node.lineno, name)
        for module in modules("reconciler/core", "reconciler/render")
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call)
        for name in [getattr(node.func, "id", getattr(node.func, "attr", ""))]
        if name in IMPURE_CALLS
    ]
    assert [] == [f"{place(module, line)} {name}()" for module, line, name in calls], "take the value as an argument"


def test_every_ignore_gives_its_reason() -> None:
    unreasoned = []
    for module in modules(*CODE):
        for token in tokenize.generate_tokens(io.StringIO(module.read_text(encoding="utf-8")).readline):
            ignore = re.match(r"#\s*(noqa|type:\s*ignore)", token.string) if token.type == tokenize.COMMENT else None
            reasoned = re.match(r"#\s*(noqa:\s*[A-Z0-9, ]+|type:\s*ignore\[[\w, -]+\])\s*(#|-|\()\s*\w+", token.string)
            if ignore and not reasoned:
                unreasoned.append(place(module, token.start[0]))
    assert [] == unreasoned, "write: # noqa: S310 - only https, checked above"


def test_every_foreign_import_is_a_declared_dependency() -> None:
    runtime, _ = requirements()
    distributions = packages_distributions()
    undeclared = [
        f"{place(module, line)} {name}"
        for module, line, name in foreign_imports()
        if not runtime & {normalised(distribution) for distribution in distributions.get(name, [])}
    ]
    assert [] == undeclared


def test_every_dependency_is_imported_in_one_folder_only() -> None:
    folders = defaultdict(set)
    for module, _, name in foreign_imports():
        folders[name].add("/".join(module.relative_to(ROOT).parts[:-1][:2]))
    assert {} == {name: sorted(where) for name, where in folders.items() if len(where) > 1}


def test_every_dependency_says_why_it_is_there() -> None:
    listed = re.findall(r"^(?:dependencies|dev) = \[\n(.*?)^\]", pyproject(), re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in listed for line in block.splitlines()]
    assert len(lines) == sum(map(len, requirements())), "one dependency a line"
    assert [] == [line for line in lines if not re.search(r'",\s+# \w+', line)]


def test_the_lock_pins_every_dependency_with_hashes() -> None:
    pinned = re.findall(r"^([\w.-]+)==[^\n]*\\\n +--hash=sha256:", lock(), re.MULTILINE)
    runtime, development = requirements()
    assert set() == (runtime | development) - {normalised(name) for name in pinned}, "make lock"


def test_the_lock_names_no_place_to_download_from() -> None:
    assert [] == [line for line in lock().splitlines() if "://" in line or "index-url" in line or "find-links" in line]


@pytest.mark.slow
def test_the_wheel_ships_every_schema_page_and_program_for_hosts(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    [wheel] = tmp_path.glob("*.whl")
    schemas = {f"reconciler/{place(path)}" for path in (ROOT / "schemas").rglob("*.json")}
    programs = {place(path) for path in (ROOT / "reconciler").rglob("*.sh")}
    assert len(programs) > 2
    pages = {f"reconciler/reference/{name}" for name in PAGES}
    assert set() == (schemas | programs | pages) - set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.slow
def test_the_installed_wheel_works_from_an_empty_folder(tmp_path: Path) -> None:
    """What users install: no checkout beside it, so schemas and all must come out of the wheel."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=60)
    [wheel] = tmp_path.glob("*.whl")
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    zipfile.ZipFile(wheel).extractall(site)
    (empty / "fleet.yaml").write_text(
        "apiVersion: reconciler/v1alpha1\nkind: Fleet\nmetadata: {name: f}\nspec: {mode: aply}\n", encoding="utf-8"
    )
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    code = (
        f"import sys; sys.path[:0] = [{str(site)!r}]; sys.path.append({libraries!r}); "
        "import reconciler; print(reconciler.__file__, file=sys.stderr); "
        "from reconciler.cli import main; sys.argv = ['reconciler', 'validate', '.']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=empty, check=False, capture_output=True, text=True, timeout=60
    )
    assert str(site) in done.stderr, "the checkout was used, not the wheel"
    assert 3 == done.returncode, done.stderr
    assert "fleet.yaml:4:14" in done.stdout + done.stderr


def lock() -> str:
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")
