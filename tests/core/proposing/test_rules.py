"""Placement rules in proposals: what is required is kept by all that is proposed, what is preferred where it costs no
downtime; and hosts that nobody may choose are chosen by nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core import desired as documents
from reconciler.core.desired import Enforcement, Host, Operator, PlacementRule, Requirement, RuleKind
from reconciler.core.desired.violations import violations
from reconciler.core.observed import Look
from reconciler.core.proposing.balance import balance
from reconciler.core.proposing.drain import drain
from reconciler.core.proposing.park import park
from reconciler.core.proposing.proposal import applied
from tests.core.fleets import ALLOWED, HERE, World, guest, host, local_disk, registration, world
from tests.core.proposing.boards import board, homes
from tests.core.proposing.random_fleets import settled_fleets

APART = PlacementRule("apart", RuleKind.APART, HERE, names=("x", "y"))
TOGETHER = PlacementRule("together", RuleKind.TOGETHER, HERE, names=("x", "y"))
IN_RACK = PlacementRule(
    "rack", RuleKind.HOSTS, HERE, names=("x",), requirements=(Requirement("host", Operator.IN, ("c",)),)
)


def ruled(looks: Iterable[Look], guests: Iterable[documents.Guest], *rules: PlacementRule) -> World:
    case = world(looks, guests)
    return replace(case, desired=replace(case.desired, rules={each.name: each for each in rules}))


def both_on_a(*more: Look) -> tuple[list[Look], list[documents.Guest]]:
    looks: list[Look] = [host("a", registration("x", 8192), registration("y")), *more]
    return looks, [guest("x", "a"), guest("y", "a")]


def test_guests_that_shall_be_apart_get_hosts_apart() -> None:
    fleet = ruled(*both_on_a(host("b", memory_mib=65536), host("c")), APART)
    assert {"x": "b", "y": "c"} == homes(drain(board(fleet), "a"))
    alone = drain(board(ruled(*both_on_a(host("b")), APART)), "a")
    assert {"x": "b"} == homes(alone)
    [y] = alone.unplaced
    assert ("PlacementRuleViolated", True) == (y.reason, "rule apart: x would be on b, too" in y.text)


def test_guests_that_shall_be_together_go_together_or_not_at_all() -> None:
    """c is the emptiest for each, and holds only one of the two."""
    small = host("b", memory_mib=14000)
    assert {"x": "b", "y": "b"} == homes(drain(board(ruled(*both_on_a(small), TOGETHER)), "a"))
    proposal = drain(board(ruled(*both_on_a(host("c", memory_mib=8192)), TOGETHER)), "a")
    assert {} == homes(proposal)
    assert ["x", "y"] == [entry.guest for entry in proposal.unplaced]


def test_nobody_steps_aside_to_where_one_that_stays_after_all_may_not_be_near_it() -> None:
    """z could go to c only, which is in a rack with a; and y, from which it shall be apart, cannot leave a."""
    looks = [
        host("a", registration("big", 2048), registration("y", 1024, disks=(local_disk(10),))),
        host("b", registration("z", 1024), memory_mib=2560),
        host("c", memory_mib=1024),
    ]
    racks = {
        name: Host(name, "test", HERE, labels={"rack": rack}) for name, rack in (("a", "1"), ("b", "2"), ("c", "1"))
    }
    fleet = world(looks, [guest("big", "a"), guest("y", "a"), guest("z", "b")], hosts=racks)
    rule = replace(APART, names=("y", "z"), topology_key="rack")
    ruled_fleet = replace(fleet, desired=replace(fleet.desired, rules={rule.name: rule}))
    assert {"big": "b", "z": "c"} == homes(drain(board(fleet), "a"))
    proposal = drain(board(ruled_fleet), "a")
    assert {} == homes(proposal)
    assert ["big", "y"] == [entry.guest for entry in proposal.unplaced]


def test_a_rule_about_hosts_is_kept() -> None:
    assert "c" == homes(drain(board(ruled(*both_on_a(host("b"), host("c", memory_mib=9000)), IN_RACK)), "a"))["x"]


def test_a_preference_goes_before_an_emptier_host_and_after_downtime() -> None:
    softly = replace(IN_RACK, enforcement=Enforcement.PREFERRED)
    looks, guests = both_on_a(host("b"), host("c", memory_mib=9000))
    assert "c" == homes(drain(board(ruled(looks, guests, softly)), "a"))["x"]
    looks = [*looks[:2], host("c", version="4.1")]
    down = [guest("x", "a", downtime=ALLOWED), guest("y", "a")]
    assert "b" == homes(drain(board(ruled(looks, down, softly)), "a"))["x"]


def test_a_balance_meets_no_fewer_preferences_than_before() -> None:
    softly = replace(APART, names=("x", "z"), enforcement=Enforcement.PREFERRED)
    looks: list[Look] = [host("a", registration("x"), registration("y", 8192)), host("b", registration("z", 1024))]
    guests = [guest("x", "a"), guest("y", "a"), guest("z", "b")]
    assert {"x": "b"} == homes(balance(board(ruled(looks, guests))))
    assert "x" not in homes(balance(board(ruled(looks, guests, softly))))


def test_a_host_that_nobody_may_choose_takes_nobody() -> None:
    looks, guests = both_on_a(host("b"))
    hosts = {"b": Host("b", "test", HERE, schedulable=False)}
    proposal = drain(board(world(looks, guests, hosts=hosts)), "a")
    assert {} == homes(proposal)


KINDS = st.sampled_from((RuleKind.APART, RuleKind.TOGETHER, RuleKind.HOSTS))


@st.composite
def ruled_fleets(draw: st.DrawFn) -> World:
    fleet = draw(settled_fleets())
    names = sorted(fleet.desired.guests)
    rules = {}
    for number in range(draw(st.integers(1, 3))):
        kind = draw(KINDS)
        about = tuple(draw(st.lists(st.sampled_from(names), unique=True, max_size=4))) if names else ()
        hosts = tuple(draw(st.lists(st.sampled_from(sorted(fleet.desired.hosts)), min_size=1, unique=True)))
        wanted = (Requirement("host", draw(st.sampled_from(Operator)), hosts),) if kind is RuleKind.HOSTS else ()
        how = draw(st.sampled_from(Enforcement))
        rules[f"r{number}"] = PlacementRule(
            f"r{number}", kind, HERE, names=about, requirements=wanted, enforcement=how, most=draw(st.integers(1, 2))
        )
    return replace(fleet, desired=replace(fleet.desired, rules=rules))


@given(ruled_fleets(), st.data())
def test_no_proposal_breaks_a_required_rule_that_is_kept_now(fleet: World, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(fleet.desired.hosts)))
    kept = set(fleet.desired.rules) - {each.rule for each in violations(fleet.desired) if each.required}
    for proposal in (
        drain(board(fleet), name),
        balance(board(fleet)),
        park(board(fleet), "idle=yes"),
        park(board(fleet), "idle=yes", onto=[name]),
    ):
        after = violations(applied(fleet.desired, proposal))
        assert set() == kept & {each.rule for each in after if each.required}, proposal.action
