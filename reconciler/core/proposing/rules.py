"""Placement rules asked of a placement that is only thought of. Plugged into the board for every proposal.

What a required rule forbids is proposed to nobody. What a preferred one would rather have comes after downtime and
before bytes: no preference is worth an outage. Knows nothing of room.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.core.desired import DesiredFleet, Guest, PlacementRule, RuleKind
from reconciler.core.desired.placement import Placement, domain_text, names_text
from reconciler.core.proposing.board import Rules


class Ruled(Rules):
    """The rules of the fleet's documents."""

    def __init__(self, placement: Placement) -> None:
        self.placement = placement
        self.desired: DesiredFleet = placement.desired

    def against(self, guest: Guest, host: str, placement: Mapping[str, str]) -> str | None:
        """The first required rule that would be broken, in words."""
        for rule in self.placement.bearing.get(guest.name, ()):
            text = self._broken(rule, guest.name, host, placement) if rule.required else ""
            if text:
                return f"rule {rule.name}: {text}"
        return None

    def unmet(self, guest: Guest, host: str, placement: Mapping[str, str]) -> int:
        """How many preferred rules would be broken."""
        rules = self.placement.bearing.get(guest.name, ())
        return sum(bool(self._broken(rule, guest.name, host, placement)) for rule in rules if not rule.required)

    def _broken(self, rule: PlacementRule, guest: str, host: str, placement: Mapping[str, str]) -> str:
        """What of the rule would be broken; empty where nothing would."""
        if rule.kind is RuleKind.HOSTS or host not in self.placement.admits[rule.name]:
            return "" if host in self.placement.admits[rule.name] else self.placement.ruling(rule, guest, host).text
        hosts = self.desired.hosts
        domain = rule.domain(hosts[host])
        there: list[str] = []
        elsewhere: list[str] = []
        for name in self.placement.members[rule.name]:
            home = placement.get(name, "")
            if name != guest and home in hosts:
                (there if rule.domain(hosts[home]) == domain else elsewhere).append(name)
        where = domain_text(rule, hosts[host])
        if rule.kind is RuleKind.APART:
            return f"{names_text(there)} would be on {where}, too" if len(there) >= rule.most else ""
        return f"{names_text(elsewhere)} would not be on {where}" if elsewhere else ""
