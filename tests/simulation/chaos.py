"""What goes wrong in a history: each fault at each stage of each method, wished for in turn so that none is left out.

A history gets a handful of wishes from its seed. When a command comes by that fits one, it strikes. The table at the
end of a run counts every strike by cell.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from reconciler.core.commands import Command, Verb
from reconciler.core.model import Method, RunState, StepKind
from reconciler.core.records import MoveRecord, Stage
from reconciler.drivers.simulated.faults import Fault, FaultKind


class Cell(NamedTuple):
    """One fault, at one stage (or verb) of one method."""

    fault: str
    method: str
    stage: str


METHODS = ("online", "offline", "offline-stopped", "start", "stop")

COMMAND_FAULTS = ("fail", "fail-after", "hang", "cut", "lost-answer", "delayed")
VERBS = {
    "online": ("claim", "check", "migrate", "release"),
    "offline": ("claim", "check", "stop", "migrate", "start", "release"),
    "offline-stopped": ("claim", "check", "migrate", "release"),
    "start": ("claim", "start", "release"),
    "stop": ("claim", "stop", "release"),
}
JOB_FAULTS = {
    "online": ("abort", "job-fail", "job-hang"),
    "offline": ("job-fail", "job-hang", "both-not-runnable"),
    "offline-stopped": ("job-fail", "job-hang", "both-not-runnable"),
}
INCIDENTS = (
    "crash-source",
    "crash-target",
    "partition-source",
    "partition-target",
    "guest-rebooted",
    "guest-stopped-inside",
    "moved-by-hand",
    "killed",
    "killed-state-lost",
    "second-actor",
    "new-commit",
)
STAGES = {
    "online": ("claimed", "migrating"),
    "offline": ("claimed", "stopping", "migrating", "starting"),
    "offline-stopped": ("claimed", "migrating"),
    "start": ("claimed", "starting"),
    "stop": ("claimed", "stopping"),
}
HITS_MIN = 20


def cells() -> tuple[Cell, ...]:
    """Every cell of the table, in its order."""
    return tuple(_cells())


def _cells() -> Iterator[Cell]:
    for method in METHODS:
        for verb in VERBS[method]:
            for fault in COMMAND_FAULTS:
                if not (fault == "cut" and verb in ("claim", "check", "release")):  # nothing to cut between there
                    yield Cell(fault, method, verb)
        for fault in JOB_FAULTS.get(method, ()):
            yield Cell(fault, method, "migrate")
        for stage in STAGES[method]:
            for incident in INCIDENTS:
                two_ended = method in ("online", "offline", "offline-stopped")
                if incident.endswith("-target") and not two_ended:
                    continue
                if incident in ("guest-rebooted", "guest-stopped-inside") and not _runs(method, stage):
                    continue
                yield Cell(incident, method, stage)


def _runs(method: str, stage: str) -> bool:
    """Whether the guest runs at this stage, so that something can happen inside it."""
    if method in ("online", "stop"):
        return True
    return method == "offline" and stage in ("claimed", "stopping")


def method_of(record: MoveRecord) -> str:
    """The table's name for what a record is about."""
    if record.kind is StepKind.START:
        return "start"
    if record.kind is StepKind.STOP:
        return "stop"
    if record.method is Method.ONLINE:
        return "online"
    return "offline" if record.was is RunState.RUNNING else "offline-stopped"


def stage_after(sent: Command) -> str:
    """The stage that a move is at once this command was carried out."""
    return Stage.CLAIMED.value if sent.verb in (Verb.CLAIM, Verb.CHECK) else sent.record.stage.value


WISHES = 10
HARD_TO_MEET = ("starting", "start", "stopping", "stop")


@dataclass
class Chaos:
    """The wishes of one history. `struck` counts what came true."""

    wishes: list[Cell]
    struck: Counter[Cell] = field(default_factory=Counter)

    @staticmethod
    def of(seed: int, chance: random.Random) -> Chaos:
        """Neighbouring seeds wish for neighbouring cells, so that any row of seeds covers the table."""
        table = [cell for cell in cells() for _ in range(3 if cell.stage in HARD_TO_MEET else 2)]
        first = seed * WISHES
        wishes = [table[(first + number) * 7919 % len(table)] for number in range(WISHES)]
        chance.shuffle(wishes)
        return Chaos(wishes)

    def command_fault(self, sent: Command, chance: random.Random) -> Fault | None:
        """The fault that this command meets, where one was wished for."""
        method, verb = method_of(sent.record), sent.verb.value
        for cell in self.wishes:
            if cell.method != method or cell.stage != verb or cell.fault in INCIDENTS:
                continue
            self.wishes.remove(cell)
            self.struck[cell] += 1
            return Fault(
                FaultKind(cell.fault),
                verb=sent.verb,
                host=sent.host,
                guest=sent.record.guest_uuid,
                delay_s=float(chance.choice([5, 40, 100, 300])),
                at_percent=chance.choice([5, 50, 95]),
                leftover=chance.random() < 0.5,
            )
        return None

    def incident(self, sent: Command) -> str | None:
        """The incident that follows this command, where one was wished for."""
        method, stage = method_of(sent.record), stage_after(sent)
        if sent.verb in (Verb.RELEASE, Verb.PARK, Verb.RENEW):
            return None
        for cell in self.wishes:
            if cell.method == method and cell.stage == stage and cell.fault in INCIDENTS:
                self.wishes.remove(cell)
                self.struck[cell] += 1
                return cell.fault
        return None
