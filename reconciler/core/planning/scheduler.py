"""From a diff to a plan: who moves, how, when, and why the others do not. Called once a pass, and by `plan`.

The same fleet in any order gives the same bytes. Never lets a host take more than it holds; verify, which shares no
code with it, proves that for each plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from reconciler.core.compatibility import Rulebook
from reconciler.core.desired import DesiredFleet, Host
from reconciler.core.diff import Diff
from reconciler.core.model import Load, StepKind
from reconciler.core.observed import ObservedFleet
from reconciler.core.planning.admission import admit
from reconciler.core.planning.intent import digest
from reconciler.core.planning.journey import Journey
from reconciler.core.planning.order.bounds import bound_s
from reconciler.core.planning.order.hops import early_hops, find_hop
from reconciler.core.planning.order.timetable import ORDERS, Entry, Order, Timetable, lay_out
from reconciler.core.planning.plan import Blocked, Plan, Reason, Step
from reconciler.core.planning.refusals import stuck, too_late_ones, without_room, without_slot
from reconciler.core.planning.situation import Situation
from reconciler.errors import InvariantBroken

EARLY_HOPS_MAX = 32
"""How many hops are tried before anything else for guests in a knot."""
RETRIES_MAX = 40
"""How often a timetable is made anew because a guest would be stranded on its way."""


def make_plan(
    desired: DesiredFleet,
    observed: ObservedFleet,
    difference: Diff,
    rulebooks: Mapping[str, Rulebook],
    *,
    controller: str = "",
    lost_hosts: frozenset[str] = frozenset(),
) -> Plan:
    """Plan. `controller` is our own name in move records; `lost_hosts` are declared out of play by the operator."""
    situation = Situation.of(desired, observed, difference, rulebooks, controller, lost_hosts)
    journeys: list[Journey] = []
    blocked: list[Blocked] = []
    for found in difference.guests:
        admitted = admit(situation, found)
        if isinstance(admitted, Journey):
            journeys.append(admitted)
        elif admitted is not None:
            blocked.append(admitted)
    journeys.sort(key=lambda journey: journey.name)
    room = situation.room() if journeys else {}
    _turn_away(journeys, blocked, without_slot(situation, journeys))
    _turn_away(journeys, blocked, without_room(journeys, room))
    best = _best(situation, journeys, room)
    blocked = sorted([*blocked, *best.blocked], key=lambda entry: (entry.guest, entry.uuid))
    steps = _steps(best.timetable, desired.hosts)
    makespan_s = best.timetable.makespan_s
    served = [journey for journey in journeys if journey.name in best.served]
    return Plan(
        fleet=desired.fleet.name,
        commit=desired.commit,
        steps=steps,
        blocked=tuple(blocked),
        makespan_s=makespan_s,
        bound_s=min(makespan_s, bound_s(served, room, desired.fleet.limits)),
        digest=_digest(situation, steps, blocked),
    )


@dataclass(frozen=True)
class _Draft:
    """A timetable that leaves no guest on its way, the guests it serves and those it does not."""

    timetable: Timetable
    served: frozenset[str]
    blocked: Sequence[Blocked]

    @property
    def cost(self) -> tuple[float, ...]:
        """The smaller, the better."""
        downtime_s = sum(entry.leg.duration.downtime_s for entry in self.timetable.entries)
        moved_mib = sum(entry.leg.moved_mib for entry in self.timetable.entries)
        return (len(self.blocked), downtime_s, moved_mib, self.timetable.makespan_s)


def _best(situation: Situation, journeys: Sequence[Journey], room: Mapping[str, Load]) -> _Draft:
    """The best of a few orders; the first one, where it meets no knot."""
    drafts: list[_Draft] = []
    for order in ORDERS:
        drafts.append(_draft(situation, journeys, room, order))
        if not drafts[-1].blocked and not drafts[-1].timetable.hopped:
            break
    return _untied(situation, journeys, room, min(drafts, key=lambda draft: draft.cost))


def _untied(situation: Situation, journeys: Sequence[Journey], room: Mapping[str, Load], best: _Draft) -> _Draft:
    """The draft with hops made before anything else, for knots that no hop could untie at a standstill."""
    tries = EARLY_HOPS_MAX
    while tries > 0:
        tied = {entry.guest for entry in best.blocked if entry.reason is Reason.NO_SAFE_ORDER}
        hops = early_hops(situation, [journey for journey in journeys if journey.name in tied], room)
        before = best
        for detour in islice(hops, tries):
            tries -= 1
            changed = [detour if journey.name == detour.name else journey for journey in journeys]
            draft = _draft(situation, changed, room, ORDERS[0])
            if draft.cost < best.cost:
                best, journeys = draft, changed
                break
        if best is before:
            break
    return best


def _draft(situation: Situation, journeys: Sequence[Journey], room: Mapping[str, Load], order: Order) -> _Draft:
    """Lay the journeys out; while that leaves a guest on its way, again without its hop, and then without the guest."""
    left = list(journeys)
    blocked: list[Blocked] = []
    no_hop: frozenset[str] = frozenset()
    limits = situation.desired.fleet.limits
    for turn in range(RETRIES_MAX + len(journeys) + 1):
        if turn == RETRIES_MAX:
            no_hop = frozenset(journey.name for journey in journeys)
        timetable = lay_out(left, room, limits, situation.records, order, partial(find_hop, situation, no_hop))
        stranded = {entry.journey for entry in timetable.stuck if entry.begun}
        if not stranded:
            late = too_late_ones(timetable, situation.desired.fleet.quiet_in_s)
            _turn_away(left, blocked, late or [stuck(timetable, entry) for entry in timetable.stuck])
            if late:
                continue
            return _Draft(timetable, frozenset(journey.name for journey in left), blocked)
        detours = {left[number].name for number in stranded & timetable.hopped}
        if detours:
            no_hop |= detours
        else:
            _turn_away(left, blocked, [stuck(timetable, entry) for entry in timetable.stuck if entry.begun])
    raise InvariantBroken("planning", "guests are left on their way in every timetable")


def _turn_away(journeys: list[Journey], blocked: list[Blocked], refused: Sequence[Blocked]) -> None:
    """These guests get no journey."""
    gone = {entry.guest for entry in refused}
    journeys[:] = [journey for journey in journeys if journey.name not in gone]
    blocked += refused


def _steps(timetable: Timetable, hosts: Mapping[str, Host]) -> tuple[Step, ...]:
    """The entries as steps, numbered in the order in which they begin."""
    journeys = timetable.journeys
    ordered = sorted(timetable.entries, key=lambda entry: (entry.start_s, journeys[entry.journey].name, entry.number))
    width = max(2, len(str(len(ordered))))
    ids = {
        entry.number: f"{place:0{width}d}-{journeys[entry.journey].name}"
        for place, entry in enumerate(ordered, start=1)
    }
    return tuple(_step(journeys[entry.journey], entry, ids, hosts) for entry in ordered)


def _step(journey: Journey, entry: Entry, ids: Mapping[int, str], hosts: Mapping[str, Host]) -> Step:
    leg, guest = entry.leg, journey.guest
    return Step(
        id=ids[entry.number],
        kind=leg.kind,
        guest=guest.name,
        uuid=journey.difference.uuid,
        source=leg.source,
        target=leg.target,
        method=leg.method,
        running=leg.running,
        reason=leg.reason,
        intent=journey.intent,
        facts=leg.facts,
        known_as=journey.difference.known_as,
        after=tuple(sorted(ids[number] for number in entry.after)),
        start_s=entry.start_s,
        duration_s=leg.duration.total_s,
        downtime_s=leg.duration.downtime_s,
        load=leg.takes,
        frees=leg.frees,
        hop=leg.hop,
        one_way=leg.one_way,
        stop=guest.migration.stop,
        delete_source=leg.delete_source,
        via=leg.via if leg.kind is StepKind.MIGRATE else "",
        network=leg.network,
        copies=leg.copies,
        converge=leg.converge,
        vouched=leg.vouched,
        settings=leg.settings,
        settings_before=leg.settings_before,
        autostart=leg.autostart,
        attempt=journey.attempt if entry.index == 0 else 1,
        attempts_max=guest.migration.attempts,
    )


def _digest(situation: Situation, steps: Sequence[Step], blocked: Sequence[Blocked]) -> str:
    """One name for what was planned, and on which documents and facts. Predicted times are not in it."""
    desired = situation.desired
    limits = desired.fleet.limits
    return digest(
        [
            desired.commit.id if desired.commit else "",
            [limits.concurrent, limits.concurrent_in, limits.concurrent_out, limits.concurrent_host],
            [
                [
                    step.id,
                    step.kind,
                    step.source,
                    step.target,
                    step.method,
                    step.attempt,
                    step.intent,
                    step.facts,
                    step.after,
                    *([step.settings, step.settings_before] if step.settings else []),
                ]
                for step in steps
            ],
            [[entry.guest, entry.uuid, entry.wanted, entry.place, entry.reason] for entry in blocked],
        ]
    )
