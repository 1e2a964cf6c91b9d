"""One guest's disks, networks and drives: `hpvmstatus -P NAME -d`, or the tables of `hpvmstatus -P NAME`.

Called by facts. Never looks a device up: whether others can see a disk is in storage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.drivers.hpvm.parse.tables import has_table, parts, table
from reconciler.ssh.looks.sections import Unreadable

STORES = frozenset({"disk", "lv", "file"})
"""What can stand behind a disk, of all that we know how to move."""
EMPTY = frozenset({"null", "none", ""})
"""What stands behind a drive with nothing in it."""
HARMLESS = frozenset({"tty"})
"""Consoles go along by themselves."""


@dataclass(frozen=True)
class Device:
    """One device as the platform spells it to its own commands: `disk:scsi:0,0,0:lv:/dev/vg01/rdb`."""

    kind: str
    adaptor: str
    store: str
    backing: str
    resource: str


@dataclass(frozen=True)
class Devices:
    """What a guest has. `unknown` are devices of which nobody told us how they move."""

    disks: tuple[Device, ...] = ()
    drives: tuple[Device, ...] = ()
    networks: tuple[str, ...] = ()
    direct: tuple[str, ...] = ()
    """Direct I/O functions of the host's cards."""
    unknown: tuple[str, ...] = ()


def devices(text: str) -> Devices:
    """Read them. Raises Unreadable where the text shows no sign of being a list of devices."""
    sections = parts(text)
    if not any(title.lower().endswith(("interface details", "machine devices")) for title in sections):
        raise Unreadable("hpvmstatus -d: no list of devices", text)
    disks, drives, networks, direct, unknown = [], [], [], [], []
    for device in _all(sections):
        if device.adaptor.lower() == "dio" or device.store.lower() in ("dio", "hwpath"):
            direct.append(device.resource)
        elif device.kind == "disk" and device.store in STORES:
            disks.append(device)
        elif device.kind == "dvd":
            drives.append(device)
        elif device.kind == "network" and device.store == "vswitch" and device.backing:
            networks.append(device.backing)
        elif device.store not in HARMLESS:
            unknown.append(device.resource)
    return Devices(tuple(disks), tuple(drives), tuple(sorted(set(networks))), tuple(direct), tuple(unknown))


def _all(sections: dict[str, str]) -> Iterator[Device]:
    for title, text in sections.items():
        if not title:
            continue  # what a login prints before the list may hold colons, too: `Last successful login: ... 12:30:05`
        if has_table(text) and title.lower().startswith("network"):
            yield from _network_table(text)
        elif has_table(text) and title.lower().endswith("interface details"):
            yield from _device_table(text)
        elif not has_table(text):
            yield from (_spelt(line.strip()) for line in text.split("\n") if line.strip().count(":") >= 3)


def _spelt(resource: str) -> Device:
    kind, adaptor, _, store, *backing = resource.split(":")
    if kind == "network":
        return Device(kind, adaptor, store, backing[0] if backing else "", resource)
    return Device(kind, adaptor, store, ":".join(backing), resource)


def _device_table(text: str) -> Iterator[Device]:
    """The columns are Device, Adaptor, Bus, Dev, Ftn, Tgt, Lun, Storage, Device."""
    for row in _rows(text, 9):
        kind, adaptor, bus, device, _, target, _, store, backing = row[:9]
        place = f"{bus},{device},{target}" if bus else ""
        yield Device(kind, adaptor, store, backing, f"{kind}:{adaptor}:{place}:{store}:{backing}")


def _network_table(text: str) -> Iterator[Device]:
    """The columns are Interface, Adaptor, Name/Num, PortNum, Bus, Dev, Ftn, Mac Address."""
    for row in _rows(text, 8):
        store, adaptor, backing, _, bus, device, _, mac = row[:8]
        address = f"{bus},{device},0x{mac.replace('-', '').upper()}"
        yield Device("network", adaptor, store, backing, f"network:{adaptor}:{address}:{store}:{backing}")


def _rows(text: str, columns: int) -> tuple[tuple[str, ...], ...]:
    found = table(text)
    if len(found.titles) < columns:
        raise Unreadable(f"hpvmstatus -P: a table of devices with {len(found.titles)} columns", text)
    return found.rows
