"""What a daemon meets over the months: newer versions, full disks, clocks that jump, keys that change, neighbours."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from reconciler.errors import ExitCode
from tests.cli.bench import FLEET, GUEST, HOST, UUIDS, Bench
from tests.daemon.running import daemon, eventually
from tests.drivers.hpvm.fleet import Real
from tests.ssh.packages import missing
from tests.ssh.sshd import key_pair, public

STATUS = "refs/heads/reconciler/status/bench"


def test_a_status_branch_of_a_newer_version_is_not_touched(bench: Bench) -> None:
    bench.call("apply", "--yes")
    index = json.loads(bench.git("show", f"{STATUS}:index.json"))
    index["apiVersion"] = "reconciler/v2"
    (bench.folder / "fleet" / "index.json").write_text(json.dumps(index))
    blob = bench.git("hash-object", "-w", "index.json").strip()
    tree = bench.git("ls-tree", STATUS).replace(bench.git("rev-parse", f"{STATUS}:index.json").strip(), blob)
    made = subprocess.run(
        ["git", "mktree"], cwd=bench.folder / "fleet", input=tree, text=True, capture_output=True, check=True
    ).stdout.strip()
    bench.git("update-ref", STATUS, bench.git("commit-tree", "-p", STATUS, "-m", "newer", made).strip())
    bench.commit(web="h2")
    found = bench.call("apply", "--yes")
    assert (ExitCode.GIT, ["h1"]) == (found.code, bench.where("web"))
    assert "status-branch-newer" in found.err
    with daemon(bench.settings, settled=False) as running:
        assert "another version of reconciler" in running.hears("git-trouble")["message"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 KiB for the state folder."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)], check=False)
    if made.returncode:
        missing("a small file system is mounted as root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_stops_commands_until_there_is_room(bench: Bench, small_disk: Path) -> None:
    bench.settings.write_text(bench.settings.read_text().replace('folder = "state"', f'folder = "{small_disk}/state"'))
    with daemon(bench.settings) as running:
        running.hears("published")
        filler = small_disk / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        bench.commit(web="h2")
        assert str(small_disk) in running.hears("pass-failed")["message"]
        filler.unlink()
        eventually(lambda: bench.where("web") == ["h2"])


def test_a_ceiling_on_downtime_holds_a_plan(bench: Bench) -> None:
    bench.settings.write_text(bench.settings.read_text() + "[ceilings]\ndowntime_per_pass_s = 30\n")
    bench.more["db"] = "  migration: {downtime: allowed}\n"
    bench.commit(db="h2")
    found = bench.call("apply", "--yes")
    assert (ExitCode.HELD, ["h1"]) == (found.code, bench.where("db"))
    assert "TooMuchDowntime" in found.out


def test_two_fleets_live_in_one_repository(tmp_path: Path) -> None:
    """Each has its folder, its settings and its branch; a commit to one makes no report of the other."""
    first = Bench(tmp_path / "first")
    first.folder.mkdir()
    first.build()
    second = Bench(tmp_path / "second")
    second.folder.mkdir()
    second.build()
    other = first.folder / "fleet" / "other"
    other.mkdir()
    (other / "fleet.yaml").write_text((FLEET % "apply").replace("bench", "other"))
    (other / "hosts.yaml").write_text("---\n".join(HOST % host for host in ("h1", "h2", "h3")))
    for name, home in second.homes.items():
        (other / f"{name}.yaml").write_text(GUEST % (name, home, UUIDS[name], ""))
    first.commit()
    text = second.settings.read_text()
    second.settings.write_text(
        text.replace('path = "fleet"', 'path = "../first/fleet"').replace('folder = "desired"', 'folder = "other"')
    )
    with daemon(first.settings) as one, daemon(second.settings) as two:
        one.hears("published")
        two.hears("published")
        (other / "web.yaml").write_text(GUEST % ("web", "h3", UUIDS["web"], ""))
        first.commit(web="h2")
        eventually(lambda: (first.where("web"), second.where("web")) == (["h2"], ["h3"]))
    refs = first.git("for-each-ref", "--format=%(refname:short)", "refs/heads/reconciler/status").split()
    assert ["reconciler/status/bench", "reconciler/status/other"] == refs


def test_two_fleet_documents_under_one_path_are_refused(bench: Bench) -> None:
    (bench.desired / "second.yaml").write_text((FLEET % "apply").replace("bench", "other"))
    bench.commit(web="h2")
    found = bench.call("apply", "--yes")
    assert (ExitCode.DOCUMENTS, ["h1"]) == (found.code, bench.where("web"))
    assert "several-fleets" in found.err


CLOCK = """
import pathlib, time
real, offset = time.time, pathlib.Path(__file__).with_name("offset")
time.time = lambda: real() + float(offset.read_text())
"""
"""A wall clock that a test sets, for a Python that finds this as its `sitecustomize`."""


@pytest.mark.parametrize("jump_s", [86400, -86400], ids=["forward", "backward"])
def test_a_clock_that_jumps_in_mid_move_costs_nothing(tmp_path: Path, jump_s: int) -> None:
    """What lasts is measured by a clock that cannot jump, and records run out by the hosts' clocks."""
    place = tmp_path / "clock"
    place.mkdir()
    (place / "sitecustomize.py").write_text(CLOCK)
    (place / "offset").write_text("0")
    bench = Bench(tmp_path).build(speed=10.0)
    with daemon(bench.settings, PYTHONPATH=str(place)) as running:
        running.hears("published")
        bench.commit(web="h2")
        running.hears("step-begun")
        (place / "next").write_text(str(jump_s))
        (place / "next").replace(place / "offset")  # in one step: the daemon reads it all the time
        running.hears("pass-ended", result="converged")
        running.hears("published")
        bench.commit(batch="h3")
        running.hears("pass-ended", result="converged")
        assert 0 == running.stop()
    assert (["h2"], ["h3"]) == (bench.where("web"), bench.where("batch"))
    assert 2 == bench.sent().count("migrate")


@pytest.mark.slow
def test_keys_of_hosts_and_our_own_change_without_a_restart(tmp_path: Path) -> None:
    with Real.started(tmp_path) as real:
        (tmp_path / "empty").mkdir()
        text = real.settings.read_text()
        real.settings.write_text(text.replace("[timing]\n", "[timing]\ninterval_s = 5\n"))
        with daemon(real.settings) as running:
            real.hosts.rekey("b")
            running.hears("host-unreachable")
            real.commit(web="b")
            running.hears("pass-ended")
            assert ["a"] == real.where("web"), "an unknown key is an unknown host"
            known = real.hosts.known_hosts_file
            lines = [line for line in known.read_text().splitlines() if not line.startswith("b ")]
            known.write_text("\n".join([*lines, f"b {public(real.hosts.machines['b'].host_key)}", ""]))
            eventually(lambda: real.where("web") == ["b"])
            new = key_pair(tmp_path / "new")
            for machine in real.hosts.machines.values():
                authorized = machine.home / ".ssh" / "authorized_keys"
                authorized.write_text(f"{authorized.read_text()}{public(new)}\n")
            new.replace(real.hosts.key_file)
            real.commit(batch="c")
            eventually(lambda: real.where("batch") == ["c"])
        assert real.nothing_lost()
