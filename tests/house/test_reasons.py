"""Every code that a report can carry is explained in docs/reference, also one that was added since this was written.

Codes are found where they are made: in enumerations of reasons, findings, results, and in the calls that carry them.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import reconciler

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
CODE_ENUM = re.compile(r"(Reason|Finding|OutcomeKind|Result|Trouble)$")
CARRIERS = {"Outcome": 1, "Brake": 0, "Blocked": 4, "Condition": 2, "HostFinding": 1}
"""Class -> which of its arguments is the code."""
KEYWORD = "reason"
CODE = re.compile(r"[A-Z][A-Za-z]+")


def documented() -> set[str]:
    """Whatever stands as code in a row of a table of the reference."""
    rows = [
        line
        for page in sorted(REFERENCE.glob("*.md"))
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    pages = (ROOT / "docs" / "concepts" / "reports.md").read_text(encoding="utf-8")
    rows += [line for line in pages.splitlines() if line.startswith("|")]
    return {code for row in rows for code in re.findall(r"`([\w-]+)`", row)}


def enumerations() -> Iterator[type[StrEnum]]:
    for found in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if found.name == "reconciler.__main__":
            continue
        module = importlib.import_module(found.name)
        for name, member in sorted(vars(module).items()):
            if isinstance(member, type) and issubclass(member, StrEnum) and member.__module__ == found.name:
                if CODE_ENUM.search(name):
                    yield member


def texts(node: ast.expr) -> Iterator[str]:
    """The strings that an argument may be, as far as they stand there."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)


def carried() -> dict[str, str]:
    """Code -> where a call carries it."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "reconciler").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in CARRIERS:
                continue
            at = CARRIERS[node.func.id]
            arguments = [keyword.value for keyword in node.keywords if keyword.arg == KEYWORD]
            arguments += node.args[at : at + 1]
            for code in (text for argument in arguments for text in texts(argument)):
                found[code] = f"{path.relative_to(ROOT)}:{node.lineno}"
    return found


def test_every_code_of_an_enumeration_is_documented() -> None:
    known = documented()
    found = list(enumerations())
    names = {enumeration.__name__ for enumeration in found}
    assert {"Reason", "HostReason", "BrakeReason", "Finding", "OutcomeKind", "Result"} <= names
    missing = [
        f"{enumeration.__module__}.{enumeration.__name__}: {member.value}"
        for enumeration in found
        for member in enumeration
        if member.value not in known
    ]
    assert [] == missing, "explain it in a table of docs/reference/"


def test_every_code_that_a_call_carries_is_documented() -> None:
    known, found = documented(), carried()
    assert {"TwoCopies", "SettingNotReached", "StopTimedOut"} <= set(found)
    assert [] == sorted(
        f"{code} ({place})" for code, place in found.items() if CODE.fullmatch(code) and code not in known
    )


def test_every_reason_of_a_condition_is_documented() -> None:
    """Those are constants of their module, and its table of findings."""
    module = importlib.import_module("reconciler.core.reports.conditions")
    constants = {value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}
    reasons = constants | {reason for _, reason in module.READY.values()}
    assert {"InPlace", "Progressing", "NotStalled"} <= reasons
    assert set() == reasons - documented()
