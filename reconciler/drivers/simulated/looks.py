"""A simulated host as `HostFacts`, quickly: what did not change is not made anew.

Called for every look and for the questions that the platform asks its rules. Never changes anything but what it
remembers of its own results.
"""

from __future__ import annotations

from reconciler.core.model import Method, RunState
from reconciler.core.observed import HostFacts, Job, Look, Registration, Unreachable
from reconciler.drivers.simulated.fleet import SimCopy, SimFleet, SimHost, SimJob

PHASES = ((10, "Init"), (95, "Copy"), (98, "I/O quiesce"), (101, "Frozen"))
"""Up to which percentage a job names which phase."""


def look(fleet: SimFleet, name: str) -> Look:
    """What a look at the host gives. A host that is down and one that is cut off cannot be told apart."""
    host = fleet.hosts.get(name)
    if host is None:
        return Unreachable(name, "no host of this name in the simulated fleet")
    if not host.answers:
        return Unreachable(name, "connection timed out")
    return facts(fleet, host)


def facts(fleet: SimFleet, host: SimHost) -> HostFacts:
    """Everything about the host."""
    clock_s = fleet.clock_s(host)
    if host.seen is not None and host.seen.clock_s == clock_s:
        return host.seen
    if host.seen_registrations is None:
        host.seen_registrations = tuple(registration(fleet, host.copies[uuid]) for uuid in sorted(host.copies))
    host.seen = HostFacts(
        name=host.name,
        machine_id=host.machine_id,
        platform=host.platform,
        version=host.version,
        processor=host.processor,
        cpus=host.cpus,
        memory_mib=host.memory_mib,
        memory_overhead_percent=host.memory_overhead_percent,
        disk_free_mib=host.disk_free_mib,
        bandwidth_mib_s=host.bandwidth_mib_s,
        networks=host.networks,
        presented=host.presented,
        registrations=host.seen_registrations,
        records=tuple(host.records[uuid] for uuid in sorted(host.records)),
        jobs=tuple(_job(entry, fleet.now_s) for entry in host.jobs),
        clock_s=clock_s,
    )
    return host.seen


def registration(fleet: SimFleet, copy: SimCopy) -> Registration:
    """One registration as the platform lists it."""
    guest = fleet.guests[copy.uuid]
    return Registration(
        uuid=copy.uuid,
        name=guest.name,
        state=copy.state,
        runnable=copy.runnable,
        memory_mib=guest.memory_mib,
        memory_current_mib=guest.memory_current_mib if copy.state is RunState.RUNNING else 0,
        memory_min_mib=guest.memory_min_mib,
        memory_step_mib=guest.memory_step_mib,
        vcpus=guest.vcpus,
        cpu_entitlement_percent=guest.cpu_entitlement_percent,
        disks=copy.disks,
        networks=guest.networks,
        dirty_mib_s=guest.dirty_mib_s,
        boot_marker=copy.boot_marker,
        autostart=bool(copy.autostart),
        attributes=guest.attributes,
    )


def _job(job: SimJob, now_s: float) -> Job:
    if job.ended:
        return Job(job.record_id, job.attempt, "migrate", True, job.status, None, job.output)
    percent = progress_percent(job, now_s)
    return Job(job.record_id, job.attempt, "migrate", False, None, percent, output_tail(job, now_s))


def progress_percent(job: SimJob, now_s: float) -> int:
    """How far the job says it is: never 100 before its end, as a hanging one never gets there."""
    if job.duration_s <= 0:
        return 0
    return max(0, min(99, int(100 * (now_s - job.started_s) / job.duration_s)))


def output_tail(job: SimJob, now_s: float, last_line: str = "") -> str:
    """What the job printed last: a line for each phase it reached, and how it ended."""
    percent = progress_percent(job, now_s)
    lines = []
    if job.duration_s > 0 and job.method is Method.ONLINE:
        below = 0
        for step, (up_to, phase) in enumerate(PHASES, start=1):
            if percent < below:
                break
            lines.append(f"simctl: {phase} phase (step {step}) - progress {min(percent, up_to)}%")
            below = up_to
    elif job.duration_s > 0:
        lines.append(f"simctl: copying - progress {percent}%")
    if last_line:
        lines.append(last_line)
    return "\n".join(lines)
