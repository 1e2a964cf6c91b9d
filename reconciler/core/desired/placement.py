"""What placement rules say of guests and hosts, indexed once, so that planning may ask for any guest and any host.

Called by violations, the planner, proposals and `explain`. Knows what documents say and nothing of what hosts report;
whether there is room is another's question.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.core.desired import HOST_KEY, DesiredFleet, Guest, Host, PlacementRule, RuleKind


@dataclass(frozen=True)
class Ruling:
    """What one rule says of one guest on one host."""

    rule: PlacementRule
    kept: bool
    text: str
    fix: str = ""
    """What would make it be kept; empty where it is."""


@dataclass(frozen=True)
class Placement:
    """The rules of a fleet over its guests and hosts. Made by `of`; every look-up takes as long as the guest has rules.

    A guest counts for a rule whether it runs or not: what is stopped now is started where it lies. Guests that no
    document declares count for none.
    """

    desired: DesiredFleet
    members: Mapping[str, tuple[str, ...]]
    """Rule -> the declared guests that it is about, by name."""
    bearing: Mapping[str, tuple[PlacementRule, ...]]
    """Guest -> the rules that are about it, by name; guests that no rule is about are left out."""
    admits: Mapping[str, frozenset[str]]
    """Rule -> the hosts that any of its guests may be on, as far as it goes and whatever its other guests do."""
    _open: Mapping[str, frozenset[str]]
    """Guest that rules are about -> hosts that may be chosen for it."""
    _keys: Mapping[str, Mapping[str, str]]
    """Rule that keeps guests apart -> host -> key."""
    _places: Mapping[str, int]
    """Key -> places."""

    @staticmethod
    def of(desired: DesiredFleet) -> Placement:
        """Index."""
        members = _members(desired)
        bearing: dict[str, list[PlacementRule]] = defaultdict(list)
        for rule in desired.rules.values():
            for name in members[rule.name]:
                bearing[name].append(rule)
            for name in sorted({*rule.names, *desired.quarantined} - desired.guests.keys()):
                # Its document cannot be read: what is about it holds all the same.
                if name in rule.names or _may_mean(rule, desired.quarantined_labels.get(name)):
                    bearing[name].append(rule)
        keys: dict[str, dict[str, str]] = {}
        places: dict[str, int] = {}
        for rule in desired.rules.values():
            if rule.kind is RuleKind.APART:
                keys[rule.name] = {name: _key(rule, host) for name, host in desired.hosts.items()}
                places |= {
                    key: rule.most if rule.domain(desired.hosts[name]) is not None else 0
                    for name, key in keys[rule.name].items()
                }
        admits = {rule.name: _admits(rule, desired.hosts) for rule in desired.rules.values()}
        about = {name: tuple(rules) for name, rules in bearing.items()}
        return Placement(desired, members, about, admits, _open(about, admits, desired.hosts), keys, places)

    def exclusive(self, guest: str, host: str, *, required: bool = True) -> tuple[str, ...]:
        """The keys that the guest holds while it is on that host: one for each required rule that keeps it apart from
        others (each preferred one, without `required`).

        A key is a kind of room: it has `capacity_of` places. A move holds those of its source until it is over and
        those of its target from its start; a key that is on both sides is held once. A domain that has more guests
        than places by what was seen is only relieved. A host that is in no domain has a key with no place: nobody may
        come to it, who is there may leave.
        """
        return tuple(
            self._keys[rule.name][host]
            for rule in self.bearing.get(guest, ())
            if rule.kind is RuleKind.APART and rule.required is required and host in self._keys[rule.name]
        )

    def capacity_of(self, key: str) -> int:
        """How many guests may hold the key at once."""
        return self._places[key]

    def allowed(self, guest: str, host: str) -> Ruling | None:
        """The first required rule that keeps this guest from ending on this host, whatever other guests do; None where
        none does. It may rest there on its way: only where it ends counts."""
        against = (rule for rule in self.bearing.get(guest, ()) if rule.required and host not in self.admits[rule.name])
        return next((_by_host(rule, self.desired.hosts[host]) for rule in against), None)

    def cost(self, guest: str, host: str) -> int:
        """How many preferred rules this guest would break on this host, whatever other guests do."""
        return sum(not rule.required and host not in self.admits[rule.name] for rule in self.bearing.get(guest, ()))

    def open_hosts(self, guest: str) -> frozenset[str]:
        """The hosts that may be chosen for this guest, as far as required rules go and whatever other guests do."""
        return self._open[guest] if guest in self._open else _choosable(self.desired.hosts)

    def rulings(self, guest: str, host: str) -> tuple[Ruling, ...]:
        """What each rule says of this guest on this host, all others being where they are declared."""
        return tuple(self.ruling(rule, guest, host) for rule in self.bearing.get(guest, ()))

    def ruling(self, rule: PlacementRule, guest: str, host: str) -> Ruling:
        """What this rule says of it."""
        if rule.kind is RuleKind.HOSTS or host not in self.admits[rule.name]:
            return _by_host(rule, self.desired.hosts[host])
        return self._by_others(rule, guest, self.desired.hosts[host])

    def _by_others(self, rule: PlacementRule, guest: str, host: Host) -> Ruling:
        """What a rule says that is about guests and each other, on a host that is in a domain."""
        there: list[str] = []
        elsewhere: list[str] = []
        for name in self.members[rule.name]:
            if name != guest:
                same = rule.domain(self.desired.hosts[self.desired.guests[name].host]) == rule.domain(host)
                (there if same else elsewhere).append(name)
        where = domain_text(rule, host)
        if rule.kind is RuleKind.APART:
            if len(there) < rule.most:
                beside = f"beside {names_text(there)}{may_text(rule)}" if there else "no other of its guests is there"
                return Ruling(rule, True, f"{where}: {beside}")
            text = f"{where} has {names_text(there)}{may_text(rule)}"
            return Ruling(rule, False, text, "declare this guest or another of them elsewhere")
        if not elsewhere:
            others = f"with {names_text(there)}" if there else "it has no others"
            return Ruling(rule, True, f"{where}: {others}")
        text = f"{names_text(elsewhere)} {'is' if len(elsewhere) == 1 else 'are'} not on {where}"
        return Ruling(rule, False, text, "declare them together")


def may_be_chosen(host: Host) -> bool:
    """Whether we may propose the host for a guest, or let one rest there."""
    return host.schedulable and host.maintenance is None and host.suspend is None


def _choosable(hosts: Mapping[str, Host]) -> frozenset[str]:
    return frozenset(name for name, host in hosts.items() if may_be_chosen(host))


def _open(
    bearing: Mapping[str, tuple[PlacementRule, ...]], admits: Mapping[str, frozenset[str]], hosts: Mapping[str, Host]
) -> dict[str, frozenset[str]]:
    """Worked out once for all guests that the same rules are about."""
    choosable = _choosable(hosts)
    alike: dict[tuple[str, ...], frozenset[str]] = {}
    found = {}
    for guest, rules in bearing.items():
        names = tuple(rule.name for rule in rules if rule.required)
        if names not in alike:
            alike[names] = choosable.intersection(*(admits[name] for name in names))
        found[guest] = alike[names]
    return found


def _admits(rule: PlacementRule, hosts: Mapping[str, Host]) -> frozenset[str]:
    if rule.kind is RuleKind.HOSTS:
        met = (name for name, host in hosts.items() if all(entry.met_by(host) for entry in rule.requirements))
        return frozenset(met)
    return frozenset(name for name, host in hosts.items() if rule.domain(host) is not None)


def _by_host(rule: PlacementRule, host: Host) -> Ruling:
    """What a rule about hosts says of this one, or any other rule of one that is in no domain."""
    if rule.kind is RuleKind.HOSTS:
        wanted = " and ".join(map(str, rule.requirements))
        unmet = [entry for entry in rule.requirements if not entry.met_by(host)]
        if not unmet:
            return Ruling(rule, True, f"{host.name} is one of its hosts: {wanted}")
        text = f"it wants hosts where {wanted}; {host.name} has {_labels(unmet[0].key, host)}"
        return Ruling(rule, False, text, "declare it on another host, or change the label")
    text = f"{host.name} has no label {rule.topology_key}, and so is in no domain of this rule"
    return Ruling(rule, False, text, f"give {host.name} the label, or declare the guest on a host that has it")


def _labels(key: str, host: Host) -> str:
    if key == HOST_KEY:
        return f"the name {host.name}"
    return f"{key} {host.labels[key]}" if key in host.labels else f"no label {key}"


def _key(rule: PlacementRule, host: Host) -> str:
    domain = rule.domain(host)
    return f"{rule.name}/{domain}" if domain is not None else f"{rule.name}"


def rule_of(key: str) -> str:
    """The rule that a key of `Placement.exclusive` is about."""
    return key.partition("/")[0]


def _may_mean(rule: PlacementRule, labels: Mapping[str, str] | None) -> bool:
    """Whether the rule is about a guest with these labels, or may be where nobody knows them."""
    return bool(rule.labels) and (labels is None or rule.labels.items() <= labels.items())


def _members(desired: DesiredFleet) -> dict[str, tuple[str, ...]]:
    """Who each rule is about: all of its labels, or named. Guests are looked through once, however many rules."""
    asked = {pair for rule in desired.rules.values() for pair in rule.labels.items()}
    having: dict[tuple[str, str], list[Guest]] = defaultdict(list)
    if asked:
        for guest in desired.guests.values():
            for pair in guest.labels.items():
                if pair in asked:
                    having[pair].append(guest)
    members = {}
    for rule in desired.rules.values():
        found = {name for name in rule.names if name in desired.guests}
        if rule.labels:
            wanted = rule.labels.items()
            fewest = min((having[pair] for pair in wanted), key=len)
            found |= {guest.name for guest in fewest if wanted <= guest.labels.items()}
        members[rule.name] = tuple(sorted(found))
    return members


# --- words -----------------------------------------------------------------------------------------------------------

NAMES_SHOWN = 5


def names_text(names: Iterable[str]) -> str:
    """Some of these names, and how many more."""
    shown = list(names)
    if len(shown) > NAMES_SHOWN + 1:
        shown = [*shown[:NAMES_SHOWN], f"{len(shown) - NAMES_SHOWN} more"]
    return ", ".join(shown)


def domain_text(rule: PlacementRule, host: Host) -> str:
    """The domain that a host is in: `h1`, `rack r1`."""
    domain = rule.domain(host)
    return host.name if rule.topology_key == HOST_KEY else f"{rule.topology_key} {domain}"


def may_text(rule: PlacementRule) -> str:
    """How many may be in one domain, and why."""
    why = f" ({rule.reason})" if rule.reason else ""
    return f", and at most {rule.most} of rule {rule.name} may be there{why}"
