"""One look's answers about guests as `Registration`s.

Called by facts. A guest whose identity, memory or number of processors cannot be read makes its host unreadable; what
its devices are, or a word of its state, may be unknown, which only ever forbids.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping

from reconciler.core.model import RunState, StorageKind
from reconciler.core.names import is_name, printable
from reconciler.core.observed import Disk, Registration
from reconciler.drivers.hpvm.parse import devices as parse_devices
from reconciler.drivers.hpvm.parse import guests, storage
from reconciler.drivers.hpvm.reading import Reading
from reconciler.ssh.looks.sections import NOTHING, Unreadable

STATE = re.compile(r"(On|Off|Invalid)(?: \(([^()]*)\))?")
RUNNABLE = {"runnable": True, "enabled": True, "yes": True, "not runnable": False, "disabled": False, "no": False}
KINDS = {"SH": "vm", "SHARED": "vm", "VP": "vpar", "VPAR": "vpar"}
"""Of the summary's column, and of the label in the details."""
STORES = {"lv": StorageKind.LOGICAL_VOLUME, "file": StorageKind.FILE}


def registrations(reading: Reading, luns: Mapping[str, str]) -> tuple[Registration, ...]:
    listed = guests.summary(reading.text("guests"))
    _check_names(listed)
    detailed = guests.details(reading.text("details")) if listed else ()
    by_name = {block.name: block for block in detailed}
    uuids = Counter(by_name[entry.name].uuid for entry in listed if entry.name in by_name)
    cpu: Mapping[str, guests.Entitlement] = {}
    memory: Mapping[str, guests.MemoryEntitlement] = {}
    if listed:
        text = reading.text("entitlements")
        cpu = reading.or_else("entitlements", lambda: guests.entitlements(text), {})
        memory = reading.or_else("entitlements", lambda: guests.memory_entitlements(text), {})
    owned = {entry.name: _devices(reading, entry.name) for entry in listed}
    sharers = _sharers(owned)
    found = []
    for entry in listed:
        block = by_name.get(entry.name)
        if block is None or not is_name(block.uuid) or uuids[block.uuid] > 1:
            raise Unreadable(f"hpvmstatus -V: no identity of guest {entry.name}", reading.text("details"))
        disks = tuple(_disk(reading, luns, sharers, entry.name, device) for device in owned[entry.name].disks)
        found.append(_registration(reading, entry, block, cpu.get(entry.name), memory.get(entry.name), disks, owned))
    return tuple(sorted(found, key=lambda registration: registration.uuid))


def _check_names(listed: tuple[guests.Listed, ...]) -> None:
    for entry in listed:
        if not is_name(entry.name):
            raise Unreadable(f"it lists a guest whose name must not be used: {printable(entry.name[:80])}")
    twice = [name for name, count in Counter(entry.name for entry in listed).items() if count > 1]
    if twice:
        raise Unreadable(f"it lists more than one guest of the name {twice[0]}")


def _devices(reading: Reading, name: str) -> parse_devices.Devices:
    section = reading.sections.get(f"devices {name}", NOTHING)
    unknown = parse_devices.Devices(unknown=("its devices cannot be read",))
    return reading.or_else(f"devices of {name}", lambda: parse_devices.devices(section.text), unknown)


def _sharers(owned: Mapping[str, parse_devices.Devices]) -> Mapping[str, tuple[str, ...]]:
    """Backing device -> all guests that use it."""
    users: dict[str, set[str]] = defaultdict(set)
    for name, found in owned.items():
        for device in found.disks:
            users[device.backing].add(name)
    return {backing: tuple(sorted(names)) for backing, names in users.items()}


def _disk(
    reading: Reading,
    luns: Mapping[str, str],
    sharers: Mapping[str, tuple[str, ...]],
    name: str,
    device: parse_devices.Device,
) -> Disk:
    others = tuple(other for other in sharers[device.backing] if other != name)
    wwid = luns.get(device.backing) if device.store == "disk" else None
    if wwid is not None:
        return Disk(wwid, StorageKind.SAN, 0, others, device.resource)
    size = reading.text(f"size {device.backing}")
    about = f"size of {device.backing}"
    size_mib = reading.or_else(about, lambda: storage.size_mib(size), 0)
    return Disk(device.backing, STORES.get(device.store, StorageKind.LOCAL_DISK), size_mib, others, device.resource)


