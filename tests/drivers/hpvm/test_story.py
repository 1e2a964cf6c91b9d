"""The demo's story, told on real SSH servers with the platform's commands: every act, every proof, the same ending.

One of the hosts speaks nothing newer than a server of 2010 did; the settings name it legacy.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.cli import run
from reconciler.demo import stage as demo_stage
from reconciler.demo.cast import Cast, cast
from reconciler.demo.stage import Stage
from reconciler.demo.story import Story
from reconciler.demo.telling import Teller
from reconciler.drivers.simulated.fleet import Ledger
from reconciler.loop.settings import ENVIRONMENT
from tests.drivers.hosts.fleet import SshdFleet

SPEED = 30.0
SEED = 3


@dataclass(frozen=True)
class RealStage(Stage):
    """The demo's folder, with real hosts in place of the file."""

    fleet: SshdFleet

    def commit(self, files: Mapping[str, str], message: str, branch: str = "main") -> None:
        """The same documents, but for where the hosts are; and the wall's clock has no patience for long pauses."""
        changed = {name: text.replace("backoff: 1m", "backoff: 1s") for name, text in files.items()}
        changed["desired-state/hosts.yaml"] = self.fleet.host_documents_yaml()
        super().commit(changed, message, branch)

    def ledger(self) -> Ledger:
        """What the hosts noted down of what must not happen."""
        with self.fleet.change() as world:
            return world.ledger


def build(folder: Path, players: Cast, fleet: SshdFleet) -> RealStage:
    """The demo's own stage, and then the settings of these hosts."""
    Stage.build(folder, players, SPEED)
    stage = RealStage(folder, players, fleet)
    simulated = '[drivers.simulated]\nstate_file = "hosts.json"\n'
    settings = stage.settings.read_text(encoding="utf-8")
    assert simulated in settings
    stage.settings.write_text(settings.replace(simulated, fleet.settings_toml()), encoding="utf-8")
    stage.hosts.unlink()
    return stage


@pytest.mark.slow
def test_the_demos_story_is_true_on_real_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    players = cast(SEED)
    told = io.StringIO()
    (tmp_path / "fleet").mkdir()
    (tmp_path / "story").mkdir()
    old = players.hosts[0].name
    with SshdFleet.start(tmp_path / "fleet", demo_stage.world(players), speed=SPEED, legacy_hosts=[old]) as fleet:
        stage = build(tmp_path / "story", players, fleet)
        monkeypatch.setenv(ENVIRONMENT, str(stage.settings))
        story = Story(stage, run, Teller(print))
        story.as_it_is()
        story.review()
        story.merge()
        story.report()
        story.nothing_to_do()
        with fleet.change() as world:
            assert () == world.overcommitted_hosts()
            assert [] == world.ledger.double_runs
            assert [] == world.ledger.stale_starts
            assert [] == world.ledger.lost_contents
    if os.environ.get("SHOW_STORY"):
        print(told.getvalue())  # noqa: T201 - for a person who asked to read it
