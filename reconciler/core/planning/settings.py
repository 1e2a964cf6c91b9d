"""Whether the declared settings of a guest can be given to it, and when, where it moves or starts as well. Called by
admission only.

All or nothing: one setting that cannot be had keeps the others from being set, so that a plan shows at once what is
wrong with a document. Room for more CPU entitlement is the planner's to find. Never looks at other guests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.core.desired import Guest
from reconciler.core.model import RunState, Setting, Settings, StepKind
from reconciler.core.observed import Registration
from reconciler.core.planning.journey import Leg
from reconciler.core.planning.plan import Reason

NO_BOUND_MIB = 1
"""What a platform says that has no least memory of its own."""


def settings_refusal(guest: Guest, entry: Registration, settings: Settings) -> tuple[Reason, str, str] | None:
    """Reason, text and fix where one of them cannot be set."""
    wanted = dict(settings)
    if Setting.MEMORY in wanted:
        against = _memory(entry, int(wanted[Setting.MEMORY]), guest.memory_min_mib)
        if against is not None:
            return against
    if Setting.CAP in wanted and entry.cpu_cap_percent is None:
        text = "its host cannot hold it to a share of its CPUs, or does not say so"
        return Reason.CAP_NOT_SETTABLE, text, "take spec.cpu.cap out"
    if Setting.AUTOSTART in wanted and entry.autostart is None:
        text = "its host does not say whether it starts the guest at boot, so nobody could see whether that was changed"
        return Reason.AUTOSTART_UNKNOWN, text, "set spec.autostart to keep"
    return None


def along_the_way(guest: Guest, entry: Registration, settings: Settings) -> Settings:
    """Those of them that a guest that moves or starts gets in the same plan: none where one cannot be had, which the
    next round says. What is down gets its memory in the next round, from what its host says then."""
    settings = tuple(pair for pair in settings if pair[0] != Setting.MEMORY or entry.running)
    return () if settings_refusal(guest, entry, settings) is not None else settings


def with_less_cpu(entry: Registration, settings: Settings) -> Registration:
    """The guest with the CPU that it is guaranteed on its way: as much as now, or what these say if that is less."""
    percent = int(dict(settings).get(Setting.ENTITLEMENT, entry.cpu_entitlement_percent))
    return replace(entry, cpu_entitlement_percent=percent) if percent < entry.cpu_entitlement_percent else entry


def sooner(entry: Registration, moving: Registration, legs: Sequence[Leg], settings: Settings) -> Settings:
    """Those that make the guest smaller before it goes this way, as `moving`. One that is stopped on its way has all of
    its memory again then, so it is taken from it later."""
    restarts = any(leg.stops_guest or leg.kind is StepKind.START for leg in legs)
    less = {
        Setting.ENTITLEMENT.value: moving.cpu_entitlement_percent < entry.cpu_entitlement_percent,
        Setting.MEMORY.value: not restarts and any(leg.kind is StepKind.MIGRATE for leg in legs),
    }
    return tuple(
        (name, value) for name, value in settings if less.get(name, False) and int(value) < int(entry.setting(name))
    )


def _memory(entry: Registration, wanted_mib: int, declared_min_mib: int | None) -> tuple[Reason, str, str] | None:
    least_mib, most_mib, step_mib = entry.memory_min_mib, entry.memory_mib, entry.memory_step_mib
    if entry.state is not RunState.RUNNING:
        text = "its memory can be set only while it runs"
        return Reason.NOT_RUNNING, text, "set spec.power to running or stopped, or take spec.memory.size out"
    if not (least_mib and step_mib):
        text = f"its memory is not dynamic: it has {most_mib} MiB for as long as it runs"
        return Reason.MEMORY_NOT_DYNAMIC, text, "make its memory dynamic on its host, or take spec.memory.size out"
    if least_mib <= NO_BOUND_MIB and declared_min_mib is None:
        text = "its platform would take all but nothing of its memory away, which ends a running guest"
        return Reason.MEMORY_OUT_OF_RANGE, text, "declare in spec.memory.min what it needs at least"
    if declared_min_mib is not None and wanted_mib < declared_min_mib:
        text = f"{wanted_mib} MiB are declared, and that it needs {declared_min_mib} MiB at least"
        return Reason.MEMORY_OUT_OF_RANGE, text, "declare a larger spec.memory.size, or a smaller spec.memory.min"
    if not least_mib <= wanted_mib <= most_mib or wanted_mib % step_mib:
        text = (
            f"{wanted_mib} MiB are declared; its host allows {least_mib} to {most_mib} MiB in steps of {step_mib} MiB"
        )
        return Reason.MEMORY_OUT_OF_RANGE, text, "declare a size that its host allows"
    return None
