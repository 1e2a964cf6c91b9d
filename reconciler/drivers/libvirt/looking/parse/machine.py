"""The host itself, as virsh prints it: identity, processor, memory, version, machine types. Called by facts."""

from __future__ import annotations

import re

from reconciler.core.model import Processor
from reconciler.drivers.libvirt.looking.parse.figures import UUID, number
from reconciler.drivers.libvirt.looking.parse.trees import Element, attribute, tree, value
from reconciler.ssh.looks.sections import Unreadable

VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){1,3}", re.ASCII)

CGROUPS_2 = "cgroup2fs"
WEIGHT, WEIGHT_2 = 1024, 100
"""What the kernel gives to a control group by itself, by the version of its control groups: cpu.shares, cpu.weight.
libvirt hands the `cpu_shares` of a guest on to either as they are (seen in its source, since 4.9)."""


def clock_s(text: str) -> float:
    """`date +%s`. Raises Unreadable."""
    return float(number(text, what="date"))


def labelled(text: str, label: str, *, what: str) -> str:
    """What stands behind `label:` on a line of its own. Raises Unreadable where there is no such line."""
    for line in text.split("\n"):
        key, sign, words = line.partition(":")
        if sign and key.strip() == label:
            return words.strip()
    raise Unreadable(f"{what}: no {label}", text)


def qemu_version(text: str) -> str:
    """`version --daemon`: QEMU's. Raises Unreadable."""
    return _version(labelled(text, "Running hypervisor", what="version"), "QEMU ")


def libvirt_version(text: str) -> str:
    """`version --daemon`: the daemon's. Raises Unreadable."""
    return _version(labelled(text, "Running against daemon", what="version"), "")


def _version(words: str, before: str) -> str:
    if not words.startswith(before) or not VERSION.fullmatch(words.removeprefix(before)):
        raise Unreadable("version: not one of QEMU", words)
    return words.removeprefix(before)


def cpus(text: str) -> int:
    """`nodeinfo`: CPUs in use. Raises Unreadable."""
    return number(labelled(text, "CPU(s)", what="nodeinfo"), what="nodeinfo")


def memory_mib(text: str) -> int:
    """`nodememstats`: all memory. That of `nodeinfo` can be too low: it adds up nodes that a kernel fills late. Raises
    Unreadable."""
    words = labelled(text, "total", what="nodememstats").split()
    if len(words) != 2 or words[1] != "KiB":
        raise Unreadable("nodememstats: not in KiB", text)
    return number(words[0], what="nodememstats") // 1024


def weight_of_one_cpu(text: str) -> int:
    """`stat -f`, of where control groups are mounted: what stands for one CPU among weights. Where version 2 is mounted
    beside version 1, libvirt takes the CPU from version 1."""
    return WEIGHT_2 if text.strip() == CGROUPS_2 else WEIGHT


def capabilities(text: str) -> Element:
    """`capabilities`. Raises Unreadable."""
    return tree(text, "capabilities", what="capabilities")


def machine_id(found: Element) -> str:
    """The host's UUID. Raises Unreadable."""
    uuid = value(found, "host/uuid")
    if not UUID.fullmatch(uuid):
        raise Unreadable("capabilities: the host has no UUID", uuid)
    return uuid


def processor(found: Element) -> Processor:
    """The host's CPU, by the numbers in its signature. Raises Unreadable for one that has none."""
    family = attribute(found, "host/cpu/signature", "family")
    model = attribute(found, "host/cpu/signature", "model")
    name = value(found, "host/cpu/model")
    return Processor(number(family, what="CPU family"), number(model, what="CPU model"), name)


def machines(found: Element) -> tuple[str, ...]:
    """Machine types by their own names, not by aliases, of all architectures that guests can have."""
    names = set()
    for guest in found.findall("guest"):
        for machine in guest.iter("machine"):
            names.add(machine.get("canonical") or (machine.text or "").strip())
    return tuple(sorted(names - {""}))
