"""Why a plan is shown but not run. Called once for each plan, before anything is sent; holds nothing back itself.

Surprise pulls a brake: much less to see than before, much more to do than usual, runs that ended badly. Each says what
releases it. What was reported before can only pull a brake, never release one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from reconciler.core.desired import DesiredFleet, Mode
from reconciler.core.observed import ObservedFleet
from reconciler.core.planning.plan import Brake, Plan
from reconciler.core.planning.stillness import told
from reconciler.core.quantities import format_duration

UNREACHABLE_PERCENT = 30
UNREACHABLE_MIN = 2
"""More than so many percent of the hosts, and at least so many, may not be unreachable at once."""
VANISHED_PERCENT = 10
VANISHED_MIN = 2
"""More than so many percent of the guests, and at least so many, may not vanish from one pass to the next."""
BAD_RUNS_MAX = 3
"""After so many runs in a row that ended unknown or broken the fleet is suspended."""
NAMES_MAX = 5
"""How many names a text spells out."""


class BrakeReason(StrEnum):
    """The brakes; each is explained in docs/reference/reasons.md."""

    REPORT_MODE = "ReportMode"
    SUSPENDED = "Suspended"
    MANY_HOSTS_UNREACHABLE = "ManyHostsUnreachable"
    MANY_GUESTS_VANISHED = "ManyGuestsVanished"
    TOO_MANY_MOVES = "TooManyMoves"
    TOO_MANY_STOPS = "TooManyStops"
    TOO_MUCH_DOWNTIME = "TooMuchDowntime"
    HISTORY_REWRITTEN = "HistoryRewritten"
    DOCUMENTS_INVALID = "DocumentsInvalid"
    UNTRUSTED_COMMIT = "UntrustedCommit"
    FLEET_SUSPENDED = "FleetSuspended"
    DENY_WINDOW = "DenyWindow"
    NOT_APPROVED = "NotApproved"


def brakes(
    desired: DesiredFleet,
    observed: ObservedFleet,
    plan: Plan,
    *,
    previous_guests: Mapping[str, frozenset[str]] | None = None,
    bad_runs: int = 0,
    allow: Mapping[str, int] | None = None,
    done: Mapping[str, int] | None = None,
    lost_hosts: frozenset[str] = frozenset(),
) -> tuple[Brake, ...]:
    """Every brake that holds this plan. `previous_guests` is host -> uuids registered there as last reported,
    `bad_runs` how many runs in a row ended badly, `allow` what the person at the keyboard allows beyond the limits,
    `done` how many moves and stops earlier rounds of this pass have begun: limits and allowances hold for the pass."""
    found = [
        *_report_mode(desired),
        *_suspended(bad_runs),
        *_fleet_suspended(desired),
        *_denied(desired, plan),
        *_hosts_unreachable(desired, observed, lost_hosts),
        *_guests_vanished(observed, previous_guests or {}),
        *_too_much(desired, plan, allow or {}, done or {}),
        *_downtime(desired, plan),
    ]
    return tuple(found)


def _report_mode(desired: DesiredFleet) -> Iterator[Brake]:
    if desired.fleet.mode is Mode.REPORT:
        text = f"fleet {desired.fleet.name} is only reported on"
        yield Brake(BrakeReason.REPORT_MODE, text, "set spec.mode to apply in the Fleet document")


def _suspended(bad_runs: int) -> Iterator[Brake]:
    if bad_runs >= BAD_RUNS_MAX:
        text = f"{bad_runs} runs in a row ended unknown or broken: nothing more is begun"
        yield Brake(BrakeReason.SUSPENDED, text, "look at the guests of these runs, then `reconciler apply --resume`")


def _fleet_suspended(desired: DesiredFleet) -> Iterator[Brake]:
    suspension = desired.fleet.suspend
    if suspension is not None:
        by = suspension.by
        release = "`reconciler resume fleet`" if by else "take spec.suspend out of the Fleet document"
        yield Brake(BrakeReason.FLEET_SUSPENDED, f"fleet {desired.fleet.name} is {told(suspension)}", release)


def _denied(desired: DesiredFleet, plan: Plan) -> Iterator[Brake]:
    """Only where there is something to hold: a fleet in order makes no news of a window that comes every day."""
    if desired.fleet.quiet and plan.steps:
        yield Brake(BrakeReason.DENY_WINDOW, desired.fleet.quiet, "wait until it is over")


def _hosts_unreachable(desired: DesiredFleet, observed: ObservedFleet, lost_hosts: frozenset[str]) -> Iterator[Brake]:
    """Hosts that the operator declared lost are no surprise."""
    hosts = sorted(name for name in desired.hosts if name not in lost_hosts)
    away = [name for name in hosts if observed.facts(name) is None]
    if len(away) >= UNREACHABLE_MIN and 100 * len(away) > UNREACHABLE_PERCENT * len(hosts):
        text = f"{len(away)} of {len(hosts)} hosts cannot be read: {_names(away)}"
        release = "make them answer, or declare dead ones lost in the settings"
        yield Brake(BrakeReason.MANY_HOSTS_UNREACHABLE, text, release)


def _guests_vanished(observed: ObservedFleet, previous_guests: Mapping[str, frozenset[str]]) -> Iterator[Brake]:
    """Guests known before that no host knows now. One that was on a host nobody can read now may still be there."""
    known = {entry.uuid for facts in observed.reachable() for entry in facts.registrations}
    unsure = {uuid for host, uuids in previous_guests.items() if observed.facts(host) is None for uuid in uuids}
    before = {uuid for uuids in previous_guests.values() for uuid in uuids} - unsure
    vanished = sorted(before - known)
    if len(vanished) >= VANISHED_MIN and 100 * len(vanished) > VANISHED_PERCENT * len(before):
        text = f"{len(vanished)} of {len(before)} guests are registered on no host any more: {_names(vanished)}"
        release = "find out where they went; the next pass is measured against this one"
        yield Brake(BrakeReason.MANY_GUESTS_VANISHED, text, release)


def _too_much(desired: DesiredFleet, plan: Plan, allow: Mapping[str, int], done: Mapping[str, int]) -> Iterator[Brake]:
    limits = desired.fleet.limits
    trailer = desired.commit.allow if desired.commit is not None else {}
    for what, count, limit, reason in (
        ("moves", len(plan.moves), limits.moves_per_pass, BrakeReason.TOO_MANY_MOVES),
        ("stops", len(plan.stops), limits.stops_per_pass, BrakeReason.TOO_MANY_STOPS),
    ):
        most, whole = max(limit, trailer.get(what, 0), allow.get(what, 0)), count + done.get(what, 0)
        if count and whole > most:
            earlier = f" after {done[what]} before" if done.get(what) else ""
            text = f"the plan has {count} {what}{earlier}, at most {most} are allowed in one pass"
            release = f"a commit with the trailer `Reconciler-Allow: {what}={whole}`, or `--allow-{what} {whole}`"
            yield Brake(reason, text, release)


def _downtime(desired: DesiredFleet, plan: Plan) -> Iterator[Brake]:
    most = desired.fleet.limits.downtime_per_pass_s
    whole_s = sum(step.cautious_downtime_s for step in plan.steps)
    if most is not None and whole_s > most:
        text = f"the plan has {format_duration(whole_s)} of downtime, at most {format_duration(most)} are allowed"
        yield Brake(BrakeReason.TOO_MUCH_DOWNTIME, text, "smaller changes, or the settings' [ceilings]")


def history_rewritten(last: str, commit: str) -> Brake:
    """The brake for a commit that does not descend from the one acted on last. Whether it does is for git to say."""
    text = f"commit {commit[:10]} does not contain {last[:10]}, which was acted on last"
    text += ": that was another revision (--rev), or the branch was rewritten"
    release = f"look at what this would undo; merge {last[:10]}, or `reconciler apply --accept-rewritten-history`"
    return Brake(BrakeReason.HISTORY_REWRITTEN, text, release)


def documents_invalid(commit: str, problems: Sequence[str]) -> Brake:
    """The brake for a newest commit whose documents hold it as a whole: an older one is not acted on in its place."""
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    text = f"commit {commit[:10]} is not acted on: {problems[0] if problems else 'its documents are invalid'}{more}"
    release = "mend it in a commit on top; `reconciler validate` shows all that is wrong"
    return Brake(BrakeReason.DOCUMENTS_INVALID, text, release)


def untrusted_commit(commit: str, offences: Sequence[str]) -> Brake:
    """The brake for a commit that came by way of others that no allowed signer has signed."""
    rest = len(offences) - NAMES_MAX
    listed = "; ".join(offences[:NAMES_MAX]) + (f"; and {rest} more" if rest > 0 else "")
    text = f"commit {commit[:10]} is not acted on: not signed by an allowed signer: {listed}"
    release = "sign what was merged, or vouch for it in a signed commit: docs/guides/signed-commits.md"
    return Brake(BrakeReason.UNTRUSTED_COMMIT, text, release)


STANDING = frozenset({BrakeReason.DOCUMENTS_INVALID, BrakeReason.UNTRUSTED_COMMIT})
"""Brakes that hold, and are said to, also where there is nothing to do: what is wanted is not known."""


def _names(names: list[str]) -> str:
    rest = len(names) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {rest} more" if rest > 0 else "")
