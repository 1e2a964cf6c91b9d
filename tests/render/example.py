"""A small fleet that shows everything: online, offline, a hop, a one-way door, a blocked guest, a host that is away.

Used by the tests of this folder that look at whole pages. Never random.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.compatibility import Decision, Verdict
from reconciler.core.desired import Commit
from reconciler.core.diff import Diff, Finding, GuestDiff, HostFinding, HostReason, Place
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.execution.run import Progress, StepState
from reconciler.core.model import Method, Processor, RunState, StepKind, StorageKind
from reconciler.core.observed import Disk, HostFacts, ObservedFleet, Registration, Unreachable
from reconciler.core.planning.plan import Blocked, Brake, Plan, Step
from reconciler.core.reports.conditions import conditions
from reconciler.core.reports.report import CommandRun, GuestStatus, Report, Result, StepRun

COMMIT = Commit("3f2a9c1d" * 5, "Ann Lee <ann@example.org>", "Move the web tier to vmhost-b")
BEGUN_S = 1763928904.0


def move(number: int, guest: str, source: str, target: str, method: Method, start_s: float, duration_s: float) -> Step:
    """A migration of a running guest."""
    return Step(
        id=f"{number:02}-{guest}",
        kind=StepKind.MIGRATE,
        guest=guest,
        uuid=f"uuid-{guest}",
        source=source,
        target=target,
        method=method,
        running=True,
        reason=f"declared on {target}",
        intent="intent",
        facts="facts",
        start_s=start_s,
        duration_s=duration_s,
    )


WEB01 = move(1, "web01", "vmhost-a", "vmhost-b", Method.ONLINE, 0, 72)
DB = replace(
    move(2, "db-primary", "vmhost-c", "vmhost-d", Method.OFFLINE, 0, 167),
    downtime_s=111,
    reason="declared on vmhost-d; offline because the processors differ",
    commands=(("vmhost-c", ("hpvmstop", "-P", "db-primary")), ("vmhost-c", ("hpvmmigrate", "-P", "db-primary"))),
)
BATCH = replace(move(3, "batch07", "vmhost-b", "vmhost-e", Method.ONLINE, 0, 41), hop=True, reason="a resting place")
BATCH_ON = replace(
    move(4, "batch07", "vmhost-e", "vmhost-a", Method.ONLINE, 72, 41),
    after=("01-web01", "03-batch07"),
    one_way="batch07 was booted on 4.2, vmhost-a runs 4.3",
    attempt=2,
    reason="declared on vmhost-a",
)
CACHE = replace(
    move(5, "cache", "vmhost-a", "vmhost-a", Method.ONLINE, 113, 60), kind=StepKind.START, method=None, running=False
)

SHARED = Verdict(
    "storage-shared", Method.ONLINE, False, "db02's disk is a logical volume", "manual, p. 168", "put it on a LUN"
)
RUNS = Verdict("guest-running", Method.ONLINE, True, "db02 runs on vmhost-a", "manual, p. 168")
DOWNTIME = Verdict(
    "downtime-permitted",
    Method.OFFLINE,
    False,
    "db02 would go down; the document says downtime: forbidden",
    "document",
    "set spec.migration.downtime to allowed",
)
DECISION = Decision(None, (RUNS, SHARED, DOWNTIME), DOWNTIME, "DowntimeForbidden")
BLOCKED = Blocked(
    "db02", "uuid-db02", "vmhost-b", "vmhost-a", "DowntimeForbidden", DOWNTIME.reason, DOWNTIME.fix, DECISION.verdicts
)
PLAN = Plan(
    "demo", COMMIT, (WEB01, DB, BATCH, BATCH_ON, CACHE), (BLOCKED,), makespan_s=173, bound_s=167, digest="9c0a1b2c"
)
HELD = replace(PLAN, brakes=(Brake("TooManyMoves", "4 moves, at most 2 are allowed", "apply --allow-moves 4"),))
NOTHING = Plan("demo", COMMIT, (), (), 0, 0, "d1")


def registration(name: str, memory_mib: int, state: RunState = RunState.RUNNING) -> Registration:
    return Registration(
        f"uuid-{name}", name, state, memory_mib=memory_mib, vcpus=4, disks=(Disk("600a0b", StorageKind.SAN, 40960),)
    )


def host(name: str, *entries: Registration) -> HostFacts:
    return HostFacts(
        name, f"m-{name}", "integrity-vm", "4.3", Processor(32, 2, "Tukwila"), 16, 65536, registrations=entries
    )


FLEET = ObservedFleet(
    {
        "vmhost-a": host("vmhost-a", registration("db02", 49152), registration("cache", 8192, RunState.STOPPED)),
        "vmhost-b": host("vmhost-b", registration("web01", 16384)),
        "vmhost-c": Unreachable("vmhost-c", "connection refused"),
        "vmhost-d": host("vmhost-d", registration("db-primary", 16384), registration("stray", 4096)),
    }
)


def guest(name: str, finding: Finding, wanted: str, on: str, text: str) -> GuestDiff:
    places = (Place(on, RunState.RUNNING, True),) if on else ()
    return GuestDiff(name, f"uuid-{name}", finding, wanted, places, text)


DIFF = Diff(
    (
        guest("batch07", Finding.UNKNOWN, "vmhost-a", "", "not on any host that answered; not read: vmhost-c"),
        guest("db-primary", Finding.IN_PLACE, "vmhost-d", "vmhost-d", "running on vmhost-d"),
        guest("db02", Finding.MISPLACED, "vmhost-b", "vmhost-a", "running on vmhost-a, declared on vmhost-b"),
        guest("stray", Finding.UNMANAGED, "", "vmhost-d", "no document: vmhost-d (running)"),
        guest("web01", Finding.IN_PLACE, "vmhost-b", "vmhost-b", "running on vmhost-b"),
    ),
    (HostFinding("vmhost-c", HostReason.UNREACHABLE, "connection refused"),),
)
GUESTS = tuple(
    GuestStatus(found, conditions(found, BLOCKED if found.name == "db02" else None, None, False))
    for found in DIFF.guests
)


def ended(step: Step, state: StepState, took_s: float, outcome: Outcome, *commands: CommandRun) -> StepRun:
    progress = Progress(state, step.attempt, 0.0, BEGUN_S, BEGUN_S + took_s, outcome)
    return StepRun(step, progress, commands, f"running on {step.target}")


DONE = Outcome(OutcomeKind.DONE, "Moved", "it runs on the target")
LOST = Outcome(OutcomeKind.UNKNOWN, "HostUnreachable", "vmhost-b did not answer for 10m")
COMMAND = CommandRun(
    "vmhost-b",
    "migrate",
    ("hpvmmigrate", "-o", "-P", "batch07"),
    BEGUN_S,
    BEGUN_S + 66,
    "lost",
    None,
    "\x1b[2Jcopying\r\n",
)
REPORT = Report(
    id="20251123T201504-7f3a",
    fleet="demo",
    controller="ctl@adm1",
    commit=COMMIT,
    started_s=BEGUN_S,
    ended_s=BEGUN_S + 905,
    result=Result.INCOMPLETE,
    difference=DIFF,
    plans=(PLAN, replace(NOTHING, blocked=(BLOCKED,))),
    steps=(
        ended(WEB01, StepState.DONE, 70, DONE),
        ended(DB, StepState.DONE, 201, DONE),
        ended(BATCH, StepState.UNKNOWN, 900, LOST, COMMAND),
        StepRun(BATCH_ON, Progress(StepState.SKIPPED, 2), ()),
    ),
    guests=GUESTS,
    observed=FLEET,
)


def later(report: Report = REPORT) -> Report:
    """The next pass, in which nothing changed and nothing was done."""
    return replace(
        report,
        id="20251123T203000-0001",
        started_s=report.started_s + 2000,
        ended_s=report.started_s + 2004,
        plans=report.plans[-1:],
        steps=(),
        adopted=(),
    )
