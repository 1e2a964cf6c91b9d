"""The demo as people meet it: the installed executable tells the whole story, quickly, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.cli import run
from reconciler.core.model import StorageKind
from reconciler.demo import proof
from reconciler.demo.cast import Part, cast
from reconciler.errors import InvariantBroken

README = Path(__file__).parents[2] / "README.md"
EXECUTABLE = Path(sys.executable).with_name("reconciler")
SECONDS_MAX = 60
SPEED = "100"
"""Slow enough for a busy machine: records of moves expire by the hosts' clock."""


def told(folder: Path, *arguments: str) -> tuple[str, str]:
    """Run the demo from an empty folder with a temporary folder of its own: what it said on stdout and stderr."""
    (folder / "empty").mkdir()
    (folder / "tmp").mkdir()
    elsewhere = os.pathsep.join(path for path in os.get_exec_path() if Path(path) != EXECUTABLE.parent)
    begun = time.monotonic()
    found = subprocess.run(
        [str(EXECUTABLE), "demo", *arguments],
        cwd=folder / "empty",
        env={**os.environ, "PATH": elsewhere, "TMPDIR": str(folder / "tmp")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * SECONDS_MAX,
    )
    assert 0 == found.returncode, found.stdout[-2000:] + found.stderr[-2000:]
    assert time.monotonic() - begun < SECONDS_MAX
    return found.stdout, found.stderr


def plain(text: str) -> str:
    """On one line, as a reader takes it in."""
    return " ".join(text.split())


@pytest.mark.parametrize("seed", [pytest.param(1, id="default"), pytest.param(4711, marks=pytest.mark.slow)])
def test_the_whole_story_is_told(tmp_path: Path, seed: int) -> None:
    arguments = ("--speed", SPEED) if seed == 1 else ("--speed", SPEED, "--seed", str(seed))
    out, err = told(tmp_path, *arguments)
    players = cast(seed)
    stumbles, stays = players.one(Part.STUMBLES), players.one(Part.STAYS)
    assert "All 24 declared guests as declared, 1 unmanaged." in plain(out)
    for part in (Part.ONLINE, Part.RETURNS, Part.COPIED, Part.CROSSES, Part.SWAPS):
        for guest in players.of(part):
            assert re.search(rf"✓ +{guest.name} .*→ {guest.wanted} .* done", out), guest.name
    assert re.search(r"online hop +done", out)
    assert re.search(rf"{stumbles.name}  online .*attempt 2 in [0-9]+ s", err)
    assert f"{stumbles.name} took 2 attempts" in plain(out)
    assert f"{stays.name} may not: 4.2 → 4.1 is a step back" in plain(out)
    assert f"{players.one(Part.BLOCKED).name} stays" in plain(out)
    assert "0 commands that change anything, 0 commits." in plain(out)
    assert f"reconciler/status/{players.fleet}" in out
    assert "# Fleet" in out
    first = [f". {EXECUTABLE.with_name('activate')}", "reconciler demo --keep DIR"]
    first.append("cd DIR; export RECONCILER_SETTINGS=$PWD/settings.toml")
    assert "\n\n".join(f"$ {line}" for line in first) + "\n  $ reconciler explain" in out
    assert [] == list((tmp_path / "empty").iterdir()) + list((tmp_path / "tmp").iterdir())
    if seed == 1:
        shown = README.read_text(encoding="utf-8").partition("    $ reconciler plan")[2].partition("\n\n")[0]
        assert [] == [line for line in shown.splitlines()[1:] if plain(line).rstrip("…") not in plain(out)]


@pytest.mark.slow
def test_a_kept_demo_can_be_gone_on_with(tmp_path: Path) -> None:
    told(tmp_path, "--speed", SPEED, "--keep", str(tmp_path / "kept"))
    assert 0 == run(["status", "--settings", str(tmp_path / "kept" / "settings.toml")])
    assert 6 == run(["plan", "--settings", str(tmp_path / "kept" / "settings.toml")])


def test_a_folder_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    assert 2 == run(["demo", "--keep", str(tmp_path)])
    assert ["precious"] == [path.name for path in tmp_path.iterdir()]


def test_a_story_without_one_of_its_events_fails_loudly() -> None:
    with pytest.raises(InvariantBroken, match="the story has no hop"):
        proof.need(False, "hop over a third host")
    plan: proof.Document = {"steps": [], "blocked": [], "brakes": []}
    with pytest.raises(InvariantBroken, match="four online moves"):
        proof.Reviewed(plan, cast(1)).check()


def test_the_demo_ends_with_70_when_something_it_tells_did_not_happen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(proof.Reviewed, "online", 3)
    assert 70 == run(["demo", "--speed", "400", "--keep", str(tmp_path / "kept")])
    assert "error: invariant-broken" in capsys.readouterr().err


@pytest.mark.parametrize("seed", range(30))
def test_every_seed_casts_the_same_parts(seed: int) -> None:
    players = cast(seed)
    names = [guest.name for guest in players.guests]
    assert (7, 25, 25) == (len(players.hosts), len(names), len(set(names)))
    assert {"4.1", "4.2", "4.3"} == {host.version for host in players.hosts}
    assert 2 == len({host.processor.family for host in players.hosts})
    assert {StorageKind.SAN, StorageKind.FILE, StorageKind.LOGICAL_VOLUME} <= {
        guest.storage for guest in players.guests
    }
    for host in players.hosts:
        taken = sum(guest.memory_gib for guest in players.guests if guest.home == host.name and guest.running)
        assert 1.08 * taken <= host.memory_gib, host.name


def test_another_seed_tells_another_story() -> None:
    assert cast(1) == cast(1)
    assert cast(1).guests != cast(2).guests
