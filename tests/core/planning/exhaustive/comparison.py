"""The planner's plans beside the exact answers. Called by the command and by tests.

Like is compared with like: a plan's makespan with the least one of any schedule that serves the same guests with no
more seconds of detours than the plan. Seconds of detours are those moved beyond the straight ways.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.planning.plan import Plan
from tests.core.planning.exhaustive.instances import TICKS_S, Instance
from tests.core.planning.exhaustive.search import Served, TooLarge, least_detours, most_served, shortest

STATES_MAX = 200_000
LEAST_S = 0.001
NEAR = 1.2
"""How many times the least makespan a plan may take."""


@dataclass(frozen=True)
class Compared:
    """One instance. None: there are too many states to know."""

    instance: Instance
    plan: Plan
    served: frozenset[int]
    """Guests that were to move, and move."""
    detours: int
    """Ticks of the plan's detours."""
    most: Served | None
    least_detours: int | None
    """The fewest for the guests that the plan serves."""
    least_s: float | None
    """The least makespan with no more of them."""
    near: bool | None
    """Whether the plan's is no more than NEAR times that."""

    @property
    def wanting(self) -> int:
        """Guests that are to move."""
        return sum(mover.source != mover.target for mover in self.instance.movers)

    @property
    def feasible(self) -> bool | None:
        """Whether all that are to move can, by the search."""
        return None if self.most is None else self.most.guests == self.wanting

    @property
    def ratio(self) -> float | None:
        """The plan's makespan over the least one."""
        if self.least_s is None:
            return None
        return self.plan.makespan_s / self.least_s if self.least_s else 1.0

    @property
    def bound_wrong(self) -> bool:
        """Whether the plan says that its moves take longer than they need. Without detours these are the moves of any
        other way as well."""
        return not self.detours and self.least_s is not None and self.plan.bound_s > self.least_s + LEAST_S

    @property
    def serves_fewer(self) -> bool:
        """Whether more can be served than the plan serves."""
        return self.most is not None and len(self.served) < self.most.guests

    @property
    def faults(self) -> list[str]:
        """Where the plan falls short, or the search, in words."""
        found = []
        if self.most is not None and len(self.served) != self.most.guests:
            reasons = ", ".join(f"{entry.guest} {entry.reason}" for entry in self.plan.blocked)
            found.append(f"serves {len(self.served)} of {self.wanting}, {self.most.guests} can be ({reasons})")
        if self.near is False:
            found.append(f"takes {self.plan.makespan_s:g} s, {self.ratio or 0:.2f} times the least")
        if self.bound_wrong:
            found.append(f"says that it takes {self.plan.bound_s:g} s at best, and {self.least_s} are enough")
        return found


def compare(instance: Instance, states_max: int = STATES_MAX) -> Compared:
    """Plan, and search."""
    fleet = instance.world()
    plan = fleet.plan()
    legs = {mover.name: 0 for mover in instance.movers}
    for step in plan.steps:
        legs[step.guest] += 1
    served = frozenset(
        number for number, mover in enumerate(instance.movers) if mover.source != mover.target and legs[mover.name]
    )
    detours = sum((legs[mover.name] - (number in served)) * mover.ticks for number, mover in enumerate(instance.movers))
    try:
        most: Served | None = most_served(instance, states_max)
        least = least_detours(instance, served, states_max)
    except TooLarge:
        most = least = None
    least_s, near = _least(instance, plan, served, detours, states_max)
    return Compared(instance, plan, served, detours, most, least, least_s, near)


def _least(
    instance: Instance, plan: Plan, served: frozenset[int], detours: int, states_max: int
) -> tuple[float | None, bool | None]:
    """The least makespan, in seconds, and whether the plan's is near it."""
    ticks = round(plan.makespan_s * TICKS_S)
    try:
        least = shortest(instance, served, detours, ticks, states_max)
    except TooLarge:
        pass
    else:
        least = ticks if least is None else least
        return least / TICKS_S, ticks <= NEAR * least
    try:
        # Less to look through: only whether there is one so much shorter.
        return None, shortest(instance, served, detours, int(ticks / NEAR), states_max) is None
    except TooLarge:
        return None, None
