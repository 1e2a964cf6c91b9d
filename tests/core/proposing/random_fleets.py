"""Random fleets in which every guest is where it is declared. Used by the properties of proposals."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from reconciler.core.desired import Guest, Host
from reconciler.core.observed import Look
from tests.core.fleets import HERE, RUNNING, STOPPED, World, guest, host, local_disk, registration, world
from tests.core.fleets import SAN_DISK as SAN

SIZES_MIB = (1024, 2048, 4096, 8192)


@st.composite
def settled_fleets(draw: st.DrawFn) -> World:
    """2 to 5 hosts, none of them over; up to 12 guests, some without a document, some stopped, some with own disks."""
    names = [f"h{number}" for number in range(draw(st.integers(2, 5)))]
    guests: list[Guest] = []
    looks: list[Look] = []
    hosts: dict[str, Host] = {}
    placed = draw(st.lists(st.sampled_from(names), min_size=1, max_size=12))
    for name in names:
        entries = []
        for number, there in enumerate(placed):
            if there != name:
                continue
            own = draw(st.sampled_from((SAN, SAN, SAN, local_disk(3000))))
            state = draw(st.sampled_from((RUNNING, RUNNING, RUNNING, STOPPED)))
            percent = draw(st.sampled_from((0, 10, 50)))
            size_mib = draw(st.sampled_from(SIZES_MIB))
            dynamic: dict[str, Any] = {"memory_min_mib": 512, "memory_step_mib": 64} if draw(st.booleans()) else {}
            entries.append(
                registration(
                    f"g{number}", size_mib, state=state, disks=(own,), cpu_entitlement_percent=percent, **dynamic
                )
            )
            if draw(st.sampled_from((True, True, True, False))):
                labels = {"idle": draw(st.sampled_from(("yes", "no")))}
                least = draw(st.sampled_from((None, 640, 1024)))
                cpu = draw(st.sampled_from((None, 5, 20)))
                shares: dict[str, Any] = {"memory_min_mib": least, "cpu_entitlement_min_percent": cpu}
                guests.append(guest(f"g{number}", name, labels=labels, **shares))
        held_mib = sum(entry.load(7).memory_mib for entry in entries if entry.running)
        held_cpu = sum(entry.load(7).cpu_percent for entry in entries if entry.running)
        memory_mib = held_mib + draw(st.sampled_from((0, 1024, 4096, 16384)))
        version = draw(st.sampled_from(("4.1", "4.2", "4.2", "4.2")))
        looks.append(
            host(
                name,
                *entries,
                memory_mib=memory_mib,
                cpus=-(-held_cpu // 100) + draw(st.sampled_from((1, 4))),
                version=version,
                memory_overhead_percent=7,
                disk_free_mib=draw(st.sampled_from((0, 4000))),
            )
        )
        hosts[name] = Host(name, "test", HERE)
    return world(looks, guests, hosts=hosts)
