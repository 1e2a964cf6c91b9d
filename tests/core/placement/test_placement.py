"""Placement rules over guests and hosts: what they say, what a declared end state breaks, and what would mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.desired import (
    DesiredFleet,
    Enforcement,
    Fleet,
    Guest,
    Host,
    Operator,
    PlacementRule,
    Requirement,
    RuleKind,
    Suspension,
)
from reconciler.core.desired.placement import Placement
from reconciler.core.desired.violations import Violation, broken, violations
from reconciler.errors import Location, Problem
from tests.core.fleets import HERE

APART, TOGETHER, HOSTS = RuleKind.APART, RuleKind.TOGETHER, RuleKind.HOSTS
WEB = {"app": "web"}


def rule(kind: RuleKind, name: str = "r", **fields: Any) -> PlacementRule:
    """About guests with the label `app: web`, unless it names some."""
    fields = {"labels": {} if "names" in fields else WEB, **fields}
    return PlacementRule(name, kind, Location("rules.yaml", 7), **fields)


def preferred(kind: RuleKind, **fields: Any) -> PlacementRule:
    return rule(kind, enforcement=Enforcement.PREFERRED, **fields)


def wanting(*values: str, operator: Operator = Operator.IN, **fields: Any) -> PlacementRule:
    return rule(HOSTS, requirements=(Requirement("site", operator, values),), **fields)


def host(name: str, **fields: Any) -> Host:
    labels = {key: fields.pop(key) for key in list(fields) if key in ("site", "rack")}
    return Host(name, "test", HERE, labels=labels, **fields)


def fleet(
    homes: Mapping[str, str], *rules: PlacementRule, hosts: tuple[Host, ...] = (), quarantined: tuple[str, ...] = ()
) -> DesiredFleet:
    """Guests of the app web, each in a file of its own; hosts a, b and c, unless others are given."""
    declared = hosts or (host("a"), host("b"), host("c"))
    return DesiredFleet(
        Fleet("test", HERE),
        {each.name: each for each in declared},
        {name: Guest(name, home, Location(f"{name}.yaml"), labels=WEB) for name, home in sorted(homes.items())},
        {name: Problem("unknown-word", HERE, "its document cannot be read") for name in quarantined},
        rules={each.name: each for each in rules},
    )


def only(desired: DesiredFleet) -> Violation:
    (found,) = violations(desired)
    return found


def told(desired: DesiredFleet) -> tuple[str, str, str]:
    found = only(desired)
    return found.code.value, found.text, found.fix


# ------------------------------------------------------------------------------------------------- whom rules are about


def test_a_rule_is_about_guests_that_have_all_its_labels_and_about_those_it_names() -> None:
    desired = fleet({"w1": "a", "w2": "a"}, rule(APART, labels={"app": "web", "tier": "x"}, names=("w2",)))
    other = Guest("w3", "a", HERE, labels={"app": "web", "tier": "x", "more": "1"})
    desired = DesiredFleet(desired.fleet, desired.hosts, {**desired.guests, "w3": other}, rules=desired.rules)
    placement = Placement.of(desired)
    assert {"r": ("w2", "w3")} == placement.members
    assert {"w2": ["r"], "w3": ["r"]} == {
        name: [each.name for each in rules] for name, rules in placement.bearing.items()
    }


def test_a_rule_about_no_guest_is_a_warning_that_says_what_it_looks_for() -> None:
    desired = fleet({"w1": "a"}, rule(APART, labels={"app": "wbe"}))
    text = "rule r is about no guest that is declared"
    fix = "write labels that guests have: app: wbe; or take the rule out"
    assert ("rule-without-guests", text, fix) == told(desired)
    assert (False, Location("rules.yaml", 7)) == (only(desired).required, only(desired).location)


def test_a_named_guest_that_cannot_be_read_is_no_reason_to_call_the_rule_useless() -> None:
    desired = fleet({}, rule(APART, names=("w1",)), quarantined=("w1",))
    assert () == violations(desired)
    assert ("r/a",) == Placement.of(desired).exclusive("w1", "a")


# ------------------------------------------------------------------------------------------- apart


def test_guests_on_one_host_that_must_be_apart_are_broken_and_the_next_free_hosts_are_named() -> None:
    desired = fleet({"w1": "a", "w2": "a", "w3": "b"}, rule(APART, reason="they peak together"))
    assert (
        "rule-broken",
        "2 guests are declared on a: w1, w2, and at most 1 of rule r may be there (they peak together)",
        "declare 1 of them elsewhere; the rule has a place on c",
    ) == told(desired)
    found = only(desired)
    assert (True, ("w1", "w2"), ("a",)) == (found.required, found.guests, found.hosts)
    assert Location("w2.yaml") == found.location, "the first one too many"
    assert (Location("w1.yaml"), Location("w2.yaml")) == found.documents
    assert {"w1", "w2"} == set(broken(Placement.of(desired)))


def test_more_guests_than_hosts_is_impossible_and_says_how_many_hosts_are_missing() -> None:
    desired = fleet({"w1": "a", "w2": "a", "w3": "b", "w4": "c"}, rule(APART))
    fix = "its 4 guests need 4 hosts, and 3 may be chosen for them: 1 more would do, or a larger `most`"
    assert ("rule-impossible", fix) == (told(desired)[0], told(desired)[2])


def test_hosts_that_nobody_may_choose_or_that_other_rules_exclude_do_not_count_as_room() -> None:
    hosts = (host("a", site="n"), host("b", site="n", schedulable=False), host("c", site="s"), host("d", site="n"))
    desired = fleet({"w1": "a", "w2": "a", "w3": "d"}, rule(APART), wanting("n", name="north"), hosts=hosts)
    fix = "its 3 guests need 3 hosts, and 2 may be chosen for them: 1 more would do, or a larger `most`"
    assert ("rule-impossible", fix) == (told(desired)[0], told(desired)[2])


def test_as_many_as_the_rule_says_may_share_a_rack() -> None:
    hosts = (host("a", rack="1"), host("b", rack="1"), host("c", rack="2"))
    two = rule(APART, topology_key="rack", most=2)
    assert () == violations(fleet({"w1": "a", "w2": "b", "w3": "c"}, two, hosts=hosts))
    desired = fleet({"w1": "a", "w2": "b", "w3": "a"}, two, hosts=hosts)
    text = "3 guests are declared on rack 1: w1, w2, w3, and at most 2 of rule r may be there"
    assert ("rule-broken", text, "declare 1 of them elsewhere; the rule has a place on c") == told(desired)


def test_a_host_without_the_label_is_in_no_domain_and_may_not_have_such_guests() -> None:
    hosts = (host("a", rack="1"), host("b"), host("c", rack="2"))
    desired = fleet({"w1": "b"}, rule(APART, topology_key="rack"), hosts=hosts)
    assert (
        "rule-broken",
        "guest w1 is declared on b, against rule r: b has no label rack, and so is in no domain of this rule",
        "declare it on one of: a, c",
    ) == told(desired)
    placement = Placement.of(desired)
    assert [0] == [placement.capacity_of(key) for key in placement.exclusive("w1", "b")]


def test_a_label_that_no_host_has_is_said_once_and_where_the_rule_stands() -> None:
    hosts = (host("a", site="n"), host("b", site="s"))
    desired = fleet({"w1": "a", "w2": "b"}, rule(TOGETHER, topology_key="rack"), hosts=hosts)
    fix = "label the hosts, or go by another key; labels that hosts have: site"
    assert ("rule-without-hosts", "rule r goes by host label rack, which no host has", fix) == told(desired)
    assert (True, ("w1", "w2"), Location("rules.yaml", 7)) == (
        only(desired).required,
        only(desired).guests,
        only(desired).location,
    )


def test_a_preferred_rule_is_a_warning_and_keeps_nobody_from_moving() -> None:
    desired = fleet({"w1": "a", "w2": "a"}, preferred(APART))
    assert not only(desired).required
    assert {} == broken(Placement.of(desired))


# ------------------------------------------------------------------------------------------- together


def test_the_guest_that_is_not_where_the_others_are_is_the_one_that_breaks_the_rule() -> None:
    desired = fleet({"w1": "a", "w2": "a", "w3": "b"}, rule(TOGETHER))
    text = "guest w3 is declared apart from w1, w2 on a, and rule r wants them on one host"
    assert ("rule-broken", text, "declare it on a") == told(desired)
    assert {"w3"} == set(broken(Placement.of(desired)))


def test_where_nobody_can_tell_who_is_astray_all_are() -> None:
    hosts = (host("a", site="n"), host("b", site="s"))
    desired = fleet({"w1": "a", "w2": "b"}, rule(TOGETHER, topology_key="site"), hosts=hosts)
    text = "guests are declared apart, on site n, site s, and rule r wants them on one site"
    assert ("rule-broken", text, "declare them together") == told(desired)
    assert {"w1", "w2"} == set(broken(Placement.of(desired)))


def test_guests_are_together_on_different_hosts_of_one_site() -> None:
    hosts = (host("a", site="n"), host("b", site="n"), host("c", site="s"))
    assert () == violations(fleet({"w1": "a", "w2": "b"}, rule(TOGETHER, topology_key="site"), hosts=hosts))


# ------------------------------------------------------------------------------------------- kinds of hosts


SITES = (host("a", site="n"), host("b", site="s"), host("c"))


def test_a_guest_on_a_host_of_another_kind_is_told_which_hosts_would_do() -> None:
    text = "guest w1 is declared on b, against rule r: it wants hosts where site is n; b has site s"
    assert ("rule-broken", text, "declare it on a") == told(fleet({"w1": "b"}, wanting("n"), hosts=SITES))


@pytest.mark.parametrize(("operator", "fine"), [(Operator.IN, ["a"]), (Operator.NOT_IN, ["b", "c"])])
def test_a_host_without_the_label_has_none_of_the_values(operator: Operator, fine: list[str]) -> None:
    placement = Placement.of(fleet({"w1": "a"}, wanting("n", operator=operator), hosts=SITES))
    assert fine == [name for name in "abc" if placement.allowed("w1", name) is None]
    assert set(fine) == placement.open_hosts("w1")


def test_hosts_may_be_told_by_name() -> None:
    named = rule(HOSTS, requirements=(Requirement("host", Operator.NOT_IN, ("a",)),))
    text = "guest w1 is declared on a, against rule r: it wants hosts where host is not a; a has the name a"
    assert text == only(fleet({"w1": "a"}, named)).text


def test_rules_that_leave_no_host_between_them_are_impossible_together() -> None:
    desired = fleet({"w1": "a"}, wanting("n"), wanting("s", name="s"), hosts=SITES)
    assert ("rule-impossible", "its other rules leave none of b") == (told(desired)[0], told(desired)[2])


def test_a_kind_of_host_that_there_is_not_is_impossible() -> None:
    desired = fleet({"w1": "a"}, wanting("w"), hosts=SITES)
    assert ("rule-impossible", "no host that may be chosen is such; label one") == (told(desired)[0], told(desired)[2])


@pytest.mark.parametrize("held", ["maintenance", "suspend"])
def test_a_host_that_is_held_still_is_not_proposed(held: str) -> None:
    hosts = (host("a", site="n", **{held: Suspension("new fan")}), host("b", site="s"), host("d", site="n"))
    assert "declare it on d" == only(fleet({"w1": "b"}, wanting("n"), hosts=hosts)).fix


def test_a_preference_about_hosts_costs_where_it_is_not_kept() -> None:
    placement = Placement.of(fleet({"w1": "a"}, preferred(HOSTS, requirements=wanting("n").requirements), hosts=SITES))
    assert [0, 1, 1] == [placement.cost("w1", name) for name in "abc"]
    assert placement.allowed("w1", "b") is None


# -------------------------------------------------------------------------------- what keys promise in flight


def test_a_key_is_held_on_each_host_of_a_domain_and_by_guests_of_its_rule_alone() -> None:
    hosts = (host("a", rack="1"), host("b", rack="1"), host("c", rack="2"))
    racks = rule(APART, "racks", topology_key="rack", most=2, names=("w1",))
    placement = Placement.of(fleet({"w1": "a", "w2": "b"}, rule(APART, "apart"), racks, hosts=hosts))
    assert [("apart/a", "racks/1"), ("apart/b", "racks/1"), ("apart/c", "racks/2")] == [
        placement.exclusive("w1", name) for name in "abc"
    ]
    assert ("apart/b",) == placement.exclusive("w2", "b")
    assert [1, 2] == [placement.capacity_of("apart/a"), placement.capacity_of("racks/1")]
    assert () == placement.exclusive("nobody", "a") == placement.exclusive("w1", "elsewhere")


def test_only_required_rules_hold_keys_unless_preferred_ones_are_asked_for() -> None:
    placement = Placement.of(fleet({"w1": "a"}, preferred(APART)))
    assert () == placement.exclusive("w1", "a")
    assert ("r/a",) == placement.exclusive("w1", "a", required=False)


def test_what_rules_say_of_a_guest_on_a_host_counts_the_others_where_they_are_declared() -> None:
    desired = fleet(
        {"w1": "a", "w2": "b"}, rule(APART, "apart"), rule(TOGETHER, "sites", topology_key="site"), hosts=SITES
    )
    found = [(each.rule.name, each.kept, each.text) for each in Placement.of(desired).rulings("w1", "b")]
    assert [
        ("apart", False, "b has w2, and at most 1 of rule apart may be there"),
        ("sites", True, "site s: with w2"),
    ] == found


# ------------------------------------------------------------------------------------------- any fleet at all

KINDS = st.sampled_from(RuleKind)


@st.composite
def fleets(draw: st.DrawFn) -> DesiredFleet:
    """Up to four hosts in racks or in none, up to six guests, up to three rules."""
    hosts = [
        host(f"h{number}", **({"rack": rack} if rack else {}), schedulable=draw(st.booleans()))
        for number, rack in enumerate(draw(st.lists(st.sampled_from(["1", "2", ""]), min_size=1, max_size=4)))
    ]
    names = [each.name for each in hosts]
    homes = {f"g{number}": draw(st.sampled_from(names)) for number in range(draw(st.integers(0, 6)))}
    rules = [
        PlacementRule(
            f"r{number}",
            draw(KINDS),
            HERE,
            names=tuple(sorted(draw(st.sets(st.sampled_from(sorted(homes)))))) if homes else (),
            labels=WEB if draw(st.booleans()) else {},
            topology_key=draw(st.sampled_from(["host", "rack"])),
            most=draw(st.integers(1, 3)),
            requirements=(Requirement("rack", draw(st.sampled_from(Operator)), ("1",)),),
            enforcement=draw(st.sampled_from(Enforcement)),
        )
        for number in range(draw(st.integers(0, 3)))
    ]
    return fleet(homes, *rules, hosts=tuple(hosts))


def kept(each: PlacementRule, desired: DesiredFleet, members: tuple[str, ...]) -> bool:
    """The meaning of a rule, spelt out."""
    hosts = [desired.hosts[desired.guests[name].host] for name in members]
    if each.kind is RuleKind.HOSTS:
        return all(entry.met_by(found) for found in hosts for entry in each.requirements)
    domains = Counter(each.domain(found) for found in hosts)
    if None in domains:
        return False
    return len(domains) <= 1 if each.kind is RuleKind.TOGETHER else all(n <= each.most for n in domains.values())


@given(fleets())
def test_a_rule_is_reported_exactly_when_it_is_not_kept(desired: DesiredFleet) -> None:
    placement = Placement.of(desired)
    reported = {found.rule for found in violations(desired) if found.guests}
    assert {
        name for name, each in desired.rules.items() if not kept(each, desired, placement.members[name])
    } == reported


@given(fleets())
def test_who_is_kept_from_moving_is_in_a_required_rule_that_is_broken_and_the_others_keep_it(
    desired: DesiredFleet,
) -> None:
    """With the guests gone that break them, what is left keeps every rule."""
    placement = Placement.of(desired)
    gone = broken(placement)
    for name in gone:
        assert any(each.required for each in placement.bearing[name])
    left = fleet(
        {name: each.host for name, each in desired.guests.items() if name not in gone},
        *(each for each in desired.rules.values() if each.required),
        hosts=tuple(desired.hosts.values()),
        quarantined=tuple(gone),
    )
    assert () == tuple(found for found in violations(left) if found.guests)


@given(fleets())
def test_required_rules_that_keep_guests_apart_are_kept_exactly_when_no_key_is_held_too_often(
    desired: DesiredFleet,
) -> None:
    placement = Placement.of(desired)
    held = Counter(key for name, each in desired.guests.items() for key in placement.exclusive(name, each.host))
    over = {key for key, count in held.items() if count > placement.capacity_of(key)}
    apart = [each for each in desired.rules.values() if each.required and each.kind is RuleKind.APART]
    assert bool(over) is any(not kept(each, desired, placement.members[each.name]) for each in apart)


@given(fleets())
def test_what_a_violation_proposes_mends_it_as_far_as_rules_about_hosts_go(desired: DesiredFleet) -> None:
    placement = Placement.of(desired)
    for found in violations(desired):
        if found.code.value == "rule-broken" and desired.rules[found.rule].kind is RuleKind.HOSTS:
            proposed = (
                found.fix.removeprefix("declare it on ").removeprefix("declare them on ").removeprefix("one of: ")
            )
            for name in proposed.split(", "):
                assert desired.hosts[name].schedulable
                assert all(each.kept for each in placement.rulings(found.guests[0], name) if each.rule.kind is HOSTS
                           and each.rule.required)  # fmt: skip


@given(fleets(), st.randoms(use_true_random=False))
def test_the_order_of_documents_changes_nothing(desired: DesiredFleet, random: Any) -> None:
    shuffled = list(desired.guests.items())
    random.shuffle(shuffled)
    other = DesiredFleet(desired.fleet, desired.hosts, dict(shuffled), rules=desired.rules)
    assert violations(desired) == violations(other)
