"""The driver's part of the operator's settings.

Made by the registry of a table that its schema has passed. Holds values only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.core.model import Processor
from reconciler.drivers.libvirt.looking.reading import Stated


@dataclass(frozen=True)
class LibvirtSettings:
    """The driver's part of the settings."""

    record_folder: str = "/var/lib/reconciler"
    migration_addresses: tuple[str, ...] = ()
    slots: int = 4
    """How many moves one host takes part in at once, whoever begins them."""
    online_stall_s: int = 150
    """A migration that comes no nearer to its end for so long is aborted: oVirt's migration_progress_timeout."""
    online_deadline_s: int = 300
    online_deadline_s_per_gib: int = 64
    """What an online migration may take, for each GiB of memory and disks besides: oVirt's
    migration_max_time_per_gib_mem."""
    stated: Mapping[str, Stated] = field(default_factory=dict)
    """By host name."""
    usually: Stated = Stated()


def settings_of(table: Mapping[str, Any], migration_addresses: tuple[str, ...] = ()) -> LibvirtSettings:
    """The values of the table [drivers.libvirt]."""
    usual = LibvirtSettings()
    usually = Stated(
        copy_folder=str(table.get("copy_folder", Stated.copy_folder)),
        shared_paths=tuple(sorted(_path(str(path)) for path in table.get("shared_paths", ()))),
        bandwidth_mib_s=float(table.get("bandwidth_mib_s", Stated.bandwidth_mib_s)),
        host_reserve_mib=int(table.get("host_reserve_mib", Stated.host_reserve_mib)),
    )
    return LibvirtSettings(
        record_folder=str(table.get("record_folder", usual.record_folder)),
        migration_addresses=migration_addresses,
        slots=int(table.get("slots", usual.slots)),
        online_stall_s=int(table.get("online_stall_s", usual.online_stall_s)),
        online_deadline_s=int(table.get("online_deadline_s", usual.online_deadline_s)),
        online_deadline_s_per_gib=int(table.get("online_deadline_s_per_gib", usual.online_deadline_s_per_gib)),
        stated={name: _stated(usually, entry) for name, entry in table.get("hosts", {}).items()},
        usually=usually,
    )


def _stated(usually: Stated, entry: Mapping[str, Any]) -> Stated:
    family, model = entry.get("processor_family"), entry.get("processor_model")
    return replace(
        usually,
        bandwidth_mib_s=float(entry.get("bandwidth_mib_s", usually.bandwidth_mib_s)),
        host_reserve_mib=int(entry.get("host_reserve_mib", usually.host_reserve_mib)),
        memory_mib=int(entry.get("memory_mib", 0)),
        cpus=int(entry.get("cpus", 0)),
        processor=Processor(family, model) if family is not None and model is not None else None,
    )


def _path(text: str) -> str:
    return text.rstrip("/") or "/"
