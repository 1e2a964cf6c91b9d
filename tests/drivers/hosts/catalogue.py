"""A world as the commands of its hosts show it: numbers, device files, addresses, and rows for printing.

Called by the stand-ins under the fleet's lock, and by the tests of the transcripts. What physics does not know (serial
numbers, labels, dynamic memory) stands in extras. Remembers numbers once given; never changes the world.
"""

from __future__ import annotations

import hashlib
import uuid as uuids
from dataclasses import dataclass, field, replace

from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import Disk
from reconciler.drivers.simulated.fleet import SimCopy, SimGuest, SimHost
from reconciler.drivers.simulated.world import World
from tests.drivers.hosts.printing.rows import DeviceRow, DynamicMemory, GuestRow, HostRow, NetworkRow, SwitchRow, Usage
from tests.drivers.hosts.variants import Variants

STORES = {StorageKind.SAN: "disk", StorageKind.LOCAL_DISK: "disk", StorageKind.LOGICAL_VOLUME: "lv"}
PHYSICAL_DVD = "/dev/rdsk/c1t4d0"
IMAGE_DVD = "/var/opt/hpvm/ISO-images/install.iso"
FIRST_DISK = 4
FORMS_OF_4 = {"4.2.5": "B.04.20.05"}
PROCESSORS = {
    (31, 2): ("Intel(R) Itanium 2 processor", "1.6 GHz, 9 MB", "400 MT/s bus, CPU version A2", 2, 2),
    (32, 0): ("Intel(R) Itanium 2 9000 series processor", "1.6 GHz, 24 MB", "533 MT/s bus, CPU version C2", 2, 7),
    (32, 1): ("Intel(R) Itanium 2 9100 series processor", "1.59 GHz, 18 MB", "532 MT/s bus, CPU version A1", 2, 1),
    (32, 2): ("Intel(R)  Itanium(R)  Processor 9350", "1.73 GHz, 24 MB", "4.79 GT/s QPI, CPU version E0", 4, 4),
    (33, 0): ("Intel(R)  Itanium(R)  Processor 9560", "2.53 GHz, 32 MB", "6.38 GT/s QPI, CPU version D0", 8, 4),
}
"""Name, clock, bus, cores in a socket and revision, by family and model."""


@dataclass(frozen=True)
class Extra:
    """What physics does not know of a guest."""

    number: int | None = None
    devices_count: int | None = None
    networks_count: int | None = None
    runsysid: int = 0
    label: str = ""
    serial: str = ""
    storage_at: tuple[int, int] = (0, 0)
    """Bus and device of its storage adaptor."""
    networks_at: tuple[int, int] | None = None
    """Bus and device of its first card; None: behind the storage adaptor."""
    storage_adaptor: str = ""
    """"": `scsi` on 3.5, `avio_stor` later."""
    network_adaptor: str = ""
    macs: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    shown_vcpus: int | None = None
    reserved_mib: int = 64
    usage: Usage = Usage()
    dynamic: DynamicMemory | None = None


def version_of(text: str) -> tuple[int, ...]:
    """`4.2.5` as numbers."""
    return tuple(int(part) for part in text.split(".") if part.isdecimal())


def long_version(text: str) -> str:
    """`4.2.5` as the products write it: `B.04.20.05`."""
    major, minor, *patch = (*version_of(text), 0)
    letter = "A" if major < 4 else "B"
    second = f"{minor}0" if minor < 10 else str(minor)
    third = f".{patch[0]:02}" if patch and len(text.split(".")) > 2 else ""
    return f"{letter}.{major:02}.{second}{third}" if third else f"{letter}.{major:02}.{second}"


def machine_uuid(machine_id: str) -> str:
    """A machine's id in the form that `machinfo` has it."""
    try:
        return str(uuids.UUID(machine_id))
    except ValueError:
        return str(uuids.uuid5(uuids.NAMESPACE_OID, machine_id))


