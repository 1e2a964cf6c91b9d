"""What guests need that hosts lack: LUNs, virtual switches, room for the largest. Called by examine. Pure.

A guest might go to any host that was read. What could not be read on a host is unknown there, and nothing lacks that is
only unknown. Whether there is room beside others is for a plan to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from reconciler.core.observed import HostFacts, Registration
from reconciler.core.reports.checks import CheckFinding, Level, Scope
from reconciler.drivers.hpvm.checking.findings import Examined, listed
from reconciler.drivers.hpvm.parse import machine
from reconciler.ssh.looks.sections import Unreadable

Lacks = Mapping[str, tuple[str, ...]]
"""What somebody needs -> the hosts that lack it."""


def of_guests(all_examined: Iterable[Examined], chosen: Collection[str]) -> Iterator[CheckFinding]:
    """What guests need that the chosen hosts lack."""
    read = {examined.reading.host: examined for examined in all_examined if examined.facts is not None}
    facts = {name: examined.facts for name, examined in read.items() if examined.facts is not None}
    asked = {name: facts[name] for name in sorted(facts.keys() & set(chosen))}
    registrations = [entry for found in facts.values() for entry in found.registrations if entry.startable]
    with_luns = {name: found for name, found in asked.items() if read[name].knows("storage")}
    with_switches = {name: found for name, found in asked.items() if read[name].knows("switches")}
    yield from _luns(registrations, with_luns)
    yield from _switches(registrations, with_switches, read)
    yield from _too_large(registrations, asked)


def _luns(registrations: Iterable[Registration], hosts: Mapping[str, HostFacts]) -> Iterator[CheckFinding]:
    """One finding for all LUNs of the same guests that the same hosts lack."""
    users: dict[str, set[str]] = defaultdict(set)
    for entry in registrations:
        for disk in entry.disks:
            if disk.kind.shared:
                users[disk.id].add(entry.name)
    together: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for lun, guests in sorted(users.items()):
        lacking = tuple(name for name, facts in hosts.items() if lun not in facts.presented)
        if lacking:
            together[tuple(sorted(guests)), lacking].append(lun)
    for (guests_of_it, lacking), luns in together.items():
        what = f"LUN {luns[0]} is" if len(luns) == 1 else f"LUNs {listed(luns)} are"
        text = f"{what} not presented to {listed(lacking)}"
        yield _of(
            guests_of_it, "lun-missing", text, f"present it to {listed(lacking)}, then there: ioscan -fnC disk; insf -e"
        )


def _switches(
    registrations: Iterable[Registration], hosts: Mapping[str, HostFacts], read: Mapping[str, Examined]
) -> Iterator[CheckFinding]:
    users: dict[str, set[str]] = defaultdict(set)
    for entry in registrations:
        for network in entry.networks:
            users[network].add(entry.name)
    for switch, guests in sorted(users.items()):
        lacking = [name for name, facts in hosts.items() if switch not in facts.networks]
        down = [name for name in lacking if switch in _existing(read[name])]
        if down:
            text = f"virtual switch {switch} is not up on {listed(down)}"
            yield _of(guests, "switch-down", text, f"on {listed(down)}: hpvmnet -b -S {switch}")
        missing = [name for name in lacking if name not in down]
        if missing:
            text = f"virtual switch {switch} is not there on {listed(missing)}"
            fix = f"on {listed(missing)}: hpvmnet -c -S {switch} -n NUMBER-OF-LAN-CARD; hpvmnet -b -S {switch}"
            yield _of(guests, "switch-missing", text, fix)


def _existing(examined: Examined) -> Collection[str]:
    """Virtual switches in whatever state."""
    try:
        return machine.switch_states(examined.reading.text("switches"))
    except Unreadable:
        return ()


def _too_large(registrations: Iterable[Registration], hosts: Mapping[str, HostFacts]) -> Iterator[CheckFinding]:
    """Guests that would not fit on a host that holds nothing else. Only what is known of the host counts."""
    together: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for entry in registrations:
        small = tuple(name for name, facts in hosts.items() if _is_larger(entry, facts))
        if small:
            together[small].add(entry.name)
    for small, guests in sorted(together.items()):
        text = f"larger than all the memory for guests, or all the CPU, of {listed(small)}"
        yield _of(guests, "host-too-small", text, "nothing, if they are to run elsewhere", Level.WARNING)


def _is_larger(entry: Registration, facts: HostFacts) -> bool:
    load = entry.load(facts.memory_overhead_percent)
    return load.memory_mib > facts.memory_mib > 0 or load.cpu_percent > facts.cpus * 100 > 0


def _of(guests: Iterable[str], code: str, text: str, fix: str, level: Level = Level.PROBLEM) -> CheckFinding:
    return CheckFinding(listed(guests), code, level, text, fix, scope=Scope.GUESTS)
