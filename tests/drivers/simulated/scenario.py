"""Build a whole simulated fleet from a seed: versions, processors, storage, busy guests and stubborn ones.

Used by the tests of this folder. Same seed, same fleet. Never asks the system for chance.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass

from reconciler.core.model import Processor, RunState, StorageKind
from reconciler.core.observed import Disk
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.power import shortage
from reconciler.drivers.simulated.world import World

VERSIONS = ("4.1", "4.2", "4.2", "4.3")
PROCESSORS = (
    Processor(31, 2, "Itanium 2"),
    Processor(32, 0, "Itanium 2 9000"),
    Processor(32, 1, "Itanium 2 9100"),
    Processor(32, 1, "Itanium 2 9100"),
)
NETWORKS = ("prod", "backup")
MEMORY_MIB = (2048, 4096, 8192, 12288)
DISK_MIB = (4096, 10240, 20480)
HOST_MEMORY_MIB = (32768, 49152, 65536)
GIB_PER_HOST_DISK = 200


@dataclass(frozen=True)
class Shape:
    """How a fleet is drawn; the shares are probabilities for each guest."""

    hosts: int = 3
    guests: int = 8
    stopped: float = 0.25
    local_storage: float = 0.25
    ignores_shutdown: float = 0.05
    too_busy: float = 0.05
    autostart: float = 0.2
    unpresented: float = 0.1
    """That one host does not see the guest's LUN."""
    mixed_clocks: bool = True


def world(seed: int, shape: Shape | None = None) -> World:
    """The fleet of this seed. Guests that find no room for running are stopped: no host begins overcommitted."""
    shape = shape or Shape()
    draw = random.Random(seed)
    built = World.of(_host(draw, index, shape) for index in range(shape.hosts))
    for index in range(shape.guests):
        _add_guest(draw, built, index, shape)
    return built


def _host(draw: random.Random, index: int, shape: Shape) -> SimHost:
    skew_s = float(draw.randint(-3, 3)) if shape.mixed_clocks else 0.0
    return SimHost(
        name=f"h{index + 1}",
        machine_id=str(uuid.UUID(int=draw.getrandbits(128), version=4)),
        version=draw.choice(VERSIONS),
        processor=draw.choice(PROCESSORS),
        cpus=draw.choice((4, 8, 16)),
        memory_mib=draw.choice(HOST_MEMORY_MIB),
        disk_mib=GIB_PER_HOST_DISK * 1024,
        bandwidth_mib_s=draw.choice((50.0, 100.0, 110.0)),
        networks=NETWORKS if draw.random() < 0.9 else NETWORKS[:1],
        clock_skew_s=skew_s,
    )


def _add_guest(draw: random.Random, built: World, index: int, shape: Shape) -> None:
    hosts = [built.fleet.hosts[name] for name in sorted(built.fleet.hosts)]
    home = draw.choice(hosts)
    busy = draw.random() < shape.too_busy
    guest = SimGuest(
        uuid=str(uuid.UUID(int=draw.getrandbits(128), version=4)),
        name=f"g{index + 1:02d}",
        memory_mib=draw.choice(MEMORY_MIB),
        vcpus=draw.choice((1, 1, 2, 4)),
        cpu_entitlement_percent=draw.choice((10, 10, 20, 50)),
        networks=home.networks[:1] if draw.random() < 0.8 else home.networks,
        dirty_mib_s=draw.choice((120.0, 200.0)) if busy else draw.choice((0.0, 5.0, 20.0, 45.0)),
        attributes=_attributes(draw, shape),
        shutdown_s=None if draw.random() < shape.ignores_shutdown else float(draw.randint(5, 90)),
        boot_s=float(draw.randint(20, 120)),
    )
    disks = _disks(draw, guest, home, shape)
    hidden_from = draw.choice(hosts) if draw.random() < shape.unpresented else None
    for host in hosts:
        if host is not hidden_from or host is home:
            luns = (disk.id for disk in disks if disk.kind.shared)
            host.presented = (*host.presented, *luns)
    wants_to_run = draw.random() >= shape.stopped
    fits = not shortage(built.fleet, home, guest.load(home.memory_overhead_percent))
    built.place(guest, home.name, disks, RunState.RUNNING if wants_to_run and fits else RunState.STOPPED)


def _attributes(draw: random.Random, shape: Shape) -> dict[str, str]:
    """The words that Integrity VM's rules ask for, and the one that the world itself reads."""
    attributes = {"os": "HPUX", "guest_kit": "yes", "inserted_media": "none", "online_migration": "enabled"}
    if draw.random() < 0.1:
        attributes["online_migration"] = "disabled"
    if draw.random() < 0.1:
        attributes["os"] = "LINUX"
    attributes["autostart"] = "on" if draw.random() < shape.autostart else "off"
    return attributes


def _disks(draw: random.Random, guest: SimGuest, home: SimHost, shape: Shape) -> tuple[Disk, ...]:
    size_mib = draw.choice(DISK_MIB)
    if draw.random() >= shape.local_storage:
        return (Disk(f"6001438{draw.getrandbits(100):025x}", StorageKind.SAN, size_mib),)
    kind = draw.choice((StorageKind.LOGICAL_VOLUME, StorageKind.FILE, StorageKind.LOCAL_DISK))
    local = Disk(f"/dev/{home.name}/{guest.name}", kind, size_mib)
    if draw.random() < 0.3:
        return (Disk(f"6001438{draw.getrandbits(100):025x}", StorageKind.SAN, size_mib), local)
    return (local,)
