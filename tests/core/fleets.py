"""Small fleets for tests: hosts, guests and registrations in a line each, and a tiny rule book. Used by tests only.

A guest is online-movable where both hosts run the same version and every disk is shared; offline it always is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.core import desired as documents
from reconciler.core.compatibility import Question, Rulebook, Verdict
from reconciler.core.desired import Commit, DesiredFleet, Downtime, Fleet, Limits, MigrationPolicy, Mode, PowerWish
from reconciler.core.diff import Diff, diff
from reconciler.core.model import Load, Method, Processor, RunState, StepKind, StorageKind
from reconciler.core.observed import Disk, HostFacts, Look, ObservedFleet, Registration, Unreachable
from reconciler.core.planning.plan import Blocked, Plan, Step
from reconciler.core.planning.scheduler import make_plan
from reconciler.core.planning.verify import verify
from reconciler.core.records import MoveRecord, Parked, Stage
from reconciler.errors import Location, Problem

HERE = Location("fleet.yaml")
RUNNING, STOPPED, TRANSITION = RunState.RUNNING, RunState.STOPPED, RunState.TRANSITION
SAN_DISK = Disk("600508b4", StorageKind.SAN)


def local_disk(size_mib: int) -> Disk:
    return Disk("/dev/disk/disk9", StorageKind.LOCAL_DISK, size_mib)


# --- the rules


def same_version(question: Question) -> Verdict:
    fine = question.source.version == question.target.version
    reason = f"{question.source.version} → {question.target.version}"
    return Verdict("same-version", Method.ONLINE, fine, reason, "a test", "" if fine else "update the older host")


def runs(question: Question) -> Verdict:
    running = question.guest.running
    return Verdict("running", Method.ONLINE, running, "it runs" if running else "it is stopped", "a test")


def disks_shared(question: Question) -> Verdict:
    fine = not question.guest.local_disks
    return Verdict("disks-shared", Method.ONLINE, fine, "SAN only" if fine else "local disks", "a test")


def always(question: Question) -> Verdict:
    return Verdict("always", Method.OFFLINE, True, "offline is always possible", "a test")


TELLING = frozenset({"same-version", "running", "disks-shared"})
RULES = {"test": Rulebook("test", (same_version, runs, disks_shared), (always,), lambda question: "", TELLING)}


# --- what is declared


def guest(name: str, host: str, **fields: Any) -> documents.Guest:
    """A document. Fields of the migration policy may be given directly: `downtime=ALLOWED`."""
    policy = {key: fields.pop(key) for key in list(fields) if key in MigrationPolicy.__dataclass_fields__}
    power = PowerWish(fields.pop("power", "keep"))
    return documents.Guest(name, host, HERE, power=power, migration=MigrationPolicy(**policy), **fields)


ALLOWED = Downtime.ALLOWED


# --- what is seen


def registration(name: str, memory_mib: int = 4096, *, state: RunState = RUNNING, **fields: Any) -> Registration:
    fields = {"uuid": f"uuid-{name}", "cpu_entitlement_percent": 0, "disks": (SAN_DISK,), **fields}
    return Registration(name=name, state=state, memory_mib=memory_mib, **fields)


def host(name: str, *registrations: Registration, memory_mib: int = 16384, **fields: Any) -> HostFacts:
    """A host that answered, roomy in all but memory."""
    fields = {
        "machine_id": f"machine-{name}",
        "platform": "test",
        "version": "4.2",
        "processor": Processor(32, 1),
        "cpus": 16,
        "disk_free_mib": 1_000_000,
        "clock_s": 1000.0,
        **fields,
    }
    return HostFacts(name=name, memory_mib=memory_mib, registrations=registrations, **fields)


def away(name: str) -> Unreachable:
    return Unreachable(name, "connection refused")


def record(guest_name: str, source: str, target: str, **fields: Any) -> MoveRecord:
    """A move record of another controller, under way unless `parked` is given."""
    fields = {
        "id": f"record-{guest_name}",
        "guest_uuid": f"uuid-{guest_name}",
        "kind": StepKind.MIGRATE,
        "method": Method.ONLINE,
        "was": RUNNING,
        "intent": "another",
        "facts": "others",
        "controller": "controller-2",
        "stage": Stage.PARKED if fields.get("parked") else Stage.MIGRATING,
        "load": Load(4096),
        "expires_s": 1180.0,
        **fields,
    }
    return MoveRecord(guest_name=guest_name, source=source, target=target, **fields)


# --- both together


@dataclass(frozen=True)
class World:
    """Documents and facts, and what follows from them."""

    desired: DesiredFleet
    observed: ObservedFleet
    previous_machines: Mapping[str, str]

    @property
    def difference(self) -> Diff:
        return diff(self.desired, self.observed, self.previous_machines)

    def plan(self, **settings: Any) -> Plan:
        """The plan. It is proven safe, whatever it is."""
        plan = make_plan(self.desired, self.observed, self.difference, RULES, **settings)
        lost_hosts = settings.get("lost_hosts", frozenset())
        violations = verify(
            self.desired, self.observed, plan, lost_hosts=lost_hosts, previous_machines=self.previous_machines
        )
        assert () == violations, "\n".join(violations)
        return plan

    def finding(self, name: str) -> str:
        found = self.difference.guest(name)
        assert found is not None, name
        return found.finding.value


def world(
    looks: Iterable[Look],
    guests: Iterable[documents.Guest],
    *,
    limits: Limits | None = None,
    quarantined: Iterable[str] = (),
    hosts: Mapping[str, documents.Host] | None = None,
    commit: Commit | None = None,
    mode: Mode = Mode.APPLY,
    previous_machines: Mapping[str, str] | None = None,
) -> World:
    """Every host that was looked at is declared, unless `hosts` says more of it."""
    looks = tuple(looks)
    declared = {look.name: documents.Host(look.name, "test", HERE) for look in looks} | dict(hosts or {})
    return World(
        DesiredFleet(
            fleet=Fleet("test", HERE, mode=mode, limits=limits or Limits()),
            hosts=declared,
            guests={entry.name: entry for entry in guests},
            quarantined={name: Problem("guest-invalid", HERE, "its document cannot be read") for name in quarantined},
            commit=commit,
        ),
        ObservedFleet({look.name: look for look in looks}),
        previous_machines or {},
    )


def told(plan: Plan) -> list[str]:
    """The steps as lines: `web01 a → b online`, `web01 start on b`."""
    return [_told(step) for step in plan.steps]


def _told(step: Step) -> str:
    if step.kind is not StepKind.MIGRATE:
        return f"{step.guest} {step.kind} on {step.source}"
    return f"{step.guest} {step.source} → {step.target} {step.method}{' (hop)' if step.hop else ''}"


def refusals(plan: Plan) -> dict[str, str]:
    """Guest -> reason code."""
    return {entry.guest: str(entry.reason) for entry in plan.blocked}


def refusal(plan: Plan, name: str) -> Blocked:
    return next(entry for entry in plan.blocked if entry.guest == name)


def parked(entry: MoveRecord, why: Parked, **fields: Any) -> MoveRecord:
    return replace(entry, stage=Stage.PARKED, parked=why, **fields)
