"""Which guests get a journey, and why the others get none. One guest at a time; room and order come later.

Called by the scheduler for each guest of a diff. Never weighs one guest against another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.core import capacity
from reconciler.core.compatibility import Decision, Question, Verdict, decide
from reconciler.core.desired import Guest
from reconciler.core.diff import Finding, GuestDiff, Place
from reconciler.core.execution.lateness import marked
from reconciler.core.model import Method, RunState, Settings, StepKind
from reconciler.core.observed import HostFacts, Registration
from reconciler.core.planning import attempts, journey, stillness
from reconciler.core.planning.attempts import History
from reconciler.core.planning.intent import intent_digest, settings_digest
from reconciler.core.planning.journey import Journey, Leg
from reconciler.core.planning.plan import Blocked, Reason
from reconciler.core.planning.settings import along_the_way, settings_refusal, sooner, with_less_cpu
from reconciler.core.planning.situation import Situation
from reconciler.core.records import MoveRecord

THIRD_HOSTS_MAX = 8
"""So many hosts that are alike are asked for the way over one of them."""

REFUSALS: Mapping[Finding, tuple[Reason, str]] = {
    Finding.MISSING: (Reason.MISSING, "create or register the guest, or delete its document"),
    Finding.UNKNOWN: (Reason.OWNER_UNKNOWN, "make every host answer, or declare a dead one lost in the settings"),
    Finding.REPLACED: (Reason.REPLACED, "declare the uuid of the guest that is meant"),
    Finding.DUPLICATED: (Reason.DUPLICATED, "decide which copy is the good one and make the others not runnable"),
    Finding.NOT_RUNNABLE: (Reason.NOT_RUNNABLE, "decide which copy is the good one and make it runnable"),
    Finding.QUARANTINED: (Reason.QUARANTINED, "mend the guest's document"),
}
"""Each finding of HANDS_OFF -> the reason, and what would help."""


def admit(situation: Situation, found: GuestDiff) -> Journey | Blocked | None:
    """The guest's journey, or why it has none; None where nothing differs and nothing is under way."""
    guest = situation.desired.guests.get(found.name)
    if found.finding in REFUSALS:
        record = situation.under_way.get(found.uuid) if found.uuid else None
        if record is not None and found.finding is not Finding.QUARANTINED:
            return _blocked(found, *_held_amiss(situation, found, record))
        reason, fix = REFUSALS[found.finding]
        return _blocked(found, reason, found.text, fix)
    setting = found.finding is Finding.SETTINGS_DIFFER
    differs = setting or found.finding is Finding.MISPLACED or found.power is not None
    if guest is None or found.place is None or not differs:
        record = situation.under_way.get(found.uuid)  # it may lie where it should and be down, on its way to a start
        return _blocked(found, *attempts.held(situation, record)) if record is not None else None
    against = _against(situation, found, found.place)
    if against is not None:
        return _blocked(found, *against)
    entry = situation.registrations[found.place.host, found.uuid]
    intent = settings_digest(guest) if setting else intent_digest(guest)
    history = attempts.weigh(situation, found.uuid, intent, guest.migration)
    if history.against is not None:
        return _blocked(found, *history.against)
    if setting:
        refusal = settings_refusal(guest, entry, found.settings)
        if refusal is not None:
            return _blocked(found, *refusal)
        host = situation.hosts[found.place.host]
        leg = journey.setting(entry, host, found.settings, situation.pace_at(entry, host.name, StepKind.SET))
        return Journey(guest, found, entry, (leg,), intent, history.attempt)
    planned = _with_settings(situation, guest, found, found.place, entry, history)
    if isinstance(planned, Blocked):
        return planned
    legs, entry = planned
    refused, spent = frozenset(history.refused), history.spent is not None
    return Journey(guest, found, entry, legs, intent, history.attempt, refused, spent)


def _held_amiss(situation: Situation, found: GuestDiff, record: MoveRecord) -> tuple[Reason, str, str]:
    """Why a guest is left alone that is on its way and looks wrong: it may, for a moment, or the move has broken."""
    reason, text, fix = attempts.held(situation, record)
    if reason is Reason.MOVE_UNDER_WAY and found.finding in (Finding.NOT_RUNNABLE, Finding.DUPLICATED):
        _, remedy = REFUSALS[found.finding]
        return reason, f"{text}; {found.text}", f"`reconciler apply` looks again; where it stays so, {remedy}"
    return reason, text, fix


