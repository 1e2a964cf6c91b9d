"""One history from one seed: a fleet, commits, controllers, faults; then quiet, in which all must come to its
end.
"""

from __future__ import annotations

import random
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.core.commands import Answer, Command, Verb
from reconciler.core.desired import PowerWish
from reconciler.core.diff import Finding
from reconciler.core.execution.lateness import may_stop_late
from reconciler.core.execution.outcome import OutcomeKind
from reconciler.core.model import RunState
from reconciler.core.observed import Look
from reconciler.core.planning.plan import Reason
from reconciler.core.reports.report import Report, Result, StepRun
from reconciler.drivers.registry import refusal
from tests.simulation.actors import TIMING, Actor, Timeline, Watcher
from tests.simulation.chaos import Cell, Chaos
from tests.simulation.fleets import Story, commit, make_story
from tests.simulation.promises import Promises

STORM_S = 5400.0
"""How long things go wrong."""
QUIET_PASSES_MAX = 14
QUIET_PAUSE_S = 700.0
EVENTS_MAX = 40_000

ALARMS = frozenset({OutcomeKind.BROKEN, OutcomeKind.FAILED, OutcomeKind.UNKNOWN})


PASSING = frozenset({Reason.BACKING_OFF, Reason.IN_TRANSITION})
HELD = frozenset({Reason.HELD_BY_OTHER, Reason.SLOTS_TAKEN})
"""Reasons that end by themselves."""


def _at_its_end(report: Report) -> bool:
    """Whether nothing is left to do but for a person: all in place or blocked, and the rest cries for help."""
    passing = PASSING if report.adopted else PASSING | HELD  # a move that hangs holds its hosts, and that is right
    if any(entry.reason in passing for entry in report.plans[-1].blocked):
        return False
    for facts in report.observed.reachable():
        if any(may_stop_late(record, facts.clock_s, TIMING) for record in facts.records):
            return False  # a watch that runs out is tidied up
    if report.result in (Result.CONVERGED, Result.BLOCKED):
        return True
    kinds = {run.progress.outcome.kind for run in report.adopted if run.progress.outcome is not None}
    return not report.plans[-1].steps and bool(kinds) and kinds <= ALARMS


@dataclass
class Ended:
    """What came of a history."""

    seed: int
    violations: list[str]
    struck: Counter[Cell]
    commands: Counter[str]
    moves: int
    events: int
    trace: list[str] = field(default_factory=list)


