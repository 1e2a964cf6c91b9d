"""Drivers by name, rule books by platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.compatibility import Question
from reconciler.core.model import Method, Processor
from reconciler.core.observed import HostFacts
from reconciler.drivers.registry import RULEBOOKS, Means, open_driver, refusal, simulated_clock
from reconciler.drivers.simulated.statefile import StateFile
from reconciler.errors import SettingsError
from tests.drivers.simulated.story import Story


def test_the_simulated_driver_is_opened_by_name_with_the_clock_of_its_fleet(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    StateFile.create(path, Story.of().world, speed=30)
    driver = open_driver("simulated", Means({"state_file": str(path)}))
    clock = simulated_clock(driver)
    assert driver.name == "simulated"
    assert clock is not None
    assert clock.now_s() >= 1_700_000_000
    assert clock.wall_s(60) == 2


@pytest.mark.parametrize("settings", [{}, {"state_file": ""}, {"state_file": 7}, {"state_file": "x", "speed": 1}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="driver simulated"):
        open_driver("simulated", Means(settings))


def test_a_driver_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(SettingsError, match="simulated"):
        open_driver("imaginary", Means())


def _question(platform: str, family: int) -> Question:
    story = Story.of()
    story.world.fleet.guests["u1"].attributes = {"os": "HPUX", "guest_kit": "yes", "inserted_media": "none"}
    story.world.fleet.hosts["b"].processor = Processor(family, 1)
    for host in story.world.fleet.hosts.values():
        host.platform = platform
    source, target = story.world.look("a"), story.world.look("b")
    assert isinstance(source, HostFacts)
    assert isinstance(target, HostFacts)
    return Question(source.registrations[0], source, target)


def test_a_platform_refuses_by_the_first_of_its_rules_that_does() -> None:
    assert sorted(RULEBOOKS) == ["integrity-vm", "libvirt"]
    assert refusal(_question("integrity-vm", 32), Method.ONLINE) == ""
    assert refusal(_question("integrity-vm", 31), Method.ONLINE).startswith("processor")
    assert refusal(_question("integrity-vm", 31), Method.OFFLINE) == ""


def test_a_platform_without_rule_book_refuses_everything() -> None:
    assert "no rule book" in refusal(_question("abacus", 32), Method.OFFLINE)
