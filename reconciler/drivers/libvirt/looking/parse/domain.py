"""A guest's definition, live or stored: `dumpxml`. Called by registrations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from reconciler.core.names import printable
from reconciler.drivers.libvirt.looking.parse.devices import refused, tpm
from reconciler.drivers.libvirt.looking.parse.figures import UUID, mib, number
from reconciler.drivers.libvirt.looking.parse.offers import Cpu, cpu
from reconciler.drivers.libvirt.looking.parse.trees import Element, attribute, tree, value
from reconciler.ssh.looks.sections import Unreadable

SIGNED = re.compile(r"-?[0-9]{1,18}", re.ASCII)
PERIOD_US = 100_000
NO_CAP_PERCENT = 100
"""Of a virtual CPU that may take all of a CPU."""
QUOTA_MAX_US = 17_592_186_044_415
"""What libvirt takes for "no limit", as it does a negative one."""
GUESTS_REMEMBERED = 512
"""One look reads each definition twice."""
DRIVES = ("cdrom", "floppy")
PATH_KEYS = {"file": "file", "block": "dev"}
"""Type of a disk -> the attribute of its source that is a path."""


@dataclass(frozen=True)
class Device:
    """One disk or drive."""

    target: str
    kind: str
    """`disk`, `cdrom`, `floppy`, `lun`."""
    type: str
    """`file`, `block`, `network`, `volume` and the like."""
    path: str = ""
    """Of a file or block device; "" for a drive without a medium, for what is neither, and for a path that nobody could
    write down."""
    format: str = ""
    cache: str = ""
    shareable: bool = False
    read_only: bool = False
    backed: bool = False
    """Its definition names a file that it was derived from. Not known of a guest that has not run since it was
    defined."""

    @property
    def drive(self) -> bool:
        """Whether it takes media."""
        return self.kind in DRIVES


@dataclass(frozen=True)
class Domain:
    """What a guest is."""

    uuid: str
    name: str
    virt_type: str
    arch: str
    machine: str
    memory_mib: int
    vcpus: int
    cpu: Cpu
    devices: tuple[Device, ...] = ()
    networks: tuple[str, ...] = ()
    balloon: bool = False
    balloon_period_s: int = 0
    cpu_shares: int = 0
    """Its weight against other guests; 0 where none is set. What it is worth depends on the host."""
    cap_percent: int = NO_CAP_PERCENT
    nvram: str = ""
    tpm: str = "none"
    refused: tuple[str, ...] = ()

    def entitlement_percent(self, weight_of_one_cpu: int) -> int:
        """What its weight comes to for each virtual CPU; 0 where none is set, since then nothing is guaranteed."""
        if not self.cpu_shares:
            return 0
        return max(1, round(100 * self.cpu_shares / weight_of_one_cpu / max(1, self.vcpus)))


@lru_cache(maxsize=GUESTS_REMEMBERED)
def domain(text: str) -> Domain:
    """`dumpxml`. Raises Unreadable for one whose identity or size cannot be read."""
    found = tree(text, "domain", what="dumpxml")
    uuid, name = value(found, "uuid"), value(found, "name")
    if not UUID.fullmatch(uuid) or not name:
        raise Unreadable("dumpxml: a guest without identity", text)
    shares = value(found, "cputune/shares")
    return Domain(
        uuid=uuid,
        name=name,
        virt_type=found.get("type", ""),
        arch=attribute(found, "os/type", "arch"),
        machine=attribute(found, "os/type", "machine"),
        memory_mib=mib(_kib(found.find("memory"), text), 1),
        vcpus=_vcpus(found),
        cpu=cpu(found.find("cpu")),
        devices=tuple(_device(disk) for disk in found.findall("devices/disk")),
        networks=tuple(sorted({_network(interface) for interface in found.findall("devices/interface")} - {""})),
        balloon=attribute(found, "devices/memballoon", "model") not in ("", "none"),
        balloon_period_s=_period_s(found),
        cpu_shares=number(shares, what="dumpxml: shares") if shares else 0,
        cap_percent=_cap_percent(found),
        nvram=value(found, "os/nvram") or attribute(found, "os/nvram/source", "file"),
        tpm=tpm(found),
        refused=refused(found),
    )


def _kib(memory: Element | None, text: str) -> int:
    if memory is None or memory.get("unit", "KiB") != "KiB":
        raise Unreadable("dumpxml: no memory in KiB", text)
    return number(memory.text or "", what="dumpxml: memory")


def _vcpus(found: Element) -> int:
    """Those it has now."""
    return number(attribute(found, "vcpu", "current") or value(found, "vcpu"), what="dumpxml: vcpu")


def _cap_percent(found: Element) -> int:
    """What each virtual CPU may take of a CPU at most."""
    quota, period = value(found, "cputune/quota"), value(found, "cputune/period")
    if not quota:
        return NO_CAP_PERCENT
    if not SIGNED.fullmatch(quota):
        raise Unreadable("dumpxml: quota is no number", quota)
    length = (number(period, what="dumpxml: period") if period else 0) or PERIOD_US
    return max(1, round(100 * int(quota) / length)) if 0 < int(quota) < QUOTA_MAX_US else NO_CAP_PERCENT


def _period_s(found: Element) -> int:
    period = attribute(found, "devices/memballoon/stats", "period")
    return number(period, what="dumpxml: period of balloon statistics") if period else 0


def _device(disk: Element) -> Device:
    kind, type_ = disk.get("device", "disk"), disk.get("type", "")
    path = attribute(disk, "source", PATH_KEYS[type_]) if type_ in PATH_KEYS else ""
    return Device(
        target=attribute(disk, "target", "dev"),
        kind=kind,
        type=type_,
        path=path if path.isprintable() else "",
        format=attribute(disk, "driver", "type"),
        cache=attribute(disk, "driver", "cache"),
        shareable=disk.find("shareable") is not None,
        read_only=disk.find("readonly") is not None,
        backed=disk.find("backingStore[@type]") is not None,
    )


NETWORKS: Mapping[str, tuple[str, str]] = {
    "bridge": ("bridge", "bridge"),
    "network": ("network", "network"),
    "direct": ("dev", "direct"),
}
"""Type of an interface -> the attribute that names what it is connected to, and what such things are called."""


def _network(interface: Element) -> str:
    """What it is connected to; "" for one that needs nothing of its host."""
    type_ = interface.get("type", "")
    if type_ == "user":
        return ""
    key, word = NETWORKS.get(type_, ("name", type_ or "unknown"))
    if type_ == "bridge" and attribute(interface, "virtualport", "type") == "openvswitch":
        word = "ovs"
    return printable(f"{word}:{attribute(interface, 'source', key)}")
