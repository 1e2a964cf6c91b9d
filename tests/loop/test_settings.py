"""Settings are the operator's: what the repository says can never widen them (promise I9)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.desired import Commit, DesiredFleet, Fleet, Host, Limits, Mode
from reconciler.errors import Location, SettingsError
from reconciler.loop.settings import Settings, find_settings, read_settings

HERE = Location("fleet.yaml")
MINIMAL = '[repository]\npath = "fleet.git"\n[state]\nfolder = "state"\n'


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def desired(*, limits: Limits, allow: dict[str, int] | None = None) -> DesiredFleet:
    return DesiredFleet(Fleet("f", HERE, Mode.APPLY, limits), {}, {}, commit=Commit("c", allow=allow or {}))


def test_paths_are_relative_to_the_settings_file(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, MINIMAL + '[drivers.simulated]\nstate_file = "fleet.json"\n'))
    assert tmp_path / "fleet.git" == settings.repository
    assert str(tmp_path / "fleet.json") == settings.drivers["simulated"]["state_file"]


def test_the_stricter_limit_holds_whichever_side_it_stands_on(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, MINIMAL + "[ceilings]\nconcurrent = 2\nmoves_per_pass = 50\n"))
    held = settings.restrained(desired(limits=Limits(concurrent=8, moves_per_pass=10)))
    assert (2, 10) == (held.fleet.limits.concurrent, held.fleet.limits.moves_per_pass)


def test_a_commit_cannot_allow_more_moves_than_the_ceiling(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, MINIMAL + "[ceilings]\nmoves_per_pass = 30\n"))
    held = settings.restrained(desired(limits=Limits(), allow={"moves": 120, "stops": 4}))
    assert held.commit is not None
    assert {"moves": 30, "stops": 4} == dict(held.commit.allow)


@pytest.mark.parametrize(
    ("allowed", "holds"), [("", 100), ("memory_overcommit = 1.25", 125), ("memory_overcommit = 3", 150)]
)
def test_memory_is_overcommitted_only_as_far_as_the_settings_allow(tmp_path: Path, allowed: str, holds: int) -> None:
    settings = read_settings(written(tmp_path, f"{MINIMAL}[ceilings]\n{allowed}\n"))
    declared = desired(limits=Limits())
    host = Host("a", "simulated", declared.fleet.location, memory_overcommit_percent=150)
    assert holds == settings.restrained(replace(declared, hosts={"a": host})).hosts["a"].memory_overcommit_percent


def test_report_mode_in_the_settings_wins_over_apply_in_the_repository(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, MINIMAL + '[ceilings]\nmode = "report"\n'))
    assert Mode.REPORT is settings.restrained(desired(limits=Limits())).fleet.mode


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (MINIMAL + "[ceilings]\nconcurent = 2\n", "concurent"),
        ('[state]\nfolder = "s"\n', "repository"),
        (MINIMAL + "[ceilings]\nconcurrent = 0\n", "ceilings.concurrent"),
        (MINIMAL + "[stat]\nx = 1\n", '[stat] is no table here: did you mean "state"?'),
        (MINIMAL + "[ceilings]\nlisten = 1\n", '[ceilings] has no key "listen": it belongs in [web]'),
        (MINIMAL + "[web]\n", 'web.listen is missing: add it, for example listen = "127.0.0.1:9477"'),
        (MINIMAL + '[web]\nlisten = "9000"\n', 'web.listen is "9000", which cannot be read: write for example "127.0'),
        (MINIMAL + '[log]\nlevel = "warn"\n', 'log.level is "warn": did you mean "warning"?'),
        (MINIMAL + '[ceilings]\nconcurrent = "2"\n', 'concurrent is "2" and must be a whole number: write for'),
        (MINIMAL + '[[lost_hosts]]\nhost = "h"\nsince = "yesterday"\nreason = "x"\n', 'since is "yesterday", which'),
        (MINIMAL.replace('"state"', '""'), 'state.folder is empty: write for example "/var/lib/reconciler"'),
        (
            MINIMAL + '[[lost_hosts]]\nhost = "h"\nsince = 2026-11-20\nreason = "x"\n',
            'lost_hosts[0].since is the time 2026-11-20 and must be text in quotes: write for example "2026-11-20"',
        ),
        ("this is not toml", "not TOML"),
    ],
)
def test_a_bad_settings_file_is_refused_with_the_place(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(written(tmp_path, text))
    assert named in str(caught.value)
    assert caught.value.hint


def test_the_file_given_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_SETTINGS", str(tmp_path / "from-environment.toml"))
    assert tmp_path / "given.toml" == find_settings(tmp_path / "given.toml")
    assert tmp_path / "from-environment.toml" == find_settings(None)


def test_lost_hosts_carry_their_day_and_reason(tmp_path: Path) -> None:
    lost = '[[lost_hosts]]\nhost = "h9"\nsince = "2026-11-20"\nreason = "scrapped"\n'
    settings: Settings = read_settings(written(tmp_path, MINIMAL + lost))
    assert {"h9": "since 2026-11-20: scrapped"} == settings.lost_hosts
