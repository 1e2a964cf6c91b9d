"""Ctrl-C during `apply`: once waits for what is under way, twice leaves it; the next pass ends in the same place."""

from __future__ import annotations

import select
import signal
import subprocess
from pathlib import Path

import pytest

from reconciler.core.model import StorageKind
from reconciler.core.observed import Disk
from reconciler.drivers.simulated.statefile import StateFile
from reconciler.drivers.simulated.world import World
from reconciler.errors import ExitCode
from tests.cli.bench import UUIDS, Bench

PATIENCE_S = 60


def slow_bench(folder: Path) -> Bench:
    """A move of `web` takes a second or two: long enough to be interrupted."""
    bench = Bench(folder)

    def arrange(world: World) -> None:
        bench.place(world, "late", "h1", Disk("wwid-late", StorageKind.SAN, 4096), uuid=UUIDS["web"][:-1] + "9")

    bench.build(speed=20.0, arrange=arrange)
    bench.commit(web="h2", batch="h3")
    return bench


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    """Read stderr until it says this."""
    assert process.stderr is not None
    told = ""
    while text not in told:
        ready, _, _ = select.select([process.stderr], [], [], PATIENCE_S)
        line = process.stderr.readline() if ready else ""
        assert line, f"never said {text!r}: {told}"
        told += line
    return told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_once_begins_nothing_new_and_waits(tmp_path: Path, number: signal.Signals) -> None:
    bench = slow_bench(tmp_path)
    with bench.started("apply", "--yes") as process:
        wait_for(process, "web  online h1 → h2  migrating")
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert 4 == process.returncode, err
    assert "interrupted: nothing new begins, waiting for 1 step under way" in err
    assert (["h2"], ["h2"]) == (bench.where("web"), bench.where("batch"))
    assert "1 guest moved" in out
    assert 1 == len(bench.reports())
    assert (0, ["h3"]) == (bench.call("apply", "--yes").code, bench.where("batch"))


def test_twice_leaves_and_the_next_pass_picks_up(tmp_path: Path) -> None:
    bench = slow_bench(tmp_path)
    with bench.started("apply", "--yes") as process:
        wait_for(process, "web  online h1 → h2  migrating")
        process.send_signal(signal.SIGINT)
        wait_for(process, "interrupted")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert 4 == process.returncode, err
    assert "a guest that was stopped for one stays down" in err
    assert 1 == len(bench.reports())
    assert "incomplete" in bench.call("status").out
    migrations = bench.sent().count("migrate")
    left = bench.call("plan")
    assert (ExitCode.DIFFERENCES, True, False) == (left.code, "Waiting:" in left.out, "Blocked:" in left.out), left.out
    assert "MoveUnderWay: an earlier pass began it" in left.out
    found = bench.call("apply", "--yes")
    assert (0, ["h2"], ["h3"]) == (found.code, bench.where("web"), bench.where("batch"))
    assert "left by an earlier pass, ended" in found.err
    assert (1, 2) == (migrations, bench.sent().count("migrate")), "the move under way was adopted, not begun again"
    with StateFile(bench.hosts).change() as world:
        assert [] == world.ledger.double_runs
