"""What steps take and free, and what room there is at the start: counted from registrations, documents and records.

Counts on its own: nothing here comes from where the planner counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.core.model import VCPUS_UNLIMITED, Load, Setting, StepKind
from reconciler.core.observed import HostFacts, Registration
from reconciler.core.planning.plan import Step
from reconciler.core.planning.verify.ground import Fault, Ground
from reconciler.core.records import MoveRecord


def faults(ground: Ground, step: Step, entry: Registration, entitlement_percent: int) -> Iterator[Fault]:
    """What the step says it takes and frees is not less, or more, than the guest's registration says, given what each
    vCPU is guaranteed when it begins."""
    source, target = ground.fit[step.source], ground.fit[step.target]
    takes = _takes(step, entry, target, entitlement_percent)
    frees = _frees(step, entry, source, entitlement_percent)
    if step.load != takes:
        yield Fault.of(step, f"says it takes {_told(step.load)}, the guest takes {_told(takes)}")
    if replace(step.frees, disk_mib=0) != frees:
        yield Fault.of(step, f"says it frees {_told(step.frees)}, the guest frees {_told(frees)}")
    arrives = step.kind is not StepKind.SET  # a guest whose settings are changed runs there already
    if arrives and takes.memory_mib + takes.cpu_percent > 0 and entry.vcpus > cpus(ground, target):
        yield Fault.of(step, f"{step.guest} has more virtual CPUs than {step.target} has CPUs")


def _told(load: Load) -> str:
    """`4096 MiB of memory and 20 % of CPU`."""
    parts = [
        f"{amount} {what}"
        for amount, what in (
            (load.memory_mib, "MiB of memory"),
            (load.cpu_percent, "% of CPU"),
            (load.disk_mib, "MiB of disk"),
            (load.vcpus, "virtual CPUs"),
        )
        if amount
    ]
    return " and ".join(parts) or "nothing"


def entitlement_after(step: Step, percent: int) -> int:
    """What each vCPU is guaranteed once the step is done."""
    wanted = [value for name, value in step.settings if name == Setting.ENTITLEMENT]
    return int(wanted[-1]) if step.kind is StepKind.SET and wanted and wanted[-1].isdecimal() else percent


def cpus(ground: Ground, facts: HostFacts) -> int:
    """The CPUs that guests may use."""
    cap = ground.desired.hosts[facts.name].cpus_cap
    return facts.cpus if cap is None else min(cap, facts.cpus)


def weight(entry: Registration, facts: HostFacts, entitlement_percent: int) -> Load:
    """Memory with the platform's overhead, rounded up, the guaranteed CPU, and virtual CPUs."""
    hundredths = entry.memory_mib * (100 + facts.memory_overhead_percent)
    return Load(hundredths // 100 + (hundredths % 100 > 0), entry.vcpus * entitlement_percent, vcpus=entry.vcpus)


def _takes(step: Step, entry: Registration, target: HostFacts, percent: int) -> Load:
    if step.kind is StepKind.SET:
        return Load(cpu_percent=max(0, _growth(step, entry, percent)))
    disk_mib = 0
    if step.kind is StepKind.MIGRATE:
        disk_mib = sum(disk.size_mib for disk in entry.disks if not disk.kind.shared)
    runs = step.kind is StepKind.START or (step.kind is StepKind.MIGRATE and step.running)
    return replace(weight(entry, target, percent) if runs else Load(), disk_mib=disk_mib)


def _frees(step: Step, entry: Registration, source: HostFacts, percent: int) -> Load:
    """Setting memory frees none: what the guest may take at most is counted before and after."""
    if step.kind is StepKind.SET:
        return Load(cpu_percent=max(0, -_growth(step, entry, percent)))
    return weight(entry, source, percent) if step.running else Load()


def _growth(step: Step, entry: Registration, percent: int) -> int:
    """How much more CPU a running guest will be guaranteed; negative for less."""
    return entry.vcpus * (entitlement_after(step, percent) - percent) if step.running else 0


# --- room ------------------------------------------------------------------------------------------------------------


def room(ground: Ground) -> dict[str, Load]:
    """What each host that may be touched can take at the start."""
    coming: dict[str, list[MoveRecord]] = {}
    for record in ground.records.values():
        for host in {record.source, record.target}:
            coming.setdefault(host, []).append(record)
    return {name: _most(ground, facts) - _used(facts, coming.get(name, [])) for name, facts in ground.fit.items()}


def _most(ground: Ground, facts: HostFacts) -> Load:
    """What the host may hold: its own figures, lowered by its document. What is reserved is not overcommitted."""
    document = ground.desired.hosts[facts.name]
    memory_mib = facts.memory_mib
    if document.memory_cap_mib is not None:
        memory_mib = min(memory_mib, document.memory_cap_mib)
    memory_mib = (memory_mib - document.reserve_memory_mib) * document.memory_overcommit_percent // 100
    ratio_percent, vcpus = document.vcpus_per_cpu_percent, VCPUS_UNLIMITED
    if ratio_percent is not None:
        vcpus = cpus(ground, facts) * ratio_percent // 100
    return Load(max(0, memory_mib), 100 * cpus(ground, facts), facts.disk_free_mib, vcpus)


def _used(facts: HostFacts, under_way: list[MoveRecord]) -> Load:
    """Guests that run here, guests of moves under way from or to here that do not run here now, and guests that an
    earlier move of ours has stopped and that are to be started here again."""
    running = {entry.uuid: entry for entry in facts.registrations if entry.running}
    taken = [weight(entry, facts, entry.cpu_entitlement_percent) for entry in running.values()]
    parked = [record for record in facts.records if not record.under_way and record.stopped_by_us]
    for record in (*under_way, *(record for record in parked if record.source == facts.name)):
        if record.kind is StepKind.SET:
            taken.append(Load(cpu_percent=_still_to_come(record, running.get(record.guest_uuid))))
        elif record.guest_uuid in running or record.kind is StepKind.STOP:
            continue
        elif record.target == facts.name:
            taken.append(record.load)
        elif facts.record(record.id) is not None:
            taken.append(_way_back(record, facts))
    return Load.total(taken)


def _still_to_come(record: MoveRecord, entry: Registration | None) -> int:
    """How much more CPU the guest is guaranteed once what is being set of it is set."""
    wanted = [int(value) for name, value in record.settings if name == Setting.ENTITLEMENT]
    return max([0, *(entry.vcpus * (percent - entry.cpu_entitlement_percent) for percent in wanted)]) if entry else 0


def _way_back(record: MoveRecord, facts: HostFacts) -> Load:
    """What is kept on the source of a move for its guest, should it have to be started there again."""
    memory_mib, entry = record.load.memory_mib, facts.registration(record.guest_uuid)
    if entry is not None and memory_mib:
        memory_mib = max(memory_mib, weight(entry, facts, 0).memory_mib)
    return replace(record.load, memory_mib=memory_mib, disk_mib=0)
