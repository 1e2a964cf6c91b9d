"""What a declared end state breaks of its own placement rules, where that is written, and what would mend it.

Called by `validate`, `diff` and the planner. Judges documents alone: whether a host has room is not known here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.core.desired import HOST_KEY, DesiredFleet, Host, PlacementRule, RuleKind
from reconciler.core.desired.placement import NAMES_SHOWN, Placement, domain_text, may_be_chosen, may_text, names_text
from reconciler.errors import Location


class PlacementFinding(StrEnum):
    """What can be wrong with a declared end state; documented in docs/reference/findings.md."""

    RULE_BROKEN = "rule-broken"
    """Guests are declared where a rule does not want them."""
    RULE_IMPOSSIBLE = "rule-impossible"
    """The same, and no other hosts that may be chosen would do."""
    RULE_WITHOUT_GUESTS = "rule-without-guests"
    """It is about no guest that is declared."""
    RULE_WITHOUT_HOSTS = "rule-without-hosts"
    """No host has the label that it goes by."""
    HOST_OVERFULL = "host-overfull"
    """What is declared on a host takes more than it holds."""
    TOO_FEW_CPUS = "too-few-cpus"
    """A guest has more virtual CPUs than the host it is declared on has CPUs for guests."""
    HOST_IN_MAINTENANCE = "host-in-maintenance"
    """A guest that is elsewhere is declared on a host that takes none for now."""


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong with the declared end state. `required`: nothing is moved against it; else it is a
    warning, and done all the same as far as it can be."""

    code: PlacementFinding
    required: bool
    rule: str
    """Empty where it is about no rule."""
    guests: tuple[str, ...]
    hosts: tuple[str, ...]
    text: str
    """A sentence that names them."""
    fix: str
    location: Location
    """Of the guest or rule to look at first."""
    documents: tuple[Location, ...] = ()
    """Of all guests that have part in it."""


def violations(desired: DesiredFleet, placement: Placement | None = None) -> tuple[Violation, ...]:
    """All that the declared end state breaks, in the order of files and lines."""
    placement = placement or Placement.of(desired)
    found = [each for rule in desired.rules.values() for each in _of_rule(placement, rule)]
    return tuple(sorted(found, key=lambda each: (each.location, each.rule, each.text)))


def broken(placement: Placement) -> Mapping[str, Violation]:
    """Guest -> the first required rule that its declared host breaks: it is not moved there."""
    found: dict[str, Violation] = {}
    for each in violations(placement.desired, placement):
        if each.required:
            for name in each.guests:
                found.setdefault(name, each)
    return found


def _of_rule(placement: Placement, rule: PlacementRule) -> Iterator[Violation]:
    desired, members = placement.desired, placement.members[rule.name]
    if not members:
        if not any(name in desired.quarantined for name in rule.names):
            fix = f"write labels that guests have: {_labels_text(rule)}; or take the rule out"
            yield _useless(rule, PlacementFinding.RULE_WITHOUT_GUESTS, "is about no guest that is declared", fix)
        return
    if rule.kind is RuleKind.HOSTS:
        yield from _outside(placement, rule, members)
        return
    if not any(rule.domain(host) is not None for host in desired.hosts.values()):
        text = f"goes by host label {rule.topology_key}, which no host has"
        useless = _useless(rule, PlacementFinding.RULE_WITHOUT_HOSTS, text, _topologies(desired.hosts.values()))
        yield replace(useless, required=rule.required, guests=members)
        return
    by_domain: dict[str, list[str]] = defaultdict(list)
    for name in members:
        domain = rule.domain(desired.hosts[desired.guests[name].host])
        if domain is not None:
            by_domain[domain].append(name)
    yield from _outside(placement, rule, members)
    yield from (
        _crowded(placement, rule, by_domain) if rule.kind is RuleKind.APART else _scattered(placement, rule, by_domain)
    )


def _outside(placement: Placement, rule: PlacementRule, members: Sequence[str]) -> Iterator[Violation]:
    """Guests on hosts that the rule does not want, whatever the others do."""
    astray: dict[str, list[str]] = defaultdict(list)
    for name in members:
        host = placement.desired.guests[name].host
        if host not in placement.admits[rule.name]:
            astray[host].append(name)
    would_do = {host for host in placement.admits[rule.name] if may_be_chosen(placement.desired.hosts[host])}
    for host, names in astray.items():
        ruling = placement.ruling(rule, names[0], host)
        text = f"{_declared(names)} on {host}, against {_rule_text(rule)}: {ruling.text}{_why(rule)}"
        fitting = sorted(would_do.intersection(*{placement.open_hosts(name) for name in names}))
        if fitting:
            fix = f"declare {_it(names)} on {_one_of(fitting)}"
        elif would_do:
            fix = f"{'its' if len(names) == 1 else 'their'} other rules leave none of {_one_of(sorted(would_do))}"
        else:
            fix = "no host that may be chosen is such; label one"
        yield _broken(placement, rule, names, text, fix, possible=bool(fitting))


