"""What goes wrong in a history: each fault at each stage of each method, in turn so that none is left out.

Each move of a history is given one fault when it is first heard of, which strikes when its time comes. The table at the
end of a run counts every strike by cell.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
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


METHODS = ("online", "offline", "offline-stopped", "start", "stop", "set")

COMMAND_FAULTS = ("fail", "fail-after", "hang", "cut", "lost-answer", "delayed")
VERBS = {
    "online": ("claim", "check", "migrate", "release"),
    "offline": ("claim", "check", "stop", "migrate", "start", "restart", "delete-copy", "release"),
    "offline-stopped": ("claim", "check", "migrate", "delete-copy", "release"),
    "start": ("claim", "start", "release"),
    "stop": ("claim", "stop", "release"),
    "set": ("claim", "set", "release"),
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
    "offline": ("claimed", "stopping", "migrating", "starting", "restoring", "cleaning"),
    "offline-stopped": ("claimed", "migrating", "cleaning"),
    "start": ("claimed", "starting"),
    "stop": ("claimed", "stopping"),
    "set": ("claimed", "setting"),
}
RESTART = "restart"
"""A start on the source, after a migration that failed: it is reached by letting the migration fail first."""
AFTER_FAILURE = (RESTART, Stage.RESTORING.value)
AFTER_COPY = (Verb.DELETE_COPY.value, Stage.CLEANING.value)
HISTORIES_PER_HIT = 60
"""Each cell is hit once at least in so many histories."""


@cache
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
    if method in ("online", "stop", "set"):
        return True
    return method == "offline" and stage in ("claimed", "stopping")


def method_of(record: MoveRecord) -> str:
    """The table's name for what a record is about."""
    if record.kind is StepKind.START:
        return "start"
    if record.kind is StepKind.STOP:
        return "stop"
    if record.kind is StepKind.SET:
        return "set"
    if record.method is Method.ONLINE:
        return "online"
    return "offline" if record.was is RunState.RUNNING else "offline-stopped"


def verb_of(sent: Command) -> str:
    """The table's name for a command."""
    if sent.verb is Verb.START and sent.record.stage is Stage.RESTORING:
        return RESTART
    return sent.verb.value


def stage_after(sent: Command) -> str:
    """The stage that a move is at once this command was carried out."""
    return Stage.CLAIMED.value if sent.verb in (Verb.CLAIM, Verb.CHECK) else sent.record.stage.value


MOVES_LEFT_ALONE = 0.05
"""Share of the moves in which nothing is made to go wrong."""


@dataclass
class Chaos:
    """What shall go wrong in one history: for each move at most one thing, chosen when the move is first heard of.

    `struck` counts what came true, `calm` stops it all.
    """

    seed: int
    chosen: dict[str, Cell | None] = field(default_factory=dict)
    struck: Counter[Cell] = field(default_factory=Counter)
    calm: bool = False

    def command_fault(self, sent: Command, chance: random.Random) -> Fault | None:
        """The fault that this command meets, where one was chosen for it."""
        cell = self._take(sent, verb_of(sent), chance)
        if cell is None or cell.fault in INCIDENTS:
            return self._way_there(sent)
        self._strike(sent, cell)
        return Fault(
            FaultKind(cell.fault),
            verb=sent.verb,
            host=sent.host,
            guest=sent.record.guest_uuid,
            delay_s=float(chance.choice([5, 40, 100, 300])),
            at_percent=chance.choice([5, 50, 95]),
            leftover=chance.random() < 0.5,
        )

    def incident(self, sent: Command, chance: random.Random) -> str | None:
        """The incident that follows this command, where one was chosen for it."""
        if sent.verb in (Verb.RELEASE, Verb.PARK, Verb.RENEW):
            return None
        cell = self._take(sent, stage_after(sent), chance)
        if cell is None or cell.fault not in INCIDENTS:
            return None
        self._strike(sent, cell)
        return cell.fault

    def _take(self, sent: Command, stage: str, chance: random.Random) -> Cell | None:
        """What was chosen for this move, where it fits the stage."""
        if self.calm:
            return None
        if sent.record.id not in self.chosen:
            left_alone = chance.random() < MOVES_LEFT_ALONE
            self.chosen[sent.record.id] = None if left_alone else self._choose(sent.record)
        cell = self.chosen[sent.record.id]
        return cell if cell is not None and cell.stage == stage else None

    def _way_there(self, sent: Command) -> Fault | None:
        """The failure that leads to the stage of the chosen cell, where one is needed."""
        chosen = self.chosen.get(sent.record.id)
        if self.calm or chosen is None or chosen.stage not in AFTER_FAILURE or sent.verb is not Verb.MIGRATE:
            return None
        return Fault(FaultKind.JOB_FAIL, verb=Verb.MIGRATE, host=sent.host, guest=sent.record.guest_uuid)

    def _choose(self, record: MoveRecord) -> Cell:
        """A cell of this method's table, drawn so that all of them come up about as often."""
        drawn = random.Random(f"{self.seed}:{len(self.chosen)}")
        method = method_of(record)
        copies = record.delete_source
        mine = [cell for cell in cells() if cell.method == method and (copies or cell.stage not in AFTER_COPY)]
        if copies and drawn.random() < 0.4:
            mine = [cell for cell in mine if cell.stage in AFTER_COPY]  # few moves come as far as that
        return mine[drawn.randrange(len(mine))]

    def _strike(self, sent: Command, cell: Cell) -> None:
        self.chosen[sent.record.id] = None
        self.struck[cell] += 1
