"""Placement rules: apart at every moment and at any speed, as wanted in the end, and never worse than before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.desired import Enforcement, Limits, Operator, PlacementRule, Requirement, RuleKind
from reconciler.core.model import StepKind
from reconciler.core.observed import Unreachable
from reconciler.errors import Problem
from tests.core.fleets import HERE, STOPPED, World, away, guest, host, record, registration, told, world
from tests.core.planning.verify.plans import changed, move, plan_of, proven, refused, with_host

WEB = {"app": "web"}
APART, TOGETHER, HOSTS = RuleKind.APART, RuleKind.TOGETHER, RuleKind.HOSTS
WIDE = Limits(concurrent=9, concurrent_in=9, concurrent_out=9, concurrent_host=9)
RACKS = {"a": "r1", "b": "r1", "c": "r2", "d": "r3"}


def rule(kind: RuleKind, **fields: Any) -> PlacementRule:
    return PlacementRule("web", kind, HERE, **{"labels": WEB, **fields})


def ruled(fleet: World, *rules: PlacementRule, racks: dict[str, str] = RACKS) -> World:
    """The fleet under these rules, its hosts in racks."""
    hosts = {
        name: replace(document, labels={"rack": racks[name]} if name in racks else {})
        for name, document in fleet.desired.hosts.items()
    }
    named = {each.name: each for each in rules}
    return replace(fleet, desired=replace(fleet.desired, hosts=hosts, rules=named))


def two(*rules: PlacementRule, x: str = "b", y: str = "a", **settings: Any) -> World:
    """x on a and y on b, both of the app web, and an empty c and d."""
    looks = [host("a", registration("x")), host("b", registration("y")), host("c"), host("d")]
    guests = [guest("x", x, labels=WEB), guest("y", y, labels=WEB)]
    return ruled(world(looks, guests, limits=WIDE), *rules, **settings)


@pytest.mark.parametrize("labels", [WEB, None], ids=["its labels", "unknown labels"])
def test_a_guest_whose_document_cannot_be_read_is_kept_apart_all_the_same(labels: dict[str, str] | None) -> None:
    fleet = two(rule(APART), x="a")
    others = {"y": fleet.desired.guests["y"]}
    problem = Problem("unknown-field", HERE, "what is this")
    desired = replace(fleet.desired, guests=others, quarantined={"x": problem}, quarantined_labels={"x": labels})
    fleet = replace(fleet, desired=desired)
    refused(fleet, plan_of(fleet, move(fleet, "y", "b", "a", 0)), "could come to a")


def test_a_guest_on_a_host_that_cannot_be_read_is_where_it_was_seen_last() -> None:
    fleet = two(rule(APART, topology_key="rack"), x="d", y="c", racks={"a": "r2", "b": "r1", "c": "r2", "d": "r3"})
    known = replace(fleet.desired.guests["x"], uuid="uuid-x")
    fleet = replace(fleet, desired=replace(fleet.desired, guests={**fleet.desired.guests, "x": known}))
    y = move(fleet, "y", "b", "c", 10)
    refused(fleet, plan_of(fleet, y), "could come to rack r2")
    unread = Unreachable("a", "connection refused", ("uuid-x",))
    unseen = replace(fleet, observed=replace(fleet.observed, hosts={**fleet.observed.hosts, "a": unread}))
    refused(unseen, plan_of(unseen, y), "could come to rack r2")


# --- apart -----------------------------------------------------------------------------------------------------------


def test_two_that_must_be_apart_do_not_meet_on_the_way() -> None:
    """There is room for both on a and on b: only the rule makes one of them rest."""
    fleet = two(rule(APART))
    rest = move(fleet, "x", "a", "c", 0)
    y = move(fleet, "y", "b", "a", 10, after=(rest.id,))
    home = move(fleet, "x", "c", "b", 20, after=(rest.id, y.id))
    plan = plan_of(fleet, rest, y, home)
    proven(fleet, plan)
    sentence = "could come to a before rule web has a place there: at most 1 may be"
    refused(fleet, changed(plan, y, after=()), sentence)
    refused(fleet, changed(plan, y, start_s=5.0, after=()), sentence)
    refused(fleet, changed(plan, home, after=(rest.id,)), "could come to b")
    straight = move(fleet, "x", "a", "b", 0)
    refused(fleet, plan_of(fleet, straight, move(fleet, "y", "b", "a", 10, after=(straight.id,))), "could come to b")


def test_a_domain_is_what_the_label_says() -> None:
    """a and b are one rack: within it nothing comes or goes."""
    both = two(rule(APART, topology_key="rack", most=2))
    x, y = move(both, "x", "a", "b", 0), move(both, "y", "b", "a", 10)
    proven(both, plan_of(both, x, y))
    apart = two(rule(APART, topology_key="rack"), x="c", y="d")
    x, y = move(apart, "x", "a", "c", 0), move(apart, "y", "b", "d", 10)
    proven(apart, plan_of(apart, x, y))
    meet = two(rule(APART, topology_key="rack"), x="c", y="d", racks={**RACKS, "d": "r2"})
    refused(meet, plan_of(meet, x, y), "could come to rack r2 before rule web has a place there: at most 1 may be")


def test_what_was_too_many_before_may_become_fewer_and_not_more() -> None:
    looks = [host("a", registration("x"), registration("y")), host("b", registration("z")), host("c"), host("d")]
    guests = [guest("x", "c", labels=WEB), guest("y", "d", labels=WEB), guest("z", "a", labels=WEB)]
    fleet = ruled(world(looks, guests), rule(APART))
    x, y = move(fleet, "x", "a", "c", 0), move(fleet, "y", "a", "d", 10)
    proven(fleet, plan_of(fleet, x, y, move(fleet, "z", "b", "a", 20, after=(x.id, y.id))))
    refused(fleet, plan_of(fleet, x, y, move(fleet, "z", "b", "a", 20, after=(x.id,))), "could come to a")


def test_a_host_in_no_domain_takes_none_of_them() -> None:
    fleet = two(rule(APART, topology_key="rack"), x="c", y="b", racks={"a": "r1", "b": "r2", "c": "r3"})
    over_d = move(fleet, "x", "a", "d", 0)
    plan = plan_of(fleet, over_d, move(fleet, "x", "d", "c", 10, after=(over_d.id,)))
    refused(fleet, plan, "comes to d, which is in no domain of rule web")


def test_stopped_ones_unreadable_ones_and_ones_under_way_count_as_well() -> None:
    """y may be started in a minute; a move of z by somebody else is under way to c."""
    stopped = ruled(
        world(
            [host("a", registration("x")), host("b", registration("y", state=STOPPED)), host("c")],
            [guest("x", "b", labels=WEB), guest("y", "b", labels=WEB)],
        ),
        rule(APART),
    )
    refused(stopped, plan_of(stopped, move(stopped, "x", "a", "b", 0)), "could come to b")
    coming = world(
        [host("a", registration("x")), host("b", registration("z"), records=(record("z", "b", "c"),)), host("c")],
        [guest("x", "c", labels=WEB), guest("z", "d", labels=WEB)],
        limits=WIDE,
    )
    coming = ruled(coming, rule(APART))
    refused(coming, plan_of(coming, move(coming, "x", "a", "c", 0)), "could come to c")
    unreadable = two(rule(APART, labels={}, names=("x", "y")))
    documents = {"x": unreadable.desired.guests["x"]}
    unreadable = replace(unreadable, desired=replace(unreadable.desired, guests=documents))
    refused(unreadable, plan_of(unreadable, move(unreadable, "x", "a", "b", 0)), "could come to b")


def test_preferred_rules_and_other_guests_bind_nobody() -> None:
    for fleet in (
        two(rule(APART, enforcement=Enforcement.PREFERRED)),
        two(rule(APART, labels={"app": "db"})),
        two(rule(APART, labels={}, names=("x",))),
    ):
        x, y = move(fleet, "x", "a", "b", 0), move(fleet, "y", "b", "a", 10)
        proven(fleet, plan_of(fleet, x, y))


# --- in the end ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("against", "x", "y", "sentence"),
    [
        (
            rule(HOSTS, requirements=(Requirement("rack", Operator.IN, ("r3",)),)),
            "c",
            "b",
            "ends on c, where rule web does not want it: rack is r3",
        ),
        (
            rule(HOSTS, requirements=(Requirement("rack", Operator.NOT_IN, ("r2",)),)),
            "c",
            "b",
            "ends on c, where rule web does not want it: rack is not r2",
        ),
        (rule(APART), "c", "c", "2 guests of rule web are declared on c, at most 1 may be"),
        (rule(TOGETHER), "c", "b", "ends on c, apart from the others of rule web"),
        (rule(TOGETHER, topology_key="room"), "c", "b", "ends on c, which is in no domain of rule web"),
    ],
)
def test_no_guest_is_moved_against_a_required_rule(against: PlacementRule, x: str, y: str, sentence: str) -> None:
    fleet = two(against, x=x, y=y)
    plan = plan_of(fleet, move(fleet, "x", "a", "c", 0))
    refused(fleet, plan, f"000-x: {sentence}")
    refused_not = two(replace(against, enforcement=Enforcement.PREFERRED), x=x, y="b")
    proven(refused_not, plan)


def test_those_on_hosts_in_no_domain_are_not_the_others_that_a_guest_belongs_to() -> None:
    """Most are on b, which has no rack; of those in a rack most are on c."""
    homes = {"x": "c", "v": "c", "w": "d", "s": "b", "t": "b", "u": "b"}
    looks = [host(name, *(registration(guest) for guest in "vwstu" if homes[guest] == name)) for name in "bcd"]
    looks.append(host("a", registration("x")))
    guests = [guest(name, home, labels=WEB) for name, home in homes.items()]
    racks = {"a": "r1", "c": "r2", "d": "r3"}
    fleet = ruled(world(looks, guests), rule(TOGETHER, topology_key="rack"), racks=racks)
    proven(fleet, plan_of(fleet, move(fleet, "x", "a", "c", 0)))
    assert ["x a → c online"] == told(fleet.plan())


def test_guests_that_belong_together_are_brought_together_one_by_one() -> None:
    fleet = two(rule(TOGETHER, topology_key="rack"), x="c", y="c")
    x = move(fleet, "x", "a", "c", 0)
    proven(fleet, plan_of(fleet, x, move(fleet, "y", "b", "c", 10, after=(x.id,))))


def test_a_guest_may_rest_where_it_must_not_stay() -> None:
    wanted = rule(HOSTS, requirements=(Requirement("rack", Operator.NOT_IN, ("r3",)),))
    fleet = two(wanted, x="c", y="b")
    over_d = move(fleet, "x", "a", "d", 0)
    proven(fleet, plan_of(fleet, over_d, move(fleet, "x", "d", "c", 10, after=(over_d.id,))))


def test_a_guest_that_stands_where_a_rule_does_not_want_it_may_step_aside_and_come_back() -> None:
    wanted = rule(HOSTS, requirements=(Requirement("rack", Operator.IN, ("r2",)),), labels={}, names=("x",))
    fleet = ruled(world([host("a", registration("x")), host("b")], [guest("x", "a", step_aside=True)]), wanted)
    aside = move(fleet, "x", "a", "b", 0)
    proven(fleet, plan_of(fleet, aside, move(fleet, "x", "b", "a", 10, after=(aside.id,))))


def test_nobody_rests_on_a_host_that_nobody_may_choose_but_people_may_declare_it() -> None:
    fleet = with_host(two(x="c", y="b"), "d", schedulable=False)
    over_d = move(fleet, "x", "a", "d", 0)
    plan = plan_of(fleet, over_d, move(fleet, "x", "d", "c", 10, after=(over_d.id,)))
    refused(fleet, plan, "rests on d, which nobody may choose for a guest")
    declared = with_host(two(x="c", y="b"), "c", schedulable=False)
    proven(declared, plan_of(declared, move(declared, "x", "a", "c", 0)))


# --- virtual CPUs and memory that is given away more than once -----------------------------------------------------


def crowd(**ratio: int) -> World:
    """x, 2048 MiB and 2 virtual CPUs, comes to b with 2 CPUs, where y has as much; y leaves."""
    looks = [
        host("a", registration("x", 2048, vcpus=2)),
        host("b", registration("y", 2048, vcpus=2), cpus=2, memory_mib=4096),
        host("c"),
    ]
    fleet = world(looks, [guest("x", "b"), guest("y", "c")])
    return with_host(fleet, "b", **ratio) if ratio else fleet


def test_virtual_cpus_are_counted_where_a_document_limits_them() -> None:
    fleet = crowd(vcpus_per_cpu_percent=150)
    y = move(fleet, "y", "b", "c", 0)
    x = move(fleet, "x", "a", "b", 10, after=(y.id,))
    plan = plan_of(fleet, y, x)
    proven(fleet, plan)
    refused(fleet, changed(plan, x, start_s=0.0, after=()), "b has 1 virtual CPUs left then, 2 are needed")
    refused(fleet, changed(plan, x, after=()), "gone: 2 virtual CPUs on b")
    proven(crowd(vcpus_per_cpu_percent=200), changed(plan, x, after=()))
    proven(crowd(), changed(plan, x, after=()))
    refused(
        fleet, changed(plan, x, load=replace(x.load, vcpus=1)), "the guest takes 2048 MiB of memory and 2 virtual CPUs"
    )


def test_memory_is_given_away_more_than_once_only_as_far_as_the_document_says() -> None:
    fleet = with_host(crowd(), "b", memory_cap_mib=3000)
    x = move(fleet, "x", "a", "b", 0)
    plan = plan_of(fleet, x, move(fleet, "y", "b", "c", 10))
    refused(fleet, plan, "b has 952 MiB of memory left then, 2048 are needed")
    proven(with_host(fleet, "b", memory_overcommit_percent=140), plan)
    refused(with_host(fleet, "b", memory_overcommit_percent=130), plan, "b has 1852 MiB of memory left then")
    reserved = with_host(fleet, "b", memory_overcommit_percent=140, reserve_memory_mib=500)
    refused(reserved, plan, "b has 1452 MiB of memory left then")


def test_room_that_another_move_keeps_has_its_virtual_cpus() -> None:
    coming = record("g", "c", "b", kind=StepKind.MIGRATE, load=registration("g", 100, vcpus=2).load())
    looks = [
        host("a", registration("x", 100, vcpus=2)),
        host("b", cpus=2, records=(coming,)),
        host("c", registration("g", 100, vcpus=2), records=(coming,)),
    ]
    fleet = with_host(world(looks, [guest("x", "b")]), "b", vcpus_per_cpu_percent=100)
    refused(fleet, plan_of(fleet, move(fleet, "x", "a", "b", 0)), "b has 0 virtual CPUs left then, 2 are needed")


def test_an_unread_host_is_in_its_domain_as_far_as_is_known() -> None:
    """What runs there is not known, so nothing comes from it; others are counted as ever."""
    fleet = ruled(
        world([host("a", registration("x")), away("b"), host("c")], [guest("x", "c", labels=WEB)]), rule(APART)
    )
    proven(fleet, plan_of(fleet, move(fleet, "x", "a", "c", 0)))
