"""What a driver brings to the contract suite: two hosts, two guests, and a way to let time pass.

A driver joins by building a `Bench` and adding it to `BENCHES` in conftest.py. The hosts are called `a` and `b`; on `a`
are `WEB`, which runs, can move online and has dynamic memory (1024 to 4096 MiB in steps of 64, where the platform has
bounds for it), and `DB`, which is stopped and has a disk that only `a` can see. Each host takes part in one move at a
time. What a platform does differently by its nature is a field of its bench, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.core.commands import Answer, Guard, Verb
from reconciler.core.desired import Host
from reconciler.core.model import Load, Method, StepKind
from reconciler.core.observed import HostFacts, Job, Look, Registration
from reconciler.core.records import MoveRecord, Stage
from reconciler.drivers.protocol import Driver
from reconciler.errors import Location

WEB = "11111111-aaaa-4aaa-8aaa-111111111111"
DB = "22222222-bbbb-4bbb-8bbb-222222222222"
NAMES = {WEB: "web", DB: "db"}
US, THEM = "controller-1", "controller-2"
TTL_S = 600.0
LONG_S = 3600.0
"""Longer than anything takes on a bench."""


@dataclass(frozen=True)
class Bench:
    """A driver with a small fleet behind it."""

    driver: Driver
    wait: Callable[[float], None]
    """Let so many of the hosts' seconds pass."""
    cut_off: Callable[[str], None]
    """Make a host unreachable."""
    documents: Mapping[str, Host] = field(default_factory=dict)
    """Of hosts that need more than a name."""
    deletes: bool = True
    """Whether the platform deletes what a migration left on its source."""
    sets: bool = True
    """Whether the driver can change settings of a guest."""
    boots: bool = True
    """Whether the platform tells one boot of a guest from another. libvirt does not."""
    keeps_registration: bool = True
    """Whether a guest that has moved is still registered on its source. libvirt would start such a one: there, only the
    disks that were copied are left."""
    bounds_memory: bool = True
    """Whether the platform has bounds and steps of its own for a guest's memory. libvirt takes any."""
    settable_mib: int = 2048
    """Memory that `WEB` can be set to."""
    too_much_mib: int = 8192
    """Memory that it cannot."""
    own_boot: Callable[[], str] | None = None
    """Where the platform tells no boots apart: what the running `WEB` itself says."""
    slow_down: Callable[[], None] = lambda: None
    """Let online migrations take more than a moment."""

    def host(self, name: str) -> Host:
        """The host's document."""
        return self.documents.get(name) or Host(name, self.driver.name, Location("hosts.yaml"))

    def look(self, name: str) -> Look:
        """One look, whatever comes of it."""
        return self.driver.look(self.host(name))

    def facts(self, name: str) -> HostFacts:
        """One look at a host that answers."""
        seen = self.look(name)
        assert isinstance(seen, HostFacts), seen
        return seen

    def guest(self, name: str, uuid: str) -> Registration:
        """A registration that is there."""
        found = self.facts(name).registration(uuid)
        assert found is not None, f"{uuid} is not on {name}"
        return found

    def startable(self, name: str, uuid: str) -> bool:
        """Whether the guest runs or could be started there. What has left is there as the platform leaves it."""
        found = self.facts(name).registration(uuid)
        assert found is not None or not self.keeps_registration
        return found is not None and found.startable

    def boot(self, name: str) -> str:
        """Which boot `WEB` is in, on a host where it runs."""
        web = self.guest(name, WEB)
        assert web.running
        assert bool(web.boot_marker) is self.boots
        return web.boot_marker if self.own_boot is None else self.own_boot()

    def record(
        self,
        uuid: str = WEB,
        method: Method = Method.ONLINE,
        *,
        id: str = "m1",
        by: str = US,
        ends: tuple[str, str] = ("a", "b"),
    ) -> MoveRecord:
        """A move of this guest from a to b, live for the next ten minutes."""
        facts = self.facts(ends[0])
        entry = facts.registration(uuid)
        assert entry is not None, f"{uuid} is not on {ends[0]}"
        copies = () if method is Method.ONLINE else tuple(disk.resource for disk in entry.local_disks)
        return MoveRecord(
            id=f"{id}-{NAMES[uuid]}",
            guest_uuid=uuid,
            guest_name=NAMES[uuid],
            kind=StepKind.MIGRATE,
            source=ends[0],
            target=ends[1],
            method=method,
            was=entry.state,
            intent="intent",
            facts="facts",
            controller=by,
            copies=copies,
            load=Load(1024, 10, 0),
            settings=(("autostart", "on"),),
            expires_s=facts.clock_s + TTL_S,
        )

    def tell(self, verb: Verb, host: str, record: MoveRecord, guard: Guard | None) -> Answer:
        """Make the command and send it."""
        return self.driver.send(self.host(host), self.driver.command(verb, host, record, guard))

    def claim(self, record: MoveRecord, *hosts: str) -> None:
        """Claim on these hosts (both ends by default); must work."""
        for host in hosts or ("a", "b"):
            answer = self.tell(Verb.CLAIM, host, record, None)
            assert answer.status == 0, answer

    def do(self, verb: Verb, host: str, record: MoveRecord, stage: Stage) -> Answer:
        """A deed at this stage, guarded by the record as it lies there now."""
        lying = self.facts(host).record(record.id)
        assert lying is not None
        guard = Guard(lying.id, lying.controller, (lying.stage,))
        return self.tell(verb, host, replace(lying, stage=stage), guard)

    def migrate(self, record: MoveRecord) -> Job:
        """Claim, migrate, and let it end."""
        self.claim(record)
        self.do(Verb.MIGRATE, "a", record, Stage.MIGRATING)
        self.wait(min(LONG_S, TTL_S / 2))
        job = self.facts("a").job(record.id, record.attempt)
        assert job is not None
        assert job.ended
        return job
