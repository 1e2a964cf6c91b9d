"""Whatever the fleet: no proposal overfills a host, none depends on the order of the input, all do as they say."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core import capacity
from reconciler.core.model import Method
from reconciler.core.observed import HostFacts
from reconciler.core.proposing.balance import balance
from reconciler.core.proposing.drain import drain
from reconciler.core.proposing.park import park
from reconciler.core.proposing.proposal import Proposal
from tests.core.fleets import World, world
from tests.core.proposing.boards import as_proposed, board, taken
from tests.core.proposing.random_fleets import settled_fleets


def assert_room(fleet: World, proposal: Proposal) -> None:
    """Counted afresh from what would run where; copies of disks find room, too."""
    after = as_proposed(fleet, proposal)
    for facts in after.observed.reachable():
        most = capacity.capacity(facts, after.desired.hosts[facts.name])
        there, before = taken(after, facts.name), taken(fleet, facts.name)
        assert there.memory_mib <= max(most.memory_mib, before.memory_mib)
        assert there.cpu_percent <= max(most.cpu_percent, before.cpu_percent)
        entries = {entry.name: entry for entry in facts.registrations}
        copied_mib = sum(
            entries[change.guest].copied_mib()
            for change in proposal.changes
            if change.target == facts.name and change.method is not None
        )
        assert copied_mib <= facts.disk_free_mib


def shuffled(fleet: World, chance: random.Random) -> World:
    looks = [
        replace(look, registrations=tuple(chance.sample(look.registrations, len(look.registrations))))
        for look in chance.sample(tuple(fleet.observed.hosts.values()), len(fleet.observed.hosts))
        if isinstance(look, HostFacts)
    ]
    guests = chance.sample(tuple(fleet.desired.guests.values()), len(fleet.desired.guests))
    return world(looks, guests)


@given(settled_fleets(), st.data())
def test_a_drain_empties_the_host_or_names_who_stays(fleet: World, data: st.DataObject) -> None:
    host = data.draw(st.sampled_from(sorted(fleet.observed.hosts)))
    proposal = drain(board(fleet), host)
    assert_room(fleet, proposal)
    after = as_proposed(fleet, proposal).observed.facts(host)
    assert after is not None
    assert {entry.name for entry in after.registrations} == {entry.guest for entry in proposal.unplaced}
    assert all(entry.text for entry in proposal.unplaced)
    aside = [change for change in proposal.changes if fleet.desired.guests[change.guest].host != host]
    assert all(change.downtime_s == 0 for change in aside)
    assert all(change.method is Method.ONLINE for change in aside if change.method is not None)


@given(settled_fleets(), st.data(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(fleet: World, data: st.DataObject, chance: random.Random) -> None:
    host = data.draw(st.sampled_from(sorted(fleet.observed.hosts)))
    assert drain(board(fleet), host) == drain(board(shuffled(fleet, chance)), host)


@given(settled_fleets(), st.booleans(), st.integers(1, 12))
def test_a_balance_that_is_carried_out_is_a_balance(fleet: World, downtime: bool, moves_max: int) -> None:
    """No flapping: what was proposed is enough, unless it was cut short; and then the next one goes on from there."""
    proposal = balance(board(fleet), moves_max=moves_max, downtime=downtime)
    assert_room(fleet, proposal)
    assert len(proposal.changes) <= moves_max
    assert downtime or all(change.downtime_s == 0 for change in proposal.changes)
    again = balance(board(as_proposed(fleet, proposal)), moves_max=moves_max, downtime=downtime)
    if not any("--moves" in note for note in proposal.notes):
        assert () == again.changes
    assert spread(as_proposed(fleet, proposal)) <= spread(fleet)


def spread(fleet: World) -> float:
    """By how many points the fullest host is fuller than all together, by memory or CPU."""
    most = {facts.name: capacity.capacity(facts, None) for facts in fleet.observed.reachable()}
    most = {name: load for name, load in most.items() if load.memory_mib and load.cpu_percent}
    there = {name: taken(fleet, name) for name in most}
    worst = 0.0
    for what in ("memory_mib", "cpu_percent"):
        whole = 100 * sum(getattr(load, what) for load in there.values()) / sum(getattr(m, what) for m in most.values())
        worst = max(worst, *(100 * getattr(there[name], what) / getattr(most[name], what) - whole for name in most))
    return round(worst, 6)


@given(settled_fleets(), st.data(), st.booleans())
def test_parking_goes_no_lower_than_documents_allow_and_ends(fleet: World, data: st.DataObject, downtime: bool) -> None:
    names = sorted(fleet.observed.hosts)
    onto = data.draw(st.lists(st.sampled_from(names), unique=True, max_size=2))
    proposal = park(board(fleet), "idle=yes", onto=onto, downtime=downtime)
    assert_room(fleet, proposal)
    after = as_proposed(fleet, proposal)
    for change in proposal.changes:
        document = after.desired.guests[change.guest]
        assert "yes" == document.labels["idle"]
        for entry in change.fields:
            if entry.field == "memory.size":
                assert document.memory_mib is not None
                assert document.memory_min_mib is not None
                assert document.memory_mib >= max(512, document.memory_min_mib)
            if entry.field == "cpu.entitlement":
                assert document.cpu_entitlement_percent == document.cpu_entitlement_min_percent
        assert downtime or change.downtime_s == 0
        assert not onto or change.method is None or change.target in onto
    assert () == park(board(after), "idle=yes", onto=onto, downtime=downtime).changes
