"""Balancing: few moves, each with a gain that pays for what it carries, and nothing where hosts are close enough."""

from __future__ import annotations

from typing import Any

from reconciler.core.desired import Host, Suspension
from reconciler.core.proposing.balance import balance
from tests.core.fleets import ALLOWED, HERE, World, guest, host, local_disk, registration, world
from tests.core.proposing.boards import as_proposed, board, homes


def fleet(*sizes: tuple[int, ...], **fields: Any) -> World:
    """Hosts a, b, … of 16 GiB with guests of so many GiB; `a0` is the first of a."""
    looks, guests = [], []
    for name, here in zip("abcdef", sizes, strict=False):
        looks.append(host(name, *(registration(f"{name}{n}", size * 1024, **fields) for n, size in enumerate(here))))
        guests += [guest(f"{name}{n}", name) for n in range(len(here))]
    return world(looks, guests)


def test_one_guest_goes_from_the_fullest_host_to_the_emptiest() -> None:
    proposal = balance(board(fleet((4, 4, 4), (4,), ())))
    assert {"a0": "c"} == homes(proposal)
    [change] = proposal.changes
    assert "a is 42 points fuller than all hosts together, which are at 33 % of memory" == change.reason
    assert "a from 75 to 50 % of memory, c from 0 to 25 %" == change.gain
    assert "furthest above all hosts together will be a: at 50 % of its memory, 17 points over them" == proposal.text


def test_hosts_that_are_close_enough_are_left_alone() -> None:
    proposal = balance(board(fleet((4, 4, 1), (4, 2))))
    assert () == proposal.changes
    assert proposal.text.endswith("9 points over them; nothing is proposed below 10")


def test_a_move_that_only_swaps_full_and_empty_is_none() -> None:
    """The only guest of a would leave it as empty as b is now."""
    proposal = balance(board(fleet((12,), ())))
    assert () == proposal.changes
    assert proposal.text.endswith("no move that is possible gains enough")
    assert ("a0 stays on a: on b it would gain too little.",) == proposal.notes


def test_cpu_counts_as_memory_does() -> None:
    looks = [
        host("a", *(registration(f"a{n}", 1024, cpu_entitlement_percent=100) for n in range(4)), cpus=4),
        host("b", registration("b0", 4096), cpus=4),
    ]
    guests = [*(guest(f"a{n}", "a") for n in range(4)), guest("b0", "b")]
    proposal = balance(board(world(looks, guests)))
    assert {"a0": "b", "a1": "b"} == homes(proposal)
    assert "a is 50 points fuller than all hosts together, which are at 50 % of CPU" == proposal.changes[0].reason


def test_guests_go_down_for_it_only_where_told_and_allowed() -> None:
    disks: dict[str, Any] = {"disks": (local_disk(100),)}
    looks = [host("a", *(registration(f"a{n}", 4096, **disks) for n in range(3))), host("b")]
    guests = [guest("a0", "a"), guest("a1", "a"), guest("a2", "a", downtime=ALLOWED)]
    without = balance(board(world(looks, guests)))
    assert {} == homes(without)
    assert "a2 stays on a: it would be down for it (--allow-downtime)." == without.notes[2]
    assert without.notes[0].startswith("a0 stays on a: b: online: local disks; offline: a0 would go down")
    assert {"a2": "b"} == homes(balance(board(world(looks, guests)), downtime=True))


def test_no_more_moves_than_asked_for() -> None:
    full = fleet((1,) * 12, ())
    proposal = balance(board(full), moves_max=2)
    assert 2 == len(proposal.changes)
    assert proposal.notes[0].startswith("2 moves are proposed at most")
    assert 5 == len(balance(board(full)).changes)


def test_hosts_that_are_closed_neither_count_nor_take() -> None:
    looks = [host("a", registration("a0", 4096), registration("a1", 4096)), host("b")]
    hosts = {"b": Host("b", "test", HERE, maintenance=Suspension("disks"))}
    proposal = balance(board(world(looks, [guest("a0", "a"), guest("a1", "a")], hosts=hosts)))
    assert ((), "there are no two hosts that guests may come to") == (proposal.changes, proposal.text)


def test_a_guest_without_a_document_counts_and_stays() -> None:
    looks = [host("a", registration("own", 2048), registration("stranger", 10240)), host("b")]
    assert {"own": "b"} == homes(balance(board(world(looks, [guest("own", "a")]))))


def test_what_was_proposed_is_not_taken_back() -> None:
    before = fleet((4, 4, 4), (2, 2), ())
    after = as_proposed(before, balance(board(before)))
    assert () == balance(board(after)).changes
