"""Where every guest will be once the documents hold, what each host has room for then, and who may go where.

Made for each proposal, and moved upon while one is sought. Knows room, hosts' openness and the platforms' rules;
placement rules are asked through `Rules`. Never orders moves: that is the planner's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from reconciler.core import capacity
from reconciler.core.compatibility import Decision
from reconciler.core.desired import Guest, PowerWish
from reconciler.core.desired.placement import may_be_chosen
from reconciler.core.diff import Diff, Finding, GuestDiff
from reconciler.core.model import Load, Method, RunState
from reconciler.core.observed import Registration
from reconciler.core.planning import admission, stillness
from reconciler.core.planning.plan import Blocked, Reason
from reconciler.core.planning.situation import Situation
from reconciler.core.planning.ways import durations
from reconciler.core.proposing.proposal import (
    HOST,
    Action,
    Change,
    FieldChange,
    HostFill,
    Obstacle,
    Proposal,
    Unplaced,
)
from reconciler.core.quantities import format_memory, format_percent

UNMANAGED_FIX = "`reconciler import` writes a document for it"
UNSEEN_FIX = "make these hosts answer, or declare a dead one lost in the settings"
UNSCHEDULABLE = "Unschedulable"
"""Reason of an obstacle that a host's own document is."""
NEVER_FITS = 1_000_000
"""In percent: how full a host is that has no room at all for guests."""


class Rules:
    """Where guests may be and would rather be while all others are where `placement` (guest -> host) has them. Room,
    the host's openness and the platform's rules are seen to before these are asked. As it stands: no rule at all."""

    def against(self, guest: Guest, host: str, placement: Mapping[str, str]) -> str | None:
        """Why this guest may not be on this host; None where it may."""
        return None

    def unmet(self, guest: Guest, host: str, placement: Mapping[str, str]) -> int:
        """How many preferences that would not meet."""
        return 0


@dataclass(frozen=True)
class Seat:
    """A guest that a proposal may speak of: its document, its one live copy and the host where that is."""

    guest: Guest
    entry: Registration
    place: str

    @property
    def name(self) -> str:
        """Its document's name."""
        return self.guest.name

    @property
    def will_run(self) -> bool:
        """Whether it takes memory and CPU once its document holds."""
        if self.guest.power is PowerWish.KEEP:
            return self.entry.running
        return self.guest.power is PowerWish.RUNNING


@dataclass(frozen=True)
class Way:
    """How a guest gets from where it is to a host: not at all where it is there (no method)."""

    method: Method | None
    downtime_s: float = 0.0
    moved_mib: int = 0


STAYS = Way(None)


