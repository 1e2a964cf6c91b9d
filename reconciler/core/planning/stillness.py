"""What keeps guests and hosts still although something differs: suspensions, maintenance, drift that is only reported.

Called where a pass begins, to say what holds at that moment, and by admission, hops and the brakes. What is kept still
is looked at and reported as ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.core.desired import DesiredFleet, Downtime, Drift, Guest, Host, PowerWish, Suspension
from reconciler.core.desired.placement import may_be_chosen
from reconciler.core.diff import Diff, Finding
from reconciler.core.planning.intent import digest, intent_digest, settings_digest
from reconciler.core.planning.plan import Reason, Step
from reconciler.core.quantities import format_moment

Refusal = tuple[Reason, str, str]
"""Reason, text, and what would help."""

FIGHT_S = 24 * 3600
FIGHT_CORRECTIONS = 3
"""So many corrections of one guest in so much time, each undone by somebody: then it is left alone."""


# --- suspensions and maintenance -------------------------------------------------------------------------------------


def as_of(desired: DesiredFleet, now_s: float) -> DesiredFleet:
    """The same fleet without the suspensions that have run out by then."""
    fleet = desired.fleet
    ended = [_ended(fleet.suspend, now_s)]
    ended += [_ended(host.suspend, now_s) or _ended(host.maintenance, now_s) for host in desired.hosts.values()]
    ended += [_ended(guest.suspend, now_s) for guest in desired.guests.values()]
    if not any(ended):
        return desired
    hosts = {
        name: replace(host, suspend=_held(host.suspend, now_s), maintenance=_held(host.maintenance, now_s))
        for name, host in desired.hosts.items()
    }
    guests = {
        name: replace(guest, suspend=None) if _ended(guest.suspend, now_s) else guest
        for name, guest in desired.guests.items()
    }
    return replace(desired, fleet=replace(fleet, suspend=_held(fleet.suspend, now_s)), hosts=hosts, guests=guests)


def next_end_s(desired: DesiredFleet, now_s: float) -> float | None:
    """When the first suspension runs out after that moment."""
    moments = [entry.until_s for entry in _suspensions(desired) if entry.until_s is not None and entry.until_s > now_s]
    return min(moments, default=None)


@dataclass(frozen=True)
class Orders:
    """Suspensions that an operator gave on the machine: of the fleet, of hosts and of guests by name."""

    fleet: Suspension | None = None
    hosts: Mapping[str, Suspension] | None = None
    guests: Mapping[str, Suspension] | None = None


def laid_over(desired: DesiredFleet, orders: Orders) -> DesiredFleet:
    """The same fleet with these suspensions as well. Where a document has one too, the later end holds."""
    hosts = {
        name: replace(desired.hosts[name], suspend=_longer(desired.hosts[name].suspend, entry))
        for name, entry in (orders.hosts or {}).items()
        if name in desired.hosts
    }
    guests = {
        name: replace(desired.guests[name], suspend=_longer(desired.guests[name].suspend, entry))
        for name, entry in (orders.guests or {}).items()
        if name in desired.guests
    }
    fleet = replace(desired.fleet, suspend=_longer(desired.fleet.suspend, orders.fleet))
    return replace(desired, fleet=fleet, hosts={**desired.hosts, **hosts}, guests={**desired.guests, **guests})


def guest_refusal(desired: DesiredFleet, guest: Guest) -> Refusal | None:
    """Why nothing may begin with this guest."""
    if guest.suspend is not None:
        return Reason.GUEST_SUSPENDED, told(guest.suspend), _release(guest.suspend, f"guest {guest.name}")
    if guest.drifted and guest.fought:
        text = f"{guest.drifted}; {guest.fought}"
        fix = f"find out who moves it; then change its document, or `reconciler apply --retry {guest.name}`"
        return Reason.FOUGHT, text, fix
    if guest.drifted and desired.fleet.drift is Drift.REPORT:
        fix = "`reconciler apply --correct-drift` brings it back, `drift: correct` always does; or declare it as it is"
        return Reason.DRIFTED, guest.drifted, fix
    return None


def host_refusal(host: Host) -> Refusal | None:
    """Why nothing may begin that has to do with this host."""
    if host.suspend is None:
        return None
    return Reason.HOST_SUSPENDED, f"{host.name}: {told(host.suspend)}", _release(host.suspend, f"host {host.name}")


def arrival_refusal(host: Host) -> Refusal | None:
    """Why nothing may come to this host, or be started there."""
    if host.maintenance is None:
        return None
    text = f"{host.name} is under maintenance: {_until(host.maintenance)}"
    return Reason.HOST_IN_MAINTENANCE, text, "wait, or declare the guest elsewhere"


def open_for_rest(host: Host) -> bool:
    """Whether a guest may rest there on its way."""
    return may_be_chosen(host)


def told(suspension: Suspension) -> str:
    """A suspension in words."""
    by = f" by {suspension.by}" if suspension.by else ""
    return f"suspended{by}: {_until(suspension)}"


def _until(suspension: Suspension) -> str:
    end = f" (until {format_moment(suspension.until_s)})" if suspension.until_s is not None else ""
    return f"{suspension.reason}{end}"


def _release(suspension: Suspension, what: str) -> str:
    return f"`reconciler resume {what}`" if suspension.by else "take spec.suspend out of its document"


def _suspensions(desired: DesiredFleet) -> Iterator[Suspension]:
    found = [desired.fleet.suspend]
    found += [entry for host in desired.hosts.values() for entry in (host.suspend, host.maintenance)]
    found += [guest.suspend for guest in desired.guests.values()]
    yield from (entry for entry in found if entry is not None)


def _ended(suspension: Suspension | None, now_s: float) -> bool:
    return suspension is not None and suspension.until_s is not None and suspension.until_s <= now_s


def _held(suspension: Suspension | None, now_s: float) -> Suspension | None:
    return None if _ended(suspension, now_s) else suspension


def _longer(one: Suspension | None, other: Suspension | None) -> Suspension | None:
    if one is None or other is None:
        return one or other
    if one.until_s is None or other.until_s is None:
        return one if one.until_s is None else other
    return one if one.until_s >= other.until_s else other


# --- drift -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settled:
    """A guest that was seen in order: what its document asked for then, since when, and when it was brought back to
    that after it had drifted."""

    wish: str
    since_s: float
    corrected_s: tuple[float, ...] = ()


DRIFTS = frozenset({Finding.MISPLACED, Finding.POWER_DIFFERS, Finding.SETTINGS_DIFFER})
IN_ORDER = frozenset({Finding.IN_PLACE, Finding.RENAMED})


def wish(guest: Guest) -> str:
    """All that the document asks for, and how: a changed document is a new wish, and no drift."""
    return digest([intent_digest(guest), settings_digest(guest)])


def drift_marked(
    desired: DesiredFleet,
    difference: Diff,
    settled: Mapping[str, Settled],
    now_s: float,
    insisted: frozenset[str] = frozenset(),
    begun: Iterable[Step] = (),
) -> DesiredFleet:
    """The same fleet with what has drifted marked, and kept from downtime where bringing it back may not cost any.

    Where nothing is remembered of a guest, a difference is what a commit asks for: forgetting never moves anything that
    a commit would not move. `insisted` are guests that a person wants to be tried again. What one of the steps `begun`
    in this pass did for another wish, such as a commit that is taken back now, is no drift.
    """
    ours = _intents(begun)
    marked: dict[str, Guest] = {}
    for found in difference.guests:
        guest, before = desired.guests.get(found.name), settled.get(found.uuid)
        if guest is None or before is None or found.finding not in DRIFTS or before.wish != wish(guest):
            continue
        if _otherwise(desired, guest, ours.get(found.uuid, frozenset())):
            continue
        text = f"it was in order since {format_moment(before.since_s)}, its document is the same, and now: {found.text}"
        recent = [moment for moment in before.corrected_s if moment > now_s - FIGHT_S]
        fought = len(recent) >= FIGHT_CORRECTIONS and guest.name not in insisted
        undone = f"brought back {len(recent)} times since {format_moment(min(recent))}, and undone" if fought else ""
        marked[guest.name] = replace(_kept_up(desired, guest), drifted=text, fought=undone)
    return replace(desired, guests={**desired.guests, **marked}) if marked else desired


def _kept_up(desired: DesiredFleet, guest: Guest) -> Guest:
    """The guest as it may be brought back."""
    if desired.fleet.drift_downtime is Downtime.ALLOWED:
        return guest
    return replace(guest, migration=replace(guest.migration, downtime=Downtime.FORBIDDEN))


def _intents(steps: Iterable[Step]) -> Mapping[str, frozenset[str]]:
    """What steps were for, by their guest."""
    found: dict[str, frozenset[str]] = {}
    for step in steps:
        found[step.uuid] = found.get(step.uuid, frozenset()) | {step.intent}
    return found


def sent_aside(steps: Iterable[Step]) -> frozenset[str]:
    """The guests, by uuid, that a plan moves from their place to make room for others.

    That they were in order is forgotten before the first of these steps begins: were a pass to end between there and
    back, with nobody left who knows why a guest lies elsewhere, that would look like drift, which need not be undone.
    """
    return frozenset(step.uuid for step in steps if step.aside)


def _otherwise(desired: DesiredFleet, guest: Guest, intents: frozenset[str]) -> bool:
    """Whether one of these intents is none that the document has now."""
    if not intents:
        return False
    return not intents <= {intent_digest(guest), intent_digest(_kept_up(desired, guest)), settings_digest(guest)}


def stops_for_drift(desired: DesiredFleet, guest: Guest) -> bool:
    """Whether bringing this guest back would stop it, although that may cost no downtime."""
    forbidden = desired.fleet.drift_downtime is Downtime.FORBIDDEN
    return bool(guest.drifted) and forbidden and guest.power is PowerWish.STOPPED


def settled_after(
    desired: DesiredFleet, difference: Diff, before: Mapping[str, Settled], begun: Iterable[Step], now_s: float
) -> Mapping[str, Settled]:
    """What is to be remembered after a pass in which these steps were begun. A guest that is in order again by such a
    step was brought back; one that lies elsewhere by one for another wish is forgotten. One that nobody saw this time
    is remembered as before."""
    ours = _intents(begun)
    after: dict[str, Settled] = {}
    for found in difference.guests:
        guest = desired.guests.get(found.name)
        known = before.get(found.uuid)
        if guest is None or not found.uuid:
            continue
        otherwise = _otherwise(desired, guest, ours.get(found.uuid, frozenset()))
        if found.finding in IN_ORDER:
            now = wish(guest)
            if known is None or known.wish != now:
                known = Settled(now, now_s)
            elif found.uuid in ours and not otherwise:
                recent = (moment for moment in known.corrected_s if moment > now_s - FIGHT_S)
                known = Settled(now, now_s, (*recent, now_s))
            after[found.uuid] = known
        elif known is not None and not otherwise:
            after[found.uuid] = known
    return after
