"""A small world and short words to tell it things. Used by the tests next to it; holds no test."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.core.commands import Answer, Guard, Verb
from reconciler.core.model import Method, RunState, StepKind, StorageKind
from reconciler.core.observed import Disk, HostFacts, Job
from reconciler.core.records import MoveRecord, Stage
from reconciler.drivers.simulated.commands import command
from reconciler.drivers.simulated.faults import Fault, FaultKind
from reconciler.drivers.simulated.fleet import SimCopy, SimGuest, SimHost
from reconciler.drivers.simulated.migration import Rules
from reconciler.drivers.simulated.world import World

LUN = "600143801259b8ae0000900000330000"
RUNNING, STOPPED, TRANSITION = RunState.RUNNING, RunState.STOPPED, RunState.TRANSITION
LONG_S = 100_000.0
TTL_S = 10 * LONG_S
SAN = (Disk(LUN, StorageKind.SAN, 10240),)
LOCAL = (Disk("/dev/vg01/web", StorageKind.LOGICAL_VOLUME, 10240),)


@dataclass
class Story:
    """A world of hosts a, b and c with the guest `web` (uuid `u1`) on a."""

    world: World

    @staticmethod
    def of(
        disks: tuple[Disk, ...] = SAN,
        state: RunState = RUNNING,
        *,
        guest: SimGuest | None = None,
        rules: Rules | None = None,
        **host: object,
    ) -> Story:
        """What is given for hosts holds for all three."""
        hosts = [SimHost(name, presented=(LUN,), **host) for name in "abc"]  # type: ignore[arg-type]  # fields by name
        world = World.of(hosts, rules=rules)
        world.place(guest or SimGuest("u1", "web", memory_mib=8192), "a", disks, state)
        return Story(world)

    def record(self, method: Method = Method.ONLINE, uuid: str = "u1", **fields: object) -> MoveRecord:
        """A move of web from a to b; other fields by name."""
        record = MoveRecord(
            id=f"m-{uuid}",
            guest_uuid=uuid,
            guest_name=self.world.fleet.guests[uuid].name,
            kind=StepKind.MIGRATE,
            source="a",
            target="b",
            method=method,
            was=RUNNING,
            intent="i",
            facts="f",
            controller="me",
            expires_s=self.world.now_s + TTL_S,
        )
        return replace(record, **fields)  # type: ignore[arg-type]  # fields by name

    def tell(self, verb: Verb, host: str, record: MoveRecord, guard: Guard | None = None) -> Answer:
        """Send it; without a guard given, under the record that lies there."""
        lying = self.world.fleet.hosts[host].records.get(record.guest_uuid)
        if guard is None and lying is not None:
            guard = Guard(lying.id, lying.controller, tuple(Stage), may_be_expired=True)
        return self.world.execute(command(verb, host, record, guard))

    def claim(self, record: MoveRecord) -> None:
        """On both ends; must work."""
        for host in (record.source, record.target):
            answer = self.tell(Verb.CLAIM, host, record)
            assert answer.status == 0, answer

    def release(self, record: MoveRecord) -> None:
        """On both ends."""
        for host in (record.source, record.target):
            self.tell(Verb.RELEASE, host, record)

    def migrate(self, record: MoveRecord, fault: Fault | FaultKind | None = None) -> Job:
        """Claim, start the job, which meets this fault, and wait until it ended (or hangs for good)."""
        self.begin(record, fault)
        self.wait(LONG_S)
        return self.job(record)

    def begin(self, record: MoveRecord, fault: Fault | FaultKind | None = None) -> Job:
        """Claim and start the job."""
        self.claim(record)
        if fault is not None:
            self.world.faults.add(fault if isinstance(fault, Fault) else Fault(fault))
        answer = self.tell(Verb.MIGRATE, record.source, replace(record, stage=Stage.MIGRATING))
        assert answer.status == 0, answer
        return self.job(record)

    def job(self, record: MoveRecord) -> Job:
        """What the source shows of its job."""
        look = self.world.look(record.source)
        assert isinstance(look, HostFacts), look
        return [job for job in look.jobs if job.record_id == record.id][-1]

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.world.advance_to(self.world.now_s + seconds)

    def copy(self, host: str, uuid: str = "u1") -> SimCopy:
        """The registration there."""
        return self.world.fleet.hosts[host].copies[uuid]

    @property
    def copies(self) -> dict[str, tuple[RunState, bool]]:
        """State and runnable of web, by host."""
        return {host: (state, runnable) for host, state, runnable in self.world.copies("u1")}
