"""Random fleets to be planned. Used by the properties beside it.

`any_fleets` are of four kinds: with whatever may be wrong with guests and hosts; full hosts whose guests change places;
knots that only a rest or a bystander unties; and with rules, networks, ratios, settings and moves under way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from reconciler.core.desired import (
    Autostart,
    Guest,
    Host,
    Limits,
    Network,
    Operator,
    PlacementRule,
    Requirement,
    RuleKind,
)
from reconciler.core.model import Load
from reconciler.core.observed import Look, Registration
from reconciler.core.records import MoveRecord
from tests.core.fleets import (
    ALLOWED,
    HERE,
    RUNNING,
    STOPPED,
    TRANSITION,
    World,
    away,
    guest,
    host,
    local_disk,
    record,
    registration,
    world,
)
from tests.core.fleets import SAN_DISK as SAN

T = TypeVar("T")
SIZES_MIB = (1024, 2048, 4096, 8192)
LIMITS = (Limits(), Limits(concurrent=2, concurrent_in=2, concurrent_out=2, concurrent_host=3))


@st.composite
def fleets(draw: st.DrawFn) -> World:
    """Up to 5 hosts, some of them full, over or unread; up to 8 guests, most of them misplaced."""
    names = [f"h{number}" for number in range(draw(st.integers(2, 5)))]

    def one_of(*values: T) -> T:
        return draw(st.sampled_from(values))

    guests: list[Guest] = []
    entries = []
    for number in range(draw(st.integers(1, 8))):
        name = f"g{number}"
        disk = one_of(SAN, SAN, SAN, local_disk(5000))
        state = one_of(RUNNING, RUNNING, RUNNING, RUNNING, STOPPED, TRANSITION)
        cpu: dict[str, Any] = {"vcpus": one_of(1, 1, 2), "cpu_entitlement_percent": one_of(0, 0, 50)}
        cpu |= {"memory_min_mib": 512, "memory_step_mib": one_of(64, 64, 0), "autostart": False}
        entries.append((one_of(*names), registration(name, one_of(*SIZES_MIB), state=state, disks=(disk,), **cpu)))
        if one_of(True, True, True, False):
            power = one_of("keep", "keep", "keep", "running", "stopped")
            policy: dict[str, Any] = {"downtime": ALLOWED} if one_of(True, False) else {}
            policy |= {"hop": one_of(True, True, False), "step_aside": one_of(True, False)}
            policy |= {"memory_mib": one_of(None, None, 512), "autostart": one_of(Autostart.KEEP, Autostart.ON)}
            guests.append(guest(name, one_of(*names), power=power, **policy))
    looks: list[Look] = []
    for name in names:
        here = [entry for place, entry in entries if place == name]
        held_mib = sum(entry.memory_mib for entry in here if entry.running)
        room_mib = held_mib * one_of(80, 100, 100, 110, 150) // 100 + one_of(0, 0, 2048, 8192)
        fields: dict[str, Any] = {
            "cpus": one_of(2, 16, 16),
            "version": one_of("4.1", "4.2", "4.2"),
            "disk_free_mib": one_of(0, 6000),
        }
        facts = host(name, *here, memory_mib=room_mib, memory_overhead_percent=one_of(0, 0, 7), **fields)
        looks.append(away(name) if one_of(*[False] * 19, True) else facts)
    return world(looks, guests, limits=one_of(*LIMITS))


@st.composite
def tight_fleets(draw: st.DrawFn) -> World:
    """Full hosts whose guests change places, and one host with some room."""
    count = draw(st.integers(2, 4))
    sizes = [draw(st.lists(st.sampled_from(SIZES_MIB), min_size=1, max_size=2)) for _ in range(count)]
    looks: list[Look] = []
    guests: list[Guest] = []
    for number, here in enumerate(sizes):
        names = [f"g{number}{letter}" for letter in "ab"[: len(here)]]
        entries = [registration(name, size) for name, size in zip(names, here, strict=True)]
        slack_mib = draw(st.sampled_from((0, 0, 1024, 4096)))
        looks.append(host(f"h{number}", *entries, memory_mib=sum(here) + slack_mib))
        asides = draw(st.lists(st.booleans(), min_size=2, max_size=2))
        guests += [
            guest(name, f"h{draw(st.integers(0, count - 1))}", step_aside=aside)
            for name, aside in zip(names, asides, strict=False)
        ]
    looks.append(host("spare", memory_mib=draw(st.sampled_from((0, 2048, 8192)))))
    return world(looks, guests, limits=draw(st.sampled_from(LIMITS)))


@st.composite
def knotted_fleets(draw: st.DrawFn) -> World:
    """2 or 3 full hosts whose guests go round in a ring, with others that stand in the way, and one or two spare hosts:
    somebody has to rest or to step aside. What runs short is memory, virtual CPUs, or places that rules leave."""
    names = [f"h{number}" for number in range(draw(st.integers(2, 3)))]
    spares = ["spare", "other"][: draw(st.integers(1, 2))]
    size_mib, hop = draw(st.sampled_from((1024, 2048))), draw(st.booleans())
    labels = {"app": draw(st.sampled_from(("web", "db", "other")))}
    looks: list[Look] = []
    guests: list[Guest] = []
    ratio = draw(st.sampled_from((None, 100)))
    for number, name in enumerate(names):
        mover = registration(f"mover{number}", size_mib)
        guests.append(guest(mover.name, names[(number + 1) % len(names)], hop=hop, labels=labels))
        entries = [mover]
        for letter in "ab"[: draw(st.integers(0, 2))]:
            entries.append(registration(f"by{number}{letter}", draw(st.sampled_from((1024, 2048, 4096)))))
            aside = draw(st.sampled_from((True, True, False)))
            guests.append(guest(entries[-1].name, name, step_aside=aside, hop=draw(st.booleans())))
        slack_mib = draw(st.sampled_from((0, 0, 1024, 8192)))
        cpus = len(entries) if ratio is not None else 16
        looks.append(host(name, *entries, memory_mib=sum(entry.memory_mib for entry in entries) + slack_mib, cpus=cpus))
    looks += [host(name, memory_mib=draw(st.sampled_from((1024, 2048, 4096))), cpus=2) for name in spares]
    racks = ["r1", "r2", "r1", "r2"] if draw(st.booleans()) else ["r1", "r2", "r3", "r4"]
    hosts = {
        name: Host(
            name,
            "test",
            HERE,
            labels={"rack": rack},
            vcpus_per_cpu_percent=ratio,
            migration_addresses=draw(st.sampled_from(({}, {"fast": f"{name}-fast"}))),
        )
        for name, rack in zip([*names, *spares], [*racks, "r5"], strict=False)
    }
    return _ruled(draw, world(looks, guests, hosts=hosts, limits=draw(st.sampled_from(LIMITS))))


@st.composite
def ruled_fleets(draw: st.DrawFn) -> World:
    """2 to 5 hosts in racks, with ratios and networks; up to 8 guests that rules are about, some to be set or resized;
    some with a move of somebody else under way."""
    names = [f"h{number}" for number in range(draw(st.integers(2, 5)))]
    placed = draw(st.lists(st.sampled_from(names), min_size=1, max_size=8))
    entries = {f"g{number}": (place, draw(_registrations(f"g{number}"))) for number, place in enumerate(placed)}
    guests = [draw(_documents(name, place, names)) for name, (place, _) in entries.items()]
    records = draw(_records(entries, names))
    looks = []
    for name in names:
        here = [entry for place, entry in entries.values() if place == name]
        coming = [found for found in records if found.target == name]
        held_mib = sum(entry.memory_mib for entry in here if entry.running) + sum(
            found.load.memory_mib for found in coming
        )
        room_mib = held_mib + draw(st.sampled_from((0, 0, 1024, 4096, 8192)))
        lying = tuple(found for found in records if found.touches(name))
        looks.append(host(name, *here, memory_mib=room_mib, cpus=draw(st.sampled_from((2, 4, 16))), records=lying))
    hosts = {name: draw(_hosts(name)) for name in names}
    return _ruled(draw, world(looks, guests, hosts=hosts, limits=draw(st.sampled_from(LIMITS))))


def _ruled(draw: st.DrawFn, found: World) -> World:
    """The same with some of the rules, and a network that takes one move at a time."""
    rules = {rule.name: rule for rule in RULES if draw(st.booleans())}
    fleet = replace(found.desired.fleet, networks=(Network("fast", 1, 200.0),))
    return replace(found, desired=replace(found.desired, fleet=fleet, rules=rules))


RULES = (
    PlacementRule("apart", RuleKind.APART, HERE, labels={"app": "web"}),
    PlacementRule("racks", RuleKind.APART, HERE, labels={"app": "db"}, topology_key="rack", most=2),
    PlacementRule(
        "where",
        RuleKind.HOSTS,
        HERE,
        names=("g0", "g1"),
        requirements=(Requirement("rack", Operator.NOT_IN, ("r2",)),),
    ),
)


@st.composite
def _registrations(draw: st.DrawFn, name: str) -> Registration:
    dynamic: dict[str, Any] = {"memory_min_mib": 512, "memory_step_mib": 64} if draw(st.booleans()) else {}
    return registration(
        name,
        draw(st.sampled_from(SIZES_MIB)),
        state=draw(st.sampled_from((RUNNING, RUNNING, RUNNING, STOPPED))),
        disks=(draw(st.sampled_from((SAN, SAN, SAN, local_disk(3000)))),),
        vcpus=draw(st.sampled_from((1, 1, 2))),
        cpu_entitlement_percent=draw(st.sampled_from((0, 0, 50))),
        **dynamic,
    )


@st.composite
def _documents(draw: st.DrawFn, name: str, place: str, hosts: list[str]) -> Guest:
    """About two in three are declared elsewhere."""
    policy: dict[str, Any] = {"downtime": ALLOWED} if draw(st.booleans()) else {}
    return guest(
        name,
        draw(st.sampled_from((place, *hosts, *hosts))),
        labels={"app": draw(st.sampled_from(("web", "db", "other")))},
        power=draw(st.sampled_from(("keep", "keep", "keep", "running", "stopped"))),
        hop=draw(st.sampled_from((True, True, False))),
        step_aside=draw(st.booleans()),
        memory_mib=draw(st.sampled_from((None, None, 1024))),
        cpu_entitlement_percent=draw(st.sampled_from((None, None, 20, 100))),
        **policy,
    )


@st.composite
def _hosts(draw: st.DrawFn, name: str) -> Host:
    networks = draw(st.sampled_from(({}, {"fast": f"{name}-fast"}, {"fast": f"{name}-fast"})))
    return Host(
        name,
        "test",
        HERE,
        labels=draw(st.sampled_from(({}, {"rack": "r1"}, {"rack": "r1"}, {"rack": "r2"}))),
        vcpus_per_cpu_percent=draw(st.sampled_from((None, None, 100, 150))),
        migration_addresses=networks,
        schedulable=draw(st.sampled_from((True, True, True, False))),
    )


@st.composite
def _records(draw: st.DrawFn, entries: dict[str, tuple[str, Registration]], hosts: list[str]) -> list[MoveRecord]:
    """Of one fleet in three, the move of a guest that runs."""
    running = [name for name, (_, entry) in sorted(entries.items()) if entry.running]
    if not running or draw(st.integers(0, 2)):
        return []
    name = draw(st.sampled_from(running))
    place, entry = entries[name]
    target = draw(st.sampled_from([host for host in hosts if host != place]))
    load = Load(entry.memory_mib, entry.load().cpu_percent, vcpus=entry.vcpus)
    return [record(name, place, target, load=load, network=draw(st.sampled_from(("", "fast", None))))]


def any_fleets() -> st.SearchStrategy[World]:
    """Of any kind."""
    return st.one_of(fleets(), tight_fleets(), ruled_fleets(), knotted_fleets(), knotted_fleets())