@dataclass
class Catalogue:
    """What the hosts of one world call things."""

    world: World
    variants: Variants = field(default_factory=Variants)
    extras: dict[str, Extra] = field(default_factory=dict)
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    _disks: dict[tuple[str, str], int] = field(default_factory=dict)

    def besides(self, uuid: str) -> Extra:
        """What there is besides."""
        return self.extras.get(uuid, Extra())

    def change_extra(self, uuid: str, **fields: object) -> None:
        """Know more of a guest."""
        self.extras[uuid] = replace(self.besides(uuid), **fields)  # type: ignore[arg-type]  # fields by name

    # ------------------------------------------------------------------------------------------------------- guests

    def guests(self, host: SimHost) -> list[GuestRow]:
        """All guests of the host, by their numbers."""
        return sorted((self.guest(host, copy) for copy in host.copies.values()), key=lambda row: row.number)

    def find(self, host: SimHost, name: str = "", number: int | None = None) -> SimCopy | None:
        """The registration that a command names."""
        for copy in host.copies.values():
            if self.world.fleet.guests[copy.uuid].name == name or self.number(host, copy.uuid) == number:
                return copy
        return None

    def number(self, host: SimHost, uuid: str) -> int:
        """The guest's number there: once given, always the same."""
        key = (host.name, uuid)
        if key not in self._numbers:
            taken = [number for (name, _), number in self._numbers.items() if name == host.name]
            self._numbers[key] = self.besides(uuid).number or max(taken, default=0) + 1
        return self._numbers[key]

    def guest(self, host: SimHost, copy: SimCopy) -> GuestRow:
        """One of them."""
        guest, extra = self.world.fleet.guests[copy.uuid], self.besides(copy.uuid)
        devices, networks = self.devices(host, copy), self.networks(host, guest)
        kit, dynamic = guest.attributes.get("guest_kit", ""), self.dynamic(guest)
        return GuestRow(
            number=self.number(host, copy.uuid),
            name=self.variants.shown_names.get(guest.name, guest.name),
            uuid=guest.uuid,
            os=guest.attributes.get("os", "HPUX"),
            state=self.variants.state_words.get(self.state(copy), self.state(copy)),
            runnable=copy.runnable or copy.arriving,
            vcpus=guest.vcpus,
            memory_mib=dynamic.maximum_mib if dynamic else guest.memory_mib,
            devices=devices,
            networks=networks,
            devices_count=len(devices) if extra.devices_count is None else extra.devices_count,
            networks_count=len(networks) if extra.networks_count is None else extra.networks_count,
            runsysid=extra.runsysid,
            kind="VP" if guest.attributes.get("kind") == "vpar" else "SH",
            label=extra.label,
            serial=extra.serial or f"VM{copy.uuid.replace('-', '').upper()[:8]}",
            config_version=long_version(host.version),
            start_type="Auto" if copy.autostart else "Manual",
            online_migration=guest.attributes.get("online_migration", "enabled").capitalize(),
            guest_kit={"yes": "Installed", "no": "Not Installed"}.get(kit, ""),
            boot_time=copy.boot_marker,
            entitlement_percent=float(guest.cpu_entitlement_percent),
            usage=extra.usage,
            dynamic=dynamic,
            reserved_mib=extra.reserved_mib,
        )

    def state(self, copy: SimCopy) -> str:
        """The word in brackets. Which end of a migration a copy is, the host knows."""
        if copy.arriving:
            return "On (MGT)"
        job = self.world.fleet.job_of(copy.uuid)
        if job is not None and copy.running:
            return "On (MGS)"
        if copy.state is RunState.RUNNING:
            return "On (OS)"
        if copy.state is RunState.TRANSITION:
            return "On (EFI)"
        return "Off" if copy.runnable else "Off (NR)"

    def dynamic(self, guest: SimGuest) -> DynamicMemory | None:
        """Its dynamic memory, where it has that."""
        if not guest.memory_min_mib:
            return self.besides(guest.uuid).dynamic
        now_mib = guest.memory_current_mib or guest.memory_mib
        target_mib = guest.memory_wanted_mib or now_mib
        chunk_kib = guest.memory_step_mib * 1024
        return DynamicMemory("driver", guest.memory_min_mib, target_mib, guest.memory_mib, now_mib, chunk_kib=chunk_kib)

    # ------------------------------------------------------------------------------------------------------ devices

    def devices(self, host: SimHost, copy: SimCopy) -> tuple[DeviceRow, ...]:
        """Its disks, then its DVD drive."""
        extra = self.besides(copy.uuid)
        bus, device = extra.storage_at
        adaptor = extra.storage_adaptor or ("avio_stor" if version_of(host.version) >= (4, 1) else "scsi")
        rows = [
            DeviceRow("disk", adaptor, bus, device, target, STORES.get(disk.kind, "file"), self.path(host, disk))
            for target, disk in enumerate(copy.disks)
        ]
        media = self.world.fleet.guests[copy.uuid].attributes.get("inserted_media", "none")
        if media == "file":
            rows.append(DeviceRow("dvd", "scsi", bus, device, len(rows), "file", IMAGE_DVD))
        if media == "physical":
            rows.append(DeviceRow("dvd", "scsi", bus, device, len(rows), "disk", PHYSICAL_DVD))
        return tuple(rows)

    def path(self, host: SimHost, disk: Disk) -> str:
        """The device file or file that stands for a guest's disk on this host."""
        if disk.kind.shared or (disk.kind is StorageKind.LOCAL_DISK and not disk.id.startswith("/dev/rdisk/")):
            return f"/dev/rdisk/disk{self.disk_number(host, disk.id)}"
        if disk.kind is StorageKind.LOGICAL_VOLUME:
            folder, _, name = disk.id.rpartition("/")
            return f"{folder}/r{name}"
        return disk.id

    def disk_number(self, host: SimHost, id: str) -> int:
        """N of /dev/rdisk/diskN. Each host counts in its own way."""
        key = (host.name, id)
        if key not in self._disks:
            taken = [number for (name, _), number in self._disks.items() if name == host.name]
            first = FIRST_DISK + sorted(self.world.fleet.hosts).index(host.name)
            self._disks[key] = max(taken, default=first - 1) + 1
        return self._disks[key]

    def luns(self, host: SimHost) -> list[tuple[str, str]]:
        """(device file, WWID) of every LUN presented to the host."""
        rows = [(self.disk_number(host, wwid), wwid) for wwid in host.presented]
        return [(f"/dev/rdisk/disk{number}", wwid) for number, wwid in sorted(rows)]

    def local_disks(self, host: SimHost) -> dict[str, Disk]:
        """Every disk of a guest of this host that only it sees, by the path that commands show."""
        return {
            self.path(host, disk): disk for copy in host.copies.values() for disk in copy.disks if not disk.kind.shared
        }

    def networks(self, host: SimHost, guest: SimGuest) -> tuple[NetworkRow, ...]:
        """Its network cards."""
        extra = self.besides(guest.uuid)
        version = version_of(host.version)
        bus, device = extra.networks_at or (extra.storage_at[0], extra.storage_at[1] + 1)
        adaptor = extra.network_adaptor or ("avio_lan" if version >= (4, 1) else "lan")
        rows = []
        for index, switch in enumerate(guest.networks):
            mac = extra.macs[index] if index < len(extra.macs) else _mac(guest.uuid, index)
            port = extra.ports[index] if index < len(extra.ports) else self.number(host, guest.uuid)
            rows.append(NetworkRow(adaptor, switch, port, bus, device + index, mac))
        return tuple(rows)

    # --------------------------------------------------------------------------------------------------------- hosts

    def switches(self, host: SimHost) -> list[SwitchRow]:
        """The host's virtual switches, `localnet` first."""
        rows = [SwitchRow("localnet", 1)]
        others = [name for name in host.networks if name != "localnet"]
        for number, name in enumerate(others, start=2):
            ports = [
                (self.number(host, copy.uuid), "lan", "none", guest.name)
                for copy in host.copies.values()
                for guest in [self.world.fleet.guests[copy.uuid]]
                if name in guest.networks and copy.running
            ]
            mac = f"0x{_mac(host.name, number)}"
            rows.append(SwitchRow(name, number, f"lan{number + 1}", mac, f"192.168.{number}.12", tuple(sorted(ports))))
        return rows

    def machine(self, host: SimHost) -> HostRow:
        """The host as `machinfo` shows it. The VM Host keeps 750 MiB and 7.5 %: what is printed is more than there is
        for guests."""
        processor = host.processor
        known = PROCESSORS.get((processor.family, processor.model), PROCESSORS[32, 1])
        name, clock, bus, cores, revision = known
        return HostRow(
            name=host.name,
            family=processor.family,
            model=processor.model,
            revision=revision,
            processor=name,
            clock=clock,
            bus=bus,
            sockets=max(1, host.cpus // cores),
            logical=host.cpus if self.variants.logical_processors else None,
            memory_mb=-(-(host.memory_mib + 750) * 1000 // 925),
            machine_id=machine_uuid(host.machine_id),
        )


def _mac(seed: str, index: int) -> str:
    digest = hashlib.sha256(f"{seed}:{index}".encode()).hexdigest()
    return f"{int(digest[:2], 16) & 0xFC | 0x02:02x}{digest[2:12]}"
