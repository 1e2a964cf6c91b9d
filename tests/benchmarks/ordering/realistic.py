"""Fleets as people have them, of which hosts are drained: hosts of three sizes, all kinds of guests, one move a host.

A guest takes at most a quarter of its host. Some are stopped, some have local disks and may be down while these are
copied. Whoever is on a drained host goes, the largest first, to the fullest other host that has room; who finds none
stays.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from tests.benchmarks.ordering.instances import SPREAD, Instance

MEMORY_MIB = (1024, 2048, 4096, 8192, 16384, 32768)
WEIGHTS = (10, 25, 30, 20, 10, 5)
UNITS = (1, 2, 4)
"""How large the three sizes of hosts are to each other."""
SHARES = (50, 30, 20)
LARGEST = 4
"""A guest takes at most one such part of its host."""
STOPPED = 0.1
LOCAL = 0.1
COPIED_MIB = (20_480, 51_200, 102_400)
DRAWS_MAX = 100
"""Now and then large guests do not fit the few large hosts: then all is drawn anew."""


def drain(hosts: int, guests: int, fill: float, drained: int, seed: int, *, online: bool = False) -> Instance:
    """A fleet filled to this share of its memory, of which so many hosts are drained. `online`: every guest runs, on
    shared disks."""
    chance = random.Random(f"drain {hosts} {guests} {fill} {drained} {seed}")
    for _ in range(DRAWS_MAX):
        units = chance.choices(UNITS, SHARES, k=hosts)
        units[0] = UNITS[-1]
        memory_mib = chance.choices(MEMORY_MIB, WEIGHTS, k=guests)
        unit_mib = max(sum(memory_mib) / fill / sum(units), MEMORY_MIB[-1] * LARGEST / UNITS[-1])
        capacities_mib = [int(unit_mib * size) + 1 for size in units]
        stopped = frozenset(guest for guest in range(guests) if chance.random() < STOPPED)
        copied_mib = {guest: chance.choice(COPIED_MIB) for guest in range(guests) if chance.random() < LOCAL}
        placed = _placed(chance, memory_mib, capacities_mib)
        if placed is not None:
            break
    else:
        raise ValueError("the guests do not fit the hosts")
    if online:
        stopped, copied_mib = frozenset(), {}
    source, free_mib = placed
    gone = frozenset(chance.sample(range(hosts), drained))
    # Stopped guests count here: they shall have room once they are started.
    target = _best_fit(memory_mib, source, free_mib, gone)
    what = f"{hosts}x{guests} fill {fill} drain {drained} seed {seed}"
    return Instance(
        f"{what} online" if online else what,
        tuple(capacities_mib),
        tuple(memory_mib),
        tuple(source),
        tuple(target),
        stopped=stopped,
        copied_mib=copied_mib,
        per_host=1,
        concurrent=max(1, hosts // 2),
    )


def drained_hosts(instance: Instance) -> list[int]:
    """The hosts that guests leave. In a drain nobody else moves."""
    return sorted({instance.source[guest] for guest in instance.movers})


def with_targets(instance: Instance, target: Sequence[int], name: str) -> Instance:
    """The same fleet, declared otherwise."""
    return replace(instance, target=tuple(target), name=name)


def _placed(
    chance: random.Random, memory_mib: Sequence[int], capacities_mib: Sequence[int]
) -> tuple[list[int], list[int]] | None:
    """Where each guest is at first, and what is free then: the largest come first, to hosts of which each could hold a
    few of them. None where one finds no host."""
    hosts = range(len(capacities_mib))
    free_mib = list(capacities_mib)
    source = [0] * len(memory_mib)
    for guest in sorted(range(len(memory_mib)), key=lambda number: -memory_mib[number]):
        size_mib = memory_mib[guest]
        fit = [host for host in chance.sample(hosts, min(4 * SPREAD, len(hosts))) if _fits(size_mib, host, free_mib)]
        fit = [host for host in fit if LARGEST * size_mib <= capacities_mib[host]][:SPREAD]
        fit = fit or [h for h in hosts if _fits(size_mib, h, free_mib) and LARGEST * size_mib <= capacities_mib[h]]
        if not fit:
            return None
        host = max(fit, key=lambda number: free_mib[number] / capacities_mib[number])
        free_mib[host] -= size_mib
        source[guest] = host
    return source, free_mib


def _fits(size_mib: int, host: int, free_mib: Sequence[int]) -> bool:
    return free_mib[host] >= size_mib


def _best_fit(
    memory_mib: Sequence[int], source: Sequence[int], free_mib: Sequence[int], gone: frozenset[int]
) -> list[int]:
    """Where each guest shall be. What is free is counted down in a copy."""
    left_mib = list(free_mib)
    target = list(source)
    leaving = [guest for guest, host in enumerate(source) if host in gone]
    for guest in sorted(leaving, key=lambda number: -memory_mib[number]):
        fit = [host for host, free in enumerate(left_mib) if host not in gone and free >= memory_mib[guest]]
        if fit:
            target[guest] = min(fit, key=lambda number: left_mib[number])
            left_mib[target[guest]] -= memory_mib[guest]
    return target
