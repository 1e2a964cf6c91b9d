"""What the stand-ins print is, for the same fleet, byte for byte what was recorded of the real commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import Disk
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.world import World
from tests.drivers.hosts.catalogue import Catalogue, Extra
from tests.drivers.hosts.printing import machine, network, resources, starting, status, storage, verbose
from tests.drivers.hosts.printing.rows import DynamicMemory, Firmware, GuestRow, HostRow, SwitchRow, Usage
from tests.drivers.hosts.stand_ins.power import block_device
from tests.drivers.hosts.transcripts import Transcript
from tests.drivers.hosts.variants import Variants

GIB = 1024
ORATEST = (
    ("oratest01", 1, "HPUX", True, 4, 10, 3, 16),
    ("oratest02", 2, "HPUX", True, 4, 8, 3, 16),
    ("sapvm01", 3, "HPUX", False, 3, 8, 3, 8),
    ("sapvm02", 4, "HPUX", False, 3, 7, 3, 8),
    ("sles01", 5, "LINUX", True, 1, 4, 3, 4),
    ("rhel01", 6, "LINUX", False, 1, 4, 3, 4),
    ("hp-vxvm", 7, "HPUX", True, 2, 17, 3, 6),
)
WS2003 = ("ws2003", 8, "WINDOWS", False, 4, 4, 3, 12)
HPVM1 = ("hpvm1", 10, "HPUX", False, 1, 1, 1, 3)
IVM1 = ("ivm1", 8, "HPUX", False, 2, 0, 0, 4)
RX2620 = Firmware("04.29", "1.18", "4.04", "ia64 hp server rx2620", "DEH460642W", "2834472062")
BL870C = Firmware(
    *("01.08", "1.18", "1.01", "ia64 hp Integrity BL870c i2", "VCX0000209", "3607005965"),
    ending=f"   vmunix _release_version:{' ' * 15}\n@(#) $Revision: vmunix:    B.11.31_LR FLAVOR=perf \n \n",
)


@dataclass
class Host:
    """One host of a capture."""

    version: str = "3.5"

    def __post_init__(self) -> None:
        self.world = World.of([SimHost("hpvmhost", version=self.version)])
        self.catalogue = Catalogue(self.world, Variants(boot_time=False))
        self.host = self.world.fleet.hosts["hpvmhost"]

    def guest(
        self, name: str, number: int = 1, vcpus: int = 1, memory_mib: int = 4096, *disks: Disk,
        os: str = "HPUX", on: bool = False, networks: tuple[str, ...] = (), uuid: str = "", percent: int = 10,
        media: str = "none", kind: str = "vm", extra: Extra | None = None,
    ) -> Host:  # fmt: skip
        """A guest on it."""
        attributes = {"os": os, "inserted_media": media, "kind": kind}
        guest = SimGuest(uuid or name, name, memory_mib, vcpus, percent, networks, attributes=attributes)
        self.world.place(guest, "hpvmhost", disks, RunState.RUNNING if on else RunState.STOPPED)
        self.catalogue.extras[guest.uuid] = extra or Extra()
        self.catalogue.change_extra(guest.uuid, number=number)
        return self

    def rows(self) -> list[GuestRow]:
        """As commands list them."""
        return self.catalogue.guests(self.host)


def summary(*guests: tuple[str, int, str, bool, int, int, int, int]) -> str:
    host = Host()
    for name, number, os, on, vcpus, devices, networks, gib in guests:
        extra = Extra(devices_count=devices, networks_count=networks)
        host.guest(name, number, vcpus, gib * GIB, os=os, on=on, extra=extra)
    return status.summary(host.rows(), (3, 5))


def summary_6() -> str:
    extra = Extra(devices_count=1, networks_count=1)
    host = Host("6.3").guest("vm1", 9, 2, 2 * GIB, on=True, extra=extra)
    host.guest("vpar1", 11, 1, 2 * GIB, on=True, kind="vpar", extra=extra)
    return status.summary(host.rows(), (6, 3))


def details_ivm1() -> str:
    extra = Extra(
        storage_at=(0, 2), networks_at=(0, 0), ports=(8, 8), macs=("56e9e3096a22", "aed6f7fa4e3e")
    )  # fmt: skip
    disks = [Disk(f"/dev/vg_vmtest/ivm1d{number}", StorageKind.LOGICAL_VOLUME) for number in (1, 2)]
    switches = ("vlan02", "localnet")
    host = Host().guest("ivm1", 8, 2, 4 * GIB, *disks, networks=switches, media="physical", extra=extra)
    return status.details(host.rows()[0])


def details_avio() -> str:
    host = Host("6.1").guest("aviotest", 1, 1, GIB, Disk("w", StorageKind.SAN), extra=Extra(storage_at=(0, 2)))
    row = host.rows()[0]
    there = replace(row.devices[0], target=22, path="/dev/rdisk/disk7")
    text = status.details(replace(row, devices=(there,)))
    return text[text.index("[Storage") : text.index("\n[Network")]


def devices_vmnode2() -> str:
    extra = Extra(macs=("b20eba14e76c", "3e9492c9f615"))
    disk = Disk("/dev/vg_vmtest/vmnode2disk", StorageKind.LOGICAL_VOLUME)
    switches = ("localnet", "vlan02")
    host = Host().guest("vmnode2", 1, 1, GIB, disk, networks=switches, media="physical", extra=extra)
    return status.devices(host.rows()[0], (3, 5))


def devices_with_ports() -> str:
    extra = Extra(networks_at=(0, 0), ports=(4, 4, 4), macs=("2a87145cf9ed", "66f3f84e37d5", "0adcfdcb2c62"))
    host = Host("4.2").guest("linuxvm", 4, networks=("localnet", "vlan1", "vlan2"), extra=extra)
    row = host.rows()[0]
    first = replace(row.networks[0], adaptor="lan")
    text = status.devices(replace(row, networks=(first, *row.networks[1:])), (4, 2))
    return text[text.index("[Network") : text.index("\n[Misc")]


def verbose_6() -> str:
    extra = Extra(label="Virtual Machine number One")
    host = Host("6.3").guest("vm001", uuid="24a7bfa4-b1b2-11e2-8400-b499ba6430e0", extra=extra)
    return "".join(verbose.verbose(host.rows(), Variants(), one=True).splitlines(keepends=True)[:5])


def verbose_dynamic() -> str:
    memory = DynamicMemory("driver", 1222, 2103, 6144, 2103, 2167, 6135, 125, 286)
    host = Host().guest("compass1", memory_mib=2103, extra=Extra(dynamic=memory))
    text = verbose.verbose(host.rows(), Variants(), one=True)
    return text[text.index("[Dynamic") :]


def resources_all() -> str:
    def memory(minimum: int, entitled: int, maximum: int, current: int, *more: int, on: bool = False) -> DynamicMemory:
        target, comfortable, free, available = more or (current, 0, 0, 0)
        return DynamicMemory(
            minimum_mib=minimum, entitled_mib=entitled, maximum_mib=maximum * GIB, target_mib=target,
            current_mib=current, comfortable_mib=comfortable, free_mib=free, available_mib=available,
            amr_chunk_mib=256 if on else 0, amr="ENABLED" if on else "DISABLED",
        )  # fmt: skip

    host = Host("4.2")
    for number, (name, vcpus, percent, usage, dynamic) in enumerate(
        (
            ("rh-www", 4, 50, Usage(), memory(512, 0, 8, 8192)),
            ("sql-dev", 4, 50, Usage(0.3, 21611866), memory(512, 0, 8, 8192)),
            ("rhino", 4, 50, Usage(), memory(1024, 1500, 6, 6144, 2048, 0, 0, 0, on=True)),
            ("batman", 8, 20, Usage(0.8, 1318996), memory(1024, 1500, 4, 4090, 4090, 1850, 2214, 500, on=True)),
            ("robin", 8, 20, Usage(0.8, 97993), memory(1024, 1500, 4, 4090, 4090, 1914, 2165, 531, on=True)),
            ("falcon", 2, 10, Usage(), memory(512, 0, 6, 6144)),
        ),
        start=1,
    ):
        host.guest(name, number, vcpus, percent=percent, extra=Extra(usage=usage, dynamic=dynamic))
    return resources.resources(host.rows())


def resources_batman() -> str:
    memory = DynamicMemory(minimum_mib=1024, maximum_mib=4 * GIB, target_mib=4096, current_mib=4096)
    host = Host("4.2").guest("batman", 4, 6, extra=Extra(dynamic=memory))
    return resources.resources_of(host.rows()[0])


def start_ivm1() -> str:
    host = Host().guest("ivm1", 8, 2, 4 * GIB, uuid="2b3b1198-2062-11df-9e06-001a4b07f002")
    return starting.chatter(host.rows()[0]) + "hpvmstart: Successful start initiation of guest 'ivm1'\n"


def machine_row(*what: str, sockets: int, logical: int | None, memory_mb: int, firmware: Firmware) -> HostRow:
    name, processor, clock, bus, machine_id = what
    return HostRow(name, 31, 2, 2, processor, clock, bus, sockets, logical, memory_mb, machine_id, firmware)


def machinfo_9100() -> str:
    masked = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
    what = ("bt1353b6", "Intel(R) Itanium 2 9100 series processor", "1.59 GHz, 18 MB")
    bus = "532 MT/s bus, CPU version A1"
    row = machine_row(*what, bus, masked, sockets=4, logical=8, memory_mb=24542, firmware=Firmware())
    return machine.machinfo(row)


def machinfo_9300() -> str:
    what = ("fresno", "Intel(R)  Itanium(R)  Processor 9350", "1.73 GHz, 24 MB", "4.79 GT/s QPI, CPU version E0")
    id_there = "d6fe8b0c-90b3-508c-9655-d815a5c650d0"
    row = machine_row(*what, id_there, sockets=2, logical=8, memory_mb=98135, firmware=BL870C)
    return machine.machinfo(row)


def machinfo_11_23() -> str:
    what = ("basahpux", "", "", "", "a8f29c7e-b86e-11da-9b3a-01e2c9b6095d")
    row = machine_row(*what, sockets=2, logical=None, memory_mb=4076, firmware=RX2620)
    return machine.machinfo_11_23(row)


def machinfo_verbose() -> str:
    what = ("host", "Intel(R) Itanium 2 processor", "1.6 GHz, 6 MB", "400 MT/s bus, CPU version A2", "")
    row = machine_row(*what, sockets=4, logical=None, memory_mb=4096, firmware=Firmware())
    return machine.machinfo_verbose(row).partition("\nMemory")[0]


def hpvmnet() -> str:
    first = SwitchRow("vlan02", 2, "lan3", "0x000000000000", "192.168.1.12")
    second = SwitchRow("vlan03", 3, "lan4", "0x001111111111", "10.10.3.4")
    return network.hpvmnet([SwitchRow("localnet", 1), first, second])


def hpvmnet_ports() -> str:
    guests = ("oradev01", "oradev02", "oradev03", "oradev04", "nfstest01", "linuxvm1", "linuxvm2")
    ports = tuple((number, "lan", "none", guest) for number, guest in enumerate(guests, start=1))
    return network.hpvmnet_one(SwitchRow("devlan12", 3, "lan4", "0x000cfc0046b9", "10.1.1.99", ports))


def bdf_vxfs() -> str:
    rows = (
        ("/dev/vg00/lvol3", 2097152, 339960, 1743512, "/"),
        ("/dev/vg00/lvol1", 1048576, 206072, 835960, "/stand"),
        ("/dev/vg00/lvol8", 163840000, 118781336, 44708144, "/var"),
        ("/dev/vg00/lvol7", 12320768, 2624872, 9620152, "/usr"),
        ("/dev/vgmsa2/lvol1", 3984588800, 2791336896, 1184000752, "/storage"),
    )
    return storage.bdf(rows)


def bdf_nfs() -> str:
    archive = ("ignsrv:/storage/Archive", 3984588800, 2790675224, 1184657264, "/net/Archive")
    logs = ("nfs:/u02/logs/root/kbmon/hpux/dgs/output", 50412224, 30244184, 17607224, "/net/hpux-dgs-chdo")
    return storage.bdf([archive, logs])


RECORDED: dict[str, Callable[[], str]] = {
    "bdf-nfs": bdf_nfs,
    "bdf-vxfs": bdf_vxfs,
    "hpvminfo-host": lambda: machine.HPVMINFO,
    "hpvmmodify-error-3.5": lambda: block_device("ivm1", "disk:scsi::lv:/dev/vg_vmtest/ivm1d1"),
    "hpvmnet-3.5": hpvmnet,
    "hpvmnet-S-2011": hpvmnet_ports,
    "hpvmstart-3.5": start_ivm1,
    "hpvmstatus-3.5": lambda: summary(*ORATEST, IVM1),
    "hpvmstatus-3.5-ten": lambda: summary(*ORATEST, WS2003, HPVM1),
    "hpvmstatus-6.3": summary_6,
    "hpvmstatus-P-3.5": details_ivm1,
    "hpvmstatus-P-avio-6.1.5": details_avio,
    "hpvmstatus-P-d-3.5": devices_vmnode2,
    "hpvmstatus-P-d-4.2": devices_with_ports,
    "hpvmstatus-V-6.3": verbose_6,
    "hpvmstatus-V-dynamic-3.0": verbose_dynamic,
    "hpvmstatus-r-4.2": resources_all,
    "hpvmstatus-r-P-4.2": resources_batman,
    "lvdisplay-11.31": lambda: storage.lvdisplay("/dev/vg_new/lvol_test", 256),
    "machinfo-11.23-family-31": machinfo_11_23,
    "machinfo-11.31-9100": machinfo_9100,
    "machinfo-11.31-9300": machinfo_9300,
    "machinfo-v-11.31": machinfo_verbose,
}


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_the_same_fleet_gives_the_same_bytes(name: str) -> None:
    transcript = Transcript.named(name)
    assert transcript.text == transcript.as_copied(RECORDED[name]())
