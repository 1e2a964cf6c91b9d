"""How many steps may be under way at once: in the fleet, and in, out and in total at each host. Called by timetable.

Moves under way, whoever's they are, keep their slots for as long as the plan lasts. Never looks at room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from reconciler.core.desired import Limits
from reconciler.core.model import StepKind
from reconciler.core.planning.journey import Leg
from reconciler.core.records import MoveRecord


class Slots:
    """Slots in use. A start or a stop has its host for itself: nothing may arrive where a guest starts."""

    def __init__(self, limits: Limits, under_way: Iterable[MoveRecord]) -> None:
        self.limits = limits
        self.moving = 0
        self.arriving: Counter[str] = Counter()
        self.leaving: Counter[str] = Counter()
        self.touching: Counter[str] = Counter()
        self.powering: Counter[str] = Counter()
        for record in under_way:
            self._count(record.kind, record.source, record.target, 1)

    @property
    def fleet_full(self) -> bool:
        """Whether no migration more may be under way in the fleet."""
        return self.moving >= self.limits.concurrent

    def full(self, leg: Leg) -> str | None:
        """The host that has no slot for this leg now; None where both have. Whether the fleet has one: `fleet_full`."""
        if leg.kind is not StepKind.MIGRATE:
            return leg.source if self.touching[leg.source] else None
        for host, used, most in (
            (leg.source, self.leaving, self.limits.concurrent_out),
            (leg.target, self.arriving, self.limits.concurrent_in),
        ):
            if used[host] >= most or self.touching[host] >= self.limits.concurrent_host or self.powering[host]:
                return host
        return None

    def take(self, leg: Leg) -> None:
        """The leg begins."""
        self._count(leg.kind, leg.source, leg.target, 1)

    def give(self, leg: Leg) -> None:
        """The leg has ended."""
        self._count(leg.kind, leg.source, leg.target, -1)

    def _count(self, kind: StepKind, source: str, target: str, by: int) -> None:
        self.touching[source] += by
        if kind is StepKind.MIGRATE:
            self.moving += by
            self.leaving[source] += by
            self.arriving[target] += by
            self.touching[target] += by
        else:
            self.powering[source] += by
