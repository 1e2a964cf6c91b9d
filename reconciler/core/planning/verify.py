"""Prove a plan safe, or say what is wrong with it: it is replayed, event by event, from documents and facts alone.

Called before a plan is shown or run. Shares no code with whoever made the plan and counts room on its own, so that one
mistake cannot hide in both. Never mends anything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from reconciler.core.desired import (
    WINDOW_MARGIN_S,
    WINDOW_SHARE,
    Autostart,
    DesiredFleet,
    Downtime,
    Drift,
    Guest,
    PowerWish,
    StorageCopy,
)
from reconciler.core.model import Load, Method, RunState, Settings, StepKind
from reconciler.core.observed import HostFacts, ObservedFleet, Registration
from reconciler.core.planning.plan import Plan, Step
from reconciler.core.records import MoveRecord


def verify(
    desired: DesiredFleet, observed: ObservedFleet, plan: Plan, *, lost_hosts: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Every violation as a sentence; none where the plan is safe."""
    proof = _Proof(desired, observed, plan, lost_hosts)
    proof.check_dependencies()
    proof.check_steps()
    if not proof.violations:
        # A replay of steps that are wrong in themselves would only repeat, or hide, what is wrong.
        proof.replay()
    proof.check_ends()
    return tuple(dict.fromkeys(proof.violations))


