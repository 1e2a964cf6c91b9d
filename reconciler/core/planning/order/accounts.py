"""What can run short, each thing under a number: memory, CPU and disk of each host, and places that rules leave.

Called wherever an order is looked for: there, room is a list of integers. Knows neither times nor guests' documents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.core.model import Load
from reconciler.core.planning.journey import Leg

DIMENSIONS = ("memory_mib", "cpu_percent", "disk_mib")
NEVER_FREED = "disk_mib"
"""Departures give none of it back: a copy on the source may have to stay."""

Amounts = tuple[tuple[int, int], ...]
"""(account, amount) pairs, amounts above zero."""


@dataclass(frozen=True)
class Accounts:
    """The accounts of a fleet. `free` is what each holds at the start; negative where a host is over already."""

    hosts: Mapping[str, int]
    """Host name -> its number. Its accounts follow each other, one a dimension, in the order of DIMENSIONS."""
    names: Sequence[str]
    free: Sequence[int]

    @staticmethod
    def of(room: Mapping[str, Load]) -> Accounts:
        """The accounts of these hosts."""
        names = sorted(room)
        free = [getattr(room[name], dimension) for name in names for dimension in DIMENSIONS]
        return Accounts({name: number for number, name in enumerate(names)}, names, free)

    def memory(self, host: int) -> int:
        """The account of a host's memory."""
        return host * len(DIMENSIONS)

    def amounts(self, host: int, load: Load, *, freed: bool = False) -> Amounts:
        """The load as amounts of this host's accounts."""
        first = host * len(DIMENSIONS)
        memory_mib, cpu_percent, disk_mib = load.memory_mib, load.cpu_percent, load.disk_mib
        found = []
        if memory_mib > 0:
            found.append((first, memory_mib))
        if cpu_percent > 0:
            found.append((first + 1, cpu_percent))
        if disk_mib > 0 and not freed:
            found.append((first + 2, disk_mib))
        return tuple(found)

    def load(self, host: int, values: Sequence[int]) -> Load:
        """What the host's accounts hold, as a load."""
        first = host * len(DIMENSIONS)
        return Load(*values[first : first + len(DIMENSIONS)])


@dataclass(slots=True, eq=False)
class Item:
    """A leg as numbers, which is what thousands of tries are made with. `takes` from its start, `frees` at its end."""

    journey: int
    index: int
    """Which leg of its journey."""
    leg: Leg
    source: int
    target: int
    seconds: float
    takes: Amounts
    frees: Amounts

    @staticmethod
    def of(journey: int, index: int, leg: Leg, accounts: Accounts) -> Item:
        """The leg, as the accounts count it."""
        source, target = accounts.hosts[leg.source], accounts.hosts[leg.target]
        takes = accounts.amounts(target, leg.takes)
        frees = accounts.amounts(source, leg.frees, freed=True)
        return Item(journey, index, leg, source, target, leg.duration.total_s, takes, frees)
