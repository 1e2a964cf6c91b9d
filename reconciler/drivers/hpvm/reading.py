"""What the settings say of a host instead of it, and one look being read with that at hand.

Made by the driver for each look, filled by facts and registrations, shown by check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.core.model import Processor
from reconciler.core.observed import BootFloor
from reconciler.ssh.looks import reading as looks


@dataclass(frozen=True)
class Stated:
    """What the operator's settings say of a host, in place of what it does not tell."""

    version: str = ""
    memory_mib: int = 0
    cpus: int = 0
    processor: Processor | None = None
    bandwidth_mib_s: float = 100.0
    kit_everywhere: bool = False
    attested: Mapping[str, BootFloor] = field(default_factory=dict)
    """Guest uuid -> the version that its present boot began on."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """What hosts call each other on the migration network -> host name."""


Reading = looks.Reading[Stated]
