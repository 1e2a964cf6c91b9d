"""What the settings say of a host beside it, and one look being read with that at hand.

Made by the driver for each look, filled by facts and registrations, shown by check.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.model import Processor
from reconciler.ssh.looks import reading as looks


@dataclass(frozen=True)
class Stated:
    """What the operator's settings say of a host, beside what it tells or in place of it."""

    copy_folder: str = "/var/lib/libvirt/images"
    """Copies of local disks go to its file system."""
    shared_paths: tuple[str, ...] = ()
    """What lies there is shared, though the platform cannot tell."""
    bandwidth_mib_s: float = 100.0
    host_reserve_mib: int = 1024
    """Memory that is never given to guests. What the kernel takes for its tables is off already; this is for libvirtd,
    sshd and agents, and for the page cache. OpenStack's Nova reserves 512 MiB where nothing else is said
    (reserved_host_memory_mb), for a host that does nothing besides."""
    memory_mib: int = 0
    cpus: int = 0
    processor: Processor | None = None


Reading = looks.Reading[Stated]
