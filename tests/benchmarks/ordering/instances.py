"""Fleets in numbers, and the same as documents and facts: the same arguments, the same fleet. Used by the benchmark.

Uniform: hosts of one size, guests of 2 to 32 GiB, a fifth of which moves, some of them in rotations of two or three
hosts, where nobody can go first. All links carry 1,000 MiB/s.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.core.compatibility import Question, Rulebook, Verdict
from reconciler.core.desired import DesiredFleet, Downtime, Fleet, Guest, Host, Limits, MigrationPolicy, Mode
from reconciler.core.model import Method, Processor, RunState, StorageKind
from reconciler.core.observed import Disk, HostFacts, ObservedFleet, Registration
from reconciler.core.planning.ways import durations
from reconciler.errors import Location

MEMORY_MIB = (2048, 4096, 8192, 16384, 32768)
WEIGHTS = (30, 35, 20, 10, 5)
MOVING = 0.2
"""Which share of the guests moves."""
BANDWIDTH_MIB_S = 1000.0
DISK_FREE_MIB = 2_000_000
SPREAD = 4
"""At first a guest comes to the roomiest of so many hosts."""
HERE = Location("fleet.yaml")
DISK = Disk("600508b4", StorageKind.SAN)


@dataclass(frozen=True)
class Instance:
    """A fleet in numbers: guest number -> memory, host it is on, host it is declared on."""

    name: str
    capacities_mib: tuple[int, ...]
    memory_mib: tuple[int, ...]
    source: tuple[int, ...]
    target: tuple[int, ...]
    stopped: frozenset[int] = frozenset()
    copied_mib: Mapping[int, int] = field(default_factory=dict)
    """Local disks that have to be copied, of guests that have some. These may be down meanwhile."""
    per_host: int = 2
    """Moves that touch a host at once, in and out together: one in, one out."""
    concurrent: int = 1
    """Moves in the whole fleet at once."""

    @property
    def hosts(self) -> int:
        """How many."""
        return len(self.capacities_mib)

    @property
    def movers(self) -> list[int]:
        """The guests that are not where they are declared."""
        return [guest for guest, host in enumerate(self.source) if host != self.target[guest]]

    def holds_mib(self, guest: int) -> int:
        """The memory it takes on a host."""
        return 0 if guest in self.stopped else self.memory_mib[guest]

    def seconds(self, guest: int) -> float:
        """How long one move of it takes, by the model of planning/ways."""
        copying_s = durations.CONFIGURATION_S + self.copied_mib.get(guest, 0) / BANDWIDTH_MIB_S
        if guest in self.stopped:
            return durations.SETUP_S + copying_s
        if guest in self.copied_mib:
            return durations.SETUP_S + durations.SHUTDOWN_S + copying_s + durations.BOOT_S
        return durations.SETUP_S + self.memory_mib[guest] / BANDWIDTH_MIB_S + durations.FREEZE_S

    def free_mib(self) -> list[int]:
        """What each host has free at first."""
        free = list(self.capacities_mib)
        for guest, host in enumerate(self.source):
            free[host] -= self.holds_mib(guest)
        return free


def uniform(hosts: int, guests: int, fill: float, rotating: float, seed: int) -> Instance:
    """A fleet filled to this share of its memory, with this share of its movers in rotations."""
    chance = random.Random(f"{hosts} {guests} {fill} {rotating} {seed}")
    memory_mib = chance.choices(MEMORY_MIB, WEIGHTS, k=guests)
    capacity_mib = max(int(sum(memory_mib) / hosts / fill) + 1, 2 * MEMORY_MIB[-1])
    free_mib = [capacity_mib] * hosts
    source = [0] * guests
    for guest in sorted(range(guests), key=lambda number: -memory_mib[number]):
        host = max(chance.sample(range(hosts), min(SPREAD, hosts)), key=lambda number: free_mib[number])
        if free_mib[host] < memory_mib[guest]:
            host = max(range(hosts), key=lambda number: free_mib[number])
        free_mib[host] -= memory_mib[guest]
        source[guest] = host
    if min(free_mib) < 0:
        raise ValueError("the guests do not fit the hosts")
    target = list(source)
    wanted = int(guests * MOVING)
    moving = _rotate(chance, source, target, memory_mib, hosts, int(wanted * rotating))
    _send(chance, source, target, memory_mib, free_mib, moving, wanted)
    name = f"{hosts}x{guests} fill {fill} rotating {rotating} seed {seed}"
    return Instance(
        name,
        (capacity_mib,) * hosts,
        tuple(memory_mib),
        tuple(source),
        tuple(target),
        concurrent=max(1, hosts // 2),
    )


def _rotate(
    chance: random.Random, source: list[int], target: list[int], memory_mib: list[int], hosts: int, wanted: int
) -> set[int]:
    """Guests of one size change places in rings of two or three hosts; which ones."""
    alike: dict[tuple[int, int], list[int]] = {}
    for guest, host in enumerate(source):
        alike.setdefault((host, memory_mib[guest]), []).append(guest)
    moving: set[int] = set()
    for _ in range(50 * len(source)):
        if len(moving) >= wanted:
            break
        ring = chance.sample(range(hosts), chance.choice((2, 2, 3)))
        size_mib = chance.choice(memory_mib)
        found = [next((one for one in alike.get((host, size_mib), ()) if one not in moving), None) for host in ring]
        members = [guest for guest in found if guest is not None]
        if len(members) == len(ring):
            for place, guest in enumerate(members):
                target[guest] = ring[(place + 1) % len(ring)]
            moving.update(members)
    return moving


def _send(
    chance: random.Random,
    source: list[int],
    target: list[int],
    memory_mib: list[int],
    free_mib: list[int],
    moving: set[int],
    wanted: int,
) -> None:
    """Others go wherever there is room for them in the end, until so many move."""
    for guest in chance.sample(range(len(source)), len(source)):
        if len(moving) >= wanted:
            return
        if guest in moving:
            continue
        for _ in range(20):
            host = chance.randrange(len(free_mib))
            if host != source[guest] and free_mib[host] >= memory_mib[guest]:
                free_mib[host] -= memory_mib[guest]
                free_mib[source[guest]] += memory_mib[guest]
                target[guest] = host
                moving.add(guest)
                break


# --- as documents and facts -----------------------------------------------------------------------------------------


def _runs(question: Question) -> Verdict:
    return Verdict("runs", Method.ONLINE, question.guest.running, "whether it runs", "the benchmark")


def _shared(question: Question) -> Verdict:
    return Verdict("shared", Method.ONLINE, not question.guest.local_disks, "whether disks are shared", "the benchmark")


def _always(question: Question) -> Verdict:
    return Verdict("always", Method.OFFLINE, True, "offline is always possible", "the benchmark")


RULEBOOKS = {"bench": Rulebook("bench", (_runs, _shared), (_always,), lambda question: "", frozenset({"runs"}))}


def desired(instance: Instance, *, step_aside: bool) -> DesiredFleet:
    """The documents."""
    limits = Limits(
        concurrent=instance.concurrent,
        concurrent_in=1,
        concurrent_out=1,
        concurrent_host=instance.per_host,
        moves_per_pass=10**9,
        stops_per_pass=10**9,
    )
    usual = MigrationPolicy(step_aside=step_aside)
    local = MigrationPolicy(step_aside=step_aside, downtime=Downtime.ALLOWED)
    hosts = {name: Host(name, "bench", HERE) for name in map(host_name, range(instance.hosts))}
    guests = {
        guest_name(number): Guest(
            guest_name(number), host_name(host), HERE, migration=local if number in instance.copied_mib else usual
        )
        for number, host in enumerate(instance.target)
    }
    return DesiredFleet(Fleet("bench", HERE, mode=Mode.APPLY, limits=limits), hosts, guests)


def observed(instance: Instance) -> ObservedFleet:
    """What the hosts say."""
    here: list[list[Registration]] = [[] for _ in range(instance.hosts)]
    for number, host in enumerate(instance.source):
        local_mib = instance.copied_mib.get(number, 0)
        entry = Registration(
            uuid=f"{number:032x}",
            name=guest_name(number),
            state=RunState.STOPPED if number in instance.stopped else RunState.RUNNING,
            memory_mib=instance.memory_mib[number],
            cpu_entitlement_percent=0,
            disks=(Disk(f"/dev/{number}", StorageKind.LOCAL_DISK, local_mib),) if local_mib else (DISK,),
        )
        here[host].append(entry)
    looks = [
        HostFacts(
            name=host_name(number),
            machine_id=f"machine-{number}",
            platform="bench",
            version="1",
            processor=Processor(6, 1),
            cpus=64,
            memory_mib=instance.capacities_mib[number],
            bandwidth_mib_s=BANDWIDTH_MIB_S,
            disk_free_mib=DISK_FREE_MIB,
            registrations=tuple(entries),
        )
        for number, entries in enumerate(here)
    ]
    return ObservedFleet({look.name: look for look in looks})


def host_name(number: int) -> str:
    """Sorts like its number."""
    return f"h{number:04d}"


def guest_name(number: int) -> str:
    """Sorts like its number."""
    return f"g{number:05d}"
