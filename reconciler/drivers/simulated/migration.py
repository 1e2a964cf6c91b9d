"""Migrate guests: the checks on the target, how long it takes, what is left on both hosts at each end.

Called by the world for commands and for jobs that fall due, and by incidents that cut a migration short. Decides
nothing about who may: guards and slots of records are the record book's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reconciler.core.commands import Verb
from reconciler.core.compatibility import Question
from reconciler.core.model import Method, RunState
from reconciler.core.observed import BootFloor, Disk
from reconciler.drivers.simulated import looks
from reconciler.drivers.simulated.commands import Told
from reconciler.drivers.simulated.faults import JOB_FAULTS, Fault, FaultKind, Faults
from reconciler.drivers.simulated.fleet import JOBS_KEPT_MAX, JobEnd, SimCopy, SimFleet, SimHost, SimJob, Volume
from reconciler.drivers.simulated.power import Done, halt, no_guest, shortage

JOB_ENDS = "job-ends"

INIT_S = 4.0
QUIESCE_S = 0.5
FROZEN_S = 0.5
CONFIGURATION_S = 6.0
"""Moving a configuration without any disk."""
BUSY_SHARE = 0.95
"""A guest that rewrites its memory this fast, compared with the network, is never done copying."""
ROUNDS_MAX = 10.0

Rules = Callable[[Question, Method], str]
"""Why the platform refuses this move by this method, or ""."""


def check(fleet: SimFleet, host: SimHost, told: Told, rules: Rules | None) -> Done:
    """Whether the platform would do this migration. May be asked about offline before the guest is stopped."""
    copy = host.copies.get(told.uuid)
    if copy is None:
        return no_guest(host, told.uuid)
    refusal = _refusal(fleet, host, copy, told, rules)
    if refusal:
        return Done(1, f"simctl: ERROR ({fleet.guests[told.uuid].name}): {refusal}")
    return Done(0, f"simctl: guest {fleet.guests[told.uuid].name} can be migrated to {told.target}")


def migrate(fleet: SimFleet, host: SimHost, told: Told, rules: Rules | None, faults: Faults) -> Done:
    """Start the job. It is detached, so that what the platform refuses shows in the job's end, not in this answer."""
    if any(job.record_id == told.record_id and job.attempt == told.attempt and not job.ended for job in host.jobs):
        return Done(1, f"simctl: job {told.record_id}.{told.attempt} runs already")
    job = SimJob(told.record_id, told.attempt, told.uuid, told.method, host.name, told.target, fleet.now_s, 0.0)
    forgotten = [entry for entry in host.jobs if entry.ended][:-JOBS_KEPT_MAX]
    host.jobs = [*(entry for entry in host.jobs if entry not in forgotten), job]
    fleet.touch(host)
    refusal = _start_refusal(fleet, host, told, rules)
    if refusal:
        _close(fleet, job, 1, f"simctl: ERROR ({told.uuid}): {refusal}")
        return Done(0, "simctl: job started")
    name = fleet.guests[told.uuid].name
    fault = faults.take(JOB_FAULTS, Verb.MIGRATE, host.name, told.uuid, name)
    _begin(fleet, host, job, fault)
    return Done(0, "simctl: job started")


def _start_refusal(fleet: SimFleet, host: SimHost, told: Told, rules: Rules | None) -> str:
    copy = host.copies.get(told.uuid)
    if copy is None:
        return f"no such guest on {host.name}"
    if told.method is Method.OFFLINE and copy.state is not RunState.STOPPED:
        return f"the guest is not stopped (state {copy.state})"
    return _refusal(fleet, host, copy, told, rules)