def _crowded(placement: Placement, rule: PlacementRule, by_domain: Mapping[str, Sequence[str]]) -> Iterator[Violation]:
    """Domains with more guests than may be in one."""
    hosts = placement.desired.hosts
    members = [name for names in by_domain.values() for name in names]
    open_hosts = frozenset[str]().union(*{placement.open_hosts(name) for name in members}) & placement.admits[rule.name]
    domains = {rule.domain(hosts[host]) for host in open_hosts}
    needed = -(-len(members) // rule.most)
    for names in by_domain.values():
        if len(names) <= rule.most:
            continue
        where = domain_text(rule, hosts[placement.desired.guests[names[0]].host])
        text = f"{len(names)} guests are declared on {where}: {names_text(names)}{may_text(rule)}"
        if needed > len(domains):
            noun = "hosts" if rule.topology_key == HOST_KEY else f"values of host label {rule.topology_key}"
            fix = (
                f"its {len(members)} guests need {needed} {noun}, and {len(domains)} may be chosen for them:"
                f" {needed - len(domains)} more would do, or a larger `most`"
            )
        else:
            free = [host for host in open_hosts if len(by_domain.get(str(rule.domain(hosts[host])), ())) < rule.most]
            fix = f"declare {len(names) - rule.most} of them elsewhere; the rule has a place on {_one_of(sorted(free))}"
        yield _broken(placement, rule, names, text, fix, first=rule.most, possible=needed <= len(domains))


def _scattered(
    placement: Placement, rule: PlacementRule, by_domain: Mapping[str, Sequence[str]]
) -> Iterator[Violation]:
    """Guests that are not where most of the others are; all of them, where no domain has most."""
    if len(by_domain) <= 1:
        return
    hosts, guests = placement.desired.hosts, placement.desired.guests
    most = max(map(len, by_domain.values()))
    homes = sorted(domain for domain, names in by_domain.items() if len(names) == most)
    astray = sorted(
        name for domain, names in by_domain.items() for name in names if len(homes) > 1 or domain not in homes
    )
    together = f"{_rule_text(rule)} wants them on one {rule.topology_key}{_why(rule)}"
    if len(homes) > 1:
        text = f"guests are declared apart, on {names_text([_domain(rule, home) for home in homes])}, and {together}"
        yield _broken(placement, rule, astray, text, "declare them together")
        return
    home = homes[0]
    settled = names_text(by_domain[home])
    text = f"{_declared(astray)} apart from {settled} on {_domain(rule, home)}, and {together}"
    inside = sorted(host.name for host in hosts.values() if rule.domain(host) == home and may_be_chosen(host))
    fix = f"declare {_it(astray)} on {_one_of(inside or [guests[by_domain[home][0]].host])}"
    yield _broken(placement, rule, astray, text, fix)


def _broken(
    placement: Placement,
    rule: PlacementRule,
    names: Sequence[str],
    text: str,
    fix: str,
    *,
    first: int = 0,
    possible: bool = True,
) -> Violation:
    """`first`: which of the guests to look at first."""
    guests = [placement.desired.guests[name] for name in names]
    return Violation(
        PlacementFinding.RULE_BROKEN if possible else PlacementFinding.RULE_IMPOSSIBLE,
        rule.required,
        rule.name,
        tuple(names),
        tuple(sorted({guest.host for guest in guests})),
        text,
        fix,
        guests[first].location,
        tuple(guest.location for guest in guests),
    )


def _useless(rule: PlacementRule, code: PlacementFinding, text: str, fix: str) -> Violation:
    return Violation(code, False, rule.name, (), (), f"rule {rule.name} {text}", fix, rule.location)


# --- words -----------------------------------------------------------------------------------------------------------


def _rule_text(rule: PlacementRule) -> str:
    return f"rule {rule.name}" if rule.required else f"preference {rule.name}"


def _why(rule: PlacementRule) -> str:
    return f" ({rule.reason})" if rule.reason else ""


def _domain(rule: PlacementRule, domain: str) -> str:
    return domain if rule.topology_key == HOST_KEY else f"{rule.topology_key} {domain}"


def _labels_text(rule: PlacementRule) -> str:
    return ", ".join(f"{key}: {value}" for key, value in sorted(rule.labels.items()))


def _declared(names: Sequence[str]) -> str:
    return f"guest {names[0]} is declared" if len(names) == 1 else f"guests {names_text(names)} are declared"


def _it(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _one_of(hosts: Sequence[str]) -> str:
    if len(hosts) == 1:
        return hosts[0]
    shown = ", ".join(hosts[:NAMES_SHOWN]) + (", …" if len(hosts) > NAMES_SHOWN else "")
    return f"one of: {shown}"


def _topologies(hosts: Collection[Host]) -> str:
    keys = sorted({key for host in hosts for key in host.labels})
    known = f"labels that hosts have: {names_text(keys)}" if keys else "no host has any label"
    return f"label the hosts, or go by another key; {known}"