def _against(situation: Situation, found: GuestDiff, place: Place) -> tuple[Reason, str, str] | None:
    """What speaks against touching the guest at all."""
    record = situation.under_way.get(found.uuid)
    if record is not None:
        return attempts.held(situation, record)
    still = _still(situation, found, place)
    if still is not None:
        return still
    violation = situation.misdeclared.get(found.name)
    if violation is not None and place.host != found.wanted:
        return Reason.PLACEMENT_RULE_VIOLATED, violation.text, violation.fix
    for host in (place.host, found.wanted):
        if host not in situation.hosts:
            reason, text = situation.closed.get(
                host, (Reason.HOST_NOT_DECLARED, f"{host}: no Host document declares it")
            )
            return reason, text, "see to the host"
    if place.state is RunState.TRANSITION:
        text = f"on {place.host} it is neither running nor stopped: starting, stopping, suspended or unknown"
        return Reason.IN_TRANSITION, text, "wait until it has settled; resume it if it is suspended"
    if place.state is RunState.STOPPED and any(marked(parked) for parked in situation.parked.get(found.uuid, ())):
        text = "an earlier move asked it to stop, it did so late, and it is to be started again where it is"
        return Reason.MOVE_UNDER_WAY, text, "the next pass goes on with it: `reconciler apply`"
    if place.state is RunState.STOPPED and situation.unseen:
        text = f"it is stopped, and could run where nobody looked: {', '.join(situation.unseen)}"
        return Reason.OWNER_UNKNOWN, text, "make these hosts answer, or declare a dead one lost in the settings"
    return None


def _still(situation: Situation, found: GuestDiff, place: Place) -> stillness.Refusal | None:
    """What keeps the guest, or a host of its, still on purpose."""
    desired = situation.desired
    guest = desired.guests[found.name]
    refusal = stillness.guest_refusal(desired, guest)
    if refusal is None and stillness.stops_for_drift(desired, guest):
        fix = "stop it yourself, or set driftDowntime: allowed in the Fleet document"
        refusal = (Reason.DRIFTED, f"{guest.drifted}; bringing it back would stop it", fix)
    hosts = [desired.hosts[name] for name in dict.fromkeys((place.host, found.wanted)) if name in desired.hosts]
    for host in hosts:
        refusal = refusal or stillness.host_refusal(host)
    arrives = place.host != found.wanted or found.power is StepKind.START
    if refusal is None and arrives and found.wanted in desired.hosts:
        refusal = stillness.arrival_refusal(desired.hosts[found.wanted])
    return refusal


def _with_settings(
    situation: Situation, guest: Guest, found: GuestDiff, place: Place, entry: Registration, history: History
) -> tuple[tuple[Leg, ...], Registration] | Blocked:
    """The way to the declared place and power, with the declared settings around it; and the guest as it goes that way:
    what makes it smaller comes before, so that it takes less room on its way and where it comes."""
    intent, tried = "", History()
    if found.settings:
        intent = settings_digest(guest)
        tried = attempts.weigh(situation, found.uuid, intent, guest.migration)
    wanted = along_the_way(guest, entry, found.settings) if tried.against is None else ()
    moving = with_less_cpu(entry, wanted)
    legs = _legs(situation, guest, found, place, moving, history)
    if isinstance(legs, Blocked):
        return legs
    if not any(leg.takes.cpu_percent for leg in legs) and moving != entry:
        moving = entry  # it arrives stopped: nobody gains by its taking less before
        legs = _legs(situation, guest, found, place, moving, history)
        if isinstance(legs, Blocked):
            return legs
    before = sooner(entry, moving, legs, wanted)
    after = tuple(pair for pair in wanted if pair not in before)
    if before:
        when = journey.SOONER if place.host != guest.host else journey.TO_START
        legs = (_setting(situation, entry, situation.hosts[place.host], before, tried, intent, when), *legs)
    runs = entry.running if found.power is None else found.power is StepKind.START
    if after and (runs or not situation.unseen):  # what is down is touched only where nobody else could have started it
        there = replace(moving, state=RunState.RUNNING if runs else RunState.STOPPED)
        legs = (*legs, _setting(situation, there, situation.hosts[guest.host], after, tried, intent, journey.LATER))
    return legs, moving