class Board:
    """The fleet as declared. `put` moves a guest's declaration; everything else only looks."""

    def __init__(self, situation: Situation, difference: Diff, rules: Rules | None = None) -> None:
        self.situation = situation
        self.rules = rules or Rules()
        declared = situation.desired.hosts
        self.most: dict[str, Load] = {
            name: capacity.capacity(facts, declared[name]) for name, facts in sorted(situation.hosts.items())
        }
        self.open: tuple[str, ...] = tuple(name for name in self.most if self.closed(name) is None)
        self.seats: dict[str, Seat] = {}
        self.fixed: dict[str, Unplaced] = {}
        """Guests that no proposal can speak of, and why."""
        self.home: dict[str, str] = {}
        """Guest -> host, for all with a document, and for others where they are."""
        self.home_before: dict[str, str] = {}
        self.stays: dict[str, tuple[str, ...]] = {}
        """Guest that does not get to where it is declared before -> the hosts where it is until it is declared on
        another one."""
        self.stuck: dict[str, Obstacle] = {}
        """Those of them that may be proposed for, and what keeps them from where they are declared."""
        self.taken: dict[str, Load] = {name: capacity.running(situation.hosts[name]) for name in self.most}
        for found in difference.guests:
            self._take_in(found)
        self._hold_those_without_room()
        self.residents = Counter(host for name in self.home for host in self.around(name))
        """Host -> how many guests it has; hosts without any are left out."""
        self.residents_before: Mapping[str, int] = dict(self.residents)
        self.taken_before: Mapping[str, Load] = dict(self.taken)
        self._ways: dict[tuple[str, str], Way | Obstacle] = {}

    def _take_in(self, found: GuestDiff) -> None:
        # A guest without a document may have the name of one that has.
        key = found.name if found.finding is not Finding.UNMANAGED else f"{found.name}/{found.uuid}"
        seat, against = self._seat(found)
        self.home[key] = self.home_before[key] = found.wanted or next(iter(_places(found)), "")
        if against is not None:
            self.fixed[key] = against
            self.stays[key] = _places(found)
        if seat is None:
            return
        if seat.entry.running:
            self._add(seat.place, Load() - self._now(seat))
        seat = self.seats[key] = _as_declared(seat)
        if against is None and (found.finding is Finding.MISPLACED or found.power is not None):
            blocked = admission.admit(self.situation, found)
            if isinstance(blocked, Blocked):
                self.stays[key] = (seat.place,)
                self.stuck[key] = Obstacle(seat.guest.host, blocked.reason, blocked.text, fix=blocked.fix)
        self._count(seat)

    def _hold_those_without_room(self) -> None:
        """Guests that are declared on a host which is too full for that stay where they are, and count there, too."""
        while True:
            late = [
                seat
                for seat in self.movable()
                if seat.place != seat.guest.host
                and seat.guest.host in self.most
                and seat.name not in self.stays
                and not self.fits(seat, seat.guest.host)
            ]
            for seat in late:
                self.stuck[seat.name] = self._short(seat, seat.guest.host)
                self.stays[seat.name] = (seat.place,)
                self._add(seat.place, self._now(seat))
            if not late:
                return

    def _seat(self, found: GuestDiff) -> tuple[Seat | None, Unplaced | None]:
        """The guest's seat where it is in one place that may be touched, and why nothing may be proposed for it."""
        situation, where = self.situation, found.place.host if found.place is not None else ""

        def fixed(reason: str, text: str, fix: str = "") -> Unplaced:
            host = where or found.wanted or next(iter(_places(found)), "")
            return Unplaced(found.name, host, reason, text, fix)

        guest = situation.desired.guests.get(found.name)
        if found.finding is Finding.UNMANAGED:
            return None, fixed(found.finding, "no document declares it", UNMANAGED_FIX)
        if found.finding in admission.REFUSALS or guest is None or found.place is None:
            reason, fix = admission.REFUSALS.get(found.finding, (Reason.MISSING, ""))
            return None, fixed(reason, found.text, fix)
        entry = situation.registrations.get((where, found.uuid))
        if entry is None:
            reason, text = situation.closed.get(where, (Reason.HOST_NOT_DECLARED, f"{where} is not declared"))
            return None, fixed(reason, text, "see to the host")
        seat = Seat(guest, entry, where)
        refusal = stillness.guest_refusal(situation.desired, guest) or stillness.host_refusal(
            situation.desired.hosts[where]
        )
        if refusal is None and found.uuid in situation.under_way:
            refusal = (Reason.MOVE_UNDER_WAY, "a move of it is under way", "wait until it has ended")
        if refusal is None and entry.state is RunState.TRANSITION:
            text = f"on {where} it is neither running nor stopped: starting, stopping, suspended or unknown"
            refusal = (Reason.IN_TRANSITION, text, "wait until it has settled; resume it if it is suspended")
        if refusal is None and entry.state is RunState.STOPPED and situation.unseen:
            text = f"it is stopped, and could run where nobody looked: {', '.join(situation.unseen)}"
            refusal = (Reason.OWNER_UNKNOWN, text, UNSEEN_FIX)
        return seat, fixed(*refusal) if refusal is not None else None

    # --- looking -------------------------------------------------------------------------------------------------

    def closed(self, host: str) -> Obstacle | None:
        """Why nothing may come to this host."""
        if host not in self.situation.hosts:
            reason, text = self.situation.closed.get(host, (Reason.HOST_NOT_DECLARED, f"{host} is not declared"))
            return Obstacle(host, reason, text)
        document = self.situation.desired.hosts[host]
        refusal = stillness.host_refusal(document) or stillness.arrival_refusal(document)
        if refusal is not None:
            return Obstacle(host, refusal[0], refusal[1])
        if not may_be_chosen(document):
            return Obstacle(host, UNSCHEDULABLE, f"{host} is not to be chosen: schedulable is false")
        return None

    def movable(self) -> tuple[Seat, ...]:
        """The guests that may be proposed for, by name."""
        return tuple(seat for name, seat in sorted(self.seats.items()) if name not in self.fixed)

    def at(self, host: str) -> tuple[Seat, ...]:
        """Those of them that are declared on this host."""
        return tuple(seat for seat in self.movable() if self.home[seat.name] == host)

    def around(self, name: str) -> set[str]:
        """The hosts that have this guest: where it is declared, and where it is as long as it does not get there."""
        home = self.home[name]
        return {home, *self.stays.get(name, ())} if home == self.home_before[name] else {home}

    def load(self, seat: Seat, host: str) -> Load:
        """What it takes on that host, the disk room of copies included where it is not there yet."""
        facts = self.situation.hosts.get(host)
        if facts is None:
            return Load()
        runs = seat.entry.load(facts.memory_overhead_percent) if seat.will_run else Load()
        return replace(runs, disk_mib=seat.entry.copied_mib() if host != seat.place else 0)

    def room(self, host: str) -> Load:
        """What it may still take."""
        return self.most[host] - self.taken[host]

    def _now(self, seat: Seat) -> Load:
        """What it takes where it is."""
        entry = self.situation.registrations[seat.place, seat.entry.uuid]
        return entry.load(self.situation.hosts[seat.place].memory_overhead_percent) if entry.running else Load()

    def _claims(self, seat: Seat) -> dict[str, Load]:
        """What it takes, host by host, as it is declared now."""
        home = self.home[seat.name]
        claims = {home: self.load(seat, home)}
        if seat.name in self.stays and home == self.home_before[seat.name]:
            claims[seat.place] = claims.get(seat.place, Load()).most(self._now(seat))
        return claims

    def _lacks(self, seat: Seat, host: str) -> Load:
        """By how much the room there is too small for it, were it declared there; negative where it is not."""
        return self.load(seat, host) - self.room(host) - self._claims(seat).get(host, Load())

    def fits(self, seat: Seat, host: str) -> bool:
        """Whether there is room for it."""
        return self.load(seat, host).fits(self.room(host) + self._claims(seat).get(host, Load()))

    def way(self, seat: Seat, host: str) -> Way | Obstacle:
        """How it gets there, whatever room there is and whoever is there."""
        known = self._ways.get((seat.name, host))
        if known is None:
            known = self._ways[seat.name, host] = self._way(seat, host)
        return known

    def _way(self, seat: Seat, host: str) -> Way | Obstacle:
        if host == seat.place == seat.guest.host:
            return STAYS
        closed = self.closed(host)
        if closed is not None:
            return closed  # also where it still is, being declared elsewhere
        if host == seat.place:
            return STAYS
        stuck = self.stuck.get(seat.name)
        if stuck is not None and stuck.host == host:
            return stuck
        situation = self.situation
        source, target = situation.hosts[seat.place], situation.hosts[host]
        if seat.will_run and not situation.vcpus_fit(seat.entry, host):
            text = f"it has {seat.entry.vcpus} virtual CPUs, more than {host} has CPUs for guests"
            return Obstacle(host, Reason.TOO_FEW_CPUS, text)
        barrier = admission.barrier(situation, seat.entry, source, target)
        if barrier is not None:
            return Obstacle(host, barrier[0], barrier[1], fix=barrier[2])
        decision = admission.decision_for(situation, seat.guest, seat.entry, source, target, False)
        stops = seat.entry.running and not seat.will_run
        if stops and decision.method is not Method.ONLINE and situation.unseen:
            text = f"once stopped, it could run where nobody looked: {', '.join(situation.unseen)}"
            return Obstacle(host, Reason.OWNER_UNKNOWN, text, fix=UNSEEN_FIX)
        if decision.method is None:
            fix = decision.deciding.fix if decision.deciding is not None else ""
            return Obstacle(host, decision.reason, _refused(decision), fix=fix)
        took = durations.migration(seat.entry, source, target, decision.method, seat.guest.migration.stop)
        memory_mib = seat.entry.memory_mib if decision.method is Method.ONLINE else 0
        return Way(decision.method, took.downtime_s, seat.entry.copied_mib() + memory_mib)

    def permitted(self, seat: Seat, host: str) -> Obstacle | None:
        """What rules say against it there, with all others where they are declared now."""
        with self._without(seat):
            text = self.rules.against(seat.guest, host, self.home)
        return Obstacle(host, Reason.PLACEMENT_RULE_VIOLATED, text) if text is not None else None

    def unmet(self, seat: Seat, host: str) -> int:
        """How many preferences it would not meet there, likewise."""
        with self._without(seat):
            return self.rules.unmet(seat.guest, host, self.home)

    @contextmanager
    def _without(self, seat: Seat) -> Iterator[None]:
        """The placement of all others."""
        home = self.home.pop(seat.name)
        try:
            yield
        finally:
            self.home[seat.name] = home

    def obstacle_without_room(self, seat: Seat, host: str) -> Obstacle | None:
        """What keeps it from that host, were there room."""
        way = self.way(seat, host)
        return way if isinstance(way, Obstacle) else self.permitted(seat, host)

    def obstacle(self, seat: Seat, host: str) -> Obstacle | None:
        """What keeps it from that host, room last."""
        against = self.obstacle_without_room(seat, host)
        if against is not None or self.fits(seat, host):
            return against
        return self._short(seat, host)

    def _short(self, seat: Seat, host: str) -> Obstacle:
        """The room that it lacks there."""
        short = self._lacks(seat, host)
        lacks = [f"{format_memory(short.memory_mib)} of memory"] if short.memory_mib > 0 else []
        lacks += [f"{short.cpu_percent} % of a CPU"] if short.cpu_percent > 0 else []
        lacks += [f"{short.vcpus} virtual CPU{'s' if short.vcpus > 1 else ''}"] if short.vcpus > 0 else []
        lacks += [f"{format_memory(short.disk_mib)} of disk room"] if short.disk_mib > 0 else []
        text = f"{' and '.join(lacks)} short"
        return Obstacle(host, Reason.NO_ROOM, text, max(0, short.memory_mib))

    def level(self, host: str, more: Load | None = None) -> float:
        """How full the host is, in percent of the dimension that is fuller."""
        return max(uses(self.taken[host] + (more or Load()), self.most[host]))

    def best(self, seat: Seat, hosts: Iterable[str], *, downtime: bool = True) -> tuple[str, Way] | None:
        """The host to which it goes with the least downtime, then against the fewest preferences, then with the fewest
        bytes, to where it is emptiest; None where none of these can take it. Without `downtime`, only where it need not
        be down."""
        fitting = [host for host in hosts if self.fits(seat, host)]
        ordered = sorted(fitting, key=lambda host: (host != seat.place, self.level(host, self.load(seat, host)), host))
        best: tuple[tuple[float, int, int, int], str, Way] | None = None
        for number, host in enumerate(ordered):
            way = self.way(seat, host)
            if isinstance(way, Obstacle) or (way.downtime_s > 0 and not downtime):
                continue
            if self.permitted(seat, host) is not None:
                continue
            unmet = self.unmet(seat, host)
            cost = (way.downtime_s, unmet, way.moved_mib, number)
            if best is None or cost < best[0]:
                best = (cost, host, way)
            if way.downtime_s <= 0 and not unmet:
                break  # all others move as much, or more, to where it is fuller
        return (best[1], best[2]) if best is not None else None

    # --- moving --------------------------------------------------------------------------------------------------

    def put(self, seat: Seat, host: str) -> None:
        """Declare it there."""
        self._count(seat, -1)
        for before in self.around(seat.name):
            self.residents[before] -= 1
            if not self.residents[before]:
                del self.residents[before]
        self.home[seat.name] = host
        self._count(seat)
        self.residents.update(self.around(seat.name))

    def resize(self, seat: Seat, entry: Registration) -> Seat:
        """The same guest with other settings, counted with these from now on."""
        self._count(seat, -1)
        resized = self.seats[seat.name] = replace(seat, entry=entry)
        self._count(resized)
        return resized

    def _count(self, seat: Seat, times: int = 1) -> None:
        for host, load in self._claims(seat).items():
            self._add(host, load if times > 0 else Load() - load)

    def _add(self, host: str, load: Load) -> None:
        if host in self.taken:
            self.taken[host] += load

    # --- telling -------------------------------------------------------------------------------------------------

    def use_text(self, host: str) -> str:
        """`h2 at 62 % of its memory and 40 % of its CPU`."""
        memory, cpu = uses(self.taken[host], self.most[host])
        return f"{host} at {format_percent(memory)} of its memory and {format_percent(cpu)} of its CPU"

    def change(self, seat: Seat, reason: str, gain: str, more: tuple[FieldChange, ...] = ()) -> Change:
        """What the guest's document is to say, as things are declared now."""
        target, before = self.home[seat.name], self.home_before[seat.name]
        found = self.way(seat, target)
        way = found if isinstance(found, Way) else STAYS
        moved = (FieldChange(HOST, before, target),) if target != before else ()
        return Change(
            guest=seat.name,
            fields=(*moved, *more),
            reason=reason,
            gain=gain,
            source=seat.place,
            target=target,
            method=way.method if moved else None,
            downtime_s=way.downtime_s if moved else 0.0,
            moved_mib=way.moved_mib if moved else 0,
        )

    def hosts(self) -> tuple[HostFill, ...]:
        """Hosts on which something is different from before."""
        found = []
        for name, most in self.most.items():
            ends = (self.residents_before.get(name, 0), self.residents[name])
            if self.taken[name] == self.taken_before[name] and ends[0] == ends[1]:
                continue
            was, now = uses(self.taken_before[name], most), uses(self.taken[name], most)
            found.append(HostFill(name, was[0], now[0], was[1], now[1], *ends))
        return tuple(found)

    def emptied(self) -> tuple[str, ...]:
        """Hosts that have guests now and will have none."""
        return tuple(sorted((self.residents_before.keys() - self.residents.keys()) & self.most.keys()))

    def unplaced(
        self, seat: Seat, hosts: Sequence[str], why: Callable[[Seat, str], Obstacle | None] | None = None
    ) -> Unplaced:
        """Why none of these hosts takes the guest; `why` may ask for more than that it can go there."""
        found = [against for host in hosts if (against := (why or self.obstacle)(seat, host)) is not None]
        found.sort(key=lambda entry: (entry.reason != Reason.NO_ROOM, entry.short_mib, entry.host))
        if not found:
            text = "no other host is open for it"
            return Unplaced(seat.name, seat.place, Reason.NO_ROOM, text, "declare another host")
        near = found[0]
        if near.reason == Reason.NO_ROOM:
            needs = format_memory(self.load(seat, near.host).memory_mib)
            text = f"it needs {needs}, and no host that may take it has room: {near.host} is {near.text}"
            fix = f"make room on {near.host}, or add a host"
        else:
            text, fix = f"no host can take it: {near.host}: {near.text}", near.fix
        return Unplaced(seat.name, seat.place, near.reason, text, fix, tuple(found))

    def proposal(
        self,
        action: Action,
        subject: str,
        changes: Iterable[Change],
        unplaced: Iterable[Unplaced],
        text: str,
        notes: tuple[str, ...] = (),
        closed: Iterable[str] = (),
    ) -> Proposal:
        """All of it, in the order of names; last those that make room for others."""
        return Proposal(
            action=action,
            subject=subject,
            changes=tuple(sorted(changes, key=lambda change: (change.room_for != "", change.guest))),
            unplaced=tuple(sorted(unplaced, key=lambda entry: entry.guest)),
            text=text,
            hosts=self.hosts(),
            emptied=self.emptied(),
            closed=tuple(sorted(closed)),
            notes=notes,
        )


