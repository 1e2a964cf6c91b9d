"""A guest that was moved aside for others comes home, whatever became of the pass that moved it.

It was in order, its document is the same, and now it lies elsewhere: that is what drift looks like, and drift is only
reported. These histories end a pass between there and back.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.commands import Verb
from reconciler.core.desired import DesiredFleet, Fleet, Guest, Host, Limits, MigrationPolicy, Mode
from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import Disk
from reconciler.core.planning.stillness import Settled
from reconciler.core.records import Stage
from reconciler.core.reports.report import Report, Result
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.faults import Fault, FaultKind
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.world import World
from reconciler.loop.effects import Interrupted
from reconciler.loop.journal import StateFolder
from tests.simulation.actors import Actor, Timeline
from tests.simulation.story import ATTRIBUTES, HERE, Told

MEMORY_MIB = {"x": 4096, "y": 4096, "z": 2048}
ROOM_MIB = {"a": 6144, "b": 8192, "c": 4096}
STAYS = MigrationPolicy(hop=False)
STEPS_ASIDE = MigrationPolicy(step_aside=True)


def document(name: str, host: str, policy: MigrationPolicy) -> Guest:
    return Guest(name, host, HERE, migration=policy)


class Swap:
    """x on a and y on b change places. Neither may hop, and b holds both only while z, on b, is on c."""

    def __init__(self) -> None:
        luns = tuple(f"lun-{name}" for name in MEMORY_MIB)
        hosts = [SimHost(name, networks=("lan0",), presented=luns, memory_overhead_percent=0) for name in ROOM_MIB]
        self.world = World.of(hosts, rules=refusal)
        for name, home in (("x", "a"), ("y", "b"), ("z", "b")):
            guest = SimGuest(f"uuid-{name}", name, MEMORY_MIB[name], networks=("lan0",), attributes=ATTRIBUTES)
            self.world.place(guest, home, (Disk(f"lun-{name}", StorageKind.SAN, 1000),), RunState.RUNNING)
        self.world.advance_to(self.world.now_s + 1)
        self.desired = DesiredFleet(
            Fleet("story", HERE, mode=Mode.APPLY, limits=Limits(concurrent_host=1)),
            {name: Host(name, "simulated", HERE, memory_cap_mib=most) for name, most in ROOM_MIB.items()},
            {
                "x": document("x", "a", STAYS),
                "y": document("y", "b", STAYS),
                "z": document("z", "b", STEPS_ASIDE),
            },
        )
        self.told = Told()
        self.timeline = Timeline(self.world)
        self.actor = Actor("a", self.timeline, random.Random(1), self.told, lambda: self.desired, remembers=True)
        assert Result.CONVERGED is self.one_pass().result
        assert {"uuid-x", "uuid-y", "uuid-z"} == set(self.actor.settled)
        guests = {"x": document("x", "b", STAYS), "y": document("y", "a", STAYS), "z": self.desired.guests["z"]}
        self.desired = replace(self.desired, guests=guests)

    def one_pass(self) -> Report:
        self.actor.begin()
        while self.actor.busy:
            self.timeline.step(self.timeline.now_s + 1000)
        return self.told.reports[-1]

    def until(self, happened: Callable[[], bool]) -> None:
        """Begin a pass, and stop time as soon as this has happened."""
        self.actor.begin()
        while not happened():
            assert self.actor.busy, "the pass ended without it"
            self.timeline.step(self.timeline.now_s + 1000)

    def let_pass(self, seconds: float) -> None:
        until_s = self.timeline.now_s + seconds
        while self.timeline.step(until_s):
            pass

    def runs_on(self, name: str) -> list[str]:
        return [host for host, state, _ in self.world.copies(f"uuid-{name}") if state is RunState.RUNNING]

    @property
    def in_order(self) -> bool:
        return [["b"], ["a"], ["b"]] == [self.runs_on(name) for name in ("x", "y", "z")]

    def under_way(self, name: str) -> list[str]:
        """Where the guest's records go, of moves that are under way."""
        hosts = self.world.fleet.hosts.values()
        records = [entry for host in hosts for entry in host.records.values() if entry.guest_name == name]
        return sorted({entry.target for entry in records if entry.stage is not Stage.PARKED})


