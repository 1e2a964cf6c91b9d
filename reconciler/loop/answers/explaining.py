"""Why one guest would go online, offline or not at all: the rules asked once more, for people.

Called by `explain`. Changes nothing and plans nothing: the plan it quotes was made before.
"""

from __future__ import annotations

from reconciler.core.compatibility import Decision, Question, decide
from reconciler.core.desired import DesiredFleet, MigrationPolicy
from reconciler.core.desired.placement import Placement
from reconciler.core.diff import GuestDiff
from reconciler.core.observed import Unreachable
from reconciler.errors import UsageError
from reconciler.loop.answers.naming import near_to
from reconciler.loop.once import Planned
from reconciler.render.explanation import Explanation, explain


def explained(desired: DesiredFleet, planned: Planned, guest: str, to: str = "") -> Explanation:
    """What the rules say of this guest and its declared host, or the host `to`. Raises UsageError for a name
    nobody knows."""
    found = planned.difference.guest(guest)
    if found is None:
        raise _unknown("guest", guest, [entry.name for entry in planned.difference.guests])
    if to and to not in desired.hosts:
        raise _unknown("host", to, list(desired.hosts))
    decision, obstacle = _decision(desired, planned, found, to or found.wanted)
    plan = planned.plan if to in ("", found.wanted) else None
    target = to or found.wanted
    rulings = Placement.of(desired).rulings(guest, target) if target in desired.hosts else ()
    return explain(planned.difference, plan, guest, to, decision, obstacle, rulings)


def _decision(desired: DesiredFleet, planned: Planned, guest: GuestDiff, target: str) -> tuple[Decision | None, str]:
    """Every verdict, or why no rule could be asked."""
    observed = planned.observed
    if guest.place is None:
        return None, "no rule was asked: there is not exactly one copy that runs or could be started"
    if not target:
        return None, "no rule was asked: no document says where it shall be; name a host with --to"
    if target == guest.place.host:
        return None, f"no rule was asked: it is on {target} already"
    look = observed.hosts.get(target)
    source, there = observed.facts(guest.place.host), observed.facts(target)
    entry = source.registration(guest.uuid) if source is not None else None
    if source is None or there is None or entry is None:
        why = look.reason if isinstance(look, Unreachable) else "it is not declared"
        return None, f"no rule was asked: nothing is known of {target}: {why}"
    book = planned.rulebooks.get(source.platform)
    if book is None:
        return None, f"no rule was asked: there is no rule book for platform {source.platform}"
    document = desired.guests.get(guest.name)
    policy = document.migration if document is not None else MigrationPolicy()
    return decide(Question(entry, source, there), policy, book), ""


def _unknown(noun: str, name: str, names: list[str]) -> UsageError:
    hint = near_to(name, names) or "`reconciler observe` lists hosts and guests"
    return UsageError(f"there is no {noun} {name!r} in this fleet", hint=hint)
