"""What can run short, each thing under a number: memory, CPU and disk of each host, and places that rules leave.

Called wherever an order is looked for: there, room is a list of integers. Knows no times, and of guests only what they
take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.core.desired.placement import Placement
from reconciler.core.model import Load
from reconciler.core.planning.journey import Leg

DIMENSIONS = ("memory_mib", "cpu_percent", "disk_mib", "vcpus")

Amounts = tuple[tuple[int, int], ...]
"""(account, amount) pairs, amounts above zero."""


SCATTER = 1024


def scattered(number: int, variation: int) -> int:
    """A number below SCATTER: as good as chance, and the same each time (multipliers after Knuth and Weyl)."""
    return (number * 2654435761 + variation * 40503) % SCATTER


@dataclass(frozen=True)
class Accounts:
    """The accounts of a fleet: of each host, one a dimension in the order of DIMENSIONS; then of each domain that rules
    keep guests apart in."""

    hosts: Mapping[str, int]
    """Host name -> its number."""
    names: Sequence[str]
    free: Sequence[int]
    """What each account holds at the start; negative where there is too much already."""
    keys: Mapping[str, int]
    """Key of a domain -> its account."""
    placement: Placement

    @staticmethod
    def of(room: Mapping[str, Load], placement: Placement, places: Mapping[str, int]) -> Accounts:
        """The accounts of these hosts, and of these domains with so many places left."""
        names = sorted(room)
        free = [getattr(room[name], dimension) for name in names for dimension in DIMENSIONS]
        keys = {key: len(free) + number for number, key in enumerate(sorted(places))}
        free += [places[key] for key in keys]
        return Accounts({name: number for number, name in enumerate(names)}, names, free, keys, placement)

    def memory(self, host: int) -> int:
        """The account of a host's memory."""
        return host * len(DIMENSIONS)

    def amounts(self, host: int, load: Load) -> Amounts:
        """What the load takes of a host's accounts."""
        first = host * len(DIMENSIONS)
        amounts = (load.memory_mib, load.cpu_percent, load.disk_mib, load.vcpus)
        return tuple((first + place, amount) for place, amount in enumerate(amounts) if amount > 0)

    def freed(self, host: int, load: Load) -> Amounts:
        """What it gives back to them. Disk room is never counted on: a copy on the source may have to stay."""
        return self.amounts(host, Load(load.memory_mib, load.cpu_percent, vcpus=load.vcpus) if load.disk_mib else load)

    def apart(self, guest: str, host: int, without: int | None = None) -> Amounts:
        """The places that the guest holds in domains of rules while it is on the host, but for those that it holds on
        the other one as well."""
        if not self.keys:
            return ()
        held = self.placement.exclusive(guest, self.names[host])
        also = self.placement.exclusive(guest, self.names[without]) if without is not None and held else ()
        return tuple((self.keys[key], 1) for key in held if key not in also and key in self.keys)

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
    def of(journey: int, index: int, guest: str, leg: Leg, accounts: Accounts) -> Item:
        """The leg, as the accounts count it."""
        source, target = accounts.hosts[leg.source], accounts.hosts[leg.target]
        takes, frees = accounts.amounts(target, leg.takes), accounts.freed(source, leg.frees)
        if source != target:
            takes += accounts.apart(guest, target, source)
            frees += accounts.apart(guest, source, target)
        return Item(journey, index, leg, source, target, leg.duration.total_s, takes, frees)
