"""What is declared on a host and does not fit there: memory, CPUs, arrivals during maintenance, with its documents."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.desired import Guest, Host, Suspension
from reconciler.core.desired.violations import Violation
from reconciler.core.reports.fit import misfits
from reconciler.errors import Location
from tests.core.fleets import HERE, STOPPED, World, guest, host, local_disk, registration, world

GIB = 1024


def here(name: str, home: str, **fields: str) -> Guest:
    """A guest in a file of its own."""
    return replace(guest(name, home, **fields), location=Location(f"{name}.yaml"))


def found(case: World) -> list[Violation]:
    return list(misfits(case.desired, case.observed, case.difference))


def told(case: World) -> list[tuple[str, str, str]]:
    return [(each.code.value, str(each.location), each.text) for each in found(case)]


def test_all_that_is_declared_on_a_host_is_added_up_wherever_it_is_now() -> None:
    looks = [host("a", registration("web", 10 * GIB)), host("b", registration("db", 8 * GIB))]
    case = world(looks, [here("web", "b"), here("db", "b")])
    text = "b is short of 2 GiB of memory for what is declared there: db, web take 18 GiB of 16 GiB"
    assert [("host-overfull", "web.yaml:1:1", text)] == told(case)
    assert (False, ("db", "web"), ("b",)) == (found(case)[0].required, found(case)[0].guests, found(case)[0].hosts)
    assert (Location("db.yaml"), Location("web.yaml")) == found(case)[0].documents


def test_who_leaves_in_the_end_takes_nothing_and_who_is_not_declared_stays() -> None:
    there = registration("web", 10 * GIB), registration("old", 6 * GIB), registration("db", 8 * GIB)
    looks = [host("a", *there), host("b")]
    text = "a is short of 2 GiB of memory for what is declared there: web, with what stays there: db, old take 24 GiB"
    assert (
        f"{text} of 22 GiB"
        == told(world([host("a", *there, memory_mib=22 * GIB), host("b")], [here("web", "a")]))[0][2]
    )
    assert [] == told(world(looks, [here("web", "a"), here("old", "a"), here("db", "b")]))


def test_a_guest_that_is_stopped_in_the_end_takes_no_memory() -> None:
    looks = [host("a", registration("web", 20 * GIB, state=STOPPED)), host("b")]
    assert [] == told(world(looks, [here("web", "b")]))
    assert ["host-overfull"] == [code for code, *_ in told(world(looks, [here("web", "b", power="running")]))]
    looks = [host("a", registration("web", 20 * GIB)), host("b")]
    assert [] == told(world(looks, [here("web", "b", power="stopped")]))


def test_caps_reserve_and_the_platforms_overhead_count() -> None:
    looks = [host("a", registration("web", 10 * GIB), memory_overhead_percent=10)]
    document = Host("a", "test", HERE, memory_cap_mib=12 * GIB, reserve_memory_mib=GIB)
    assert [] == told(world(looks, [here("web", "a")], hosts={"a": document}))
    document = replace(document, reserve_memory_mib=GIB + 1)
    text = "a is short of 1 MiB of memory for what is declared there: web take 11 GiB of 11 GiB"
    assert [("host-overfull", "web.yaml:1:1", text)] == told(world(looks, [here("web", "a")], hosts={"a": document}))


def test_a_host_that_only_guests_without_documents_overfill_is_no_documents_fault() -> None:
    assert [] == told(world([host("a", registration("old", 20 * GIB))], []))


def test_a_guest_with_more_virtual_cpus_than_its_declared_host_is_named() -> None:
    looks = [host("a", registration("web", vcpus=8)), host("b", cpus=4)]
    text = "guest web has 8 virtual CPUs, and b has 4 CPUs for guests"
    assert [("too-few-cpus", "web.yaml:1:1", text)] == told(world(looks, [here("web", "b")]))
    capped = {"a": Host("a", "test", HERE, cpus_cap=6)}
    assert ["too-few-cpus"] == [code for code, *_ in told(world(looks[:1], [here("web", "a")], hosts=capped))]


def test_who_is_to_come_to_a_host_under_maintenance_is_named_and_who_is_there_is_not() -> None:
    looks = [host("a", registration("web")), host("b", registration("db"))]
    closed = {"b": Host("b", "test", HERE, maintenance=Suspension("new fan"))}
    text = "b takes no guests for now (new fan), and these are to come: web"
    assert [("host-in-maintenance", "web.yaml:1:1", text)] == told(
        world(looks, [here("web", "b"), here("db", "b")], hosts=closed)
    )


def test_a_guest_that_nobody_may_touch_counts_where_it_is() -> None:
    """Two copies of it run: it is not known to come."""
    twice = registration("web", 12 * GIB)
    looks = [host("a", twice), host("c", twice), host("b", registration("db", 8 * GIB))]
    assert [] == told(world(looks, [here("web", "b"), here("db", "b")]))


def test_copied_disks_are_no_memory() -> None:
    looks = [host("a", registration("web", disks=(local_disk(10**6),))), host("b", disk_free_mib=0)]
    assert [] == told(world(looks, [here("web", "b")]))
