"""What is asked of a host right before something is done there: it is read anew, and says what it lacks."""

from __future__ import annotations

from reconciler.core.desired import Host
from reconciler.core.execution import safety
from reconciler.core.model import Load
from tests.core.fleets import HERE, STOPPED, host, record, registration


def test_a_guest_does_not_come_where_running_guests_have_all_virtual_cpus_by_now() -> None:
    coming = record("x", "a", "b", load=Load(4096, vcpus=2))
    target = host("b", registration("y", vcpus=3), cpus=4)
    assert "" == safety.has_room(coming, target, None)
    limited = Host("b", "test", HERE, vcpus_per_cpu_percent=100)
    assert "b has room for 1 virtual CPUs, needed are 2" == safety.has_room(coming, target, limited)


def test_only_what_is_lacking_is_named() -> None:
    coming = record("x", "a", "b", load=Load(4096, 20, 500))
    target = host("b", memory_mib=1024, disk_free_mib=100)
    expected = "b has room for 1024 MiB of memory, needed are 4096; for 100 MiB of disk, needed are 500"
    assert expected == safety.has_room(coming, target, None)


def test_a_guest_is_started_only_where_its_virtual_cpus_have_room() -> None:
    facts = host("a", registration("x", vcpus=2, state=STOPPED), registration("y", vcpus=3), cpus=4)
    limited = Host("a", "test", HERE, vcpus_per_cpu_percent=100)
    assert "" == safety.room_to_start(record("x", "a", "b"), facts, None)
    assert "a has room for 1 virtual CPUs, needed are 2" == safety.room_to_start(record("x", "a", "a"), facts, limited)
