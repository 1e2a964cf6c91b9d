"""Small random fleets and the commits that people make about them: what a history is about.

The mix is chosen so that every method and every stage comes up often: guests on SAN that can go online, guests on files
that must be copied while they are down, guests that are off, guests whose source is deleted after the copy.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from reconciler.core.desired import (
    AfterDeadline,
    Autostart,
    Cleanup,
    Commit,
    DesiredFleet,
    Downtime,
    Fleet,
    Guest,
    Host,
    Limits,
    MigrationPolicy,
    Mode,
    PowerWish,
    Retry,
    StopPolicy,
)
from reconciler.core.model import Processor, RunState, StorageKind
from reconciler.core.observed import Disk
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.world import World
from reconciler.errors import Location

PROCESSORS = (Processor(32, 0, "Itanium 2 9000"), Processor(32, 1, "Itanium 2 9100"), Processor(31, 2, "Itanium 2"))
LUNS = tuple(f"lun-{number}" for number in range(10))
POWERS = (PowerWish.KEEP, PowerWish.RUNNING, PowerWish.RUNNING, PowerWish.RUNNING, PowerWish.STOPPED)
NOWHERE = Location("simulation.yaml")


@dataclass
class Story:
    """A world, and the commits of one history so far; the newest is what controllers read."""

    world: World
    commits: list[DesiredFleet]

    @property
    def desired(self) -> DesiredFleet:
        return self.commits[-1]


def make_story(chance: random.Random, rules: object) -> Story:
    """A fleet of 3 to 5 hosts and 3 to 8 guests, and a first commit that moves some of them."""
    slots = chance.choice([1, 1, 2])
    hosts = [_host(chance, number, slots) for number in range(chance.randint(3, 5))]
    world = World.of(hosts, now_s=1_700_000_000.0, rules=rules)  # type: ignore[arg-type]  # the registry's callable
    guests = []
    for number in range(chance.randint(3, 8)):
        guest, disks, state = _guest(chance, number)
        roomy = [host for host in hosts if _fits(world, host, guest, state)]
        if roomy:
            home = chance.choice(roomy)
            world.place(guest, home.name, disks, state)
            guests.append((guest, home.name))
    world.advance_to(world.now_s + 1)
    documents = {guest.name: _document(chance, guest, home) for guest, home in guests}
    if len(documents) > 3 and chance.random() < 0.3:
        del documents[chance.choice(sorted(documents))]  # an unmanaged guest
    fleet = Fleet(
        "sim",
        NOWHERE,
        mode=Mode.APPLY,
        limits=Limits(
            concurrent=chance.choice([1, 2, 4]),
            concurrent_in=slots,
            concurrent_out=slots,
            concurrent_host=slots,
            moves_per_pass=100,
            stops_per_pass=100,
        ),
        retry=Retry(backoff_s=60, factor=2, backoff_max_s=600),
    )
    host_documents = {host.name: _host_document(chance, world, host) for host in hosts}
    first = DesiredFleet(fleet, host_documents, documents, commit=Commit("c0"))
    story = Story(world, [first])
    commit(chance, story)
    return story


def commit(chance: random.Random, story: Story) -> None:
    """Somebody merges a change: guests get other hosts, other power, other permissions."""
    guests = dict(story.desired.guests)
    hosts = sorted(story.desired.hosts)
    for name in sorted(guests):
        guest = guests[name]
        roll = chance.random()
        if roll < 0.5:
            guests[name] = replace(guest, host=chance.choice(hosts))
        elif roll < 0.7:
            guests[name] = replace(guest, power=chance.choice(POWERS))
        elif roll < 0.8:
            guests[name] = replace(guest, **_settings(chance))
        elif roll < 0.83:
            guests[name] = replace(guest, migration=_policy(chance))
    number = len(story.commits)
    story.commits.append(replace(story.desired, guests=guests, commit=Commit(f"c{number}")))


def _host(chance: random.Random, number: int, slots: int) -> SimHost:
    return SimHost(
        name=f"h{number}",
        version=chance.choice(["4.1", "4.2", "4.2", "4.2", "4.3"]),
        processor=chance.choice([PROCESSORS[0], PROCESSORS[1], PROCESSORS[1], PROCESSORS[2]]),
        cpus=8,
        memory_mib=16384,
        disk_mib=chance.choice([40_000, 100_000]),
        bandwidth_mib_s=chance.choice([50.0, 100.0]),
        networks=("lan0",),
        presented=LUNS if chance.random() < 0.95 else LUNS[:5],
        slots=slots,
        clock_skew_s=chance.choice([0.0, -45.0, 30.0]),
    )


def _host_document(chance: random.Random, world: World, host: SimHost) -> Host:
    """Sometimes a cap below what the platform would take, but never below what it holds already."""
    cap = None
    if chance.random() < 0.6:
        cap = max(chance.choice([8192, 10240, 12288]), world.fleet.taken(host).memory_mib)
    return Host(host.name, "simulated", NOWHERE, memory_cap_mib=cap)


def _guest(chance: random.Random, number: int) -> tuple[SimGuest, tuple[Disk, ...], RunState]:
    local = chance.random() < 0.5
    kind = chance.choice([StorageKind.FILE, StorageKind.LOGICAL_VOLUME]) if local else StorageKind.SAN
    disk = Disk(f"/guests/g{number}.img" if local else LUNS[number], kind, chance.choice([2000, 8000]))
    guest = SimGuest(
        uuid=f"uuid-{number}",
        name=f"g{number}",
        memory_mib=chance.choice([1024, 2048, 4096]),
        vcpus=chance.choice([1, 2]),
        networks=("lan0",),
        memory_min_mib=512,
        memory_step_mib=chance.choice([64, 64, 64, 0]),
        memory_set_s=chance.choice([5.0, 60.0, 60.0, None]),
        dirty_mib_s=chance.choice([0.0, 5.0, 20.0]),
        attributes={
            "os": "HPUX",
            "guest_kit": "yes",
            "inserted_media": "none",
            "autostart": chance.choice(["off", "off", "on"]),
        },
        shutdown_s=chance.choice([20.0, 45.0, 45.0, 45.0, 200.0, None]),
        boot_s=60.0,
    )
    return guest, (disk,), RunState.RUNNING if chance.random() < 0.8 else RunState.STOPPED


def _fits(world: World, host: SimHost, guest: SimGuest, state: RunState) -> bool:
    taken = world.fleet.taken(host).memory_mib
    return state is RunState.STOPPED or taken + guest.load(host.memory_overhead_percent).memory_mib <= host.memory_mib


def _document(chance: random.Random, guest: SimGuest, home: str) -> Guest:
    return Guest(
        guest.name, home, NOWHERE, uuid=guest.uuid if chance.random() < 0.5 else None, migration=_policy(chance)
    )


def _settings(chance: random.Random) -> dict[str, Any]:
    """Some of what can be set where a guest is; not all of it can be had."""
    return {
        "memory_mib": chance.choice([None, 1024, 1536, 2048, 3072]),
        "cpu_entitlement_percent": chance.choice([None, 5, 20, 50]),
        "autostart": chance.choice(list(Autostart)),
    }


def _policy(chance: random.Random) -> MigrationPolicy:
    return MigrationPolicy(
        downtime=Downtime.ALLOWED if chance.random() < 0.85 else Downtime.FORBIDDEN,
        stop=StopPolicy(graceful_s=chance.choice([60, 120]), then=chance.choice(list(AfterDeadline))),
        cleanup=chance.choice([Cleanup.KEEP, Cleanup.DELETE, Cleanup.DELETE]),
        attempts=chance.choice([1, 3]),
        step_aside=chance.random() < 0.5,
    )
