"""`hpvmstatus` and `hpvmstatus -P`, `-d`: tables, by the widths of their rules of `=`.

Literal: the summary of 3.5 and of 6.3, the details of 3.5, the device form of 3.5 and of 4.1. Called by the stand-in
of hpvmstatus and by the tests of the transcripts. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.drivers.hosts.printing.rows import GuestRow

EMPTY_SINCE_6 = "No vPars or VMs currently configured\n"

SUMMARY_HEAD = """\
[Virtual Machines]
Virtual Machine Name VM #  OS Type State     #VCPUs #Devs #Nets Memory  Runsysid
==================== ===== ======= ========= ====== ===== ===== ======= ========
"""
SUMMARY_HEAD_6 = """\
[Virtual Machines]
Virtual Machine Name VM #  Type OS Type State     #VCPUs #Devs #Nets Memory
==================== ===== ==== ======= ========= ====== ===== ===== =======
"""
SUMMARY_HEAD_WIDER = """\
[Virtual Machines]
Virtual Machine Name VM #  Cell OS Type State     #VCPUs #Devs #Nets Memory  Runsysid Origin
==================== ===== ==== ======= ========= ====== ===== ===== ======= ======== ==========
"""
SUMMARY_HEAD_6_WIDER = """\
[Virtual Machines]
Virtual Machine Name VM #  Type Cell OS Type State     #VCPUs #Devs #Nets Memory  Origin
==================== ===== ==== ==== ======= ========= ====== ===== ===== ======= ==========
"""

DETAILS = """\
[Virtual Machine Details]
Virtual Machine Name VM #  OS Type State
==================== ===== ======= ========
{guest}

[Authorized Administrators]
Oper Groups:
Admin Groups:
Oper Users:
Admin Users:

[Virtual CPU Details]
#vCPUs Entitlement Maximum
====== =========== =======
{cpus}

[Memory Details]
Total    Reserved
Memory   Memory
=======  ========
{memory}

[Storage Interface Details]
Guest                                 Physical
Device  Adaptor    Bus Dev Ftn Tgt Lun Storage   Device
======= ========== === === === === === ========= =========================
{storage}
[Network Interface Details]
Interface Adaptor    Name/Num   PortNum Bus Dev Ftn Mac Address
========= ========== ========== ======= === === === =================
{networks}
[Misc Interface Details]
Guest                                 Physical
Device  Adaptor    Bus Dev Ftn Tgt Lun Storage   Device
======= ========== === === === === === ========= =========================
serial  com1                           tty       console
"""

DEVICES = """\
[Virtual Machine Devices]

[Storage Interface Details]
{storage}
[Network Interface Details]
{networks}
[Misc Interface Details]
serial:com1::tty:console
"""


def amount(mib: int) -> str:
    """Memory as tables have it: `16 GB`, `1222 MB`."""
    return f"{mib // 1024} GB" if mib and mib % 1024 == 0 else f"{mib} MB"


def summary(guests: Sequence[GuestRow], version: tuple[int, ...], *, wider: bool = False) -> str:
    """All guests of a host. `wider`: two columns that no known version has."""
    since_6 = version >= (6,)
    if since_6 and not guests:
        return EMPTY_SINCE_6
    head = (SUMMARY_HEAD_6_WIDER if wider else SUMMARY_HEAD_6) if since_6 else SUMMARY_HEAD
    if wider and not since_6:
        head = SUMMARY_HEAD_WIDER
    return head + _lines(_summary_row(guest, since_6=since_6, wider=wider) for guest in guests)


def _summary_row(guest: GuestRow, *, since_6: bool, wider: bool) -> str:
    cells = [f"{guest.name:<20}", f"{guest.number:>5}"]
    cells += [f"{guest.kind:<4}"] if since_6 else []
    cells += [f"{'SLM':<4}"] if wider else []
    cells += [
        f"{guest.os:<7}",
        f"{guest.state:<9}",
        f"{guest.vcpus:>6}",
        f"{guest.devices_count:>5}",
        f"{guest.networks_count:>5}",
        f"{amount(guest.memory_mib):>7}",
    ]
    cells += [f"{guest.runsysid:>8}"] if not since_6 else []
    cells += [f"{'local':<10}"] if wider else []
    return " ".join(cells)


def details(guest: GuestRow) -> str:
    """One guest, with its devices."""
    storage = (
        f"{row.kind:<7} {row.adaptor:<10} {row.bus:>3} {row.device:>3} {0:>3} {row.target:>3} {0:>3} "
        f"{row.store:<9} {row.path}"
        for row in guest.devices
    )
    networks = (
        f"{'vswitch':<9} {row.adaptor:<10} {row.switch:<10} {row.port:<7} "
        f"{row.bus:>3} {row.device:>3} {0:>3} {_dashed(row.mac)}"
        for row in guest.networks
    )
    share = f" {guest.vcpus:<6}{guest.entitlement_percent:>6.1f}% {guest.maximum_percent:>6.1f}%"
    return DETAILS.format(
        guest=f"{guest.name:<20} {guest.number:>5} {guest.os:<7} {guest.state:<9} ",
        cpus=share,
        memory=f"{amount(guest.memory_mib):>5}    {amount(guest.reserved_mib):>6}",
        storage=_lines(storage),
        networks=_lines(networks),
    )


def devices(guest: GuestRow, version: tuple[int, ...]) -> str:
    """One guest's devices, in the form that commands take. Ports of switches are named since 4.1."""
    networks = (row.resource(with_port=version >= (4, 1)) for row in guest.networks)
    return DEVICES.format(storage=_lines(row.resource for row in guest.devices), networks=_lines(networks))


def _dashed(mac: str) -> str:
    return "-".join(mac[index : index + 2] for index in range(0, len(mac), 2))


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
