"""`hpvmstatus -r`: what guests are entitled to and take. Literal: 4.2, for all guests and for one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.drivers.hosts.printing.rows import DynamicMemory, GuestRow, Usage

ALL_HEAD = """\
[Virtual Machine Resource Entitlement]
[Virtual CPU entitlement]
 Percent       Cumulative
Virtual Machine Name VM #  #VCPUs Entitlement Maximum   Usage            Usage
==================== ===== ====== =========== ======= ======= ================
"""
MEMORY_RULE = "======= ======= ======= ======= ======= ======= ======= ======= ======= ===== ======= ========"
ALL_MEMORY_HEAD = f"""\

[Virtual Machine Memory Entitlement]
 DynMem  Memory   DynMem  DynMem DynMem  Comfort Total    Free   Avail    Mem    AMR     AMR
Virtual Machine Name  VM #   Min   Entitle   Max    Target Current   Min   Memory  Memory  Memory  Press  Chunk   State
==================== ===== {MEMORY_RULE}
"""
ONE_HEAD = """\
[Virtual Machine entitlements]
 Percent       Cumulative
#VCPUs Entitlement Maximum   Usage            Usage
====== =========== ======= ======= ================
"""
ONE_CPUS_HEAD = """\

[Virtual CPU details]
vCPU Cumulative       Guest   Host    Cycles   Sampling
ID   Usage            percent percent achieved Interval
==== ================ ======= ======= ======== ===========
"""
ONE_MEMORY_HEAD = f"""\

[Virtual Machine Memory Entitlement]
DynMem  Memory   DynMem  DynMem DynMem  Comfort Total    Free   Avail    Mem    AMR     AMR
 Min   Entitle   Max    Target Current   Min   Memory  Memory  Memory  Press  Chunk   State
{MEMORY_RULE}
"""


def resources(guests: Sequence[GuestRow]) -> str:
    """All guests of a host."""
    cpus = _lines(
        f"{guest.name:<20} {guest.number:>5} {guest.vcpus:>6} {guest.entitlement_percent:>10.1f}% "
        f"{guest.maximum_percent:>6.1f}% {guest.usage.percent:>6.1f}% {guest.usage.cycles:>16}"
        for guest in guests
    )
    memory = _lines(f"{guest.name:<20} {guest.number:>5} {_memory(guest)}" for guest in guests)
    return ALL_HEAD + cpus + ALL_MEMORY_HEAD + memory


def resources_of(guest: GuestRow) -> str:
    """One guest. Its columns are narrower than their rules: that is how it was captured."""
    share = (
        f" {guest.vcpus:<6}{guest.entitlement_percent:>6.1f}% {guest.maximum_percent:>6.1f}% "
        f"{guest.usage.percent:>6.1f}% {guest.usage.cycles:>16}"
    )
    usages = guest.cpu_usage or (Usage(),) * guest.vcpus
    cpus = _lines(
        f" {index:<2}{usage.cycles:>16} {usage.percent:>6.1f}% {0.0:>6.1f}% {0:>5}MHz {0:>3} seconds"
        for index, usage in enumerate(usages)
    )
    return f"{ONE_HEAD}{share}\n{ONE_CPUS_HEAD}{cpus}{ONE_MEMORY_HEAD}{_memory(guest)}\n"


def _memory(guest: GuestRow) -> str:
    memory = guest.dynamic or DynamicMemory(
        minimum_mib=512, target_mib=guest.memory_mib, maximum_mib=guest.memory_mib, current_mib=guest.memory_mib
    )
    figures = (
        f"{memory.minimum_mib}MB",
        f"{memory.entitled_mib}MB",
        _short(memory.maximum_mib),
        f"{memory.target_mib}MB",
        f"{memory.current_mib}MB",
        f"{memory.comfortable_mib}MB",
        _short(guest.memory_mib),
        f"{memory.free_mib}MB",
        f"{memory.available_mib}MB",
    )
    cells = " ".join(f"{figure:>7}" for figure in figures)
    return f"{cells} {memory.pressure:^5} {f'{memory.amr_chunk_mib}MB':>7} {memory.amr:>8}"


def _short(mib: int) -> str:
    return f"{mib // 1024}GB" if mib and mib % 1024 == 0 else f"{mib}MB"


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
