"""Combine a platform's rules into one decision: online, offline or blocked.

A rule is one pure function in a table that its driver owns; it returns a verdict with its source. Nothing here knows a
platform. Called by the planner, by `explain` and by the simulated platform; never looks at a host.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.core.desired import Downtime, MigrationPolicy, StorageCopy
from reconciler.core.model import Method, Way
from reconciler.core.observed import HostFacts, Registration


@dataclass(frozen=True)
class Verdict:
    """What one rule says of one move. `fix` is what would make it allow: empty where it does, or nothing would."""

    rule: str
    method: Method
    allowed: bool
    reason: str
    source: str
    """Where the rule comes from: a manual's page, "document" for what the guest's document asks, or "reconciler"."""
    fix: str = ""


@dataclass(frozen=True)
class Question:
    """May this registration on `source` go to `target`?"""

    guest: Registration
    source: HostFacts
    target: HostFacts


Rule = Callable[[Question], Verdict]


@dataclass(frozen=True)
class Rulebook:
    """A platform's rules, each table in the order in which `explain` prints it."""

    platform: str
    online: tuple[Rule, ...]
    offline: tuple[Rule, ...]
    one_way: Callable[[Question], str]
    """Why an online move leaves no lasting online way back, or "" where it does. Asked only where online is allowed."""
    telling: frozenset[str] = frozenset()
    """Names of the online rules that people weigh first: versions, processor, storage. A plan's reasons quote these."""


@dataclass(frozen=True)
class Decision:
    """The method, or None for blocked, with every verdict that led there."""

    method: Method | None
    verdicts: tuple[Verdict, ...]
    deciding: Verdict | None = None
    """What kept the guest from the next better method: from online where it goes offline, from offline where it is
    blocked. None where it goes online."""
    reason: str = ""
    """Where blocked: a stable code."""
    one_way: str = ""
    """Where online: why there is no lasting online way back."""
    telling: tuple[Verdict, ...] = ()
    """Where online: the verdicts that people weigh first, in the order of the rule book."""
    way: Way = Way()
    """Over which migration network it goes; rules do not weigh that, the planner adds it."""

    def refused(self, method: Method) -> tuple[Verdict, ...]:
        """The verdicts that speak against this method."""
        return tuple(verdict for verdict in self.verdicts if verdict.method is method and not verdict.allowed)


def decide(question: Question, policy: MigrationPolicy, rulebook: Rulebook) -> Decision:
    """Online if every online rule and the document allow it, else offline if every offline rule and the document do,
    else blocked. Every rule is asked, also after a refusal: `explain` shows all that stands in the way at once."""
    online = (
        _same_platform(question, Method.ONLINE),
        *(rule(question) for rule in rulebook.online),
        _method_wanted(policy, Method.ONLINE),
        *([_storage_copy_permitted(question, policy, Method.ONLINE)] if question.guest.local_disks else []),
    )
    offline = (
        _same_platform(question, Method.OFFLINE),
        *(rule(question) for rule in rulebook.offline),
        _method_wanted(policy, Method.OFFLINE),
        _downtime_permitted(question, policy),
        _storage_copy_permitted(question, policy, Method.OFFLINE),
    )
    verdicts = (*online, *offline)
    against_online = _first_refusal(online)
    if against_online is None:
        telling = tuple(verdict for verdict in online if verdict.rule in rulebook.telling)
        return Decision(Method.ONLINE, verdicts, one_way=rulebook.one_way(question), telling=telling)
    against_offline = _first_refusal(offline)
    if against_offline is None:
        return Decision(Method.OFFLINE, verdicts, deciding=against_online)
    return Decision(None, verdicts, deciding=against_offline, reason=_reason(against_offline))


def _first_refusal(verdicts: tuple[Verdict, ...]) -> Verdict | None:
    """The platform's rules come first: what the document says is named only where the platform would allow the move."""
    return next((verdict for verdict in verdicts if not verdict.allowed), None)


def _same_platform(question: Question, method: Method) -> Verdict:
    source, target = question.source, question.target
    same = source.platform == target.platform
    return Verdict(
        "same-platform",
        method,
        same,
        f"both hosts run {source.platform}"
        if same
        else f"{source.name} runs {source.platform}, {target.name} runs {target.platform}: no migration leads across",
        "reconciler",
        "" if same else f"choose a host that runs {source.platform}",
    )


def _method_wanted(policy: MigrationPolicy, method: Method) -> Verdict:
    wanted = policy.method in (None, method)
    return Verdict(
        "method-wanted",
        method,
        wanted,
        f"the document says method: {policy.method or 'auto'}",
        "document",
        "" if wanted else f"set spec.migration.method to auto or {method}",
    )


def _downtime_permitted(question: Question, policy: MigrationPolicy) -> Verdict:
    guest = question.guest
    if not guest.running:
        return Verdict(
            "downtime-permitted", Method.OFFLINE, True, f"{guest.name} is stopped: nothing goes down", "document"
        )
    allowed = policy.downtime is Downtime.ALLOWED
    return Verdict(
        "downtime-permitted",
        Method.OFFLINE,
        allowed,
        f"{guest.name} would go down; the document says downtime: {policy.downtime}",
        "document",
        "" if allowed else "set spec.migration.downtime to allowed",
    )


def _storage_copy_permitted(question: Question, policy: MigrationPolicy, method: Method) -> Verdict:
    guest = question.guest
    if not guest.local_disks:
        return Verdict("storage-copy-permitted", method, True, "no disk needs to be copied", "document")
    enough = (StorageCopy.ONLINE,) if method is Method.ONLINE else (StorageCopy.OFFLINE, StorageCopy.ONLINE)
    allowed = policy.storage_copy in enough
    while_running = " while it runs" if method is Method.ONLINE else ""
    return Verdict(
        "storage-copy-permitted",
        method,
        allowed,
        f"{guest.copied_mib()} MiB of disks must be copied{while_running}; "
        f"the document says storageCopy: {policy.storage_copy}",
        "document",
        "" if allowed else f"set spec.migration.storageCopy to {enough[0]}",
    )


REASONS = {
    "method-wanted": "MethodForbidden",
    "downtime-permitted": "DowntimeForbidden",
    "storage-copy-permitted": "StorageCopyForbidden",
}


def _reason(verdict: Verdict) -> str:
    """The reason code of a blocked move: the document's own, else the platform's refusal."""
    return REASONS.get(verdict.rule, "Incompatible")