def test_it_steps_aside_and_comes_home_in_one_pass_and_that_is_no_correction_of_drift() -> None:
    story = Swap()
    before = story.actor.settled["uuid-z"]
    report = story.one_pass()
    assert Result.CONVERGED is report.result
    assert story.in_order
    assert [("b", "c", True), ("c", "b", False)] == [
        (run.step.source, run.step.target, run.step.aside) for run in report.steps if run.step.guest == "z"
    ]
    assert before == story.actor.settled["uuid-z"]
    assert () == before.corrected_s


KILLED: dict[str, Callable[[Swap], bool]] = {
    "while it is moved away": lambda story: ["c"] == story.under_way("z"),
    "once it has gone": lambda story: ["c"] == story.runs_on("z") and not story.under_way("z"),
    "while another takes its room": lambda story: ["b"] == story.under_way("x"),
    "once all others have gone": lambda story: ["a"] == story.runs_on("y") and not story.under_way("y"),
    "while it is on its way home": lambda story: ["b"] == story.under_way("z"),
}


@pytest.mark.parametrize("keep_state", [True, False], ids=["state kept", "state lost"])
@pytest.mark.parametrize("moment", KILLED)
def test_killed_between_there_and_back_the_next_pass_brings_it_home(moment: str, keep_state: bool) -> None:
    story = Swap()
    story.until(lambda: KILLED[moment](story))
    story.actor.kill()
    story.let_pass(600)  # what was sent goes on; another controller's records expire
    story.actor.revive(keep_state=keep_state)
    report = story.one_pass()
    assert Result.CONVERGED is report.result, [entry for plan in report.plans for entry in plan.blocked]
    assert story.in_order
    story.told.commands.clear()
    assert Result.CONVERGED is story.one_pass().result
    assert [] == story.told.commands


def test_interrupted_between_there_and_back_the_next_pass_brings_it_home() -> None:
    story = Swap()
    story.until(lambda: ["b"] == story.under_way("x"))
    story.actor.take(Interrupted())
    assert story.one_pass().result is not Result.CONVERGED
    while story.actor.busy:
        story.timeline.step(story.timeline.now_s + 1000)
    assert ["c"] == story.runs_on("z")
    assert Result.CONVERGED is story.one_pass().result
    assert story.in_order


def test_stepping_aside_and_coming_home_count_against_the_moves_of_a_pass() -> None:
    story = Swap()
    limits = replace(story.desired.fleet.limits, moves_per_pass=3)
    story.desired = replace(story.desired, fleet=replace(story.desired.fleet, limits=limits))
    report = story.one_pass()
    assert ["TooManyMoves"] == [brake.reason for brake in report.brakes]
    assert [["a"], ["b"], ["b"]] == [story.runs_on(name) for name in ("x", "y", "z")]


def test_somebody_else_who_moves_the_same_guest_away_is_drift_as_ever() -> None:
    story = Swap()
    story.one_pass()
    story.world.move_by_hand("uuid-z", "c", leave_definition=False)
    report = story.one_pass()
    assert ["Drifted"] == [entry.reason for entry in report.plans[-1].blocked]
    assert ["c"] == story.runs_on("z")


def test_what_the_platform_refused_of_a_step_aside_is_not_asked_for_again_and_again() -> None:
    """x and y stay where they are then. The record that remembers it is none of an attempt at z's own document."""
    story = Swap()
    story.world.faults.add(Fault(FaultKind.FAIL, Verb.CHECK, guest="z"))
    assert Result.BLOCKED is story.one_pass().result
    story.told.commands.clear()
    assert Result.BLOCKED is story.one_pass().result
    assert [] == story.told.commands
    guests = {**story.desired.guests, "z": document("z", "c", STEPS_ASIDE)}
    story.desired = replace(story.desired, guests=guests)
    assert Result.CONVERGED is story.one_pass().result
    assert ["c"] == story.runs_on("z")


def test_what_is_forgotten_is_forgotten_on_the_disk(tmp_path: Path) -> None:
    kept = {"uuid-x": Settled("one", 1.0), "uuid-z": Settled("another", 2.0)}
    with StateFolder(tmp_path) as folder:
        folder.settle(kept)
        folder.unsettle(frozenset({"uuid-z", "uuid-unknown"}))
    assert {"uuid-x": kept["uuid-x"]} == StateFolder(tmp_path).settled()
