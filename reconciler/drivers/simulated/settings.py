"""Change settings of a guest where it is registered: memory, CPU entitlement, autostart.

Called by the world for commands and for what falls due. Memory goes and comes in its own time; the rest at once. What
is refused leaves everything as it was.
"""

from __future__ import annotations

from reconciler.core.model import Load, RunState, Setting
from reconciler.drivers.simulated.fleet import Due, SimFleet, SimGuest, SimHost
from reconciler.drivers.simulated.power import Done, no_guest, shortage

MEMORY_SET = "memory-set"


def change(fleet: SimFleet, host: SimHost, uuid: str, setting: Setting, value: str) -> Done:
    """Set it, or say why not."""
    copy = host.copies.get(uuid)
    if copy is None:
        return no_guest(host, uuid)
    guest = fleet.guests[uuid]
    refusal = ""
    match setting:
        case Setting.MEMORY:
            refusal = _set_memory(fleet, host, guest, int(value))
        case Setting.ENTITLEMENT:
            refusal = _set_entitlement(fleet, host, guest, int(value))
        case Setting.AUTOSTART:
            copy.autostart = value == "on"
    if refusal:
        return Done(1, f"simctl: guest {guest.name} not changed: {refusal}")
    for other, _ in fleet.copies(uuid):
        fleet.touch(other)
    return Done(0, f"simctl: guest {guest.name}: {setting} {value}")


def _set_memory(fleet: SimFleet, host: SimHost, guest: SimGuest, wanted_mib: int) -> str:
    if host.copies[guest.uuid].state is not RunState.RUNNING:
        return "it is not running"
    least_mib, step_mib = guest.memory_min_mib, guest.memory_step_mib
    if not (least_mib and step_mib):
        return "its memory is not dynamic"
    if not least_mib <= wanted_mib <= guest.memory_mib or wanted_mib % step_mib:
        return f"its memory may be {least_mib} to {guest.memory_mib} MiB in steps of {step_mib} MiB"
    guest.memory_wanted_mib = wanted_mib
    if guest.memory_set_s is not None:
        guest.memory_due = fleet.arrange(fleet.now_s + guest.memory_set_s, MEMORY_SET, host.name, guest.uuid)
    return ""


def _set_entitlement(fleet: SimFleet, host: SimHost, guest: SimGuest, percent: int) -> str:
    grows = guest.vcpus * (percent - guest.cpu_entitlement_percent)
    lacking = shortage(fleet, host, Load(cpu_percent=grows)) if grows > 0 and host.copies[guest.uuid].running else ""
    if not lacking:
        guest.cpu_entitlement_percent = percent
    return lacking


def memory_set(fleet: SimFleet, due: Due) -> None:
    """The guest has got the memory it was told to have, unless it was told otherwise or booted since."""
    guest = fleet.guests[due.uuid]
    if guest.memory_due != due.number:
        return
    guest.memory_current_mib, guest.memory_due = guest.memory_wanted_mib, 0
    for host, _ in fleet.copies(due.uuid):
        fleet.touch(host)
