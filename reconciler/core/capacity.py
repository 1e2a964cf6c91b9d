"""What a host holds and what it may still take. Called by the planner and before each step of a run; asks nobody.

A host counts every running guest with the most it may take and every guest that is on its way to it, and it keeps the
room of a guest on its way out. The plan's proof (planning/verify) counts on its own and imports nothing from here.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.desired import Host
from reconciler.core.model import VCPUS_UNLIMITED, Load, Setting, StepKind
from reconciler.core.observed import HostFacts, Registration
from reconciler.core.records import MoveRecord


def capacity(facts: HostFacts, document: Host | None) -> Load:
    """What the host may hold at most: its own figures, lowered by the document's caps and reserve. What is reserved is
    not overcommitted."""
    memory_mib = facts.memory_mib
    if document is not None:
        if document.memory_cap_mib is not None:
            memory_mib = min(memory_mib, document.memory_cap_mib)
        memory_mib = (memory_mib - document.reserve_memory_mib) * document.memory_overcommit_percent // 100
    return Load(
        memory_mib=max(0, memory_mib),
        cpu_percent=cpus(facts, document) * 100,
        disk_mib=max(0, facts.disk_free_mib),
        vcpus=_vcpus(facts, document),
    )


def _vcpus(facts: HostFacts, document: Host | None) -> int:
    """The virtual CPUs that running guests may have together."""
    if document is None or document.vcpus_per_cpu_percent is None:
        return VCPUS_UNLIMITED
    return cpus(facts, document) * document.vcpus_per_cpu_percent // 100


def cpus(facts: HostFacts, document: Host | None) -> int:
    """The CPUs that guests may use."""
    if document is None or document.cpus_cap is None:
        return facts.cpus
    return min(facts.cpus, document.cpus_cap)


def running(facts: HostFacts) -> Load:
    """What running guests take on the host now, without what is kept for moves under way."""
    return Load.total(entry.load(facts.memory_overhead_percent) for entry in facts.registrations if entry.running)


def used(facts: HostFacts, *, without_record: str = "") -> Load:
    """What is taken on the host now: running guests, and room that records of moves under way keep for a guest that
    does not run here (yet, or for the moment). The record named `without_record` keeps none."""
    running = {entry.uuid for entry in facts.registrations if entry.running}
    loads = [entry.load(facts.memory_overhead_percent) for entry in facts.registrations if entry.running]
    loads += [
        _growth(record, facts) if record.kind is StepKind.SET else _kept(record, facts)
        for record in facts.records
        if _keeps(record, facts)
        and record.id != without_record
        and (record.kind is StepKind.SET) is (record.guest_uuid in running)
    ]
    return Load.total(loads)


def _growth(record: MoveRecord, facts: HostFacts) -> Load:
    """What a guest will take more once it has the entitlement that it is being given."""
    entry = facts.registration(record.guest_uuid)
    reached = entry is not None and all(
        entry.shows(*pair) for pair in record.settings if pair[0] == Setting.ENTITLEMENT
    )
    return Load() if reached else record.load


def _keeps(record: MoveRecord, facts: HostFacts) -> bool:
    """Whether the record keeps room. A parked one does while it watches for a late stop: its guest would be started
    here.
    """
    return record.under_way or (record.stopped_by_us and facts.name == record.source)


def _kept(record: MoveRecord, facts: HostFacts) -> Load:
    """The room a move under way keeps for its guest, which does not run here now."""
    if record.kind is StepKind.STOP:
        return Load()
    if facts.name == record.target:
        return record.load
    memory_mib = record.load.memory_mib
    entry = facts.registration(record.guest_uuid)
    if entry is not None and memory_mib:
        # Should the move fail, the guest is started here again, with this host's overhead and not the target's.
        memory_mib = max(memory_mib, entry.load(facts.memory_overhead_percent).memory_mib)
    return Load(memory_mib, record.load.cpu_percent, vcpus=record.load.vcpus)


def room(facts: HostFacts, document: Host | None, *, without_record: str = "") -> Load:
    """What the host may still take. Negative where it is over already: such a host is only relieved."""
    return capacity(facts, document) - used(facts, without_record=without_record)


def needed(guest: Registration, target: HostFacts, *, copies: bool) -> Load:
    """What the guest will take on `target` once it runs there, and the disk room of its copies."""
    load = guest.load(target.memory_overhead_percent)
    copied_mib = guest.copied_mib() if copies else 0
    return replace(load, disk_mib=copied_mib) if copied_mib else load


def vcpus_fit(guest: Registration, target: HostFacts, document: Host | None) -> bool:
    """Whether the host has a CPU for each of the guest's virtual CPUs."""
    return guest.vcpus <= cpus(target, document)