def _refusal(fleet: SimFleet, source: SimHost, copy: SimCopy, told: Told, rules: Rules | None) -> str:
    """The one list of checks, the same before and at the start of a migration."""
    target = fleet.hosts.get(told.target)
    if target is None or not target.up:
        return f"SSH execution error: {told.target} does not answer"
    if target is source:
        return "source and target are the same host"
    if not copy.runnable:
        return "the guest is Not Runnable here"
    if told.method is Method.ONLINE and copy.state is not RunState.RUNNING:
        return f"the guest is not running (state {copy.state})"
    if told.method is Method.ONLINE and copy.due:
        return "the guest is shutting down"
    there = target.copies.get(copy.uuid)
    if there is not None and (there.running or there.runnable):
        return f"the guest exists on {target.name} already"
    for end in (source, target):
        if sum(job.touches(end.name) for job in fleet.live_jobs) >= end.slots:
            return f"another migration is under way on {end.name}"
    shortage_there = _target_shortage(fleet, target, copy, told.method)
    return shortage_there or _ruled_out(fleet, source, target, copy, told.method, rules)


def _target_shortage(fleet: SimFleet, target: SimHost, copy: SimCopy, method: Method) -> str:
    guest = fleet.guests[copy.uuid]
    for network in guest.networks:
        if network not in target.networks:
            return f"vswitch validation failed: {network} is not on {target.name}"
    for disk in copy.disks:
        if disk.kind.shared and disk.id not in target.presented:
            return f"device {disk.id} has no match on {target.name}"
    if guest.vcpus > target.cpus:
        return f"{guest.vcpus} vCPUs, but {target.name} has {target.cpus} CPUs"
    if method is Method.ONLINE:
        return shortage(fleet, target, guest.load(target.memory_overhead_percent))
    needed_mib = sum(disk.size_mib for disk in copy.disks if not disk.kind.shared)
    if needed_mib > target.disk_free_mib:
        return f"insufficient disk room on {target.name}: {needed_mib} MiB needed, {target.disk_free_mib} MiB free"
    return ""


def _ruled_out(
    fleet: SimFleet, source: SimHost, target: SimHost, copy: SimCopy, method: Method, rules: Rules | None
) -> str:
    if method is Method.ONLINE and not all(disk.kind.shared for disk in copy.disks):
        return "the guest has disks that only this host can see"
    if rules is None:
        return ""
    registration = looks.registration(fleet, copy)
    if copy.booted_on:  # no look shows it, but the platform itself knows
        floor = BootFloor(copy.booted_on, source.name, "known to the platform")
        registration = replace(registration, boot_floor=floor)
    return rules(Question(registration, looks.facts(fleet, source), looks.facts(fleet, target)), method)


def _begin(fleet: SimFleet, source: SimHost, job: SimJob, fault: Fault | None) -> None:
    target, copy, guest = fleet.hosts[job.target], source.copies[job.uuid], fleet.guests[job.uuid]
    bandwidth = max(1.0, min(source.bandwidth_mib_s, target.bandwidth_mib_s))
    if job.method is Method.ONLINE:
        share = guest.dirty_mib_s / bandwidth
        if share >= BUSY_SHARE:
            job.end, job.reason = JobEnd.ABORTED, "Frozen phase timeout: the guest is too busy"
        copy_s = guest.memory_mib / (bandwidth * (1 - min(share, 1 - 1 / ROUNDS_MAX)))
        job.duration_s = INIT_S + copy_s + QUIESCE_S + FROZEN_S
        job.replaced = target.copies.get(job.uuid)
        target.copies[job.uuid] = SimCopy(
            job.uuid, RunState.TRANSITION, False, copy.disks, autostart=False, arriving=True
        )
    else:
        local = [disk for disk in copy.disks if not disk.kind.shared]
        job.duration_s = INIT_S + CONFIGURATION_S + sum(disk.size_mib for disk in local) / bandwidth
        job.volumes = tuple(new_volume(target, guest.name, job.uuid, disk) for disk in local)
    takes_s = job.duration_s
    if fault is not None:
        job.end, job.reason = _bad_end(job.method, fault), f"injected: {fault.kind}"
        takes_s = job.duration_s * min(100, max(0, fault.at_percent)) / 100
    fleet.live_jobs.append(job)
    if job.end is not JobEnd.NEVER:
        job.due = fleet.arrange(fleet.now_s + takes_s, JOB_ENDS, source.name, job.uuid)
    fleet.touch(source)
    fleet.touch(target)


