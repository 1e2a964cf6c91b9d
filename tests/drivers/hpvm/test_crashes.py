"""Controllers killed, links cut and hosts gone in mid-migration: the same end, nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.core.model import RunState
from tests.cli.bench import EXECUTABLE
from tests.drivers.hpvm.fleet import UUIDS, Real, environment

pytestmark = pytest.mark.slow

SLOW = 6.0
"""Physics so slow that a migration of `web` (25 s) takes four seconds: time enough to intervene."""
DEADLINE_S = 90


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Real]:
    """`web` shall go from a to b, and takes its time."""
    with Real.started(tmp_path, speed=SLOW) as started:
        started.commit(web="b")
        yield started


def until(what: str, found: Callable[[], object]) -> None:
    """Wait for it, for a while."""
    until_s = time.monotonic() + DEADLINE_S
    while not found():
        assert time.monotonic() < until_s, f"never: {what}"
        time.sleep(0.05)


def begin(real: Real) -> subprocess.Popen[str]:
    """Start `apply` as a process of its own, and wait until the host's job runs."""
    process = subprocess.Popen(
        [str(EXECUTABLE), "apply", "--yes"],
        cwd=real.folder,
        env=environment(real),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until("the migration runs", lambda: moving(real))
    return process


def moving(real: Real) -> bool:
    with real.hosts.change() as there:
        return bool(there.fleet.live_jobs)


def job_pid(real: Real) -> str:
    """The process of the host's job, by the host's own count."""
    (path,) = real.hosts.path("a", "/var/opt/reconciler/jobs").glob("*.migrate/pid")
    return path.read_text().strip()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, _ = process.communicate(timeout=DEADLINE_S)
    return process.returncode, out


def state(real: Real, host: str, guest: str = "web") -> RunState:
    with real.hosts.change() as there:
        return there.fleet.hosts[host].copies[UUIDS[guest]].state


def test_a_killed_controller_is_followed_by_one_that_ends_in_the_same_place(real: Real) -> None:
    process = begin(real)
    before = job_pid(real)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=DEADLINE_S)
    assert (before, True) == (job_pid(real), moving(real)), "the host's job goes on by itself"
    assert 0 == real.call("apply", "--yes").code
    assert (["b"], RunState.RUNNING, True) == (real.where("web"), state(real, "b"), real.nothing_lost())
    assert 1 == len(list(migrations(real))), "no second migration was sent"
    assert [[], []] == [[name for name in real.book(host) if name != "records" and name != "jobs"] for host in "ab"]


def migrations(real: Real) -> Iterator[str]:
    return (verb for verb in real.bench.sent() if verb == "migrate")


def test_a_killed_controller_without_its_state_folder_is_adopted_all_the_same(real: Real) -> None:
    process = begin(real)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=DEADLINE_S)
    (real.folder / "state").rename(real.folder / "lost")
    held = real.call("apply", "--yes")
    assert 0 != held.code, "another controller's record is alive: hands off"
    until("the migration ends", lambda: not moving(real))
    real.hosts.wind(200)  # past the record's expiry
    assert 0 == real.call("apply", "--yes").code
    assert (["b"], RunState.RUNNING, True) == (real.where("web"), state(real, "b"), real.nothing_lost())


def test_a_connection_that_is_lost_in_mid_migration_neither_ends_nor_hides_it(real: Real) -> None:
    process = begin(real)
    real.hosts.cut("a")
    until("the migration ends", lambda: not moving(real))
    assert process.poll() is None, "it waits for the host"
    real.hosts.heal("a")
    code, out = ended(process)
    assert (0, ["b"], True) == (code, real.where("web"), real.nothing_lost()), out


def test_a_target_that_goes_down_in_mid_migration_leaves_the_guest_running(real: Real) -> None:
    process = begin(real)
    real.hosts.crash("b")
    until("the migration ends", lambda: not moving(real))
    assert RunState.RUNNING is state(real, "a")
    real.hosts.boot("b")
    code, out = ended(process)
    assert real.nothing_lost()
    assert (0, ["b"]) == (code, real.where("web")), out


def test_a_source_that_goes_down_in_mid_migration_loses_nothing(real: Real) -> None:
    process = begin(real)
    real.hosts.crash("a")
    real.hosts.boot("a")
    ended(process)
    assert real.nothing_lost()
    assert 1 == len(real.where("web"))
    real.call("apply", "--yes")
    assert (1, True) == (len(real.where("web")), real.nothing_lost())


def test_an_offline_move_that_is_killed_while_the_guest_is_down_starts_it_at_its_target(tmp_path: Path) -> None:
    with Real.started(tmp_path, speed=SLOW) as real:
        real.more["db"] = "  migration: {downtime: allowed}\n"
        real.commit(db="b")
        process = begin(real)
        assert RunState.STOPPED is state(real, "a", "db")
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=DEADLINE_S)
        assert 0 == real.call("apply", "--yes").code
        assert (["b"], RunState.RUNNING) == (real.where("db"), state(real, "b", "db"))
        assert real.nothing_lost()
