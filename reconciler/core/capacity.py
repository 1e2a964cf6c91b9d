"""What a host holds and what it may still take. Called by the planner and before each step of a run.

A host counts every running guest with the most it may take, every guest that is on its way to it, and keeps the room of a
guest that left only for a while. The plan's proof (planning/verify) counts on its own and imports nothing from here.
"""

from __future__ import annotations

from reconciler.core.desired import Host
from reconciler.core.model import Load, StepKind
from reconciler.core.observed import HostFacts, Registration


def capacity(facts: HostFacts, document: Host | None) -> Load:
    """What the host may hold at most: its own figures, lowered by the document's caps and reserve."""
    memory_mib, cpus = facts.memory_mib, facts.cpus
    if document is not None:
        if document.memory_cap_mib is not None:
            memory_mib = min(memory_mib, document.memory_cap_mib)
        if document.cpus_cap is not None:
            cpus = min(cpus, document.cpus_cap)
        memory_mib -= document.reserve_memory_mib
    return Load(memory_mib=max(0, memory_mib), cpu_percent=cpus * 100, disk_mib=facts.disk_free_mib)


def used(facts: HostFacts, *, without_record: str = "") -> Load:
    """What is taken on the host now: running guests, and room that records of moves under way keep for a guest that
    does not run here (yet, or for the moment). The record named `without_record` keeps none."""
    running = {entry.uuid for entry in facts.registrations if entry.running}
    loads = [entry.load(facts.memory_overhead_percent) for entry in facts.registrations if entry.running]
    for record in facts.records:
        if not record.under_way or record.id == without_record or record.guest_uuid in running:
            continue
        if record.kind is StepKind.STOP:
            continue
        loads.append(record.load if facts.name == record.target else Load(record.load.memory_mib, record.load.cpu_percent))
    return Load.total(loads)


def room(facts: HostFacts, document: Host | None, *, without_record: str = "") -> Load:
    """What the host may still take. Negative where it is over already: such a host is only relieved."""
    return capacity(facts, document) - used(facts, without_record=without_record)


def needed(guest: Registration, target: HostFacts, *, copies: bool) -> Load:
    """What the guest will take on `target` once it runs there, and the disk room of its copies."""
    load = guest.load(target.memory_overhead_percent)
    return Load(load.memory_mib, load.cpu_percent, guest.copied_mib() if copies else 0)


def vcpus_fit(guest: Registration, target: HostFacts, document: Host | None) -> bool:
    """Whether the host has a CPU for each of the guest's virtual CPUs."""
    cap = document.cpus_cap if document is not None and document.cpus_cap is not None else target.cpus
    return guest.vcpus <= min(cap, target.cpus)
