"""Go through a plan event by event: where each guest is, whether it runs, what fits, and how much happens at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.core.desired import Limits, Network
from reconciler.core.model import Load, RunState, StepKind
from reconciler.core.planning.plan import Step
from reconciler.core.planning.verify.ground import Fault, Ground
from reconciler.core.planning.verify.loads import room
from reconciler.core.records import MoveRecord

DIMENSIONS = (
    ("memory_mib", "MiB of memory"),
    ("cpu_percent", "% of CPU"),
    ("disk_mib", "MiB of disk"),
    ("vcpus", "virtual CPUs"),
)


def faults(ground: Ground) -> Iterator[Fault]:
    """All starts and ends in order; where they coincide, ends come first."""
    world = _World(
        room(ground),
        _Slots(ground.desired.fleet.limits, {entry.name: entry for entry in ground.desired.fleet.networks}),
    )
    for uuid in ground.ways:
        copy = ground.copy(uuid)
        if copy is not None:
            world.place[uuid], world.running[uuid] = copy[0].name, copy[1].state is not RunState.STOPPED
    for record in ground.records.values():
        world.slots.count(record, 1)
    events = [(step.start_s, 1, step.id, step) for step in ground.plan.steps]
    events += [(step.end_s, 0, step.id, step) for step in ground.plan.steps]
    for _, starts, _, step in sorted(events, key=lambda event: event[:3]):
        if starts:
            yield from world.begin(step)
        else:
            world.end(step)


@dataclass
class _World:
    """How things stand at one moment."""

    room: dict[str, Load]
    slots: _Slots
    place: dict[str, str] = field(default_factory=dict)
    """Guest uuid -> host."""
    running: dict[str, bool] = field(default_factory=dict)

    def begin(self, step: Step) -> Iterator[Fault]:
        """The guest is where and as the step takes it, its target has the room, and its hosts have the slots."""
        if self.place[step.uuid] != step.source:
            yield Fault.of(step, f"{step.guest} is on {self.place[step.uuid]} then, not on {step.source}")
        runs = self.running[step.uuid]
        undone = step.running is (step.kind is StepKind.START) and step.kind in (StepKind.START, StepKind.STOP)
        if runs is not step.running or undone:
            yield Fault.of(step, f"{step.guest} is {'running' if runs else 'stopped'} then")
        left = self.room[step.target]
        for dimension, what in DIMENSIONS:
            needed, there = getattr(step.load, dimension), getattr(left, dimension)
            if 0 < needed and there < needed:
                text = f"{step.target} has {max(0, there)} {what} left then, {needed} are needed"
                yield Fault.of(step, text)
        self.room[step.target] = left - step.load
        yield from self.slots.full(step)
        self.slots.count(step, 1)

    def end(self, step: Step) -> None:
        """The guest is at the target. Room at the source was held until now: for the way back, should it fail."""
        self.slots.count(step, -1)
        self.place[step.uuid] = step.target
        if step.kind in (StepKind.START, StepKind.STOP):
            self.running[step.uuid] = step.kind is StepKind.START
        # Disk room is not given back: whether a copy at the source may go is known only once the move is proven.
        self.room[step.source] += replace(step.frees, disk_mib=0)


@dataclass
class _Slots:
    """How much is under way: in the fleet, and at each host. Moves of records keep theirs for all of the plan."""

    limits: Limits
    networks: Mapping[str, Network]
    moving: int = 0
    on: Counter[str | None] = field(default_factory=Counter)
    """Migrations by network; None: nobody knows, they count on each."""
    arriving: Counter[str] = field(default_factory=Counter)
    leaving: Counter[str] = field(default_factory=Counter)
    touching: Counter[str] = field(default_factory=Counter)
    """Migrations in and out together."""
    powering: Counter[str] = field(default_factory=Counter)
    """Starts, stops and settings."""

    def count(self, entry: Step | MoveRecord, by: int) -> None:
        """It begins, or has ended."""
        if entry.kind is not StepKind.MIGRATE:
            self.powering[entry.source] += by
            return
        self.moving += by
        self.on[entry.network] += by
        self.leaving[entry.source] += by
        self.arriving[entry.target] += by
        for host in {entry.source, entry.target}:
            self.touching[host] += by

    def full(self, step: Step) -> Iterator[Fault]:
        """What is too much if the step begins now."""
        limits = self.limits
        if step.kind is not StepKind.MIGRATE:
            if self.powering[step.source]:
                yield Fault.of(step, f"another guest is started or stopped on {step.source} then")
            if self.touching[step.source]:
                yield Fault.of(step, f"a guest arrives at or leaves {step.source} then")
            return
        if self.moving >= limits.concurrent:
            yield Fault.of(step, f"more than {limits.concurrent} migrations in the fleet")
        if self.leaving[step.source] >= limits.concurrent_out:
            yield Fault.of(step, f"more than {limits.concurrent_out} migrations leave {step.source}")
        if self.arriving[step.target] >= limits.concurrent_in:
            yield Fault.of(step, f"more than {limits.concurrent_in} migrations arrive at {step.target}")
        network = self.networks.get(step.network)
        if network is not None and self.on[network.name] + self.on[None] >= network.concurrent:
            yield Fault.of(step, f"more than {network.concurrent} migrations on network {network.name}")
        for host in step.hosts:
            if self.touching[host] >= limits.concurrent_host:
                yield Fault.of(step, f"more than {limits.concurrent_host} migrations touch {host}")
            if self.powering[host]:
                yield Fault.of(step, f"a guest is started or stopped on {host} then")