def _bad_end(method: Method, fault: Fault) -> JobEnd:
    if fault.kind is FaultKind.JOB_HANG:
        return JobEnd.NEVER
    if method is Method.OFFLINE and fault.kind is FaultKind.BOTH_NOT_RUNNABLE:
        return JobEnd.BOTH_NOT_RUNNABLE
    if method is Method.OFFLINE and fault.kind is FaultKind.JOB_FAIL and fault.leftover:
        return JobEnd.LEFTOVER
    return JobEnd.ABORTED


def new_volume(target: SimHost, name: str, uuid: str, disk: Disk) -> str:
    """Room for a copy of this disk, at a path nothing lies at; leftovers of earlier tries stay where they are."""
    number = 0
    while (path := f"/sim/{target.name}/{name}-{number}") in target.volumes:
        number += 1
    target.volumes[path] = Volume(uuid, disk.size_mib, generation=-1)
    return path


def job_ends(fleet: SimFleet, job: SimJob) -> None:
    """The end of a job fell due."""
    match job.end:
        case JobEnd.DONE if job.method is Method.ONLINE:
            _arrive_online(fleet, job)
        case JobEnd.DONE:
            _arrive_offline(fleet, job)
        case JobEnd.BOTH_NOT_RUNNABLE:
            _strand(fleet, job)
        case JobEnd.ABORTED | JobEnd.LEFTOVER:
            cut_short(fleet, job, 1, job.reason, leftover=job.end is JobEnd.LEFTOVER)
        case JobEnd.NEVER:
            pass


def _arrive_online(fleet: SimFleet, job: SimJob) -> None:
    """In one instant: the target's copy runs, with the same boot, and the source's can no longer be started."""
    source, target = fleet.hosts[job.source], fleet.hosts[job.target]
    left, arrived = source.copies[job.uuid], target.copies[job.uuid]
    fleet.write_disks(source, left)
    arrived.state, arrived.runnable, arrived.arriving = RunState.RUNNING, True, False
    arrived.boot_marker, arrived.booted_on = left.boot_marker, left.booted_on
    left.state, left.runnable, left.due = RunState.STOPPED, False, 0
    left.boot_marker = left.booted_on = ""
    if job.replaced is not None:
        overwrite(fleet, target, job.replaced)
    _close(fleet, job, 0, "simctl: Guest migrated successfully.")


def _arrive_offline(fleet: SimFleet, job: SimJob) -> None:
    """The copies are complete: the target's registration can be started, the source's no longer; its disks stay."""
    source, target = fleet.hosts[job.source], fleet.hosts[job.target]
    left = source.copies[job.uuid]
    for disk, path in zip((disk for disk in left.disks if not disk.kind.shared), job.volumes, strict=True):
        target.volumes[path].generation = fleet.generation(source, disk)
    replaced = target.copies.get(job.uuid)
    target.copies[job.uuid] = SimCopy(job.uuid, disks=_disks_at_target(job, left), autostart=False)
    left.runnable = False
    if replaced is not None:
        overwrite(fleet, target, replaced)
    _close(fleet, job, 0, "simctl: Guest migrated successfully.")


def _strand(fleet: SimFleet, job: SimJob) -> None:
    """The rare half state: neither host would start the guest. The source's disks are whole, the target's are not."""
    source, target = fleet.hosts[job.source], fleet.hosts[job.target]
    left = source.copies[job.uuid]
    left.runnable = False
    replaced = target.copies.get(job.uuid)
    target.copies[job.uuid] = SimCopy(job.uuid, runnable=False, disks=_disks_at_target(job, left), autostart=False)
    if replaced is not None:
        overwrite(fleet, target, replaced)
    _close(fleet, job, 1, f"simctl: ERROR ({job.uuid}): {job.reason}")