class History(Watcher):
    """Runs one history. `trace` collects a line an event where a person wants to read it."""

    def __init__(self, seed: int, *, trace: bool = False) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.story: Story = make_story(self.chance, refusal)
        self.world = self.story.world
        self.chaos = Chaos(seed)
        self.promises = Promises(self.world, self.story.commits)
        self.timeline = Timeline(self.world)
        self.actor = self._actor("a")
        self.second: Actor | None = None
        self.moves = 0
        self.events = 0
        self.tracing = trace
        self.trace: list[str] = []
        self.calm = False
        self.published_after: list[Report] = []
        self.cries: list[StepRun] = []
        self.handmade = False
        """Whether someone moved guests by hand: then old disks may be all there is."""

    def _actor(self, name: str) -> Actor:
        return Actor(name, self.timeline, random.Random(f"{self.seed}{name}"), self, lambda: self.story.desired)

    # --- the story ------------------------------------------------------------------------------------------------

    def run(self) -> Ended:
        """The storm, then the quiet."""
        try:
            self._storm()
            self._quiet()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            self.promises.violations.append(f"crashed: {error!r}")
            if self.tracing:
                self._note(traceback.format_exc())
        return Ended(
            self.seed,
            self.promises.violations,
            self.chaos.struck,
            self.promises.commands,
            self.moves,
            self.events,
            self.trace,
        )

    def _storm(self) -> None:
        end_s = self.timeline.now_s + STORM_S
        self.timeline.after(0.0, self.actor.begin)
        for at_s in sorted(self.chance.uniform(200, STORM_S - 300) for _ in range(6)):
            self.timeline.after(at_s, self._new_commit)
        self._every(240.0, end_s, self._begin_all)
        self._play(end_s)

    def _every(self, seconds: float, end_s: float, what: Callable[[], None]) -> None:
        def again() -> None:
            what()
            if self.timeline.now_s + seconds < end_s:
                self.timeline.after(seconds, again)

        self.timeline.after(seconds, again)

    def _begin_all(self) -> None:
        self.actor.begin()
        if self.second is not None:
            self.second.begin()

    def _play(self, until_s: float) -> None:
        while self.timeline.step(until_s):
            self.events += 1
            self.promises.world_changed()
            if self.events > EVENTS_MAX:
                raise RuntimeError("this history does not end")

    def _quiet(self) -> None:
        """Everything is mended; now the fleet must come to where the last commit wants it, or say why not."""
        self.calm = True
        self.chaos.calm = True
        self.world.faults.planned.clear()
        for host in sorted(self.world.fleet.hosts):
            self.world.heal(host)
            self.world.boot_host(host)
            self.promises.by_hand(host)
        self._note("quiet")
        if not self.actor.alive:
            self.actor.revive(keep_state=True)
        if self.second is not None:
            self.second.kill()
            self.second = None
        still, before = 0, -1
        for _ in range(QUIET_PASSES_MAX):
            self.published_after.clear()
            self.actor.begin()
            end_s = self.timeline.now_s + QUIET_PAUSE_S
            self._play(end_s)
            while self.actor.busy:
                self._play(self.timeline.now_s + QUIET_PAUSE_S)
            report = self.published_after[-1] if self.published_after else None
            commands = sum(self.promises.commands.values())
            still = still + 1 if report is not None and _at_its_end(report) and commands == before else 0
            before = commands
            if still > 1:
                break
        self._check_end()

    def _check_end(self) -> None:
        """I6 and I8: it ended where it should, and one more pass does nothing."""
        report = self.published_after[-1] if self.published_after else None
        if report is None or not _at_its_end(report):
            what = report.result if report is not None else "no report"
            self.promises.broken("I6", f"after {QUIET_PASSES_MAX} quiet passes the fleet is not at its end: {what}")
            return
        blocked = {entry.guest for entry in report.plans[-1].blocked}
        for guest in self.story.desired.guests.values():
            found = report.difference.guest(guest.name)
            settled = found is not None and found.finding in (Finding.IN_PLACE, Finding.RENAMED)
            if not settled and guest.name not in blocked:
                self.promises.broken("I6", f"{guest.name} is neither in place nor blocked")
            self._check_up(guest.name, found.uuid if found is not None else "", guest.power)
        before = sum(self.promises.commands.values())
        self.actor.begin()
        self._play(self.timeline.now_s + QUIET_PAUSE_S)
        if sum(self.promises.commands.values()) != before:
            self.promises.broken("I8", "a pass over a settled fleet sent a command")
        stale = [start for start in self.world.ledger.stale_starts if start.cause == "command"]
        if stale and not self.handmade:
            self.promises.broken("I2", f"a guest was started from old disks: {stale[0]}")

    def _check_up(self, name: str, uuid: str, power: PowerWish) -> None:
        """A guest that we took down must be up again, unless that is what its document wants, or we cry for help."""
        if self.promises.stopped_by.get(uuid) != "us" or power is PowerWish.STOPPED:
            return
        if any(state is not RunState.STOPPED for _, state, _ in self.world.copies(uuid)):
            return
        cried = any(
            run.step.guest == name and run.progress.outcome is not None and run.progress.outcome.kind in ALARMS
            for run in self.cries
        )
        if not cried:
            self.promises.broken("up-again", f"{name} was taken down by us and is still down, without a word")

    # --- watching -------------------------------------------------------------------------------------------------

    def looked(self, actor: Actor, host: str, look: Look, at_s: float) -> None:
        self.promises.looked(actor, host, look, at_s)

    def decided(self, actor: Actor, sent: Command) -> None:
        self.promises.decided(actor, sent)

    def before(self, actor: Actor, sent: Command) -> None:
        self.promises.before(actor, sent)
        if not self.calm:
            fault = self.chaos.command_fault(sent, self.chance)
            if fault is not None:
                self.world.faults.add(fault)
                self._note(f"fault {fault.kind} for {sent.verb} of {sent.record.guest_name}")

    def after(self, actor: Actor, sent: Command, answer: Answer) -> None:
        self.promises.after(actor, sent, answer)
        self._note(
            f"{actor.controller} {sent.verb} {sent.record.guest_name} on {sent.host}"
            f" [{sent.record.stage}] -> {answer.kind} {answer.output[:70]}"
        )
        if sent.verb is Verb.MIGRATE:
            self.moves += 1
        if not self.calm:
            incident = self.chaos.incident(sent, self.chance)
            if incident is not None:
                self._strike(incident, actor, sent)

    def published(self, actor: Actor, report: Report) -> None:
        self.promises.published(actor, report)
        self.published_after.append(report)
        self.cries.extend((*report.steps, *report.adopted))
        self._note(f"{actor.controller} reports {report.result}")
        for run in (*report.adopted, *report.steps):
            outcome = run.progress.outcome
            self._note(f"    {run.step.guest} {run.step.kind} {run.progress.state} {outcome.reason if outcome else ''}")

    def _note(self, text: str) -> None:
        if self.tracing:
            self.trace.append(f"{self.world.now_s - 1_700_000_000:9.1f}  {text}")

    # --- incidents ------------------------------------------------------------------------------------------------

    def _strike(self, incident: str, actor: Actor, sent: Command) -> None:
        self._note(f"incident {incident} for {sent.record.guest_name} at {sent.record.stage}")
        record = sent.record
        lasting_s = self.chance.choice([40.0, 150.0, 500.0, 900.0])
        match incident:
            case "crash-source" | "crash-target":
                self._crash(record.source if incident == "crash-source" else record.target, lasting_s)
            case "partition-source" | "partition-target":
                self._cut_off(record.source if incident == "partition-source" else record.target, lasting_s)
            case "guest-rebooted":
                self.world.reboot_guest(record.guest_uuid)
            case "guest-stopped-inside":
                self.promises.stopped_by[record.guest_uuid] = "inside"
                self.world.stop_guest_inside(record.guest_uuid)
            case "moved-by-hand":
                self._move_by_hand(record.guest_uuid)
            case "killed" | "killed-state-lost":
                actor.kill()
                keep = incident == "killed"
                self.timeline.after(self.chance.uniform(2, 60), lambda: self._revive(actor, keep))
            case "second-actor":
                self.second = self.second or self._actor("b")
                self.second.begin()
            case "new-commit":
                self._new_commit()

    def _new_commit(self) -> None:
        commit(self.chance, self.story)
        for actor in (self.actor, self.second):
            if actor is not None:
                actor.changed()

    def _revive(self, actor: Actor, keep: bool) -> None:
        if not actor.alive:
            actor.revive(keep_state=keep)
            actor.begin()

    def _crash(self, host: str, lasting_s: float) -> None:
        for uuid, copy in self.world.fleet.hosts[host].copies.items():
            if copy.running:
                self.promises.stopped_by[uuid] = "crash"
        self.world.crash_host(host)
        self.promises.by_hand(host)
        self.timeline.after(lasting_s, lambda: self._boot(host))

    def _boot(self, host: str) -> None:
        self.world.boot_host(host)
        self.promises.by_hand(host)

    def _cut_off(self, host: str, lasting_s: float) -> None:
        self.world.partition(host)
        self.timeline.after(lasting_s, lambda: self.world.heal(host))

    def _move_by_hand(self, uuid: str) -> None:
        self.handmade = True
        to = self.chance.choice(sorted(self.world.fleet.hosts))
        self.promises.stopped_by[uuid] = "by-hand"
        self.world.move_by_hand(uuid, to, leave_definition=self.chance.random() < 0.7)
        for host in self.world.fleet.hosts:
            self.promises.by_hand(host)
