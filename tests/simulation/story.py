"""A small world told step by step: three hosts, one guest, one controller. Used by the histories that have a name."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from reconciler.core.commands import Answer, Command, Verb
from reconciler.core.desired import DesiredFleet, Fleet, Guest, Host, Mode
from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import Disk
from reconciler.core.reports.report import Report
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.world import World
from reconciler.errors import Location
from tests.simulation.actors import Actor, Timeline, Watcher

HERE = Location("story.yaml")
ATTRIBUTES = {"os": "HPUX", "guest_kit": "yes", "inserted_media": "none"}


@dataclass
class Told(Watcher):
    """Remembers the commands that did something to a guest, and the reports."""

    deeds: list[tuple[str, str, str]] = field(default_factory=list)
    commands: list[Verb] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def after(self, actor: Actor, sent: Command, answer: Answer) -> None:
        self.commands.append(sent.verb)
        if sent.touches_guest:
            self.deeds.append((sent.verb.value, sent.record.guest_name, sent.host))

    def published(self, actor: Actor, report: Report) -> None:
        self.reports.append(report)


def simulated_guest(**changes: object) -> SimGuest:
    """g0 as its platform knows it."""
    guest = SimGuest("uuid-0", "g0", networks=("lan0",), attributes=ATTRIBUTES)
    return replace(guest, **changes)  # type: ignore[arg-type]  # fields of SimGuest by name


class Story:
    """Three hosts and one guest, g0, that its document wants on h1 unless a test says otherwise."""

    def __init__(
        self,
        document: Guest,
        *,
        kind: StorageKind = StorageKind.SAN,
        state: RunState = RunState.RUNNING,
        guest: SimGuest | None = None,
    ) -> None:
        hosts = [SimHost(f"h{number}", networks=("lan0",), presented=("lun-0",)) for number in (1, 2, 3)]
        self.world = World.of(hosts, rules=refusal)
        guest = guest or simulated_guest()
        disk = Disk("lun-0" if kind.shared else "/guests/g0.img", kind, 1000)
        self.world.place(guest, "h1", (disk,), state)
        self.world.advance_to(self.world.now_s + 1)
        self.desired = DesiredFleet(
            Fleet("story", HERE, mode=Mode.APPLY),
            {host.name: Host(host.name, "simulated", HERE) for host in hosts},
            {"g0": document},
        )
        self.told = Told()
        self.timeline = Timeline(self.world)
        self.actor = Actor("a", self.timeline, random.Random(1), self.told, lambda: self.desired)

    def one_pass(self) -> Report:
        self.actor.begin()
        while self.actor.busy:
            self.timeline.step(self.timeline.now_s + 1000)
        assert self.told.reports, "the pass ended without a report"
        return self.told.reports[-1]

    def until(self, seconds: float) -> None:
        """Let so much time pass."""
        until_s = self.timeline.now_s + seconds
        while self.timeline.step(until_s):
            pass

    def declare(self, document: Guest, **others: Guest) -> None:
        """Somebody commits another document."""
        self.desired = replace(self.desired, guests={"g0": document, **others})


def wants(host: str, **changes: object) -> Guest:
    return replace(Guest("g0", host, HERE), **changes)  # type: ignore[arg-type]  # fields of Guest by name