def _places(found: GuestDiff) -> tuple[str, ...]:
    """The hosts where it is: with its live copy where it has one, else with any."""
    if found.place is not None:
        return (found.place.host,)
    live = [place.host for place in found.places if place.live]
    return tuple(dict.fromkeys(live or (place.host for place in found.places)))


def _as_declared(seat: Seat) -> Seat:
    """The guest with the CPU that it is going to have, where that is more than now."""
    percent = max(seat.entry.cpu_entitlement_percent, seat.guest.cpu_entitlement_percent or 0)
    return replace(seat, entry=replace(seat.entry, cpu_entitlement_percent=percent))


def uses(taken: Load, most: Load) -> tuple[float, float]:
    """Memory and CPU taken, in percent of the most."""
    return _percent(taken.memory_mib, most.memory_mib), _percent(taken.cpu_percent, most.cpu_percent)


def _percent(part: int, whole: int) -> float:
    if whole > 0:
        return 100 * part / whole
    return NEVER_FITS if part > 0 else 0.0


def _refused(decision: Decision) -> str:
    """Why neither method is possible."""
    ways = []
    for method in (Method.ONLINE, Method.OFFLINE):
        against = decision.refused(method)
        ways.append(f"{method}: {against[0].reason if against else 'allowed'}")
    return "; ".join(ways)
