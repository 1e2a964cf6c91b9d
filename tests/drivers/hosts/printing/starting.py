"""What `hpvmstart` says on its way. Literal: 3.5, with a guest of 4 GiB. Pure."""

from __future__ import annotations

from tests.drivers.hosts.printing.rows import GuestRow

LOW_MIB = 2048
MIB = 1024 * 1024
HIGH_AT = 0x100000000


def chatter(guest: GuestRow, minor: int = 3) -> str:
    """All but the line of success."""
    app = f"/opt/hpvm/lbin/hpvmapp (/var/opt/hpvm/uuids/{guest.uuid}/vmm_config.current)"
    low, high = min(LOW_MIB, guest.memory_mib), max(0, guest.memory_mib - LOW_MIB)
    text = f"""\
(C) Copyright 2000 - 2008 Hewlett-Packard Development Company, L.P.
Opening minor device and creating guest machine container
Creation of VM, minor device {minor}
Allocating guest memory: {guest.memory_mib}MB
  allocating low RAM (0-{low * MIB:x}, {low}MB)
{app}: Allocated {low * MIB} bytes at 0x6000000100000000
"""
    if high:
        reach = f"{HIGH_AT:x}-{HIGH_AT + high * MIB:x}"
        text += f"""\
  allocating high RAM ({reach}, {high}MB)
{app}: Allocated {high * MIB} bytes at 0x6000000200000000
    locking memory: {reach}
"""
    return (
        text
        + f"""\
    allocating datalogger memory: FF800000-FF840000 (256KB for 155KB)
{app}: Allocated 262144 bytes at 0x6000000300000000
    locking datalogger memory
  allocating firmware RAM (fff00000-fff20000, 128KB)
{app}: Allocated 131072 bytes at 0x6000000300080000
    locked SAL RAM: 00000000fff00000 (8KB)
    locked ESI RAM: 00000000fff02000 (8KB)
    locked PAL RAM: 00000000fff04000 (8KB)
    locked Min Save State: 00000000fff06000 (8KB)
    locked datalogger: 00000000ff800000 (256KB)
Loading boot image
Image initial IP=102000 GP=67E000
Initialize guest memory mapping tables
Starting event polling thread
Starting thread initialization
Daemonizing....
"""
    )