def _disks_at_target(job: SimJob, left: SimCopy) -> tuple[Disk, ...]:
    paths = iter(job.volumes)
    return tuple(disk if disk.kind.shared else replace(disk, id=next(paths)) for disk in left.disks)


def overwrite(fleet: SimFleet, target: SimHost, replaced: SimCopy) -> None:
    """A guest took the place of what an earlier move had left there: that copy's local disks are gone."""
    for path in fleet.drop_volumes(target, replaced):
        fleet.ledger.overwritten_disks.append((target.name, path))


def cut_short(fleet: SimFleet, job: SimJob, status: int | None, reason: str, *, leftover: bool = False) -> None:
    """The job ends before it is done; the source is as it was. `status` None: it died with its host."""
    target = fleet.hosts[job.target]
    arriving = target.copies.get(job.uuid)
    if job.method is Method.ONLINE and arriving is not None and arriving.arriving:
        if job.replaced is not None:
            target.copies[job.uuid] = job.replaced
        else:
            del target.copies[job.uuid]
    if not leftover:
        for path in job.volumes:
            target.volumes.pop(path, None)
    _close(fleet, job, status, f"simctl: ERROR ({job.uuid}): {reason}")


def stop_hard(fleet: SimFleet, host: SimHost, uuid: str) -> Done:
    """Cut the guest's power; an online migration of it ends with that."""
    copy = host.copies.get(uuid)
    if copy is None:
        return no_guest(host, uuid)
    if not copy.running or copy.arriving:
        return Done(1, f"simctl: guest {fleet.guests[uuid].name} is not running (state {copy.state})")
    power_off(fleet, host, copy, "the guest was stopped")
    return Done(0, f"simctl: guest {fleet.guests[uuid].name} stopped")


def power_off(fleet: SimFleet, host: SimHost, copy: SimCopy, reason: str) -> None:
    """The guest is off at once, and a migration of it is over."""
    job = fleet.job_of(copy.uuid)
    if job is not None and job.source == host.name:
        cut_short(fleet, job, 1, reason)
    halt(fleet, host, copy)


def delete_copy(fleet: SimFleet, host: SimHost, uuid: str) -> Done:
    """Delete a Not Runnable registration and its local disks; nothing else."""
    copy = host.copies.get(uuid)
    if copy is None:
        return no_guest(host, uuid)
    name = fleet.guests[uuid].name
    if copy.running or copy.runnable:
        state = "running" if copy.running else "runnable"
        return Done(1, f"simctl: guest {name} is {state} on {host.name}: not deleted")
    if fleet.job_of(uuid) is not None:
        return Done(1, f"simctl: guest {name} is being migrated: not deleted")
    for path in fleet.drop_volumes(host, copy):
        fleet.ledger.deleted_disks.append((host.name, path))
    del host.copies[uuid]
    loss = (fleet.now_s, uuid, host.name)
    if not any(fleet.copies(uuid)) and loss not in fleet.ledger.lost_contents:
        fleet.ledger.lost_contents.append(loss)  # its LUNs are whole, but nobody knows a guest to start from them
    fleet.touch(host)
    return Done(0, f"simctl: copy of guest {name} deleted")


def _close(fleet: SimFleet, job: SimJob, status: int | None, output: str) -> None:
    job.output = looks.output_tail(job, fleet.now_s, output)
    job.ended, job.status, job.due, job.ended_s = True, status, 0, fleet.now_s
    job.replaced = None
    if job in fleet.live_jobs:
        fleet.live_jobs.remove(job)
    for name in (job.source, job.target):
        if name in fleet.hosts:
            fleet.touch(fleet.hosts[name])
