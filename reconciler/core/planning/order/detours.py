"""Who may rest on which third host on the way, and who may step aside for others: asked of documents and platforms.

Called where room has to be made. Chooses nobody. Never lets a guest be stopped that its document does not let be
stopped, nor rest where nobody may come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reconciler.core import capacity
from reconciler.core.desired import Guest
from reconciler.core.diff import Finding, GuestDiff
from reconciler.core.model import Load, Method, RunState
from reconciler.core.observed import Registration
from reconciler.core.planning import journey, stillness
from reconciler.core.planning.admission import barrier, decision_for
from reconciler.core.planning.intent import aside_digest
from reconciler.core.planning.journey import Journey, Leg
from reconciler.core.planning.order.times.slots import Slots
from reconciler.core.planning.situation import Situation
from reconciler.core.planning.ways import durations

SETTLED = frozenset({Finding.IN_PLACE, Finding.RENAMED, Finding.SETTINGS_DIFFER})
"""How a guest must stand to be moved for others: where its document says."""


@dataclass(frozen=True, eq=False)
class Bystander:
    """A guest that is in its place and may be moved, online, and moved back, to make room for others."""

    guest: Guest
    difference: GuestDiff
    entry: Registration
    holds: Load
    """What it takes on its host."""
    seconds: float
    """About how long one of its moves takes."""

    @property
    def name(self) -> str:
        """The guest's name."""
        return self.guest.name


@dataclass
class Detours:
    """Answers for one situation. `all_aside` asks what if every document let its guest step aside."""

    situation: Situation
    all_aside: frozenset[str] = frozenset()
    _open: dict[str, bool] = field(default_factory=dict)
    _by_host: dict[str, list[GuestDiff]] | None = None
    _busy: frozenset[str] | None = None

    def open_for_rest(self, host: str) -> bool:
        """Whether a guest may rest there for a while, as far as the host goes."""
        if host not in self._open:
            document = self.situation.desired.hosts[host]
            self._open[host] = stillness.open_for_rest(document) and host not in self._occupied()
        return self._open[host]

    def takes(self, entry: Registration, host: str, running: bool) -> Load:
        """What the guest would take there. One that is stopped takes room for copies only."""
        load = capacity.needed(entry, self.situation.hosts[host], copies=True)
        return load if running else Load(disk_mib=load.disk_mib)

    def over(self, planned: Journey, direct: Leg, host: str, for_whom: Sequence[str]) -> tuple[Leg, Leg] | None:
        """The way over the third host, where the platform and the document allow both legs."""
        situation = self.situation
        source, rest, target = (situation.hosts[name] for name in (direct.source, host, direct.target))
        if (source.name, rest.name) in planned.refused or (rest.name, target.name) in planned.refused:
            return None
        here = _as_of(planned.entry, direct.running)
        if barrier(situation, here, source, rest) is not None:
            return None
        if here.running and not situation.vcpus_fit(here, rest.name):
            return None
        first = decision_for(situation, planned.guest, here, source, rest, planned.only_offline)
        if first.method is None:
            return None
        rebooted = first.method is Method.OFFLINE and here.running
        there = replace(here, boot_floor=None) if rebooted else here
        second = decision_for(situation, planned.guest, there, rest, target, planned.only_offline)
        if second.method is None:
            return None
        room = f"to make room on {source.name} for {', '.join(for_whom)}"
        away = f"rests on {rest.name} {room}; declared on {planned.guest.host}"
        goes_on = f"goes on by way of {target.name}; " if direct.hop else ""
        back = f"{goes_on}declared on {planned.guest.host}, after its rest on {rest.name}"
        return (
            journey.migration(planned.guest, here, source, rest, first, away, hop=True),
            journey.migration(planned.guest, there, rest, target, second, back, hop=direct.hop),
        )

    def bystanders(self, host: str) -> Sequence[Bystander]:
        """The guests of a host that may step aside for others, in order of their names."""
        if self._by_host is None:
            self._by_host = defaultdict(list)
            for found in self.situation.in_place():
                guest = self.situation.desired.guests[found.name]
                if guest.migration.step_aside or guest.name in self.all_aside:
                    self._by_host[guest.host].append(found)
        standing = (self._bystander(found) for found in self._by_host.get(host, ()))
        return [bystander for bystander in standing if bystander is not None]

    def as_bystander(self, planned: Journey) -> Bystander | None:
        """A guest that will have come to its place, running, as a bystander there."""
        guest, last = planned.guest, planned.legs[-1]
        allowed = guest.migration.step_aside or guest.name in self.all_aside
        if not allowed or last.method is not Method.ONLINE or last.target != guest.host:
            return None
        home = self.situation.hosts[guest.host]
        holds = planned.entry.load(home.memory_overhead_percent)
        seconds = durations.migration(planned.entry, home, home, Method.ONLINE, guest.migration.stop).total_s
        return Bystander(guest, planned.difference, planned.entry, holds, seconds)

    def aside(self, bystander: Bystander, host: str, for_whom: Sequence[str]) -> Journey | None:
        """Its way to the third host and home again, both online; None where one of the two is not possible."""
        situation, guest, entry = self.situation, bystander.guest, bystander.entry
        home, rest = situation.hosts[guest.host], situation.hosts[host]
        if barrier(situation, entry, home, rest) is not None or not situation.vcpus_fit(entry, rest.name):
            return None
        there = decision_for(situation, guest, entry, home, rest, False)
        back = decision_for(situation, guest, entry, rest, home, False)
        if there.method is not Method.ONLINE or back.method is not Method.ONLINE or there.one_way:
            return None
        away = f"steps aside to {rest.name} to make room on {home.name} for {', '.join(for_whom)}"
        intent = aside_digest(guest)
        legs = (
            replace(journey.migration(guest, entry, home, rest, there, away, hop=True), aside=True, intent=intent),
            replace(
                journey.migration(guest, entry, rest, home, back, f"back home from {rest.name}", hop=False),
                intent=intent,
            ),
        )
        return Journey(guest, bystander.difference, entry, legs, intent)

    def _bystander(self, found: GuestDiff) -> Bystander | None:
        """The guest as a bystander; None where anything speaks against touching it."""
        situation = self.situation
        guest, place = situation.desired.guests[found.name], found.place
        if place is None or place.state is not RunState.RUNNING or place.host not in situation.hosts:
            return None
        if found.uuid in situation.under_way or found.uuid in situation.parked or guest.name in situation.misdeclared:
            return None
        document = situation.desired.hosts[place.host]
        refusal = stillness.guest_refusal(situation.desired, guest) or stillness.host_refusal(document)
        if refusal is not None or stillness.arrival_refusal(document) is not None:
            return None
        entry = situation.registrations[place.host, found.uuid]
        if not situation.vcpus_fit(entry, place.host):  # it stands there, and could not come back
            return None
        host = situation.hosts[place.host]
        seconds = durations.migration(entry, host, host, Method.ONLINE, guest.migration.stop).total_s
        return Bystander(guest, found, entry, entry.load(host.memory_overhead_percent), seconds)

    def _occupied(self) -> frozenset[str]:
        """Hosts on which moves under way leave no slot for a rest."""
        if self._busy is not None:
            return self._busy
        slots = Slots(self.situation.desired.fleet, sorted(self.situation.hosts), self.situation.records)
        self._busy = frozenset(host for host in self.situation.hosts if slots.occupied(host))
        return self._busy


def _as_of(entry: Registration, running: bool) -> Registration:
    """The registration as it will be when the leg begins."""
    if running is entry.running:
        return entry
    return replace(entry, state=RunState.RUNNING if running else RunState.STOPPED)
