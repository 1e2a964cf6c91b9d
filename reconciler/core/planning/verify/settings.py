"""What may be set of a guest, and where: what its document asks for, within what its host allows.

Less, before it moves, wherever it is; more, and whatever does not make it smaller, only where it is declared.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.desired import Autostart, Guest
from reconciler.core.model import RunState, Setting
from reconciler.core.observed import Registration
from reconciler.core.planning.plan import Step
from reconciler.core.planning.verify.ground import Fault


def faults(step: Step, guest: Guest, entry: Registration, *, moves_on: bool) -> Iterator[Fault]:
    """Each setting is declared so, is within what the guest's host allows, and could be seen to be reached. `moves_on`:
    whether the guest is moved later."""
    asked = {
        "memory_mib": guest.memory_mib,
        "cpu_entitlement_percent": guest.cpu_entitlement_percent,
        "cpu_cap_percent": guest.cpu_cap_percent,
        "autostart": None if guest.autostart is Autostart.KEEP else guest.autostart,
    }
    names = [name for name, _ in step.settings]
    if not names or len(set(names)) != len(names):
        yield Fault.of(step, "sets nothing, or something twice")
    for name, value in step.settings:
        if asked.get(name) is None or value != str(asked[name]):
            yield Fault.of(step, f"the document does not ask for {name} {value}")
        elif name == "memory_mib" and not _memory_possible(int(value), step, entry, guest.memory_min_mib):
            yield Fault.of(step, f"{step.guest} cannot have {value} MiB now")
        elif name == "cpu_cap_percent" and entry.cpu_cap_percent is None:
            yield Fault.of(step, f"{step.guest} cannot be held to a share of its CPUs")
        elif name == "autostart" and entry.autostart is None:
            yield Fault.of(step, f"nobody knows the autostart of {step.guest}")
        elif moves_on and not _less(name, value, entry):
            yield Fault.of(step, f"{name} {value} is no less than before, and set before {step.guest} is moved")
    if not moves_on and step.source != guest.host:
        yield Fault.of(step, "settings are changed only where a guest is declared, or before it moves there")


def _less(name: str, value: str, entry: Registration) -> bool:
    """Whether the guest takes less with this setting than with the one it was seen with."""
    if name == Setting.MEMORY:
        return int(value) < (entry.memory_current_mib or entry.memory_mib)
    return name == Setting.ENTITLEMENT and int(value) < entry.cpu_entitlement_percent


def _memory_possible(wanted_mib: int, step: Step, entry: Registration, declared_min_mib: int | None) -> bool:
    """One MiB is no bound: there the document must name one."""
    least_mib = max(entry.memory_min_mib, declared_min_mib or 0)
    return (
        0 < entry.memory_min_mib
        and 1 < least_mib <= wanted_mib <= entry.memory_mib
        and entry.memory_step_mib > 0
        and wanted_mib % entry.memory_step_mib == 0
        and entry.state is RunState.RUNNING
        and step.running
    )
