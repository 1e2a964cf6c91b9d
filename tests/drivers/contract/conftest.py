"""The drivers under contract. Used by the suite next to it; a new driver adds a line to `BENCHES`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import Disk
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.driver import SimulatedDriver
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.statefile import StateFile
from reconciler.drivers.simulated.world import World
from tests.drivers.contract.bench import DB, WEB, Bench


def _world() -> World:
    lun = "600143801259b8ae0000900000330000"
    hosts = [
        SimHost(name, networks=("prod",), presented=(lun,), clock_skew_s=skew) for name, skew in (("a", 0), ("b", 2))
    ]
    world = World.of(hosts, rules=refusal)
    attributes = {"os": "HPUX", "guest_kit": "yes", "inserted_media": "none"}
    web = SimGuest(WEB, "web", memory_mib=4096, networks=("prod",), dirty_mib_s=10, attributes=attributes)
    world.place(web, "a", (Disk(lun, StorageKind.SAN, 10240),))
    db = SimGuest(DB, "db", memory_mib=2048, attributes=attributes)
    world.place(db, "a", (Disk("/dev/vg01/db", StorageKind.LOGICAL_VOLUME, 2048),), RunState.STOPPED)
    return world


def simulated_in_memory(_: Path) -> Bench:
    """The world itself behind the driver."""
    world = _world()
    return Bench(SimulatedDriver(world), lambda seconds: world.advance_to(world.now_s + seconds), world.partition)


def simulated_in_a_file(folder: Path) -> Bench:
    """The same world in a file, with a wall clock that the test winds."""
    wall = [1000.0]
    file = StateFile.create(folder / "fleet.json", _world(), speed=10, wall=lambda: wall[0])

    def wait(seconds: float) -> None:
        wall[0] += seconds / 10

    def cut_off(host: str) -> None:
        with file.change() as world:
            world.partition(host)

    return Bench(SimulatedDriver(StateFile(file.path, rules=refusal, wall=lambda: wall[0])), wait, cut_off)


BENCHES: dict[str, Callable[[Path], Bench]] = {
    "simulated in memory": simulated_in_memory,
    "simulated in a file": simulated_in_a_file,
}


@pytest.fixture(params=sorted(BENCHES))
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """Each driver in turn, each time with a fresh fleet."""
    return BENCHES[request.param](tmp_path)
