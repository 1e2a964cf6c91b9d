"""The guide to proposals: each command that it shows is one that there is, and its limits are those of the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from reconciler.cli.commands.documents.propose import command
from reconciler.core.proposing import balance, eviction

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "drain-balance-park.md").read_text(encoding="utf-8")


def test_each_command_of_the_guide_would_be_taken() -> None:
    shown = re.findall(r"^\$ reconciler (propose .*)$", GUIDE, re.MULTILINE)
    assert {"drain", "balance", "park"} == {shlex.split(line)[1] for line in shown}
    for line in shown:
        name, *words = shlex.split(line)
        command.make_context(name, words)  # raises for an option that is not there


def test_the_limits_of_the_guide_are_those_of_the_code() -> None:
    text = " ".join(GUIDE.split())
    assert f"more than {balance.OVER_MIN:.0f} points fuller" in text
    assert f"at least {balance.STEP_MIN:.0f} points below" in text
    assert f"at least {balance.GAIN_MIN_PER_GIB} for each GiB" in text
    assert f"At most {balance.MOVES_MAX} moves" in text
    assert {3: "up to three others"}[eviction.EVICTED_MAX] in text
