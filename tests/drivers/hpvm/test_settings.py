"""Settings around a move on real hosts: a guest is made smaller so that it fits, and gets more once it is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.core.model import RunState
from reconciler.core.observed import HostFacts, Registration
from tests.drivers.hpvm.fleet import UUIDS, Real, world

pytestmark = pytest.mark.slow


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Real]:
    """`web`, 2 x 50 % and memory that can be set, runs on a; of the 200 % of b `batch` has 140 %."""
    there = world(2)
    web, batch = there.fleet.guests[UUIDS["web"]], there.fleet.guests[UUIDS["batch"]]
    web.vcpus, web.cpu_entitlement_percent = 2, 50
    web.memory_mib, web.memory_min_mib, web.memory_step_mib = 4096, 1024, 64
    batch.vcpus, batch.cpu_entitlement_percent = 2, 70
    there.fleet.hosts["b"].cpus = 2
    there.fleet.hosts["b"].copies[UUIDS["batch"]].state = RunState.RUNNING
    with Real.started(tmp_path, there) as started:
        yield started


def entry(real: Real, host: str) -> Registration:
    """What a look shows of `web` there."""
    with real.hosts.change() as there:
        look = there.look(host)
    assert isinstance(look, HostFacts)
    found = look.registration(UUIDS["web"])
    assert found is not None
    return found


def test_a_guest_is_made_smaller_so_that_it_fits_and_gets_more_once_it_is_there(real: Real) -> None:
    boot = entry(real, "a").boot_marker
    real.commit(web="b")
    assert (6, True) == ((refused := real.call("apply", "--yes")).code, "NoRoom" in refused.out), refused.out

    for size_mib, percent, home, order in (
        (2048, 30, "b", ["web set done", "web migrate done"]),
        (3072, 40, "a", ["web migrate done", "web set done"]),
    ):
        real.more["web"] = f"  cpu: {{entitlement: {percent}%}}\n  memory: {{size: {size_mib}MiB}}\n"
        real.commit(web=home)
        ran = real.call("apply", "--yes", "-o", "json")
        assert (0, order) == (ran.code, ran.steps), ran.err
        found = entry(real, home)
        assert (size_mib, 4096, percent) == (found.memory_current_mib, found.memory_mib, found.cpu_entitlement_percent)
        assert ([home], boot, True) == (real.where("web"), found.boot_marker, real.nothing_lost())
    assert 0 == real.call("diff").code