def _setting(
    situation: Situation,
    entry: Registration,
    host: HostFacts,
    settings: Settings,
    tried: History,
    intent: str,
    when: str,
) -> Leg:
    pace = situation.pace_at(entry, host.name, StepKind.SET)
    leg = journey.setting(entry, host, settings, pace, intent=intent, when=when)
    return replace(leg, attempt=tried.attempt)


def _legs(
    situation: Situation, guest: Guest, found: GuestDiff, place: Place, entry: Registration, history: History
) -> tuple[Leg, ...] | Blocked:
    """The way to the declared place and power, straight."""
    source, target = situation.hosts[place.host], situation.hosts[guest.host]
    if source is target:
        legs: tuple[Leg, ...] = ()
    else:
        way = _move(situation, guest, found, place, entry, history)
        if isinstance(way, Blocked):
            return way
        legs = way
    if found.power is StepKind.START:
        legs = (*legs, _power(situation, guest, entry, target, StepKind.START))
    elif found.power is StepKind.STOP and not any(leg.kind is StepKind.STOP for leg in legs):
        legs = (*legs, _power(situation, guest, entry, target, StepKind.STOP))
    runs_there = any(leg.kind is StepKind.START or (leg.kind is StepKind.MIGRATE and leg.running) for leg in legs)
    if runs_there and not situation.vcpus_fit(entry, target.name):
        text = f"it has {entry.vcpus} virtual CPUs, more than {target.name} has CPUs for guests"
        return _blocked(found, Reason.TOO_FEW_CPUS, text, "give it fewer virtual CPUs, or choose a larger host")
    return legs


def _power(situation: Situation, guest: Guest, entry: Registration, host: HostFacts, kind: StepKind) -> Leg:
    return journey.power(guest, entry, host, kind, situation.pace_at(entry, host.name, kind))


def _move(
    situation: Situation, guest: Guest, found: GuestDiff, place: Place, entry: Registration, history: History
) -> tuple[Leg, ...] | Blocked:
    """The move to the declared host. A guest that shall be stopped anyway is stopped first, where that may be: then it
    takes no room on its way."""
    source, target = situation.hosts[place.host], situation.hosts[guest.host]
    against = barrier(situation, entry, source, target)
    if against is not None:
        return _blocked(found, *against)
    if (source.name, target.name) in history.refused:
        text = f"the platform refused, and nothing has changed since: {history.refused[source.name, target.name]}"
        fix = f"remove the cause; ask again with `reconciler apply --retry {guest.name}`, or change the document"
        return _blocked(found, Reason.REFUSED_BY_PLATFORM, text, fix)
    why = f"declared on {target.name}"
    decision = decision_for(situation, guest, entry, source, target, history.spent is not None)
    stops = found.power is StepKind.STOP
    if stops and situation.unseen and decision.method is not Method.ONLINE:
        text = f"once stopped, it could run where nobody looked: {', '.join(situation.unseen)}"
        return _blocked(found, Reason.OWNER_UNKNOWN, text, "make these hosts answer, or declare a dead one lost")
    if stops and not situation.unseen:
        stopped = replace(entry, state=RunState.STOPPED, boot_floor=None)
        at_rest = decision_for(situation, guest, stopped, source, target, history.spent is not None)
        if at_rest.method is not None:
            halt = _power(situation, guest, entry, source, StepKind.STOP)
            return halt, journey.migration(guest, stopped, source, target, at_rest, why, hop=False)
        if decision.method is not Method.ONLINE:
            decision = at_rest
    over = _over_a_third(situation, guest, entry, source, target, history, decision) if not stops else None
    if over is not None:
        return over
    if decision.method is not None:
        return (journey.migration(guest, entry, source, target, decision, why, hop=False),)
    if history.spent is not None:
        reason, text, fix = attempts.exhausted(history.spent, guest.migration)
        return _blocked(found, reason, f"{text}; offline: {_refusal(decision, Method.OFFLINE)}", fix, decision.verdicts)
    text = f"online: {_refusal(decision, Method.ONLINE)}; offline: {_refusal(decision, Method.OFFLINE)}"
    fix = decision.deciding.fix if decision.deciding is not None else ""
    return _blocked(found, Reason(decision.reason), text, fix, decision.verdicts)


