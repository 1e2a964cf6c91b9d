"""The promises, checked on the simulated world itself: on what is true there, not on what a controller believes.

A violation counts only against what the controller did. What a person did by hand between its last look and its
command is nobody's fault, so the time at which a copy became startable is remembered beside the time of each look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.core.commands import Answer, AnswerKind, Command, Verb
from reconciler.core.desired import AfterDeadline, DesiredFleet, Downtime, Guest, PowerWish
from reconciler.core.diff import Finding
from reconciler.core.model import RunState, StepKind
from reconciler.core.observed import Look, Unreachable
from reconciler.core.reports.report import Report, StepRun
from reconciler.drivers.simulated.world import World
from tests.simulation.actors import Actor, Watcher

Copies = tuple[tuple[str, RunState, bool], ...]


@dataclass
class Promises(Watcher):
    """Watches every look and command of every controller, and the world behind them."""

    world: World
    commits: list[DesiredFleet]
    violations: list[str] = field(default_factory=list)
    looked_s: dict[str, dict[str, float]] = field(default_factory=dict)
    """Controller -> host -> the moment that its newest look at the host shows."""
    knew_s: dict[int, Mapping[str, float]] = field(default_factory=dict)
    """Command (by id()) -> `looked_s` of its sender when it decided to send it."""
    startable_s: dict[tuple[str, str], float] = field(default_factory=dict)
    """(guest, host) -> since when a copy there runs or could be started."""
    claimed_s: dict[str, float] = field(default_factory=dict)
    """Record id -> when its move was claimed: a start needs looks later than that."""
    hands_s: dict[str, float] = field(default_factory=dict)
    """Host -> when something happened there that no controller asked for."""
    stopped_by: dict[str, str] = field(default_factory=dict)
    """Guest -> who took it down last: `us`, or what else."""
    refused: set[tuple[str, str, str]] = field(default_factory=set)
    check_failed: dict[str, bool] = field(default_factory=dict)
    """Record id -> whether the platform's last word on it was no."""
    commands: Counter[str] = field(default_factory=Counter)
    _before: Copies = ()
    _taken_mib: int = 0
    _taken_cpu_percent: int = 0

    def broken(self, promise: str, text: str) -> None:
        self.violations.append(f"{promise} at {self.world.now_s - 1_700_000_000:.1f} s: {text}")

    # --- what happens besides -------------------------------------------------------------------------------------

    def world_changed(self) -> None:
        """Note since when each copy could be started. Called after every event."""
        for host in self.world.fleet.hosts.values():
            for uuid, copy in host.copies.items():
                key = (uuid, host.name)
                if copy.runnable or copy.running:
                    self.startable_s.setdefault(key, self.world.now_s)
                else:
                    self.startable_s.pop(key, None)
        for key in [key for key in self.startable_s if key[0] not in self.world.fleet.hosts[key[1]].copies]:
            del self.startable_s[key]

    def by_hand(self, host: str) -> None:
        """Something befell this host."""
        self.hands_s[host] = self.world.now_s

    # --- looks and commands ---------------------------------------------------------------------------------------

    def looked(self, actor: Actor, host: str, look: Look, at_s: float) -> None:
        if not isinstance(look, Unreachable):
            seen = self.looked_s.setdefault(actor.controller, {})
            seen[host] = max(at_s, seen.get(host, 0.0))

    def decided(self, actor: Actor, sent: Command) -> None:
        if sent.verb in (Verb.START, Verb.MIGRATE, Verb.DELETE_COPY):
            self.knew_s[id(sent)] = dict(self.looked_s.get(actor.controller, {}))

    def before(self, actor: Actor, sent: Command) -> None:
        self._before = self.world.copies(sent.record.guest_uuid)
        self._deleted = len(self.world.ledger.lost_contents)
        host = self.world.fleet.hosts[sent.record.target]
        self._taken_mib = self.world.fleet.taken(host).memory_mib
        self._taken_cpu_percent = self.world.fleet.taken(self.world.fleet.hosts[sent.host]).cpu_percent
        if sent.verb is Verb.CLAIM:
            self._check_claim(actor, sent)
        if sent.verb is Verb.CHECK:
            key = (sent.record.guest_uuid, sent.record.intent, sent.record.facts)
            if key in self.refused:
                self.broken("refused-once", f"{sent.record.guest_name}: a refused step is tried again unchanged")

    def after(self, actor: Actor, sent: Command, answer: Answer) -> None:
        self.commands[sent.verb.value] += 1
        record = sent.record
        lying = self.world.fleet.hosts[sent.host].records.get(record.guest_uuid)
        written = lying is not None and lying.id == record.id and lying.stage is record.stage
        if answer.kind is AnswerKind.GUARDED or (answer.kind is AnswerKind.LOST and not written):
            return
        if sent.verb is Verb.CLAIM:
            self.claimed_s.setdefault(record.id, self.world.now_s)
        if sent.verb is Verb.CHECK:
            self.check_failed[record.id] = answer.kind is AnswerKind.FAILED
        if sent.verb is Verb.PARK and self.check_failed.get(record.id):
            self.refused.add((record.guest_uuid, record.intent, record.facts))
        if sent.verb is Verb.RELEASE:  # what it remembered no longer matters: the guest is in place by a newer commit
            self.refused = {key for key in self.refused if key[0] != record.guest_uuid}
        if sent.verb is Verb.START:
            self.stopped_by.pop(record.guest_uuid, None)
            self._check_start(actor, sent)
        if sent.verb in (Verb.STOP, Verb.STOP_HARD):
            self._check_stop(actor, sent)
        if sent.verb in (Verb.START, Verb.MIGRATE):
            self._check_room(actor, sent)
        if sent.verb is Verb.SET:
            self._check_set(sent)
        if sent.verb is Verb.DELETE_COPY:
            self._check_delete(sent)
        self._check_lock(actor, sent)

    def published(self, actor: Actor, report: Report) -> None:
        for guest in report.difference.guests:
            if guest.finding is Finding.MISSING and guest.uuid and self.world.copies(guest.uuid):
                self.broken("unknown-is-not-absent", f"{guest.name} is reported missing, and is there")
        for run in (*report.steps, *report.adopted):
            self._check_alarm(run)

    # --- each promise ---------------------------------------------------------------------------------------------

    def _documents(self, actor: Actor, name: str) -> list[Guest]:
        """The guest's document at the commits a move of this controller may rest on."""
        return [commit.guests[name] for commit in self.commits if name in commit.guests]

    def _check_claim(self, actor: Actor, sent: Command) -> None:
        current = actor.state.current if actor.state is not None else None
        if current is not None and sent.record.guest_name not in current.desired.guests:
            self.broken("I5", f"{sent.record.guest_name} has no document, and is claimed")

    def _check_start(self, actor: Actor, sent: Command) -> None:
        """I1: no start while another copy may run or be startable."""
        record = sent.record
        claimed_s = self.claimed_s.get(record.id, 0.0)
        for host, state, runnable in self._before:
            if host == sent.host or not (runnable or state is not RunState.STOPPED):
                continue
            since_s = self.startable_s.get((record.guest_uuid, host), self.world.now_s)
            looked_s = self.knew_s[id(sent)].get(host, 0.0)
            saw_it = since_s <= looked_s
            never_looked = not record.stopped_by_us and looked_s < claimed_s
            by_end = host in (record.source, record.target) and looked_s < claimed_s
            if saw_it or never_looked or by_end:
                self.broken("I1", f"{record.guest_name} started on {sent.host} while its copy on {host} is {state}")
        if record.kind is StepKind.MIGRATE and not record.stopped_by_us:
            self.broken("I1", f"{record.guest_name} started after a move that did not stop it")

    def _check_stop(self, actor: Actor, sent: Command) -> None:
        """I4: no running guest is stopped unless its document allows it."""
        if not any(host == sent.host and state is RunState.RUNNING for host, state, _ in self._before):
            return
        name = sent.record.guest_name
        self.stopped_by[sent.record.guest_uuid] = "wanted" if sent.record.kind is StepKind.STOP else "us"
        documents = self._documents(actor, name)
        if sent.record.kind is StepKind.STOP:
            allowed = any(guest.power is PowerWish.STOPPED for guest in documents)
        else:
            allowed = any(guest.migration.downtime is Downtime.ALLOWED for guest in documents)
        if sent.verb is Verb.STOP_HARD:
            allowed = allowed and any(guest.migration.stop.then is AfterDeadline.HARD for guest in documents)
        if not allowed:
            self.broken("I4", f"{name}: {sent.verb} on {sent.host} without permission")

    def _check_room(self, actor: Actor, sent: Command) -> None:
        """I3: no step brings a host over what its document lets it hold."""
        target = sent.record.target if sent.verb is Verb.MIGRATE else sent.host
        host, document = self.world.fleet.hosts[target], self.commits[-1].hosts.get(target)
        cap_mib = host.memory_mib
        if document is not None and document.memory_cap_mib is not None:
            cap_mib = min(cap_mib, document.memory_cap_mib)
        taken_mib = self.world.fleet.taken(host).memory_mib
        looked_s = self.knew_s[id(sent)].get(target, 0.0)
        if taken_mib > cap_mib and taken_mib > self._taken_mib and self.hands_s.get(target, -1.0) < looked_s:
            self.broken("I3", f"{sent.record.guest_name} brings {target} to {taken_mib} of {cap_mib} MiB")

    def _check_set(self, sent: Command) -> None:
        """I3 for CPU, and I4: a setting brings no host over, and stops or starts nobody."""
        name, host = sent.record.guest_name, self.world.fleet.hosts[sent.host]
        if self.world.fleet.taken(host).cpu_percent > max(100 * host.cpus, self._taken_cpu_percent):
            self.broken("I3", f"{name}: {sent.host} guarantees more CPU than it has")
        if self.world.copies(sent.record.guest_uuid) != self._before:
            self.broken("I4", f"{name} was started or stopped by a setting")

    def _check_delete(self, sent: Command) -> None:
        """I2: the source's disks go only after the copy is proven."""
        uuid, target = sent.record.guest_uuid, sent.record.target
        befell = self.hands_s.get(target, -1.0) > self.knew_s[id(sent)].get(target, 0.0)
        there = [entry for entry in self._before if entry[0] == target and entry[2]]
        if befell:
            pass  # something happened on the target after it was looked at: nobody could know
        elif not there:
            self.broken("I2", f"{sent.record.guest_name}: source deleted with no runnable copy on {target}")
        elif sent.record.was is RunState.RUNNING and there[0][1] is not RunState.RUNNING:
            self.broken("I2", f"{sent.record.guest_name}: source deleted before the guest was seen running on {target}")
        if len(self.world.ledger.lost_contents) > self._deleted:
            self.broken("I2", f"{sent.record.guest_name}: the newest content was deleted: {uuid}")

    def _check_alarm(self, run: StepRun) -> None:
        """A guest that arrived is not given up as one that could be started nowhere."""
        step, outcome, ended_s = run.step, run.progress.outcome, run.progress.ended_s
        if outcome is None or outcome.reason != "NotRunnableAnywhere" or ended_s is None:
            return
        for host in step.hosts:
            since_s = self.startable_s.get((step.uuid, host))
            if since_s is not None and self.hands_s.get(host, -1.0) < since_s < ended_s:
                self.broken("no-false-alarm", f"{step.guest} can be started on {host}, and is reported lost")

    def _check_lock(self, actor: Actor, sent: Command) -> None:
        """I11: two actors never move one guest, nor use one host slot, at once."""
        jobs = Counter(job.uuid for job in self.world.fleet.live_jobs)
        busy = Counter(host for job in self.world.fleet.live_jobs for host in (job.source, job.target))
        for uuid, count in jobs.items():
            if count > 1:
                self.broken("I11", f"{uuid} is moved {count} times at once")
        for host, count in busy.items():
            if count > self.world.fleet.hosts[host].slots:
                self.broken("I11", f"{host} takes part in {count} migrations at once")
