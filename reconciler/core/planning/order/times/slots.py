"""How many steps may be under way at once: in the fleet, and in, out and in total at each host. Called by timetable.

Moves under way, whoever's they are, keep their slots for as long as the plan lasts. Never looks at room.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.core.desired import Fleet
from reconciler.core.model import StepKind
from reconciler.core.planning.journey import Leg
from reconciler.core.records import MoveRecord


class Slots:
    """Slots in use. A start or a stop has its host for itself: nothing may arrive where a guest starts."""

    def __init__(self, fleet: Fleet, hosts: Sequence[str], under_way: Iterable[MoveRecord]) -> None:
        self.limits = fleet.limits
        self.most = {network.name: network.concurrent for network in fleet.networks}
        self.on_network = dict.fromkeys(self.most, 0)
        self.numbers = {name: number for number, name in enumerate(hosts)}
        self.moving = 0
        self.arriving = [0] * len(hosts)
        self.leaving = [0] * len(hosts)
        self.touching = [0] * len(hosts)
        self.powering = [0] * len(hosts)
        for record in under_way:
            self._count_record(record)

    @property
    def fleet_full(self) -> bool:
        """Whether no migration more may be under way in the fleet."""
        return self.moving >= self.limits.concurrent

    def full(self, leg: Leg) -> str | None:
        """The host, or the network, that has no slot for this leg now; None where all have. Whether the fleet has one:
        `fleet_full`."""
        if leg.kind is StepKind.MIGRATE and self.network_full(leg.network):
            return f"network {leg.network}"
        source, target = self.numbers[leg.source], self.numbers[leg.target]
        full = self.full_at(source, target, leg.kind is StepKind.MIGRATE)
        return None if full is None else leg.source if full == source else leg.target

    def occupied(self, host: str) -> bool:
        """Whether nothing can come to the host and leave it again."""
        number, limits = self.numbers[host], self.limits
        return (
            self.arriving[number] >= limits.concurrent_in
            or self.leaving[number] >= limits.concurrent_out
            or self.touching[number] >= limits.concurrent_host
            or self.powering[number] > 0
        )

    def full_at(self, source: int, target: int, moves: bool) -> int | None:
        """The host that has no slot for a step like this, by its number."""
        limits = self.limits
        if not moves:
            return source if self.touching[source] else None
        if (
            self.leaving[source] >= limits.concurrent_out
            or self.touching[source] >= limits.concurrent_host
            or self.powering[source]
        ):
            return source
        if (
            self.arriving[target] >= limits.concurrent_in
            or self.touching[target] >= limits.concurrent_host
            or self.powering[target]
        ):
            return target
        return None

    def network_full(self, network: str) -> bool:
        """Whether no migration more may be under way over it; the one without a name has no limit of its own."""
        return network in self.most and self.on_network[network] >= self.most[network]

    def take_at(self, source: int, target: int, moves: bool, network: str) -> None:
        """A step like this begins."""
        self._count(source, target, moves, network, 1)

    def give_at(self, source: int, target: int, moves: bool, network: str) -> None:
        """A step like this has ended."""
        self._count(source, target, moves, network, -1)

    def _count(self, source: int, target: int, moves: bool, network: str, by: int) -> None:
        self.touching[source] += by
        if moves:
            if network in self.on_network:
                self.on_network[network] += by
            self.moving += by
            self.leaving[source] += by
            self.arriving[target] += by
            self.touching[target] += by
        else:
            self.powering[source] += by

    def _count_record(self, record: MoveRecord) -> None:
        """A move under way takes its slots at those of its hosts that are known here; one of which nobody knows the
        network takes one of each."""
        source, target = self.numbers.get(record.source), self.numbers.get(record.target)
        moves = record.kind is StepKind.MIGRATE
        self.moving += moves
        for network in self.on_network:
            self.on_network[network] += moves and record.network in (network, None)
        if source is not None:
            self.touching[source] += 1
            self.leaving[source] += moves
            self.powering[source] += not moves
        if moves and target is not None:
            self.arriving[target] += 1
            self.touching[target] += 1
