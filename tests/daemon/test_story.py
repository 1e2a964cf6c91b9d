"""A stretch of life on real hosts behind SSH: people push, hosts fail, the daemon is killed. Nothing is lost.

Half a minute in `make test`, ten in `make prove` (STORY_S). The seed is printed, and STORY_SEED
takes it again: what is done is the same then, what it meets depends on how busy the machine is.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.daemon.running import Running, daemon, eventually
from tests.drivers.hpvm.fleet import Real

pytestmark = pytest.mark.slow

STORY_S = float(os.environ.get("STORY_S", "30"))
SEED = int(os.environ.get("STORY_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
GUESTS = ("web", "db", "batch")
HOSTS = ("a", "b", "c")
TIMING = "[timing]\n"
PAUSE_S = (0.3, 2.5)
MAY_BE_DOWN = "  migration: {downtime: allowed, attempts: 20}\n"


@dataclass
class Story:
    """The fleet, the daemon of the moment, and what has happened to them."""

    real: Real
    dice: random.Random
    life: ExitStack = field(default_factory=ExitStack)
    running: Running | None = None
    away: dict[str, Callable[[str], None]] = field(default_factory=dict)
    """Host -> what brings it back."""
    told: list[str] = field(default_factory=list)
    lives: int = 0

    def live(self) -> None:
        """Start the daemon."""
        self.running = self.life.enter_context(daemon(self.real.settings, settled=False))
        self.lives += 1

    def happen(self) -> None:
        """One thing, at random."""
        often = (self.place, self.place, self.place, self.heal, self.heal)
        people = (self.terminate, self.kill, self.refresh, self.reload, self.spoil, self.apply)
        what = self.dice.choice((*often, *people, self.cut, self.hang, self.fill, self.crash))
        self.told.append(what.__name__)
        what()
        assert self.real.nothing_lost(), self.story()

    def place(self) -> None:
        """Somebody merges a change."""
        guest, host = self.dice.choice(GUESTS), self.dice.choice(HOSTS)
        self.told.append(f"  {guest} on {host}")
        self.real.commit(**{guest: host})

    def spoil(self) -> None:
        """Somebody merges nonsense, and somebody else mends it."""
        path = self.real.folder / "repo" / "nonsense.yaml"
        path.write_text("kind: Nonsense\n")
        self.real.commit()
        time.sleep(self.dice.uniform(*PAUSE_S))
        path.unlink()
        self.real.commit()

    def terminate(self) -> None:
        """An upgrade."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Out of memory."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        assert self.running is not None
        began = time.monotonic()
        self.running.signal(number)
        self.running.ended()
        assert time.monotonic() - began < 12, self.story()
        assert not self.running.odd, self.running.told()
        self.live()

    def refresh(self) -> None:
        """An impatient person."""
        self.real.bench.executable("refresh", "--no-wait")

    def reload(self) -> None:
        """A careful one."""
        assert self.running is not None
        self.running.signal(signal.SIGHUP)

    def apply(self) -> None:
        """One who does not know that there is a daemon. Either may be told that the other is at work."""
        self.real.bench.executable("apply", "--yes")

    def cut(self) -> None:
        """A network cable."""
        self._befall(self.real.hosts.cut, self.real.hosts.heal)

    def hang(self) -> None:
        """A host out of breath."""
        self._befall(self.real.hosts.hang, self.real.hosts.heal)

    def fill(self) -> None:
        """A full disk."""
        self._befall(self.real.hosts.fill, self.real.hosts.empty)

    def crash(self) -> None:
        """A power supply."""
        self._befall(self.real.hosts.crash, self.real.hosts.boot)

    def _befall(self, what: Callable[[str], None], remedy: Callable[[str], None]) -> None:
        well = [host for host in HOSTS if host not in self.away]
        if well:
            host = self.dice.choice(well)
            self.told.append(f"  {host}")
            what(host)
            self.away[host] = remedy

    def heal(self) -> None:
        """All is mended."""
        for host, remedy in self.away.items():
            remedy(host)
        self.away.clear()

    def story(self) -> str:
        """What happened, for a person."""
        said = self.running.told() if self.running is not None else ""
        return f"seed {SEED}\n" + "\n".join(self.told) + f"\n{said}"


def test_a_stretch_of_life(tmp_path: Path) -> None:
    sys.stdout.write(f"seed {SEED}\n")
    with Real.started(tmp_path, speed=60.0) as real, ExitStack() as life:
        real.settings.write_text(real.settings.read_text().replace(TIMING, f"{TIMING}interval_s = 5\n"))
        (tmp_path / "empty").mkdir()
        real.more |= dict.fromkeys(GUESTS, MAY_BE_DOWN)
        real.commit()
        story = Story(real, random.Random(SEED), life)
        story.live()
        ends = time.monotonic() + STORY_S
        while time.monotonic() < ends:
            story.happen()
            time.sleep(story.dice.uniform(*PAUSE_S))
        story.heal()
        real.commit(web="c", db="b", batch="a")
        eventually(lambda: at_rest(story), "it never came to rest")
        assert story.running is not None
        assert 0 == story.running.stop(), story.story()
        assert real.nothing_lost(), story.story()
        sys.stdout.write(f"{len(story.told)} events, {story.lives} lives of the daemon\n")
        for guest in GUESTS:
            assert len(real.where(guest)) <= 1, story.story()


def at_rest(story: Story) -> bool:
    """Every guest is where it is declared. Where the daemon says that a person must look, one does."""
    found = story.real.bench.executable("refresh", "--timeout", "60", "-o", "json").json
    if found["result"] == "converged":
        return all(story.real.where(guest) == [home] for guest, home in story.real.homes.items())
    if found["result"] not in ("blocked", "held"):
        return False
    remedy = ["--resume", *(f"--retry={guest}" for guest in GUESTS)]
    story.real.bench.executable("apply", "--yes", *remedy)
    return False
