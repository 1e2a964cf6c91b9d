"""The drivers under contract. Used by the suite next to it; a new driver adds a line to `BENCHES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from reconciler.core.desired import Host
from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import Disk
from reconciler.drivers.hpvm.driver import HpvmDriver
from reconciler.drivers.hpvm.settings import HpvmSettings
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.driver import SimulatedDriver
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.statefile import StateFile
from reconciler.drivers.simulated.world import World
from reconciler.errors import Location
from reconciler.ssh.access import Access
from reconciler.ssh.connections import Connections
from tests.drivers.contract.bench import DB, WEB, Bench
from tests.drivers.contract.on_the_lab import Hosts, started
from tests.drivers.hosts.fleet import SshdFleet


def _world() -> World:
    lun = "600143801259b8ae0000900000330000"
    hosts = [
        SimHost(name, networks=("prod",), presented=(lun,), clock_skew_s=skew) for name, skew in (("a", 0), ("b", 2))
    ]
    world = World.of(hosts, rules=refusal)
    attributes = {"os": "HPUX", "guest_kit": "yes", "inserted_media": "none"}
    web = SimGuest(WEB, "web", memory_mib=4096, networks=("prod",), dirty_mib_s=10, attributes=attributes)
    web.memory_min_mib, web.memory_step_mib = 1024, 64
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


@contextmanager
def hpvm_over_ssh(folder: Path) -> Iterator[Bench]:
    """The same world behind real SSH servers with the platform's commands. Its clocks are wound by the test."""
    with SshdFleet.start(folder, _world(), speed=1.0) as fleet:
        connections = Connections(Access(fleet.known_hosts_file, fleet.key_file, connect_timeout_s=5.0))
        documents = {host: fleet.document(host) for host in fleet.machines}
        documents["nowhere"] = Host("nowhere", "hpvm", Location("hosts.yaml"), "127.77.255.254", 9)
        yield Bench(HpvmDriver(connections, HpvmSettings()), fleet.wind, fleet.cut, documents, deletes=False)
        connections.close()


@contextmanager
def _simulated(make: Callable[[Path], Bench], folder: Path) -> Iterator[Bench]:
    yield make(folder)


BENCHES: dict[str, Callable[[Path], AbstractContextManager[Bench]]] = {
    "hpvm over ssh": hpvm_over_ssh,
    "simulated in memory": partial(_simulated, simulated_in_memory),
    "simulated in a file": partial(_simulated, simulated_in_a_file),
}


LIBVIRT = "libvirt on the lab"
"""Its hosts are real: they are started once, and made as good as new for each test."""


@pytest.fixture(scope="session")
def hosts_of_the_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    hosts = started(tmp_path_factory.mktemp("lab"))
    with hosts.lab:
        yield hosts
        hosts.driver.close()


@pytest.fixture(params=[*sorted(BENCHES), pytest.param(LIBVIRT, marks=(pytest.mark.slow, pytest.mark.long))])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Each driver in turn, each time with a fresh fleet."""
    if request.param == LIBVIRT:
        hosts: Hosts = request.getfixturevalue("hosts_of_the_lab")
        yield hosts.bench()
        return
    with BENCHES[request.param](tmp_path) as bench:
        yield bench