def _registration(
    reading: Reading,
    entry: guests.Listed,
    block: guests.Details,
    cpu: guests.Entitlement | None,
    memory: guests.MemoryEntitlement | None,
    disks: tuple[Disk, ...],
    owned: Mapping[str, parse_devices.Devices],
) -> Registration:
    state, runnable = state_of(entry.state, block.labels.get("state", ""), block.labels.get("runnable status", ""))
    dynamic = block.dynamic_memory
    sizes = [
        entry.memory_mib or 0,
        memory.max_mib if memory is not None else 0,
        dynamic.max_mib if dynamic is not None else 0,
    ]
    if max(sizes) == 0 or entry.vcpus is None:
        raise Unreadable(f"hpvmstatus: neither memory nor virtual CPUs of guest {entry.name} can be read")
    start = block.labels.get("start type", "").lower()
    marker = block.labels.get("boot time", "")
    return Registration(
        uuid=block.uuid,
        name=entry.name,
        state=state,
        runnable=runnable,
        memory_mib=max(sizes),
        memory_current_mib=dynamic.current_mib if dynamic is not None and state is RunState.RUNNING else 0,
        memory_min_mib=dynamic.min_mib if dynamic is not None else 0,
        memory_step_mib=dynamic.step_mib if dynamic is not None else 0,
        vcpus=entry.vcpus,
        cpu_entitlement_percent=cpu.guaranteed_percent if cpu is not None else 100,
        disks=disks,
        networks=owned[entry.name].networks,
        boot_marker=marker if state is RunState.RUNNING else "",
        boot_floor=reading.stated.attested.get(block.uuid),
        autostart={"auto": True, "manual": False}.get(start),
        attributes=_attributes(reading, entry, block, owned[entry.name]),
    )


def state_of(summary: str, detail: str, runnable: str) -> tuple[RunState, bool]:
    """Whether a guest runs, and whether it could be started here. Where two places tell different things, or a
    word is not known, it is in transition: hands off."""
    found = STATE.fullmatch(summary)
    hands_off = (RunState.TRANSITION, True)
    may_start = RUNNABLE.get(runnable.lower()) if runnable else None
    if found is None or (runnable and may_start is None):
        return hands_off
    word, more = found[1], found[2]
    if detail and STATE.fullmatch(detail) is not None and detail.split()[0] != word:
        return hands_off
    match word, more:
        case "On", "OS":
            return (RunState.RUNNING, True) if may_start is not False else hands_off
        case "On", "MGT":
            return RunState.TRANSITION, False  # it arrives: until it has, nothing here could be started
        case "Off", None:
            return RunState.STOPPED, may_start is not False
        case "Off", "NR":
            return (RunState.STOPPED, False) if may_start is not True else hands_off
    return hands_off


def _attributes(
    reading: Reading, entry: guests.Listed, block: guests.Details, owned: parse_devices.Devices
) -> Mapping[str, str]:
    """What the rules ask besides. A key that is left out is unknown to them."""
    attributes = {"os": (entry.os or block.labels.get("operating system", "")).upper()}
    kind = KINDS.get(entry.kind.upper()) or KINDS.get(block.labels.get("virtual machine type", "").upper())
    if kind is not None:
        attributes["kind"] = kind
    kit = {"installed": "yes", "not installed": "no"}.get(block.labels.get("guest kit", "").lower())
    if kit is None and block.dynamic_memory is not None and block.dynamic_memory.driver_started:
        kit = "yes"
    if kit is None and reading.stated.kit_everywhere:
        kit = "yes"
    if kit is not None:
        attributes["guest_kit"] = kit
    online = block.labels.get("online migration")
    if online is not None:
        attributes["online_migration"] = online.lower()
    if not owned.unknown:
        stores = {drive.store for drive in owned.drives if drive.store not in parse_devices.EMPTY}
        attributes["inserted_media"] = "none" if not stores else "file" if stores == {"file"} else "physical"
        attributes["direct_io"] = "yes" if owned.direct else "no"
    else:
        attributes["unknown_devices"] = ", ".join(owned.unknown)
    return attributes
