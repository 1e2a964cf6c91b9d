"""A whole simulated fleet with its physics: look at it, tell it things, let time pass, ask what came of it.

Called by the driver, by tests and by the deterministic simulation. Deterministic: same calls, same world. Never reads a
clock, a file or a generator of the system.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from reconciler.core.commands import Answer, AnswerKind, Command, Verb
from reconciler.core.model import RunState
from reconciler.core.observed import Disk, Look
from reconciler.drivers.simulated import incidents, looks, migration, power, recordbook, settings
from reconciler.drivers.simulated.commands import Told, parse
from reconciler.drivers.simulated.faults import COMMAND_FAULTS, FaultKind, Faults
from reconciler.drivers.simulated.fleet import Due, Ledger, SimCopy, SimFleet, SimGuest, SimHost, Volume
from reconciler.drivers.simulated.migration import Rules
from reconciler.drivers.simulated.power import Done

COMMAND_ARRIVES = "command-arrives"
NO_ANSWER = Answer(AnswerKind.LOST, None, "no answer: connection timed out")
RECORD_VERBS = frozenset({Verb.CLAIM, Verb.RENEW, Verb.RELEASE, Verb.PARK})


class World:
    """The fleet, what goes wrong in it, and the rules its platform refuses by."""

    def __init__(self, fleet: SimFleet, *, rules: Rules | None = None, faults: Faults | None = None) -> None:
        self.fleet = fleet
        self.rules = rules
        self.faults = faults if faults is not None else Faults()

    @staticmethod
    def of(hosts: Iterable[SimHost], *, now_s: float = 1_700_000_000.0, rules: Rules | None = None) -> World:
        """A world of these hosts, without guests."""
        return World(SimFleet(now_s=now_s, hosts={host.name: host for host in hosts}), rules=rules)

    def place(
        self, guest: SimGuest, host: str, disks: tuple[Disk, ...] = (), state: RunState = RunState.RUNNING
    ) -> None:
        """Put a new guest on a host, with its volumes there; a running one has booted there."""
        there = self.fleet.hosts[host]
        self.fleet.guests[guest.uuid] = guest
        autostart = guest.attributes.get("autostart") == "on"
        copy = there.copies[guest.uuid] = SimCopy(guest.uuid, state, disks=disks, autostart=autostart)
        for disk in disks:
            if disk.kind.shared:
                self.fleet.luns.setdefault(disk.id, 0)
            else:
                there.volumes[disk.id] = Volume(guest.uuid, disk.size_mib)
        if state is RunState.RUNNING:
            guest.boots += 1
            copy.boot_marker, copy.booted_on = f"boot-{guest.boots}", there.version
        self.fleet.touch(there)

    # ------------------------------------------------------------------------------------------------- time

    @property
    def now_s(self) -> float:
        """The world's clock; a host's own differs by its skew."""
        return self.fleet.now_s

    @property
    def revision(self) -> int:
        """Changes with everything that is worth saving."""
        return self.fleet.revision + self.faults.revision

    def advance_to(self, now_s: float) -> None:
        """Play everything that falls due up to and including this moment, in order."""
        fleet = self.fleet
        if now_s < fleet.now_s:
            raise ValueError(f"time runs forward: it is {fleet.now_s}, not {now_s}")
        while fleet.due and fleet.due[0].at_s <= now_s:
            due = heapq.heappop(fleet.due)
            fleet.now_s = max(fleet.now_s, due.at_s)
            fleet.revision += 1
            self._happen(due)
        fleet.now_s = now_s

    def schedule(self, at_s: float, incident: str, *, host: str = "", guest: str = "") -> None:
        """Let an incident happen later, by its name in `incidents.INCIDENTS`."""
        trouble = incidents.trouble(self.fleet, incident, host, guest)
        if trouble:
            raise ValueError(trouble)
        self.fleet.arrange(max(at_s, self.now_s), incident, host, guest)

    def _happen(self, due: Due) -> None:
        if due.what in incidents.INCIDENTS:
            incidents.INCIDENTS[due.what].befall(self.fleet, due.host, due.uuid)
            return
        if due.what == COMMAND_ARRIVES:
            command = self.fleet.delayed.pop(due.number)
            if self.fleet.hosts[command.host].up:
                self._run(command, parse(command.argv))
            return
        if due.what == migration.JOB_ENDS:
            job = self.fleet.job_of(due.uuid)
            if job is not None and job.due == due.number:
                migration.job_ends(self.fleet, job)
            return
        host = self.fleet.hosts[due.host]
        if due.what == settings.MEMORY_SET:
            settings.memory_set(self.fleet, due)
            return
        copy = host.copies.get(due.uuid)
        if copy is not None and copy.due == due.number:  # else something else came first
            (power.shut_down if due.what == power.SHUT_DOWN else power.booted)(self.fleet, host, copy)

    # ------------------------------------------------------------------------------------- look and execute

    def look(self, host: str) -> Look:
        """Everything about the host, or `Unreachable`."""
        return looks.look(self.fleet, host)

    def execute(self, command: Command) -> Answer:
        """Check the guard and write the record in one step, then do the deed. Argv says what; faults may intervene."""
        host = self.fleet.hosts.get(command.host)
        if host is None or not host.answers:
            return NO_ANSWER
        try:
            told = parse(command.argv)
        except ValueError as error:
            return Answer(AnswerKind.FAILED, 2, f"simctl: {error}")
        record = command.record
        fault = self.faults.take(COMMAND_FAULTS, told.verb, host.name, record.guest_uuid, record.guest_name)
        match fault.kind if fault is not None else None:
            case FaultKind.HANG:
                return NO_ANSWER
            case FaultKind.DELAYED if fault is not None:
                number = self.fleet.arrange(self.now_s + fault.delay_s, COMMAND_ARRIVES, host.name)
                self.fleet.delayed[number] = command
                return NO_ANSWER
            case FaultKind.FAIL | FaultKind.CUT as kind:
                return self._without_deed(command, told, kind)
            case FaultKind.FAIL_AFTER:
                answer = self._run(command, told)
                return Answer(AnswerKind.FAILED, 1, "injected: fail-after") if answer.status == 0 else answer
            case FaultKind.LOST_ANSWER:
                self._run(command, told)
                return NO_ANSWER
            case _:
                return self._run(command, told)

    def _without_deed(self, command: Command, told: Told, kind: FaultKind) -> Answer:
        """The record was written, as before every deed; then the command failed, or its host was cut off."""
        if told.verb not in RECORD_VERBS:
            refused = self._write_record(command, told)
            if refused is not None and kind is FaultKind.FAIL:
                return refused
        return NO_ANSWER if kind is FaultKind.CUT else Answer(AnswerKind.FAILED, 1, "injected: fail")

    def _run(self, command: Command, told: Told) -> Answer:
        refused = self._write_record(command, told)
        if refused is not None:
            return refused
        done = self._deed(self.fleet.hosts[command.host], told)
        return Answer(AnswerKind.DONE if done.status == 0 else AnswerKind.FAILED, done.status, done.output)

    def _write_record(self, command: Command, told: Told) -> Answer | None:
        host, record, guard = self.fleet.hosts[command.host], command.record, command.guard
        clock_s = self.fleet.clock_s(host)
        refusal: recordbook.Refusal | None = None
        match told.verb:
            case Verb.CHECK:
                found = recordbook.guarded(host, guard, clock_s) if guard is not None else None
                refusal = found if isinstance(found, recordbook.Refusal) else None
            case Verb.CLAIM:
                refusal = recordbook.claim(host, record, guard, clock_s)
            case Verb.RELEASE:
                refusal = recordbook.release(host, record, guard, clock_s)
            case _:
                refusal = recordbook.rewrite(host, record, guard, clock_s)
        if refusal is not None:
            status = 1 if refusal.kind is AnswerKind.FAILED else None
            return Answer(refusal.kind, status, f"simctl: {refusal.text}")
        if told.verb is not Verb.CHECK:
            self.fleet.touch(host)
        return None

    def _deed(self, host: SimHost, told: Told) -> Done:
        match told.verb:
            case Verb.CHECK:
                return migration.check(self.fleet, host, told, self.rules)
            case Verb.MIGRATE:
                return migration.migrate(self.fleet, host, told, self.rules, self.faults)
            case Verb.STOP:
                return power.stop(self.fleet, host, told.uuid)
            case Verb.STOP_HARD:
                return migration.stop_hard(self.fleet, host, told.uuid)
            case Verb.START:
                return power.start(self.fleet, host, told.uuid)
            case Verb.SET if told.setting is not None:
                return settings.change(self.fleet, host, told.uuid, told.setting, told.value)
            case Verb.SET:
                return Done(2, "simctl: usage: set UUID SETTING=VALUE")
            case Verb.DELETE_COPY:
                return migration.delete_copy(self.fleet, host, told.uuid)
            case Verb.PUT_ASIDE | Verb.DISCARD | Verb.PUT_BACK:
                return Done(1, "simctl: a migration leaves a registration behind here, and nothing besides")
            case Verb.CLAIM | Verb.RENEW | Verb.RELEASE | Verb.PARK:
                return Done(0, "")

    # -------------------------------------------------------------------------------------------- incidents

    def crash_host(self, host: str) -> None:
        """See `incidents.crash_host`."""
        incidents.crash_host(self.fleet, host)

    def boot_host(self, host: str) -> None:
        """See `incidents.boot_host`."""
        incidents.boot_host(self.fleet, host)

    def partition(self, host: str) -> None:
        """See `incidents.partition`."""
        incidents.partition(self.fleet, host)

    def heal(self, host: str) -> None:
        """See `incidents.heal`."""
        incidents.heal(self.fleet, host)

    def reboot_guest(self, uuid: str) -> None:
        """See `incidents.reboot_guest`."""
        incidents.reboot_guest(self.fleet, uuid)

    def stop_guest_inside(self, uuid: str) -> None:
        """See `incidents.stop_guest_inside`."""
        incidents.stop_guest_inside(self.fleet, uuid)

    def start_by_hand(self, uuid: str, host: str) -> None:
        """See `incidents.start_by_hand`."""
        incidents.start_by_hand(self.fleet, uuid, host)

    def move_by_hand(self, uuid: str, to: str, *, leave_definition: bool = True) -> None:
        """See `incidents.move_by_hand`."""
        incidents.move_by_hand(self.fleet, uuid, to, leave_definition=leave_definition)

    def vanish(self, uuid: str, host: str) -> None:
        """See `incidents.vanish`."""
        incidents.vanish(self.fleet, uuid, host)

    # -------------------------------------------------------------------------------- what tests want to know

    @property
    def ledger(self) -> Ledger:
        """What must not happen and did, and what was destroyed."""
        return self.fleet.ledger

    def copies(self, uuid: str) -> tuple[tuple[str, RunState, bool], ...]:
        """(host, state, runnable) of every registration of the guest, by host."""
        return tuple((host.name, copy.state, copy.runnable) for host, copy in self.fleet.copies(uuid))

    def overcommitted_hosts(self) -> tuple[str, ...]:
        """Hosts that hold more than they have, in memory, CPU or disk; arrivals counted."""
        over = []
        for name, host in sorted(self.fleet.hosts.items()):
            taken = self.fleet.taken(host)
            if taken.memory_mib > host.memory_mib or taken.cpu_percent > host.cpus * 100 or host.disk_free_mib < 0:
                over.append(name)
        return tuple(over)

    def content(self, uuid: str, host: str) -> int:
        """The generation of the guest's content there: what a start would find."""
        there = self.fleet.hosts[host]
        return self.fleet.content(there, there.copies[uuid])

    def leftovers(self, host: str) -> tuple[str, ...]:
        """Volumes there that belong to no registration and to no migration under way."""
        there = self.fleet.hosts[host]
        used = {disk.id for copy in there.copies.values() for disk in copy.disks}
        used.update(path for job in self.fleet.live_jobs if job.target == host for path in job.volumes)
        return tuple(sorted(set(there.volumes) - used))
