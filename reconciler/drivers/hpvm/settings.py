"""The driver's part of the operator's settings.

Made by the registry of a table that its schema has passed. Holds values only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.core.model import Processor
from reconciler.drivers.hpvm.reading import Stated
from reconciler.drivers.protocol import Attestation


@dataclass(frozen=True)
class HpvmSettings:
    """The driver's part of the settings."""

    record_folder: str = "/var/opt/reconciler"
    copy_folder: str = "/var/opt/hpvm"
    migration_addresses: tuple[str, ...] = ("*-hpvm-migr",)
    stated: Mapping[str, Stated] = field(default_factory=dict)
    """By host name."""
    usually: Stated = Stated()
    attested: tuple[Attestation, ...] = ()


def settings_of(
    table: Mapping[str, Any], migration_addresses: tuple[str, ...], attested: tuple[Attestation, ...]
) -> HpvmSettings:
    """The values of the table [drivers.hpvm]."""
    usual = HpvmSettings()
    usually = Stated(
        bandwidth_mib_s=float(table.get("bandwidth_mib_s", Stated.bandwidth_mib_s)),
        kit_everywhere=table.get("guest_kit") == "everywhere",
    )
    return HpvmSettings(
        record_folder=str(table.get("record_folder", usual.record_folder)),
        copy_folder=str(table.get("copy_folder", usual.copy_folder)),
        migration_addresses=migration_addresses,
        stated={name: _stated(usually, entry) for name, entry in table.get("hosts", {}).items()},
        usually=usually,
        attested=attested,
    )


def _stated(usually: Stated, entry: Mapping[str, Any]) -> Stated:
    family, model = entry.get("processor_family"), entry.get("processor_model")
    return replace(
        usually,
        version=str(entry.get("version", "")),
        memory_mib=int(entry.get("memory_mib", 0)),
        cpus=int(entry.get("cpus", 0)),
        processor=Processor(family, model) if family is not None and model is not None else None,
    )