@dataclass
class _Proof:
    """The replay. `place` and `running` follow each guest, `taken` each host."""

    desired: DesiredFleet
    observed: ObservedFleet
    plan: Plan
    lost_hosts: frozenset[str]
    violations: list[str] = field(default_factory=list)
    fit: set[str] = field(default_factory=set)
    """Hosts that may be touched: declared, not lost, read, and each a machine of its own."""
    copies: dict[str, list[tuple[HostFacts, Registration]]] = field(default_factory=dict)
    """Guest uuid -> its registrations that run or could be started."""
    names: dict[str, set[str]] = field(default_factory=dict)
    """Guest name -> the identities that go by it."""
    claims: Counter[str] = field(default_factory=Counter)
    """Guest uuid -> how many documents declare it."""
    records: dict[str, MoveRecord] = field(default_factory=dict)
    """Moves under way, by record id."""
    place: dict[str, str] = field(default_factory=dict)
    """Guest uuid -> host, as the replay goes on."""
    running: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.claims.update(guest.uuid for guest in self.desired.guests.values() if guest.uuid is not None)
        machines = Counter(facts.machine_id for facts in self.observed.reachable())
        for facts in self.observed.reachable():
            if (
                machines[facts.machine_id] == 1
                and facts.name in self.desired.hosts
                and facts.name not in self.lost_hosts
            ):
                self.fit.add(facts.name)
            for entry in facts.registrations:
                self.names.setdefault(entry.name, set()).add(entry.uuid)
                if entry.running or entry.runnable:
                    self.copies.setdefault(entry.uuid, []).append((facts, entry))
            for record in facts.records:
                if record.under_way:
                    self.records[record.id] = record
        for uuid, copies in self.copies.items():
            self.place[uuid] = copies[0][0].name
            self.running[uuid] = copies[0][1].state is not RunState.STOPPED

    def say(self, text: str) -> None:
        self.violations.append(text)

    # --- the steps on their own ------------------------------------------------------------------------------------

    def check_dependencies(self) -> None:
        """Ids are unique, `after` names steps that end before this one begins; so there is no cycle either."""
        by_id = {step.id: step for step in self.plan.steps}
        if len(by_id) != len(self.plan.steps):
            self.say("two steps have the same id")
        for step in self.plan.steps:
            if step.duration_s <= 0 or step.start_s < 0:
                self.say(f"{step.id}: begins before the run, or takes no time")
            for name in step.after:
                if name not in by_id:
                    self.say(f"{step.id}: comes after {name}, which is not in the plan")
                elif by_id[name].end_s > step.start_s:
                    self.say(f"{step.id}: comes after {name}, but begins before that has ended")
        per_guest: dict[str, Step] = {}
        for step in sorted(self.plan.steps, key=lambda step: (step.start_s, step.id)):
            before = per_guest.get(step.uuid)
            if before is not None and before.end_s > step.start_s:
                self.say(f"{step.id}: {step.guest} is in {before.id} at the same time")
            if before is not None and before.id not in step.after:
                self.say(f"{step.id}: does not wait for {before.id} of the same guest")
            per_guest[step.uuid] = step

    def check_steps(self) -> None:
        """Each step touches a guest and hosts that may be touched, in a way its document permits."""
        for step in self.plan.steps:
            guest = self.desired.guests.get(step.guest)
            if guest is None or step.guest in self.desired.quarantined:
                self.say(f"{step.id}: {step.guest} has no readable document")
                continue
            hosts = self._check_hosts(step)
            self._check_stillness(step, guest)
            copy = self._check_identity(step, guest)
            if hosts and copy is not None:
                self._check_permission(step, guest, copy)
                self._check_load(step, copy)

    def _check_hosts(self, step: Step) -> bool:
        closed = [host for host in step.hosts if host not in self.fit]
        for host in closed:
            self.say(
                f"{step.id}: touches {host}, which was not read, is not declared, or is not the machine it should be"
            )
        return not closed

    def _check_stillness(self, step: Step, guest: Guest) -> None:
        """What is suspended is left alone, nothing comes to a host under maintenance, no drift is undone unasked."""
        fleet = self.desired.fleet
        if guest.suspend is not None or guest.fought:
            self.say(f"{step.id}: {step.guest} is suspended, or somebody undoes what is corrected")
        if guest.drifted and fleet.drift is not Drift.CORRECT:
            self.say(f"{step.id}: {step.guest} has drifted, and drift is only reported")
        if guest.drifted and fleet.drift_downtime is not Downtime.ALLOWED and self._stops(step):
            self.say(f"{step.id}: stops {step.guest} to undo a drift, which may cost no downtime")
        self._check_windows(step, guest)
        for host in step.hosts:
            if self.desired.hosts.get(host) is not None and self.desired.hosts[host].suspend is not None:
                self.say(f"{step.id}: has to do with {host}, which is suspended")
        target = self.desired.hosts.get(step.target)
        comes = step.kind is StepKind.START or step.source != step.target
        if comes and target is not None and target.maintenance is not None:
            self.say(f"{step.id}: comes to {step.target}, which is under maintenance")

    def _check_windows(self, step: Step, guest: Guest) -> None:
        """A guest is taken down only where that is over while its window is open, and nothing runs into one that
        denies."""
        policy, quiet_in_s = guest.migration, self.desired.fleet.quiet_in_s
        over_s = step.end_s * WINDOW_SHARE + WINDOW_MARGIN_S
        if self._stops(step) and policy.open_s is not None and over_s > policy.open_s:
            how = "is closed" if policy.open_s <= 0 else "closes too early"
            self.say(f"{step.id}: window {' or '.join(policy.windows)} {how}")
        if quiet_in_s is not None and over_s > quiet_in_s:
            self.say(f"{step.id}: runs into a window that denies")

    @staticmethod
    def _stops(step: Step) -> bool:
        offline = step.kind is StepKind.MIGRATE and step.method is Method.OFFLINE
        return step.kind is StepKind.STOP or (offline and step.running)

    def _check_identity(self, step: Step, guest: Guest) -> Registration | None:
        """The one copy of the guest that the step is about."""
        if self._meant(guest) != {step.uuid}:
            self.say(f"{step.id}: {step.uuid} is not the guest that the document means")
            return None
        copies = self.copies.get(step.uuid, [])
        if len(copies) != 1:
            self.say(f"{step.id}: {step.guest} has {len(copies)} copies that run or could be started, not one")
            return None
        entry = copies[0][1]
        if entry.state is RunState.TRANSITION:
            self.say(f"{step.id}: {step.guest} is neither running nor stopped")
        if any(record.guest_uuid == step.uuid for record in self.records.values()):
            self.say(f"{step.id}: a move of {step.guest} is under way already")
        return entry

    def _meant(self, guest: Guest) -> set[str]:
        """The identities that the document could mean."""
        if guest.uuid is not None:
            return {guest.uuid} if self.claims[guest.uuid] == 1 else set()
        return {uuid for uuid in self.names.get(guest.name, ()) if not self.claims[uuid]}

    def _check_permission(self, step: Step, guest: Guest, entry: Registration) -> None:
        policy = guest.migration
        if not step.running and step.kind is not StepKind.STOP and not self._full_look():
            self.say(f"{step.id}: {step.guest} is stopped, and not every host was read")
        if step.source != step.target and step.kind is not StepKind.MIGRATE:
            self.say(f"{step.id}: a {step.kind} that moves its guest")
        if step.kind is StepKind.SET:
            self._check_settings(step, guest, entry)
            return
        if step.kind is not StepKind.MIGRATE:
            wish = PowerWish.RUNNING if step.kind is StepKind.START else PowerWish.STOPPED
            if guest.power is not wish:
                self.say(f"{step.id}: the document does not ask for this {step.kind}")
            if step.method is not None:
                self.say(f"{step.id}: a {step.kind} with a method of migration")
            return
        if step.hop and not policy.hop:
            self.say(f"{step.id}: the document forbids a hop")
        if not step.hop and step.target != guest.host:
            self.say(f"{step.id}: goes to {step.target}, declared is {guest.host}")
        if step.source == step.target:
            self.say(f"{step.id}: a move that goes nowhere")
        elif self._host(step.source).platform != self._host(step.target).platform:
            self.say(f"{step.id}: {step.source} and {step.target} are of different platforms")
        if policy.method is not None and step.method is not policy.method:
            self.say(f"{step.id}: {step.method}, the document asks for {policy.method}")
        if step.method is Method.ONLINE and not step.running:
            self.say(f"{step.id}: online, but the guest does not run")
        if step.method is Method.OFFLINE and step.running and policy.downtime is not Downtime.ALLOWED:
            self.say(f"{step.id}: stops the running guest, which its document does not allow")
        local = sum(disk.size_mib for disk in entry.disks if not disk.kind.shared)
        enough = {StorageCopy.ONLINE} if step.method is Method.ONLINE else {StorageCopy.ONLINE, StorageCopy.OFFLINE}
        if local and policy.storage_copy not in enough:
            self.say(f"{step.id}: copies disks, which its document does not allow")
        if step.converge and not policy.auto_converge:
            self.say(f"{step.id}: may slow the guest down, which its document does not allow")
        if step.vouched is not any(disk.vouched for disk in entry.disks):
            self.say(f"{step.id}: its disks are not shared on the word that it gives")

    def _check_settings(self, step: Step, guest: Guest, entry: Registration) -> None:
        """Each setting is declared so, is within what the guest's host allows, and could be seen to be reached."""
        asked = {
            "memory_mib": guest.memory_mib,
            "cpu_entitlement_percent": guest.cpu_entitlement_percent,
            "cpu_cap_percent": guest.cpu_cap_percent,
            "autostart": None if guest.autostart is Autostart.KEEP else guest.autostart,
        }
        names = [name for name, _ in step.settings]
        if not names or len(set(names)) != len(names):
            self.say(f"{step.id}: sets nothing, or something twice")
        for name, value in step.settings:
            if asked.get(name) is None or value != str(asked[name]):
                self.say(f"{step.id}: the document does not ask for {name} {value}")
            elif name == "memory_mib" and not self._memory_possible(int(value), entry, guest.memory_min_mib):
                self.say(f"{step.id}: {step.guest} cannot have {value} MiB now")
            elif name == "cpu_cap_percent" and entry.cpu_cap_percent is None:
                self.say(f"{step.id}: {step.guest} cannot be held to a share of its CPUs")
            elif name == "autostart" and entry.autostart is None:
                self.say(f"{step.id}: nobody knows the autostart of {step.guest}")
        if step.source != guest.host or self.running[step.uuid] is not step.running:
            self.say(f"{step.id}: settings are changed only where a guest is declared, as it is")

    @staticmethod
    def _memory_possible(wanted_mib: int, entry: Registration, declared_min_mib: int | None) -> bool:
        """One MiB is no bound: there the document must name one."""
        least_mib = max(entry.memory_min_mib, declared_min_mib or 0)
        return (
            0 < entry.memory_min_mib
            and 1 < least_mib <= wanted_mib <= entry.memory_mib
            and entry.memory_step_mib > 0
            and wanted_mib % entry.memory_step_mib == 0
            and entry.state is RunState.RUNNING
        )

    def _full_look(self) -> bool:
        """Whether every host in play was read, and is the machine it should be."""
        return all(host in self.fit for host in self.desired.hosts if host not in self.lost_hosts)

    def _check_load(self, step: Step, entry: Registration) -> None:
        """What the step says it takes and frees is not less, or more, than the guest's registration says."""
        takes, frees = self._takes(step, entry), self._frees(step, entry)
        if step.load != takes:
            self.say(f"{step.id}: says it takes {step.load}, the guest takes {takes}")
        if (step.frees.memory_mib, step.frees.cpu_percent) != (frees.memory_mib, frees.cpu_percent):
            self.say(f"{step.id}: says it frees {step.frees}, the guest frees {frees}")
        target = self._host(step.target)
        arrives = step.kind is not StepKind.SET  # a guest whose settings are changed runs there already
        if arrives and takes.memory_mib + takes.cpu_percent > 0 and entry.vcpus > self._cpus(target):
            self.say(f"{step.id}: {step.guest} has more virtual CPUs than {step.target} has CPUs")

    # --- counting ---------------------------------------------------------------------------------------------------

    def _host(self, name: str) -> HostFacts:
        look = self.observed.hosts[name]
        if not isinstance(look, HostFacts):
            raise KeyError(name)
        return look

    def _cpus(self, facts: HostFacts) -> int:
        cap = self.desired.hosts[facts.name].cpus_cap
        return facts.cpus if cap is None else min(cap, facts.cpus)

    def _weight(self, entry: Registration, facts: HostFacts) -> Load:
        """Memory with the platform's overhead, rounded up, and the guaranteed CPU."""
        hundredths = entry.memory_mib * (100 + facts.memory_overhead_percent)
        return Load(hundredths // 100 + (hundredths % 100 > 0), entry.vcpus * entry.cpu_entitlement_percent)

    def _takes(self, step: Step, entry: Registration) -> Load:
        if step.kind is StepKind.SET:
            return Load(cpu_percent=max(0, self._growth(step.settings, entry)))
        disk_mib = 0
        if step.kind is StepKind.MIGRATE:
            disk_mib = sum(disk.size_mib for disk in entry.disks if not disk.kind.shared)
        runs = step.kind is StepKind.START or (step.kind is StepKind.MIGRATE and step.running)
        weight = self._weight(entry, self._host(step.target)) if runs else Load()
        return Load(weight.memory_mib, weight.cpu_percent, disk_mib)

    def _growth(self, settings: Settings, entry: Registration) -> int:
        """How much more CPU a running guest will be guaranteed with these settings; negative for less."""
        if entry.state is RunState.STOPPED:
            return 0
        wanted = [int(value) for name, value in settings if name == "cpu_entitlement_percent"]
        return sum(entry.vcpus * (percent - entry.cpu_entitlement_percent) for percent in wanted)

    def _frees(self, step: Step, entry: Registration) -> Load:
        if step.kind is StepKind.SET:
            return Load(cpu_percent=max(0, -self._growth(step.settings, entry)))
        return self._weight(entry, self._host(step.source)) if step.running else Load()

    def _room(self) -> dict[str, Load]:
        """What each host may take at the start."""
        room: dict[str, Load] = {}
        for facts in self.observed.reachable():
            document = self.desired.hosts.get(facts.name)
            if document is None:
                continue
            memory_mib = facts.memory_mib
            if document.memory_cap_mib is not None:
                memory_mib = min(memory_mib, document.memory_cap_mib)
            there = Load(max(0, memory_mib - document.reserve_memory_mib), 100 * self._cpus(facts), facts.disk_free_mib)
            room[facts.name] = there - self._held(facts)
        return room

    def _held(self, facts: HostFacts) -> Load:
        """Guests that run here, and guests of moves under way from or to here that do not run here now."""
        loads = [self._weight(entry, facts) for entry in facts.registrations if entry.state is not RunState.STOPPED]
        here = {entry.uuid for entry in facts.registrations if entry.state is not RunState.STOPPED}
        for record in self.records.values():
            if record.kind is StepKind.SET:
                entry = facts.registration(record.guest_uuid) if record.source == facts.name else None
                more = self._growth(record.settings, entry) if entry is not None else 0
                loads.append(Load(cpu_percent=max(0, more)))
                continue
            if record.guest_uuid in here or record.kind is StepKind.STOP:
                continue
            if record.target == facts.name:
                loads.append(record.load)
            elif record.source == facts.name and facts.record(record.id) is not None:
                loads.append(Load(record.load.memory_mib, record.load.cpu_percent))
        return Load.total(loads)

    # --- the replay -------------------------------------------------------------------------------------------------

    def replay(self) -> None:
        """Go through all starts and ends; where they coincide, ends come first."""
        room = self._room()
        busy: list[Step] = []
        events = [(step.start_s, 1, step.id, step) for step in self.plan.steps]
        events += [(step.end_s, 0, step.id, step) for step in self.plan.steps]
        for _, starts, _, step in sorted(events, key=lambda event: event[:3]):
            if starts:
                self._start(step, room, busy)
                busy.append(step)
            else:
                busy.remove(step)
                self._end(step, room)

    def _start(self, step: Step, room: dict[str, Load], busy: list[Step]) -> None:
        if self.place[step.uuid] != step.source:
            self.say(f"{step.id}: {step.guest} is on {self.place[step.uuid]} then, not on {step.source}")
        changes_power = step.kind in (StepKind.START, StepKind.STOP)
        if self.running[step.uuid] is not step.running or (step.kind is StepKind.START) is step.running:
            if changes_power or self.running[step.uuid] is not step.running:
                self.say(f"{step.id}: {step.guest} is {'running' if self.running[step.uuid] else 'stopped'} then")
        left = room[step.target]
        for what, needed, there in (
            ("MiB of memory", step.load.memory_mib, left.memory_mib),
            ("% of CPU", step.load.cpu_percent, left.cpu_percent),
            ("MiB of disk", step.load.disk_mib, left.disk_mib),
        ):
            if 0 < needed and there < needed:
                self.say(f"{step.id}: {step.target} has {max(0, there)} {what} left then, {needed} are needed")
        room[step.target] = left - step.load
        self._check_slots(step, busy)

    def _check_slots(self, step: Step, busy: list[Step]) -> None:
        limits = self.desired.fleet.limits
        moves = [(other.source, other.target) for other in busy if other.kind is StepKind.MIGRATE]
        moves += [(r.source, r.target) for r in self.records.values() if r.kind is StepKind.MIGRATE]
        power = [other.source for other in busy if other.kind is not StepKind.MIGRATE]
        power += [record.source for record in self.records.values() if record.kind is not StepKind.MIGRATE]
        if step.kind is not StepKind.MIGRATE:
            if step.source in power:
                self.say(f"{step.id}: another guest is started or stopped on {step.source} then")
            if any(step.source in move for move in moves):
                self.say(f"{step.id}: a guest arrives at or leaves {step.source} then")
            return
        if len(moves) >= limits.concurrent:
            self.say(f"{step.id}: more than {limits.concurrent} migrations in the fleet")
        if sum(source == step.source for source, _ in moves) >= limits.concurrent_out:
            self.say(f"{step.id}: more than {limits.concurrent_out} migrations leave {step.source}")
        if sum(target == step.target for _, target in moves) >= limits.concurrent_in:
            self.say(f"{step.id}: more than {limits.concurrent_in} migrations arrive at {step.target}")
        for host in step.hosts:
            if sum(host in move for move in moves) >= limits.concurrent_host:
                self.say(f"{step.id}: more than {limits.concurrent_host} migrations touch {host}")
            if host in power:
                self.say(f"{step.id}: a guest is started or stopped on {host} then")

    def _end(self, step: Step, room: dict[str, Load]) -> None:
        self.place[step.uuid] = step.target
        if step.kind in (StepKind.START, StepKind.STOP):
            self.running[step.uuid] = step.kind is StepKind.START
        # Disk room is not given back: whether a copy at the source may go is known only once the move is proven.
        room[step.source] += Load(step.frees.memory_mib, step.frees.cpu_percent)

    # --- where it ends ----------------------------------------------------------------------------------------------

    def check_ends(self) -> None:
        """Each guest of a step ends where and as it is declared; no guest is both moved and blocked."""
        blocked = {entry.guest for entry in self.plan.blocked}
        last: dict[str, Step] = {}
        for step in sorted(self.plan.steps, key=lambda step: (step.end_s, step.id)):
            last[step.guest] = step
            if step.guest in blocked:
                self.say(f"{step.id}: {step.guest} is both moved and blocked")
        for name, step in last.items():
            guest = self.desired.guests.get(name)
            if guest is not None and step.target != guest.host:
                self.say(f"{name}: ends on {step.target}, declared is {guest.host}")
            if guest is not None and not self._power_reached(guest, step):
                self.say(
                    f"{name}: ends {'running' if self._runs_after(step) else 'stopped'}, declared is {guest.power}"
                )
        self._check_nothing_forgotten(blocked, set(last))

    def _runs_after(self, step: Step) -> bool:
        return step.kind is StepKind.START if step.kind in (StepKind.START, StepKind.STOP) else step.running

    def _power_reached(self, guest: Guest, step: Step) -> bool:
        return guest.power is PowerWish.KEEP or self._runs_after(step) is (guest.power is PowerWish.RUNNING)

    def _check_nothing_forgotten(self, blocked: set[str], moved: set[str]) -> None:
        """A guest that is seen elsewhere than declared has steps, or is blocked."""
        for name, guest in sorted(self.desired.guests.items()):
            if name in blocked or name in moved or name in self.desired.quarantined:
                continue
            for uuid in sorted(self._meant(guest)):
                copies = self.copies.get(uuid, [])
                if any(facts.name != guest.host for facts, _ in copies):
                    self.say(f"{name}: is on {copies[0][0].name}, declared is {guest.host}; neither moved nor blocked")
