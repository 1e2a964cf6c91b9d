"""Whether a plan may be run, asked once more and in the plainest way: its steps one event after the other.

The benchmark's own judge: knows an instance in numbers and the plan's steps, and shares no code with the planner or its
proof.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.model import StepKind
from reconciler.core.planning.plan import Plan, Step
from tests.benchmarks.ordering.instances import DISK_FREE_MIB, Instance

CLOSE_S = 1e-6
"""Predicted times that differ by less are one moment; what ends then ends before anything begins."""


def faults(instance: Instance, plan: Plan, *, step_aside: bool) -> Iterator[str]:
    """Everything that is wrong with the plan; nothing where it is fine."""
    numbers = [int(step.guest[1:]) for step in plan.steps]
    blocked = {int(entry.guest[1:]) for entry in plan.blocked}
    events = []
    for place, step in enumerate(plan.steps):
        events.append((round(step.start_s / CLOSE_S), 1, place))
        events.append((round(step.end_s / CLOSE_S), 0, place))
        yield from _step_faults(instance, step, numbers[place])
    fleet = _Fleet(instance)
    for moment, begins, place in sorted(events):
        source, target = (int(name[1:]) for name in (plan.steps[place].source, plan.steps[place].target))
        if not begins:
            fleet.end(numbers[place], source, target)
            continue
        for wrong in fleet.begin(numbers[place], source, target):
            yield f"{moment * CLOSE_S:.3f} s, {plan.steps[place].id}: {wrong}"
    moved = set(numbers)
    for guest, host in enumerate(fleet.at):
        if guest in blocked and guest in moved:
            yield f"g{guest:05d} is blocked and moved"
        if guest not in blocked and host != instance.target[guest]:
            yield f"g{guest:05d} ends on h{host:04d}"
        if guest in moved and instance.source[guest] == instance.target[guest] and not step_aside:
            yield f"g{guest:05d} was in its place and is moved"


def _step_faults(instance: Instance, step: Step, guest: int) -> Iterator[str]:
    if step.kind is not StepKind.MIGRATE:
        yield f"{step.id} is no move"
    if abs(step.duration_s - instance.seconds(guest)) > CLOSE_S:
        yield f"{step.id} takes {step.duration_s} s, not {instance.seconds(guest)} s"


class _Fleet:
    """Where everybody is, what is free, what is under way."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.at = list(instance.source)
        self.free_mib = instance.free_mib()
        self.disk_mib = [DISK_FREE_MIB] * instance.hosts
        self.sending = [0] * instance.hosts
        self.receiving = [0] * instance.hosts
        self.under_way: set[int] = set()

    def begin(self, guest: int, source: int, target: int) -> Iterator[str]:
        if self.at[guest] != source or guest in self.under_way:
            yield f"the guest is not there, but on h{self.at[guest]:04d}"
        self.under_way.add(guest)
        self.free_mib[target] -= self.instance.holds_mib(guest)
        self.disk_mib[target] -= self.instance.copied_mib.get(guest, 0)
        self.sending[source] += 1
        self.receiving[target] += 1
        if self.free_mib[target] < 0 and self.instance.holds_mib(guest):
            yield f"h{target:04d} is over its memory by {-self.free_mib[target]} MiB"
        if self.disk_mib[target] < 0:
            yield f"h{target:04d} has no room for its disks"
        if self.sending[source] > 1 or self.receiving[target] > 1:
            yield "more than one move out or in"
        if max(self.sending[host] + self.receiving[host] for host in (source, target)) > self.instance.per_host:
            yield f"more than {self.instance.per_host} moves at one host"
        if len(self.under_way) > self.instance.concurrent:
            yield f"more than {self.instance.concurrent} moves in the fleet"

    def end(self, guest: int, source: int, target: int) -> None:
        self.under_way.discard(guest)
        self.free_mib[source] += self.instance.holds_mib(guest)
        self.sending[source] -= 1
        self.receiving[target] -= 1
        self.at[guest] = target
