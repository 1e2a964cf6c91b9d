"""Draining a host: everybody gets another one, others make room online, and whoever cannot go is named with why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.desired import Host, Operator, PlacementRule, Requirement, RuleKind, Suspension
from reconciler.core.observed import Look
from reconciler.core.proposing.drain import drain
from tests.core.fleets import ALLOWED, HERE, STOPPED, away, guest, host, local_disk, registration, world
from tests.core.proposing.boards import as_proposed, board, homes


def test_every_guest_goes_to_the_emptiest_host_that_takes_it() -> None:
    fleet = world(
        [
            host("a", registration("one", 8192), registration("two", 2048)),
            host("b", registration("x", 4096)),
            host("c"),
        ],
        [guest("one", "a"), guest("two", "a"), guest("x", "b")],
    )
    proposal = drain(board(fleet), "a")
    assert {"one": "c", "two": "b"} == homes(proposal)
    assert () == proposal.unplaced
    assert ("a",) == proposal.emptied
    assert "host a will be empty" == proposal.text
    [one, _] = proposal.changes
    assert ("a is to be empty", 0.0, 8192) == (one.reason, one.downtime_s, one.moved_mib)
    assert "a is 8 GiB emptier; c at 50 % of its memory and 0 % of its CPU with it" == one.gain
    assert () == as_proposed(fleet, proposal).plan().blocked


def test_hosts_that_are_drained_together_take_none_of_each_others_guests() -> None:
    """b is the emptiest host until it is to be empty, too."""
    fleet = world(
        [host("a", registration("one")), host("b", registration("two", 1024)), host("c", registration("x", 4096))],
        [guest("one", "a"), guest("two", "b"), guest("x", "c")],
    )
    proposal = drain(board(fleet), "b", "a", "b")
    assert {"one": "c", "two": "c"} == homes(proposal)
    assert ("a b", ("a", "b"), "hosts a and b will be empty") == (proposal.subject, proposal.emptied, proposal.text)
    assert ["a is to be empty", "b is to be empty"] == [change.reason for change in proposal.changes]


def test_no_later_proposal_fills_a_drained_host() -> None:
    fleet = world(
        [host("a", registration("one")), host("b", registration("two")), host("c", registration("x", 8192))],
        [guest("one", "a"), guest("two", "b"), guest("x", "c")],
    )
    first = drain(board(fleet), "a")
    assert (("a",), {"one": "b"}) == (first.closed, homes(first))
    after = as_proposed(fleet, first)
    assert {"one": "c", "two": "c"} == homes(drain(board(after), "b"))
    assert not drain(board(after), "a").proposes


def test_who_is_still_on_a_drained_host_is_not_declared_there_again() -> None:
    """one is to leave a for b, and has not moved so far."""
    fleet = world(
        [host("a", registration("one")), host("b"), host("c", registration("x", 8192))],
        [guest("one", "b"), guest("x", "c")],
        hosts={"a": Host("a", "test", HERE, schedulable=False)},
    )
    assert {"one": "c"} == homes(drain(board(fleet), "b"))


def test_a_host_that_is_empty_or_keeps_a_guest_is_closed_as_well() -> None:
    fleet = world([host("a", registration("one")), host("b", version="4.1")], [guest("one", "a")])
    proposal = drain(board(fleet), "a", "b")
    assert ((), ("a", "b")) == (proposal.changes, proposal.closed)
    assert ["one"] == [entry.guest for entry in proposal.unplaced]


def test_the_document_of_a_host_under_maintenance_stays_as_it_is() -> None:
    hosts = {"a": Host("a", "test", HERE, maintenance=Suspension("disks"))}
    fleet = world([host("a", registration("one")), host("b")], [guest("one", "a")], hosts=hosts)
    proposal = drain(board(fleet), "a")
    assert ({"one": "b"}, ()) == (homes(proposal), proposal.closed)


def test_a_host_that_is_reached_without_downtime_goes_before_an_emptier_one() -> None:
    fleet = world(
        [host("a", registration("one")), host("b", registration("x", 8192)), host("c", version="4.1")],
        [guest("one", "a", downtime=ALLOWED), guest("x", "b")],
    )
    assert {"one": "b"} == homes(drain(board(fleet), "a"))


def test_another_guest_makes_room_where_one_fits_nowhere() -> None:
    """b and c have 4 GiB each to spare and the guest needs 8: the 4 GiB guest of b goes to c."""
    fleet = world(
        [
            host("a", registration("big", 8192)),
            host("b", registration("a-small", 4096), registration("x", 8192)),
            host("c", registration("y", 12288)),
        ],
        [guest("big", "a"), guest("a-small", "b"), guest("x", "b"), guest("y", "c")],
    )
    proposal = drain(board(fleet), "a")
    assert {"big": "b", "a-small": "c"} == homes(proposal)
    [_, small] = proposal.changes
    assert ("makes room for big, for good", "big") == (small.reason, small.room_for)
    assert "b has 4 GiB for big; c at 100 % of its memory and 0 % of its CPU with it" == small.gain


def test_a_host_that_will_be_nearly_full_is_named() -> None:
    """Shares are rounded down: b has a little room left."""
    fleet = world([host("a", registration("one", 16380)), host("b"), host("c")], [guest("one", "a")])
    proposal = drain(board(fleet), "a")
    told = "Nearly full then: b at 99 % of its memory. What is to start or come there may find no room."
    assert (told,) == proposal.notes
    assert "b at 99 % of its memory" in proposal.changes[0].gain


def test_nobody_makes_room_who_would_be_down() -> None:
    fleet = world(
        [
            host("a", registration("big", 8192)),
            host("b", registration("small", 4096, disks=(local_disk(100),)), registration("x", 8192)),
            host("c", registration("y", 12288)),
        ],
        [guest("big", "a"), guest("small", "b", downtime=ALLOWED), guest("x", "b"), guest("y", "c")],
    )
    proposal = drain(board(fleet), "a")
    assert {} == homes(proposal)
    [big] = proposal.unplaced
    assert ("big", "NoRoom") == (big.guest, big.reason)
    assert "it needs 8 GiB, and no host that may take it has room: b is 4 GiB of memory short" == big.text
    assert [("b", 4096), ("c", 4096)] == [(entry.host, entry.short_mib) for entry in big.obstacles]


def test_a_guest_for_which_there_is_no_method_is_named_with_the_rule() -> None:
    fleet = world([host("a", registration("one")), host("b", version="4.1")], [guest("one", "a")])
    [one] = drain(board(fleet), "a").unplaced
    assert "DowntimeForbidden" == one.reason
    assert "b: online: 4.2 → 4.1; offline: one would go down" in one.text


def test_what_cannot_be_spoken_of_is_named() -> None:
    suspended = replace(guest("held", "a"), suspend=Suspension("exam week"))
    fleet = world(
        [host("a", registration("held"), registration("stranger")), host("b")],
        [suspended, guest("gone", "a")],
        quarantined=["bad"],
    )
    found = {entry.guest: entry.reason for entry in drain(board(fleet), "a").unplaced}
    assert {"held": "GuestSuspended", "stranger": "unmanaged", "gone": "Missing"} == found


def test_what_is_stopped_stays_while_a_host_is_not_read() -> None:
    """It could run there. So could one that is to be stopped before it moves."""
    own = registration("own", disks=(local_disk(10),))
    looks: list[Look] = [host("a", registration("off", state=STOPPED), registration("on"), own), host("b")]
    guests = [guest("off", "a"), guest("on", "a"), guest("own", "a", power="stopped", downtime=ALLOWED)]
    assert {"off", "on", "own"} == homes(drain(board(world(looks, guests)), "a")).keys()
    proposal = drain(board(world([*looks, away("c")], guests)), "a")
    assert {"on": "b"} == homes(proposal)
    assert {"off": "OwnerUnknown", "own": "OwnerUnknown"} == {entry.guest: entry.reason for entry in proposal.unplaced}


def test_closed_hosts_take_nobody() -> None:
    hosts = {
        "b": Host("b", "test", HERE, maintenance=Suspension("disks")),
        "c": Host("c", "test", HERE, suspend=Suspension("audit")),
    }
    looks: list[Look] = [host("a", registration("one")), host("b"), host("c"), away("d")]
    [one] = drain(board(world(looks, [guest("one", "a")], hosts=hosts)), "a").unplaced
    assert "no other host is open for it" == one.text


WONT_MOVE: dict[str, dict[str, Any]] = {
    "suspended": {"suspend": Suspension("audit")},
    "suspended, to be stopped": {"suspend": Suspension("audit"), "power": "stopped"},
    "drifted": {"drifted": "it moved"},
}


@pytest.mark.parametrize("fields", WONT_MOVE.values(), ids=WONT_MOVE)
@pytest.mark.parametrize("declared", ["b", "c"])
def test_a_guest_that_will_not_move_takes_room_where_it_is(declared: str, fields: dict[str, Any]) -> None:
    looks = [host("a", registration("one")), host("b", registration("x"), memory_mib=4096), host("c", memory_mib=4096)]
    proposal = drain(board(world(looks, [guest("one", "a"), guest("x", declared, **fields)])), "a")
    c_is_free = declared == "b" or "power" in fields
    assert ({"one": "c"} if c_is_free else {}) == homes(proposal)


def test_a_guest_that_cannot_go_where_it_is_declared_takes_room_where_it_is() -> None:
    """x would go down on its way to c; once it is declared where it is, c has room for the other."""
    looks = [
        host("a", registration("one")),
        host("b", registration("x", disks=(local_disk(10),)), memory_mib=4096),
        host("c", memory_mib=4096),
    ]
    fleet = world(looks, [guest("one", "a"), guest("x", "c")])
    proposal = drain(board(fleet), "a")
    assert {"one": "c", "x": "b"} == homes(proposal)
    assert () == as_proposed(fleet, proposal).plan().blocked


def test_a_guest_that_does_not_come_and_gets_no_other_host_keeps_its_room() -> None:
    """x is to come to a, which is under maintenance; it may not stay on b, and keeps the room that one would take."""
    looks = [host("a", registration("one")), host("b", registration("x", 2048), memory_mib=5120)]
    hosts = {"a": Host("a", "test", HERE, maintenance=Suspension("disks"))}
    fleet = world(looks, [guest("one", "a"), guest("x", "a")], hosts=hosts)
    required = Requirement("host", Operator.IN, ("a",))
    rule = PlacementRule("x-on-a", RuleKind.HOSTS, HERE, names=("x",), requirements=(required,))
    proposal = drain(board(replace(fleet, desired=replace(fleet.desired, rules={rule.name: rule}))), "a")
    assert ({}, ["one", "x"]) == (homes(proposal), [entry.guest for entry in proposal.unplaced])


def test_a_guest_that_has_no_room_where_it_is_declared_gets_another_host() -> None:
    looks = [host("a", registration("one"), registration("x")), host("b"), host("c", memory_mib=1024)]
    fleet = world(looks, [guest("one", "a"), guest("x", "c")])
    proposal = drain(board(fleet), "a")
    assert {"one": "b", "x": "b"} == homes(proposal)
    assert () == as_proposed(fleet, proposal).plan().blocked
    full = drain(board(world([*looks[:1], host("b", memory_mib=4096), looks[2]], fleet.desired.guests.values())), "a")
    assert [("x", "NoRoom")] == [(entry.guest, entry.reason) for entry in full.unplaced]
    assert "a" not in full.emptied


def test_capacity_is_what_documents_leave_of_it() -> None:
    hosts = {"b": Host("b", "test", HERE, memory_cap_mib=8192, reserve_memory_mib=5000)}
    fleet = world([host("a", registration("one", 4096)), host("b")], [guest("one", "a")], hosts=hosts)
    [one] = drain(board(fleet), "a").unplaced
    assert 4096 - (8192 - 5000) == one.obstacles[0].short_mib


def test_virtual_cpus_count_where_a_host_limits_them() -> None:
    """b may have 4 virtual CPUs together: one can only go there once x is on c, which is too small for one itself."""
    hosts = {"b": Host("b", "test", HERE, vcpus_per_cpu_percent=100)}
    looks = [host("a", registration("one", 8192, vcpus=3)), host("b", registration("x", vcpus=4), cpus=4)]
    guests = [guest("one", "a"), guest("x", "b")]
    [one] = drain(board(world(looks, guests, hosts=hosts)), "a").unplaced
    assert ("NoRoom", "b is 3 virtual CPUs short") == (one.reason, one.text.rpartition(": ")[2])
    fleet = world([*looks, host("c", memory_mib=4096)], guests, hosts=hosts)
    proposal = drain(board(fleet), "a")
    assert {"one": "b", "x": "c"} == homes(proposal)
    assert () == as_proposed(fleet, proposal).plan().blocked


def test_a_guest_that_is_elsewhere_already_is_declared_where_it_is() -> None:
    fleet = world([host("a"), host("b", registration("one", 16384)), host("c")], [guest("one", "a")])
    [one] = drain(board(fleet), "a").changes
    assert ("b", None, 0) == (one.target, one.method, one.moved_mib)


def test_a_guest_that_is_leaving_already_is_left_alone() -> None:
    fleet = world([host("a", registration("one")), host("b")], [guest("one", "b")])
    proposal = drain(board(fleet), "a")
    assert ((), (), "no guest is declared on a, and none is kept there") == (
        proposal.changes,
        proposal.unplaced,
        proposal.text,
    )


def test_a_stopped_guest_takes_no_room() -> None:
    fleet = world(
        [host("a", registration("one", state=STOPPED)), host("b", registration("x", 16384))],
        [guest("one", "a"), guest("x", "b")],
    )
    assert {"one": "b"} == homes(drain(board(fleet), "a"))
