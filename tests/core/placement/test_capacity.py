"""What a host holds, and what it may still take."""

from __future__ import annotations

from reconciler.core import capacity
from reconciler.core.desired import Host
from reconciler.core.model import Load, Method, StepKind
from reconciler.core.records import Parked
from tests.core.fleets import HERE, STOPPED, TRANSITION, host, local_disk, parked, record, registration


def document(**fields: int) -> Host:
    return Host("a", "test", HERE, **fields)  # type: ignore[arg-type]  # caps by name


def memory_used(*args: object, **fields: object) -> int:
    return capacity.used(host(*args, **fields)).memory_mib  # type: ignore[arg-type]  # a host in short


def test_a_document_only_lowers_what_a_host_says() -> None:
    facts = host("a", memory_mib=1000, cpus=4)
    assert Load(1000, 400, facts.disk_free_mib) == capacity.capacity(facts, document(memory_cap_mib=9000, cpus_cap=99))
    assert Load(700, 200, facts.disk_free_mib) == capacity.capacity(
        facts, document(memory_cap_mib=800, cpus_cap=2, reserve_memory_mib=100)
    )


def test_running_guests_count_with_the_platforms_overhead_rounded_up() -> None:
    assert 108 == memory_used("a", registration("g", 100), memory_overhead_percent=8)
    assert 109 == memory_used("a", registration("g", 101), memory_overhead_percent=7)


def test_a_stopped_guest_takes_nothing_and_one_in_transition_everything() -> None:
    guests = (registration("g1", 100, state=STOPPED), registration("g2", 200, state=TRANSITION))
    assert 200 == memory_used("a", *guests)


def test_entitlement_counts_for_each_virtual_cpu() -> None:
    facts = host("a", registration("g", vcpus=3, cpu_entitlement_percent=20))
    assert 60 == capacity.used(facts).cpu_percent


def test_a_guest_on_its_way_counts_on_its_target_with_its_disks() -> None:
    coming = record("g", "b", "a", load=Load(500, 10, 70))
    assert Load(500, 10, 70) == capacity.used(host("a", records=(coming,)))


def test_a_guest_on_its_way_counts_once_when_it_runs_there_already() -> None:
    coming = record("g", "b", "a", load=Load(500))
    assert 500 == memory_used("a", registration("g", 500), records=(coming,))


def test_room_at_the_source_stays_reserved_while_a_guest_is_away_for_its_move() -> None:
    """Should the move fail, it is started there again: with this host's overhead, not the target's."""
    leaving = record("g", "a", "b", method=Method.OFFLINE, load=Load(500))
    down = registration("g", 500, state=STOPPED)
    assert 550 == memory_used("a", down, records=(leaving,), memory_overhead_percent=10)


def test_a_stopped_guest_on_its_way_reserves_no_memory() -> None:
    leaving = record("g", "a", "b", method=Method.OFFLINE, was=STOPPED, load=Load(disk_mib=70))
    assert Load() == capacity.used(host("a", registration("g", 500, state=STOPPED), records=(leaving,)))


def test_a_stop_and_a_parked_record_reserve_nothing() -> None:
    stopping = record("g1", "a", "a", kind=StepKind.STOP)
    resting = parked(record("g2", "a", "b"), Parked.ABORTED)
    assert Load() == capacity.used(host("a", records=(stopping, resting)))


def test_a_steps_own_record_does_not_stand_in_its_own_way() -> None:
    mine = record("g", "b", "a", load=Load(500))
    facts = host("a", records=(mine,), memory_mib=500)
    assert 500 == capacity.room(facts, None, without_record=mine.id).memory_mib
    assert 0 == capacity.room(facts, None).memory_mib


def test_a_host_that_is_over_has_negative_room() -> None:
    assert -100 == capacity.room(host("a", registration("g", 1100), memory_mib=1000), None).memory_mib


def test_only_local_disks_need_room_on_the_target() -> None:
    guest = registration("g", 100, disks=(local_disk(30), local_disk(40)))
    assert 70 == capacity.needed(guest, host("a"), copies=True).disk_mib
    assert 0 == capacity.needed(guest, host("a"), copies=False).disk_mib


def test_virtual_cpus_fit_the_cpus_that_the_document_leaves() -> None:
    guest = registration("g", vcpus=4)
    assert capacity.vcpus_fit(guest, host("a", cpus=4), None)
    assert not capacity.vcpus_fit(guest, host("a", cpus=8), document(cpus_cap=3))
