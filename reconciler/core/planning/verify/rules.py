"""Required placement rules: guests that must be apart are so at every moment, and none is moved against a rule.

A rule binds where guests end; only guests that must be apart are bound on the way as well. A place in a domain is room
of its own kind: held on the source until the guest has left, and on the target from the moment it may come. What was
broken before is never made worse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.desired import HOST_KEY, DesiredFleet, PlacementRule, RuleKind
from reconciler.core.model import StepKind
from reconciler.core.planning.plan import Step
from reconciler.core.planning.verify.ground import Fault, Ground
from reconciler.core.planning.verify.speeds import uncovered, waits_for

Domain = str | None
"""None: the host is in no domain of the rule."""


# --- on the way ------------------------------------------------------------------------------------------------------


def on_the_way(ground: Ground) -> Iterator[Fault]:
    """Moves that could bring a guest to where too many still are, whatever the speeds. Asked after the replay."""
    rules = [rule for rule in _required(ground.desired) if rule.kind is RuleKind.APART]
    if not rules:
        return
    steps = sorted(ground.plan.steps, key=lambda step: (step.start_s, step.id))
    before = waits_for(steps)
    members = _members(ground.desired)
    moves_of: dict[str, list[int]] = {}
    for number, step in enumerate(steps):
        if step.kind is StepKind.MIGRATE:
            moves_of.setdefault(step.uuid, []).append(number)
    for rule in rules:
        uuids = {uuid for name in members[rule.name] for uuid in _identities(ground, name)}
        numbers = sorted(number for uuid in uuids for number in moves_of.get(uuid, ()))
        if not numbers:
            continue
        there = _seen(ground, rule, uuids)
        moves = [
            (n, _domain(ground.desired, rule, steps[n].source), _domain(ground.desired, rule, steps[n].target))
            for n in numbers
        ]
        for domain in {into: None for _, out, into in moves if into != out}:
            free = (0 if domain is None else rule.most) - there[domain]
            needs = {number: 1 for number, out, into in moves if into == domain != out}
            gone = {number: 1 for number, out, into in moves if out == domain != into}
            for number in uncovered(free, needs, gone, before):
                yield Fault.of(steps[number], _crowded(rule, steps[number], domain))


def _crowded(rule: PlacementRule, step: Step, domain: Domain) -> str:
    if domain is None:
        return f"comes to {step.target}, which is in no domain of rule {rule.name}"
    return f"could come to {_where(rule, domain)} before rule {rule.name} has a place there: at most {rule.most} may be"


def _seen(ground: Ground, rule: PlacementRule, uuids: set[str]) -> Counter[Domain]:
    """How many of the guests are in each domain; one that is under way is in two. One on a host that cannot be read is
    where it was seen last."""
    places: dict[str, set[Domain]] = {
        uuid: {_domain(ground.desired, rule, facts.name) for facts, _ in ground.copies.get(uuid, [])} for uuid in uuids
    }
    for uuid in uuids & ground.last_seen.keys():
        places[uuid].add(_domain(ground.desired, rule, ground.last_seen[uuid]))
    for record in ground.records.values():
        if record.guest_uuid in places:
            ends = (record.source, record.target)
            places[record.guest_uuid] |= {_domain(ground.desired, rule, host) for host in ends}
    return Counter(domain for domains in places.values() for domain in domains)


def _identities(ground: Ground, name: str) -> set[str]:
    """Who goes by this name of a rule. Also a guest whose document cannot be read is held to it."""
    guest = ground.desired.guests.get(name)
    return ground.meant(guest) if guest is not None else ground.names.get(name, set())


# --- in the end ------------------------------------------------------------------------------------------------------


def in_the_end(ground: Ground) -> Iterator[Fault]:
    """Guests that are moved to where they are declared, against a rule. One that comes back to where it was is not."""
    moved = {
        step.guest: step
        for step in ground.plan.steps
        if step.kind is StepKind.MIGRATE and not step.hop and step.guest in ground.desired.guests
    }
    members = _members(ground.desired) if moved else {}
    for rule in _required(ground.desired):
        about = _About.of(ground.desired, rule, members.get(rule.name, ()))
        for name in members.get(rule.name, ()):
            step = moved.get(name)
            copy = ground.copy(step.uuid) if step is not None else None
            if step is None or (copy is not None and copy[0].name == step.target):
                continue
            text = about.against(ground.desired, step.target)
            if text:
                yield Fault.of(step, text)


@dataclass(frozen=True)
class _About:
    """One rule, and how many of its guests are declared in each domain."""

    rule: PlacementRule
    declared: Mapping[Domain, int]

    @staticmethod
    def of(desired: DesiredFleet, rule: PlacementRule, names: tuple[str, ...]) -> _About:
        """Count."""
        guests = [desired.guests[name] for name in names if name in desired.guests]
        return _About(rule, Counter(_domain(desired, rule, guest.host) for guest in guests))

    def against(self, desired: DesiredFleet, host: str) -> str:
        """What the rule has against its guests being brought to this host, where they are declared; empty for
        nothing."""
        rule, document = self.rule, desired.hosts.get(host)
        if document is None:
            return ""
        if rule.kind is RuleKind.HOSTS:
            unmet = [entry for entry in rule.requirements if not entry.met_by(document)]
            return f"ends on {host}, where rule {rule.name} does not want it: {unmet[0]}" if unmet else ""
        domain = _domain(desired, rule, host)
        if domain is None:
            return f"ends on {host}, which is in no domain of rule {rule.name}"
        if rule.kind is RuleKind.APART:
            count = self.declared[domain]
            many = (
                f"{count} guests of rule {rule.name} are declared on {_where(rule, domain)}, at most {rule.most} may be"
            )
            return many if count > rule.most else ""
        somewhere = {entry: count for entry, count in self.declared.items() if entry is not None}
        homes = [entry for entry, count in somewhere.items() if count == max(somewhere.values())]
        if homes == [domain]:
            return ""
        return f"ends on {_where(rule, domain)}, apart from the others of rule {rule.name}"


# --- the documents ---------------------------------------------------------------------------------------------------


def _required(desired: DesiredFleet) -> list[PlacementRule]:
    return [rule for _, rule in sorted(desired.rules.items()) if rule.required]


def _members(desired: DesiredFleet) -> dict[str, tuple[str, ...]]:
    """Rule -> the guests it is about: those it names, and those that have all of its labels, or may have them where a
    document cannot be read."""
    asked = {pair for rule in desired.rules.values() for pair in rule.labels.items()}
    having: dict[tuple[str, str], set[str]] = {pair: set() for pair in asked}
    labels = {name: guest.labels for name, guest in desired.guests.items()} if asked else {}
    unknown = {name for name in desired.quarantined if desired.quarantined_labels.get(name) is None}
    labels |= {name: desired.quarantined_labels[name] or {} for name in desired.quarantined if name not in unknown}
    for name, pairs in labels.items():
        for pair in pairs.items():
            if pair in asked:
                having[pair].add(name)
    found = {}
    for rule in desired.rules.values():
        labelled = set.intersection(*(having[pair] for pair in rule.labels.items())) | unknown if rule.labels else set()
        found[rule.name] = tuple(sorted(labelled.union(rule.names)))
    return found


def _domain(desired: DesiredFleet, rule: PlacementRule, host: str) -> Domain:
    """A host that no document declares is in none."""
    document = desired.hosts.get(host)
    if document is None:
        return None
    return host if rule.topology_key == HOST_KEY else document.labels.get(rule.topology_key)


def _where(rule: PlacementRule, domain: str) -> str:
    return domain if rule.topology_key == HOST_KEY else f"{rule.topology_key} {domain}"
