"""`hpvmstatus -V`: labels and values, one block a guest.

Literal: the first lines of 6.3 and the dynamic memory section. Assumed: the labels about running, moving and the kit,
and `Boot Time`; the variants print them otherwise. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.drivers.hosts.printing.rows import DynamicMemory, GuestRow
from tests.drivers.hosts.printing.status import amount
from tests.drivers.hosts.variants import Variants

OS_WORDS = {"OPENVMS": "OpenVMS"}
KINDS = {"SH": "Shared", "VP": "vPar"}
PAD_TO = 30


def verbose(guests: Sequence[GuestRow], variants: Variants, *, one: bool) -> str:
    """These guests in full; `one`: a guest was asked for by name."""
    title = "[Virtual Machines Details]\n" if one else "[Virtual Machines]\n"
    return title + "\n".join(_block(guest, variants) for guest in guests)


def _block(guest: GuestRow, variants: Variants) -> str:
    first, *others = _pairs(guest, variants)
    if variants.labels_reversed:
        others.reverse()
    lines = [_line(label, value, variants) for label, value in (first, *others)]
    text = "".join(f"{line}\n" for line in lines)
    if guest.dynamic is not None:
        text += f"\n{dynamic_memory(guest.dynamic)}"
    return text


def _pairs(guest: GuestRow, variants: Variants) -> list[tuple[str, str]]:
    runs = guest.state.startswith("On")
    pairs = [
        ("Virtual Machine Name", guest.name),
        ("Virtual Machine UUID", guest.uuid),
        ("Virtual Machine ID", str(guest.number)),
        ("Virtual Machine Label", guest.label),
        ("Virtual Machine Type", KINDS[guest.kind]),
        ("VM's Config Version", guest.config_version),
        ("VM's Serial Number", guest.serial),
        ("Operating System", OS_WORDS.get(guest.os, guest.os)),
        ("State", "On" if runs else "Off"),
        ("Start type", guest.start_type),
        ("Runnable Status", "Runnable" if guest.runnable else "Not Runnable"),
        ("Online Migration", guest.online_migration),
        ("Guest Kit", guest.guest_kit),
        ("Boot Time", guest.boot_time if variants.boot_time else ""),
        ("Number of virtual CPUs", str(guest.vcpus)),
        ("Number of devices", str(guest.devices_count)),
        ("Number of networks", str(guest.networks_count)),
        ("Memory", amount(guest.memory_mib)),
    ]
    told = {label for label, value in pairs if value or label not in ("Guest Kit", "Boot Time")}
    return [(label, value) for label, value in pairs if label in told and variants.labels.get(label, label)]


def _line(label: str, value: str, variants: Variants) -> str:
    label = variants.labels.get(label, label)
    label = label.upper() if variants.labels_upper else label
    label = f"{label:<{PAD_TO}}" if variants.pad_labels else f"{label} "
    return f"{label}: {variants.words.get(value, value)}".rstrip()


def dynamic_memory(memory: DynamicMemory) -> str:
    """The section of a guest that has it."""
    return f"""\
[Dynamic Memory Information]
Type : {memory.kind}
Minimum memory : {memory.minimum_mib} MB
Target memory : {memory.target_mib} MB
Maximum memory : {memory.maximum_mib} MB
Current memory : {memory.current_mib} MB
Comfortable minimum : {memory.comfortable_mib} MB
Boot memory : {memory.boot_mib} MB
Free memory : {memory.free_mib} MB
Available memory : {memory.available_mib} MB
Memory pressure : {memory.pressure}
Memory chunksize : {memory.chunk_kib} KB
Driver Mode(s) : {memory.modes}
"""
