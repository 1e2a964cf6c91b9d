"""What guests need that hosts lack: LUNs, virtual switches, room for the largest. Called by examine. Pure.

A guest might go to any host that was read. What could not be read on a host is unknown there, and nothing lacks that is
only unknown. Whether there is room beside others is for a plan to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from reconciler.core.observed import HostFacts, Registration
from reconciler.core.reports.checks import CheckFinding
from reconciler.drivers.hpvm.checking.findings import Examined
from reconciler.drivers.hpvm.parse import machine
from reconciler.ssh.looks import examined as looks
from reconciler.ssh.looks.examined import listed, too_large, users
from reconciler.ssh.looks.sections import Unreadable


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
    yield from too_large(registrations, asked)


def _luns(registrations: Iterable[Registration], hosts: Mapping[str, HostFacts]) -> Iterator[CheckFinding]:
    """One finding for all LUNs of the same guests that the same hosts lack."""
    together: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for lun, guests in users(registrations, "stores").items():
        lacking = tuple(name for name, facts in hosts.items() if lun not in facts.presented)
        if lacking:
            together[tuple(sorted(guests)), lacking].append(lun)
    for (guests_of_it, lacking), luns in together.items():
        what = f"LUN {luns[0]} is" if len(luns) == 1 else f"LUNs {listed(luns)} are"
        text = f"{what} not presented to {listed(lacking)}"
        yield looks.of_guests(
            guests_of_it, "lun-missing", text, f"present it to {listed(lacking)}, then there: ioscan -fnC disk; insf -e"
        )


def _switches(
    registrations: Iterable[Registration], hosts: Mapping[str, HostFacts], read: Mapping[str, Examined]
) -> Iterator[CheckFinding]:
    for switch, guests in users(registrations, "networks").items():
        lacking = [name for name, facts in hosts.items() if switch not in facts.networks]
        down = [name for name in lacking if switch in _existing(read[name])]
        if down:
            text = f"virtual switch {switch} is not up on {listed(down)}"
            yield looks.of_guests(guests, "switch-down", text, f"on {listed(down)}: hpvmnet -b -S {switch}")
        missing = [name for name in lacking if name not in down]
        if missing:
            text = f"virtual switch {switch} is not there on {listed(missing)}"
            fix = f"on {listed(missing)}: hpvmnet -c -S {switch} -n NUMBER-OF-LAN-CARD; hpvmnet -b -S {switch}"
            yield looks.of_guests(guests, "switch-missing", text, fix)


def _existing(examined: Examined) -> Collection[str]:
    """Virtual switches in whatever state."""
    try:
        return machine.switch_states(examined.reading.text("switches"))
    except Unreadable:
        return ()
