"""Parking: idle guests on few and small hosts, no smaller than documents allow; hosts left empty are named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.desired import Enforcement, PlacementRule, RuleKind, Suspension
from reconciler.core.proposing.park import MEMORY_NOTE, park
from reconciler.core.proposing.proposal import FieldChange, applied
from tests.core.fleets import (
    ALLOWED,
    HERE,
    STOPPED,
    World,
    guest,
    host,
    local_disk,
    refusals,
    registration,
    told,
    world,
)
from tests.core.proposing.boards import as_proposed, board, homes

IDLE: dict[str, Any] = {"labels": {"idle": "yes"}}
DYNAMIC: dict[str, Any] = {"memory_min_mib": 512, "memory_step_mib": 64, "memory_current_mib": 4096}


def scattered() -> World:
    """An idle guest on each of three large hosts, beside a busy one on c; and a small host that nobody uses."""
    looks = [
        host("a", registration("i1"), memory_mib=65536),
        host("b", registration("i2"), memory_mib=65536),
        host("c", registration("i3"), registration("busy", 8192), memory_mib=65536),
        host("small", memory_mib=16384),
    ]
    return world(
        looks, [guest("i1", "a", **IDLE), guest("i2", "b", **IDLE), guest("i3", "c", **IDLE), guest("busy", "c")]
    )


def test_idle_guests_join_where_the_fewest_hosts_stay_in_use() -> None:
    """The small host would be one host more: c is in use anyway."""
    proposal = park(board(scattered()), "idle=yes")
    assert {"i1": "c", "i2": "c"} == homes(proposal)
    assert ("a", "b") == proposal.emptied
    assert "3 guests with idle=yes on c, before on a, b, c" == proposal.text
    assert "parked, as idle=yes" == proposal.changes[0].reason
    assert "a is 4 GiB emptier, c at 31 % of its memory and 0 % of its CPU" == proposal.changes[0].gain
    assert () == park(board(as_proposed(scattered(), proposal)), "idle=yes").changes


def test_idle_guests_go_onto_the_host_that_is_named() -> None:
    proposal = park(board(scattered()), "idle=yes", onto=["small"])
    assert {"i1": "small", "i2": "small", "i3": "small"} == homes(proposal)
    assert ("a", "b") == proposal.emptied


ELSEWHERE: dict[str, dict[str, Any]] = {
    "suspended": {"suspend": Suspension("audit")},
    "drifted": {"drifted": "it moved"},
    "no method": {},
}


@pytest.mark.parametrize("fields", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_host_is_not_empty_while_a_guest_that_is_declared_elsewhere_stays(fields: dict[str, Any]) -> None:
    looks = [host("a", registration("i1"), registration("x", disks=(local_disk(10),))), host("b")]
    proposal = park(board(world(looks, [guest("i1", "a", **IDLE), guest("x", "b", **fields)])), "idle=yes", onto=["b"])
    assert {"i1": "b"} == homes(proposal)
    assert () == proposal.emptied
    assert [("a", 2, 1)] == [(use.host, use.guests_before, use.guests_after) for use in proposal.hosts][:1]


def test_a_host_is_not_empty_while_a_guest_without_a_document_stays() -> None:
    """What a move of it left behind on another host is not where it is."""
    behind = registration("stranger", state=STOPPED, runnable=False, left_over=True)
    for quarantined in ([], ["stranger"]):
        looks = [host("a", behind), host("b", registration("i1"), registration("stranger")), host("c")]
        fleet = world(looks, [guest("i1", "b", **IDLE)], quarantined=quarantined)
        proposal = park(board(fleet), "idle=yes", onto=["c"])
        assert ({"i1": "c"}, ()) == (homes(proposal), proposal.emptied)
        assert [("b", 2, 1)] == [(use.host, use.guests_before, use.guests_after) for use in proposal.hosts][:1]


def test_who_does_not_fit_on_the_named_hosts_is_named() -> None:
    looks = [host("a", registration("i1"), registration("i2")), host("small", memory_mib=6000)]
    fleet = world(looks, [guest("i1", "a", **IDLE), guest("i2", "a", **IDLE)])
    proposal = park(board(fleet), "idle=yes", onto=["small"])
    assert {"i1": "small"} == homes(proposal)
    assert "1 of 2 guests with idle=yes on small, before on a" == proposal.text
    assert [("i2", "NoRoom", 4096 - (6000 - 4096))] == [
        (entry.guest, entry.reason, entry.obstacles[0].short_mib) for entry in proposal.unplaced
    ]


def test_who_does_not_fit_on_the_named_hosts_keeps_its_size() -> None:
    looks = [
        host("a", registration("i1", **DYNAMIC), registration("i2", **DYNAMIC, cpu_entitlement_percent=20)),
        host("small", memory_mib=6000),
    ]
    small = {**IDLE, "memory_min_mib": 512, "cpu_entitlement_min_percent": 5}
    fleet = world(looks, [guest("i1", "a", **small), guest("i2", "a", **small)])
    proposal = park(board(fleet), "idle=yes", onto=["small"])
    [parked] = proposal.changes
    [left] = proposal.unplaced
    assert {"i1", "i2"} == {parked.guest, left.guest}
    assert {"host", "memory.size"} <= {entry.field for entry in parked.fields}
    assert " % of its CPU, and it has 512 MiB of memory in place of 4 GiB" in parked.gain


def test_among_hosts_alike_the_small_one_is_taken() -> None:
    looks = [
        host("a", registration("i1"), registration("x"), memory_mib=16384),
        host("b", registration("i2"), registration("y"), memory_mib=16384),
        host("large", registration("z"), memory_mib=65536),
        host("tiny", registration("w"), memory_mib=13000),
    ]
    guests = [guest("i1", "a", **IDLE), guest("i2", "b", **IDLE)]
    assert {"i2": "a"} == homes(park(board(world(looks, guests)), "idle=yes")), "fewest bytes before the size of hosts"
    guests = [guest("i1", "a", **IDLE, downtime=ALLOWED), guest("i2", "b", **IDLE)]
    onto = ["large", "tiny"]
    assert {"i1": "tiny", "i2": "tiny"} == homes(park(board(world(looks, guests)), "idle=yes", onto=onto))


def test_memory_goes_down_to_the_least_that_document_and_platform_allow() -> None:
    looks = [host("a", *(registration(name, **DYNAMIC) for name in ("i1", "i2", "i3")))]
    guests = [
        guest("i1", "a", **IDLE, memory_min_mib=1000, memory_mib=2048),
        guest("i2", "a", **IDLE, memory_min_mib=100),
        guest("i3", "a", **IDLE),
    ]
    proposal = park(board(world(looks, guests)), "idle=yes")
    assert {
        "i1": (FieldChange("memory.size", "2GiB", "1GiB"),),
        "i2": (FieldChange("memory.size", "", "512MiB"),),
    } == {change.guest: change.fields for change in proposal.changes}
    assert (MEMORY_NOTE,) == proposal.notes
    assert "it has 512 MiB of memory in place of 4 GiB" == proposal.changes[1].gain
    assert all(change.method is None for change in proposal.changes)


def test_memory_that_is_not_dynamic_or_not_running_stays() -> None:
    looks = [host("a", registration("i1"), registration("i2", state=STOPPED, **DYNAMIC))]
    guests = [guest(name, "a", **IDLE, memory_min_mib=1024) for name in ("i1", "i2")]
    assert () == park(board(world(looks, guests)), "idle=yes").changes


def test_cpu_is_given_back_where_the_document_says_how_much() -> None:
    looks = [
        host(
            "a", registration("i1", cpu_entitlement_percent=50, vcpus=2), registration("i2", cpu_entitlement_percent=50)
        )
    ]
    guests = [guest("i1", "a", **IDLE, cpu_entitlement_min_percent=5), guest("i2", "a", **IDLE)]
    [change] = park(board(world(looks, guests)), "idle=yes").changes
    assert (FieldChange("cpu.entitlement", "", "5%"),) == change.fields
    assert "90 % of a CPU less is kept for it" == change.gain


def test_shrunk_guests_fit_together_where_they_did_not_before() -> None:
    """4 guests of 50 % on a host with 1 CPU: they are shrunk before they go, and are one at once."""
    cpu: dict[str, Any] = {"cpu_entitlement_percent": 50}
    names = ("i1", "i2", "i3", "i4")
    looks = [*(host(f"h{name}", registration(name, 1024, **cpu)) for name in names), host("small", cpus=1)]
    guests = [guest(name, f"h{name}", **IDLE, cpu_entitlement_min_percent=25) for name in names]
    proposal = park(board(world(looks, guests)), "idle=yes", onto=["small"])
    assert dict.fromkeys(names, "small") == homes(proposal)
    assert () == proposal.notes
    fleet = world(looks, guests)
    plan = World(applied(fleet.desired, proposal), fleet.observed, {}).plan()
    assert ({}, 4) == (refusals(plan), sum(line.endswith("small online") for line in told(plan)))


def test_nobody_goes_down_for_it_unless_told() -> None:
    disks: dict[str, Any] = {"disks": (local_disk(10),)}
    looks = [host("a", registration("i1", **disks)), host("b", registration("i2", **disks))]
    guests = [guest("i1", "a", **IDLE, downtime=ALLOWED), guest("i2", "b", **IDLE)]
    assert {} == homes(park(board(world(looks, guests)), "idle=yes"))
    assert {"i1": "b"} == homes(park(board(world(looks, guests)), "idle=yes", downtime=True))


def test_who_could_go_onto_a_named_host_and_does_not_is_told_why() -> None:
    looks = [host("a", registration("i1", disks=(local_disk(10),))), host("b", registration("x"))]
    fleet = world(looks, [guest("i1", "a", **IDLE, downtime=ALLOWED), guest("x", "b")])
    [i1] = park(board(fleet), "idle=yes", onto=["b"]).unplaced
    assert ("DowntimeForbidden", True) == (i1.reason, "b: it would be down for it (--allow-downtime)" in i1.text)
    softly = PlacementRule("apart", RuleKind.APART, HERE, names=("i1", "x"), enforcement=Enforcement.PREFERRED)
    fleet = replace(fleet, desired=replace(fleet.desired, rules={softly.name: softly}))
    [i1] = park(board(fleet), "idle=yes", onto=["b"], downtime=True).unplaced
    assert ("PlacementRuleViolated", True) == (i1.reason, "b: a preferred rule would be broken" in i1.text)


def test_a_parking_that_is_carried_out_leaves_nothing_to_propose() -> None:
    """On c, with its overhead, i1 is larger than i4 and would come first to b; on a it is smaller, and both of d fit
    on b."""
    half: dict[str, Any] = {"cpu_entitlement_percent": 50}
    looks = [
        host("a", registration("x1", 2048), registration("i2"), registration("i3", 2048), memory_mib=9300),
        host("b", registration("x2", 2048), memory_mib=3584, cpus=1),
        host("c", registration("i1", 1020, cpu_entitlement_percent=60), memory_mib=1100, memory_overhead_percent=5),
        host("d", registration("i4", 1024, **half), registration("i5", 512, **half), memory_mib=1536),
    ]
    guests = [guest(f"i{number}", there, **IDLE) for number, there in enumerate("caadd", 1)]
    fleet = world(looks, [*guests, guest("x1", "a"), guest("x2", "b")])
    proposal = park(board(fleet), "idle=yes")
    assert ("c", "d") == proposal.emptied
    assert () == park(board(as_proposed(fleet, proposal)), "idle=yes").changes


def test_guests_that_cannot_be_spoken_of_are_named() -> None:
    looks = [host("a", registration("i1")), host("b", registration("i2"))]
    guests = [guest("i1", "a", **IDLE, suspend=Suspension("exam week")), guest("i2", "b", **IDLE)]
    proposal = park(board(world(looks, guests)), "idle=yes")
    assert [("i1", "GuestSuspended")] == [(entry.guest, entry.reason) for entry in proposal.unplaced]


def test_a_label_that_nobody_has_is_said() -> None:
    assert "no guest has the label idle=perhaps" == park(board(scattered()), "idle=perhaps").text
