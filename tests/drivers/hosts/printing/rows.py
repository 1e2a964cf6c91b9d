"""What the tables of the hpvm commands show of a guest and of a host, as plain values.

Made by the catalogue from a world, or by tests from a capture; read by the printing functions next to this. Never knows
a world.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class DeviceRow:
    """A disk or a DVD drive of a guest."""

    kind: str
    """`disk` or `dvd`."""
    adaptor: str
    bus: int
    device: int
    target: int
    store: str
    """`disk`, `lv` or `file`."""
    path: str

    @property
    def resource(self) -> str:
        """As commands take it."""
        return f"{self.kind}:{self.adaptor}:{self.bus},{self.device},{self.target}:{self.store}:{self.path}"


@dataclass(frozen=True)
class NetworkRow:
    """A virtual network card of a guest."""

    adaptor: str
    switch: str
    port: int
    bus: int
    device: int
    mac: str
    """Twelve hexadecimal digits."""

    def resource(self, *, with_port: bool) -> str:
        """As commands take it."""
        port = f":portid:{self.port}" if with_port else ""
        return f"network:{self.adaptor}:{self.bus},{self.device},0x{self.mac.upper()}:vswitch:{self.switch}{port}"


@dataclass(frozen=True)
class DynamicMemory:
    """Memory that can be changed while the guest runs; figures in MiB."""

    kind: str = "driver"
    minimum_mib: int = 512
    target_mib: int = 0
    maximum_mib: int = 0
    current_mib: int = 0
    comfortable_mib: int = 0
    boot_mib: int = 0
    free_mib: int = 0
    available_mib: int = 0
    pressure: int = 0
    chunk_kib: int = 65536
    modes: str = "STARTED ENABLED"
    entitled_mib: int = 0
    """The columns `Memory Entitle`, `AMR Chunk` and `AMR State` of `-r`."""
    amr_chunk_mib: int = 0
    amr: str = "DISABLED"


@dataclass(frozen=True)
class Usage:
    """What a guest took of its CPUs: percent, and cycles."""

    percent: float = 0.0
    cycles: int = 0


@dataclass(frozen=True)
class GuestRow:
    """A guest as one host lists it."""

    number: int
    name: str
    uuid: str
    os: str
    state: str
    """`On (OS)`, `Off (NR)` and the like."""
    runnable: bool
    vcpus: int
    memory_mib: int
    devices: tuple[DeviceRow, ...] = ()
    networks: tuple[NetworkRow, ...] = ()
    devices_count: int = 0
    networks_count: int = 0
    runsysid: int = 0
    kind: str = "SH"
    """`SH` a virtual machine, `VP` a virtual partition."""
    label: str = ""
    serial: str = ""
    config_version: str = ""
    start_type: str = "Manual"
    online_migration: str = "Enabled"
    guest_kit: str = ""
    """`Installed`, `Not Installed`, or "" where nothing is known of it."""
    boot_time: str = ""
    entitlement_percent: float = 10.0
    maximum_percent: float = 100.0
    usage: Usage = Usage()
    cpu_usage: tuple[Usage, ...] = ()
    dynamic: DynamicMemory | None = None
    reserved_mib: int = 64


@dataclass(frozen=True)
class SwitchRow:
    """A virtual switch of a host."""

    name: str
    number: int
    card: str = ""
    mac: str = "N/A"
    address: str = "N/A"
    ports: tuple[tuple[int, str, str, str], ...] = ()
    """(port, adaptor, VLAN, guest) of what is plugged in."""


@dataclass(frozen=True)
class Firmware:
    """What `machinfo` prints of a machine and nobody decides by."""

    revision: str = "04.11"
    swa: str = "1.18"
    bmc: str = "5.24"
    model: str = "ia64 hp server rx6600"
    serial: str = "XXXXXXXXXX"
    id_number: str = "XXXXXXXXXX"
    ending: str = "   vmunix _release_version:\n@(#) $Revision: vmunix:    B.11.31_LR FLAVOR=perf\n"
    """Some lines have blanks behind them on some machines."""


@dataclass(frozen=True)
class HostRow:
    """A host as `machinfo` shows it."""

    name: str
    family: int
    model: int
    revision: int
    processor: str
    """As the table of plain 11.31 has it, without count and clock: `Intel(R) Itanium 2 9100 series processor`."""
    clock: str
    """`1.59 GHz, 18 MB`."""
    bus: str
    """`532 MT/s bus, CPU version A1`."""
    sockets: int
    logical: int | None
    """How many logical processors there are; None: no line about them."""
    memory_mb: int
    machine_id: str
    firmware: Firmware = field(default_factory=Firmware)
