"""Each scenario of this folder is planned as its file says. Each plan is proven on the way, like every plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.planning.scenarios.scenario import Scenario, scenarios


@pytest.mark.parametrize("path", scenarios(), ids=lambda path: path.stem)
def test_a_scenario_is_planned_as_its_file_says(path: Path) -> None:
    scenario = Scenario.read(path)
    assert scenario.expected == scenario.outputs(), "python -m tests.core.planning.scenarios.rewrite"


def test_there_are_scenarios() -> None:
    assert len(scenarios()) > 4
