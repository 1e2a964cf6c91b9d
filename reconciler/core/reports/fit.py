"""What the declared end state asks of hosts that they do not have: memory, CPUs, arrivals during maintenance.

Called for `diff`, with one look at the hosts. Only says it, with the documents to look at; what is done about it is
decided by planning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from reconciler.core import capacity
from reconciler.core.desired import DesiredFleet, Guest
from reconciler.core.desired.placement import names_text
from reconciler.core.desired.violations import PlacementFinding, Violation
from reconciler.core.diff import HANDS_OFF, Diff, GuestDiff
from reconciler.core.model import Load, RunState, StepKind
from reconciler.core.observed import HostFacts, ObservedFleet, Registration
from reconciler.core.quantities import format_memory


def misfits(desired: DesiredFleet, observed: ObservedFleet, difference: Diff) -> tuple[Violation, ...]:
    """What does not fit, in the order of files and lines. Guests that nobody saw take nothing."""
    declared: dict[str, list[tuple[Guest, GuestDiff]]] = defaultdict(list)
    settled: dict[str, str] = {}
    for found in difference.guests:
        guest = desired.guests.get(found.name)
        if guest is not None and found.place is not None and found.finding not in HANDS_OFF:
            declared[guest.host].append((guest, found))
            settled[found.uuid] = guest.host
    found_amiss: list[Violation] = []
    for facts in observed.reachable():
        if facts.name in desired.hosts:
            there = declared[facts.name]
            found_amiss += _overfull(desired, observed, facts, there, settled)
            found_amiss += _too_few_cpus(desired, observed, facts, there)
            found_amiss += _in_maintenance(desired, facts.name, there)
    return tuple(sorted(found_amiss, key=lambda each: (each.location, each.text)))


def _overfull(
    desired: DesiredFleet,
    observed: ObservedFleet,
    facts: HostFacts,
    there: list[tuple[Guest, GuestDiff]],
    settled: Mapping[str, str],
) -> Iterator[Violation]:
    """More memory than the host holds: of what is declared there and will run, and of what stays there undeclared."""
    running = [(guest, found) for guest, found in there if _runs(found)]
    loads = [_entry(observed, found).load(facts.memory_overhead_percent) for _, found in running]
    others = [entry for entry in facts.registrations if entry.running and entry.uuid not in settled]
    loads += [entry.load(facts.memory_overhead_percent) for entry in others]
    document = desired.hosts[facts.name]
    taken, held = Load.total(loads).memory_mib, capacity.capacity(facts, document).memory_mib
    if taken <= held or not running:
        return
    stay = f", with what stays there: {names_text(sorted(entry.name for entry in others))}" if others else ""
    names = [guest.name for guest, _ in running]
    text = (
        f"{facts.name} is short of {format_memory(taken - held)} of memory for what is declared there: "
        f"{names_text(names)}{stay} take {format_memory(taken)} of {format_memory(held)}"
    )
    arriving = [guest for guest, found in running if found.place is not None and found.place.host != facts.name]
    first = (arriving or [guest for guest, _ in running])[0]
    fix = f"declare some of it elsewhere, or make room on {facts.name}"
    locations = tuple(guest.location for guest, _ in running)
    yield Violation(
        PlacementFinding.HOST_OVERFULL, False, "", tuple(names), (facts.name,), text, fix, first.location, locations
    )


def _too_few_cpus(
    desired: DesiredFleet, observed: ObservedFleet, facts: HostFacts, there: list[tuple[Guest, GuestDiff]]
) -> Iterator[Violation]:
    document = desired.hosts[facts.name]
    for guest, found in there:
        entry = _entry(observed, found)
        if not capacity.vcpus_fit(entry, facts, document):
            cpus = capacity.cpus(facts, document)
            text = f"guest {guest.name} has {entry.vcpus} virtual CPUs, and {facts.name} has {cpus} CPUs for guests"
            fix = "declare it on a larger host, or give it fewer virtual CPUs"
            yield _of_guests(PlacementFinding.TOO_FEW_CPUS, [guest], facts.name, text, fix)


def _in_maintenance(desired: DesiredFleet, host: str, there: list[tuple[Guest, GuestDiff]]) -> Iterator[Violation]:
    maintenance = desired.hosts[host].maintenance
    coming = [guest for guest, found in there if found.place is not None and found.place.host != host]
    if maintenance is not None and coming:
        names = names_text([guest.name for guest in coming])
        text = f"{host} takes no guests for now ({maintenance.reason}), and these are to come: {names}"
        yield _of_guests(PlacementFinding.HOST_IN_MAINTENANCE, coming, host, text, "wait, or declare them elsewhere")


def _of_guests(code: PlacementFinding, guests: list[Guest], host: str, text: str, fix: str) -> Violation:
    names, locations = tuple(guest.name for guest in guests), tuple(guest.location for guest in guests)
    return Violation(code, False, "", names, (host,), text, fix, locations[0], locations)


def _runs(found: GuestDiff) -> bool:
    """Whether the guest runs in the end."""
    if found.power is not None:
        return found.power is StepKind.START
    return found.place is not None and found.place.state is not RunState.STOPPED


def _entry(observed: ObservedFleet, found: GuestDiff) -> Registration:
    """Its one live copy."""
    facts = observed.facts(found.place.host) if found.place is not None else None
    entry = facts.registration(found.uuid) if facts is not None else None
    if entry is None:
        raise KeyError(found.name)  # a diff of another look
    return entry
