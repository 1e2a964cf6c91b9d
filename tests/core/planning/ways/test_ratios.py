"""Hosts with a ratio of virtual CPUs to CPUs, and hosts whose memory is given away more than once."""

from __future__ import annotations

from reconciler.core.desired import Host
from tests.core.fleets import HERE, STOPPED, guest, host, refusal, refusals, registration, told, world


def ratios(name: str, **fields: int) -> dict[str, Host]:
    return {name: Host(name, "test", HERE, **fields)}  # type: ignore[arg-type]  # ratios by name


def test_an_arrival_waits_for_the_departure_that_makes_room_for_its_virtual_cpus() -> None:
    looks = [host("a", registration("x", vcpus=2)), host("b", registration("y", vcpus=3), cpus=4), host("c")]
    plan = world(looks, [guest("x", "b"), guest("y", "c")], hosts=ratios("b", vcpus_per_cpu_percent=100)).plan()
    assert ["y b → c online", "x a → b online"] == told(plan)
    assert (plan.steps[0].id,) == plan.steps[1].after


def test_a_host_without_a_ratio_takes_any_number_of_virtual_cpus() -> None:
    looks = [host("a", registration("x", vcpus=2)), host("b", *[registration(f"y{n}", 1, vcpus=4) for n in range(9)])]
    assert ["x a → b online"] == told(world(looks, [guest("x", "b")]).plan())


def test_a_guest_is_blocked_where_its_target_would_have_too_many_virtual_cpus_for_good() -> None:
    looks = [host("a", registration("x", vcpus=2)), host("b", registration("y", vcpus=5), cpus=4)]
    plan = world(looks, [guest("x", "b"), guest("y", "b")], hosts=ratios("b", vcpus_per_cpu_percent=150)).plan()
    assert {"x": "NoRoom"} == refusals(plan)
    assert "1 virtual CPUs" in refusal(plan, "x").text


def test_a_stopped_guest_takes_no_virtual_cpus_where_it_goes() -> None:
    looks = [host("a", registration("x", vcpus=2, state=STOPPED)), host("b", registration("y", vcpus=4), cpus=4)]
    plan = world(looks, [guest("x", "b")], hosts=ratios("b", vcpus_per_cpu_percent=100)).plan()
    assert ["x a → b offline"] == told(plan)


def test_memory_that_may_be_given_away_twice_takes_twice_the_guests() -> None:
    looks = [host("a", registration("x", 4096)), host("b", registration("y", 4096), memory_mib=4096)]
    guests = [guest("x", "b"), guest("y", "b")]
    assert {"x": "NoRoom"} == refusals(world(looks, guests).plan())
    assert ["x a → b online"] == told(world(looks, guests, hosts=ratios("b", memory_overcommit_percent=200)).plan())
