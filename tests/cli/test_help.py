"""Help: there at once, with an example for every command, and the manual says the same."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from reconciler.cli import run
from reconciler.cli.command import Command
from reconciler.cli.program import COMMANDS, module_name, program
from tests.cli.rewrite import pages

HEAVY = ("rich", "jsonschema", "jsonschema_rs", "yaml", "reconciler.core", "reconciler.loop", "reconciler.documents")
MODULES = Path(__file__).parents[2] / "reconciler" / "cli" / "commands"


def command(name: str) -> Command:
    found = program.get_command(click.Context(program), name)
    assert isinstance(found, Command)
    return found


@pytest.mark.parametrize(("word", "told"), [("plna", " Did you mean plan?"), ("xyzzy", "")])
def test_an_unknown_command_is_answered_with_one_like_it(
    word: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run([word])
    assert capsys.readouterr().err.endswith(f"No such command '{word}'.{told}\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_that_it_would_take(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run([name, "--help"])
    shown = capsys.readouterr().out
    assert "Example" in shown
    for example in command(name).examples:
        assert f"  $ {example}\n" in shown
        for part in example.split("; "):
            words = shlex.split(part.partition(" > ")[0])
            assert ["reconciler", name] == words[:2] or words[1] in COMMANDS
            command(words[1]).make_context(words[1], words[2:])  # raises for an option that is not there


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_command_says(name: str) -> None:
    assert (command(name).help or "").startswith(COMMANDS[name])


def test_the_list_of_commands_is_complete() -> None:
    assert sorted(map(module_name, COMMANDS)) == sorted(
        ".".join(path.relative_to(MODULES).with_suffix("").parts) for path in MODULES.rglob("[a-z]*.py")
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        f"import sys; from reconciler.cli import run; run(['--help']); print([m for m in {HEAVY} if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "[]" == found.stdout.splitlines()[-1]


def test_help_costs_little_more_than_the_library_that_prints_it() -> None:
    """One can feel 100 ms; on a busy machine only a ratio tells. The best of five, as other tests may run beside it."""

    def took_s(code: str) -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
        return time.perf_counter() - begun

    rounds = [(took_s("import click"), took_s("from reconciler.cli import run; run(['--help'])")) for _ in range(5)]
    assert min(ours for _, ours in rounds) < 3 * min(click for click, _ in rounds), rounds


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_the_manual_is_up_to_date(path: Path) -> None:
    assert pages()[path] == path.read_text(encoding="utf-8"), "run: python -m tests.cli.rewrite"