def _over_a_third(
    situation: Situation,
    guest: Guest,
    entry: Registration,
    source: HostFacts,
    target: HostFacts,
    history: History,
    direct: Decision,
) -> tuple[Leg, Leg] | None:
    """The way over a third host, online on both legs, for a running guest that has no online way straight to its host.
    Best is a host with room now, then the shortest way, then the first by name."""
    hops = guest.migration.hop and guest.migration.method is not Method.OFFLINE and history.spent is None
    if direct.method is Method.ONLINE or not entry.running or not hops:
        return None
    why_not = _refusal(direct, Method.ONLINE)
    best: tuple[tuple[object, ...], tuple[Leg, Leg]] | None = None
    for alike in situation.resting_places:
        asked = 0
        for rest in (situation.hosts[name] for name in alike if name not in (source.name, target.name)):
            if asked >= THIRD_HOSTS_MAX:
                break
            if _barred(situation, entry, source, rest, target, history):
                continue
            asked += 1
            first = decision_for(situation, guest, entry, source, rest, False)
            second = decision_for(
                situation, guest, entry, rest, target, False
            )  # its boot goes on, and with it its floor
            if first.method is not Method.ONLINE or second.method is not Method.ONLINE:
                break  # nor will those that are alike do
            away = f"rests on {rest.name}, as there is no online way to {target.name} ({why_not})"
            legs = (
                journey.migration(guest, entry, source, rest, first, f"{away}; declared on {target.name}", hop=True),
                journey.migration(
                    guest, entry, rest, target, second, f"declared on {target.name}, by way of {rest.name}", hop=False
                ),
            )
            seconds = sum(leg.duration.total_s for leg in legs)
            rank = (not legs[0].takes.fits(situation.room_now[rest.name]), round(seconds, 3), rest.name)
            best = min(best, (rank, legs), key=lambda one: one[0]) if best is not None else (rank, legs)
    return best[1] if best is not None else None


def _barred(
    situation: Situation,
    entry: Registration,
    source: HostFacts,
    rest: HostFacts,
    target: HostFacts,
    history: History,
) -> bool:
    """What speaks against resting there before the platform's rules are asked: also that it could never hold the
    guest."""
    refused = (source.name, rest.name) in history.refused or (rest.name, target.name) in history.refused
    most = capacity.capacity(rest, situation.desired.hosts[rest.name])
    return (
        refused
        or barrier(situation, entry, source, rest) is not None
        or not situation.vcpus_fit(entry, rest.name)
        or not capacity.needed(entry, rest, copies=True).fits(most)
    )


def barrier(
    situation: Situation, entry: Registration, source: HostFacts, target: HostFacts
) -> tuple[Reason, str, str] | None:
    """What speaks against this pair of hosts before the platform's rules are asked."""
    if source.platform not in situation.rulebooks:
        return Reason.PLATFORM_UNKNOWN, f"no rules are known for {source.platform}", "choose another host"
    if situation.name_taken(entry, target.name):
        text = f"another guest named {entry.name} is on {target.name}, or may come there"
        return Reason.NAME_TAKEN, text, "rename one of the two"
    return None


def decision_for(
    situation: Situation, guest: Guest, entry: Registration, source: HostFacts, target: HostFacts, only_offline: bool
) -> Decision:
    """Online, offline or blocked, and over which network. `only_offline`: the online attempts are used up."""
    policy = replace(guest.migration, method=Method.OFFLINE) if only_offline else guest.migration
    decision = decide(Question(entry, source, target), policy, situation.rulebooks[source.platform])
    way = situation.way(source.name, target.name)
    pace = situation.pace(entry, way, source.name, target.name, decision.method)
    decision = replace(decision, way=replace(way, pace=pace))
    if only_offline and decision.method is Method.OFFLINE and decision.deciding is not None:
        text = f"{guest.migration.attempts} online attempts ended without a move"
        return replace(decision, deciding=replace(decision.deciding, reason=text))
    return decision


def _refusal(decision: Decision, method: Method) -> str:
    refused = decision.refused(method)
    return refused[0].reason if refused else "allowed"


def _blocked(found: GuestDiff, reason: Reason, text: str, fix: str = "", verdicts: Sequence[Verdict] = ()) -> Blocked:
    place = found.place.host if found.place is not None else ""
    return Blocked(found.name, found.uuid, found.wanted, place, reason, text, fix, tuple(verdicts))
