"""What guests need that hosts lack: shared storage, networks, machine types, CPUs, room. Called by examine. Pure.

A guest might go to any host that was read. What could not be read on a host is unknown there, and nothing lacks that is
only unknown. Whether there is room beside others is for a plan to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from reconciler.core.compatibility import Question
from reconciler.core.model import StorageKind
from reconciler.core.names import printable
from reconciler.core.observed import HostFacts, Registration
from reconciler.core.reports.checks import CheckFinding, Level
from reconciler.drivers.libvirt.checking.findings import Examined
from reconciler.drivers.libvirt.rulebook import cpu
from reconciler.drivers.libvirt.rulebook.attributes import MACHINE, MACHINES, host_list
from reconciler.ssh.looks import examined as looks
from reconciler.ssh.looks.examined import listed, too_large, users

Homes = Iterable[tuple[HostFacts, Registration]]
"""Guests, each with the host that it is on."""
Missing = dict[tuple[str, tuple[str, ...]], set[str]]
"""What is missing, and on which hosts -> the guests that need it."""


def of_guests(read: Mapping[str, Examined], chosen: Collection[str]) -> Iterator[CheckFinding]:
    """What guests need that the chosen hosts lack."""
    facts = looks.facts_of(read)
    asked = {name: found for name, found in facts.items() if name in chosen}
    guests = [(home, entry) for home in facts.values() for entry in home.registrations if entry.startable]
    registrations = [entry for _, entry in guests]
    readable = {name: found for name, found in asked.items() if read[name].knows("mounts")}
    yield from _stores(registrations, readable)
    yield from _networks(registrations, asked)
    yield from _machines(guests, asked)
    yield from _cpus(guests, asked)
    yield from _room(guests, {name: found for name, found in asked.items() if read[name].knows("room")})
    yield from too_large(registrations, asked)


def _stores(registrations: Iterable[Registration], hosts: Mapping[str, HostFacts]) -> Iterator[CheckFinding]:
    for store, guests in users(registrations, "stores").items():
        lacking = [name for name, facts in hosts.items() if store not in facts.presented]
        if lacking:
            fix = f"mount it on {listed(lacking)}, from the same source and at the same path"
            if store.startswith("settings: "):
                fix = f"present it to {listed(lacking)} at the same path, or take it out of shared_paths"
            text = f"{printable(store)} is not there on {listed(lacking)}"
            yield looks.of_guests(guests, "storage-missing", text, fix)


def _networks(registrations: Iterable[Registration], hosts: Mapping[str, HostFacts]) -> Iterator[CheckFinding]:
    for network, guests in users(registrations, "networks").items():
        lacking = [name for name, facts in hosts.items() if network not in facts.networks]
        kind, _, name = printable(network).partition(":")
        if not lacking:
            continue
        if kind == "network":
            text, fix = f"libvirt network {name} is not active on {listed(lacking)}", f"virsh net-start {name}"
        elif kind == "ovs":
            text, fix = f"Open vSwitch bridge {name} is not there on {listed(lacking)}", f"ovs-vsctl add-br {name}"
        else:
            text, fix = f"bridge {name} is not there on {listed(lacking)}", f"a bridge {name} into the same network"
        yield looks.of_guests(guests, "network-missing", text, f"on {listed(lacking)}: {fix}")


def _machines(guests: Homes, hosts: Mapping[str, HostFacts]) -> Iterator[CheckFinding]:
    missing: Missing = defaultdict(set)
    for home, entry in guests:
        machine = MACHINE.of(Question(entry, home, home))
        lacking = tuple(
            name
            for name, facts in hosts.items()
            if machine and machine not in (host_list(facts, MACHINES) or (machine,))
        )
        if lacking:
            missing[str(machine), lacking].add(entry.name)
    for (machine, lacking), names in sorted(missing.items()):
        text = f"{listed(lacking)} does not offer their machine type, {printable(machine)}"
        fix = "update QEMU there, or give them a machine type that all hosts offer, if they are to go there"
        yield looks.of_guests(names, "machine-missing", text, fix, Level.WARNING)


def _cpus(guests: Homes, hosts: Mapping[str, HostFacts]) -> Iterator[CheckFinding]:
    missing: Missing = defaultdict(set)
    for home, entry in guests:
        for name, facts in hosts.items():
            lacking = _lacking_features(Question(entry, home, facts)) if facts is not home else frozenset[str]()
            if lacking:
                missing[name, tuple(sorted(lacking))].add(entry.name)
    for (name, features), names in sorted(missing.items()):
        text = f"{name} lacks features that their CPUs have now: {listed(map(printable, features))}"
        fix = "nothing, if they move there offline only; else a CPU model that all hosts offer, from their next boot on"
        yield looks.of_guests(names, "cpu-missing", text, fix, Level.WARNING)


def _lacking_features(question: Question) -> frozenset[str]:
    """What the guest sees and the target does not offer; nothing where either is not known."""
    described = cpu.present(question)
    sees = cpu.seen(question, described) if described is not None else None
    offered = cpu.possible(question, question.target)
    return frozenset[str]() if sees is None or offered is None else sees - offered


def _room(guests: Homes, hosts: Mapping[str, HostFacts]) -> Iterator[CheckFinding]:
    """Guests whose local images do not fit into what is free for copies."""
    together: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for home, entry in guests:
        size_mib = sum(disk.size_mib for disk in entry.disks if disk.kind is StorageKind.FILE)
        small = tuple(name for name, facts in hosts.items() if facts is not home and size_mib > facts.disk_free_mib)
        if small and size_mib:
            together[small].add(entry.name)
    for small, names in sorted(together.items()):
        free = ", ".join(f"{name}: {hosts[name].disk_free_mib} MiB" for name in small[: looks.NAMES_MAX])
        text = f"their local disks do not fit into what is free for copies ({free})"
        fix = f"make room in copy_folder of {listed(small)}, if they are to go there"
        yield looks.of_guests(names, "copy-room-short", text, fix, Level.WARNING)
