"""Combine a platform's rules into one decision: online, offline or blocked.

A rule is one pure function in a table that its driver owns; it returns a verdict with its source. Nothing here knows a
platform. Called by the planner, by `explain` and by the simulated platform; never looks at a host.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.core.desired import Downtime, MigrationPolicy, StorageCopy
from reconciler.core.model import Method
from reconciler.core.observed import HostFacts, Registration


@dataclass(frozen=True)
class Verdict:
    """What one rule says of one move. `fix` is what would make it allow (empty where it does, or where nothing would)."""

    rule: str
    method: Method
    allowed: bool
    reason: str
    source: str
    """Where the rule comes from: a manual's page, or "document" for what the guest's document asks."""
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
    """Why there is no online way back after an online move, or "" where there is one."""


@dataclass(frozen=True)
class Decision:
    """The method, or None for blocked, with every verdict. `deciding` is the verdict that kept the guest from the
    next better method; `reason` is a stable code for blocked moves."""

    method: Method | None
    verdicts: tuple[Verdict, ...]
    deciding: Verdict | None = None
    reason: str = ""
    one_way: str = ""

    def refused(self, method: Method) -> tuple[Verdict, ...]:
        """The verdicts that speak against this method."""
        return tuple(verdict for verdict in self.verdicts if verdict.method is method and not verdict.allowed)


def decide(question: Question, policy: MigrationPolicy, rulebook: Rulebook) -> Decision:
    """Online if every online rule and the document allow it, else offline if every offline rule and the document do,
    else blocked."""
    online = (*(rule(question) for rule in rulebook.online), *_document_online(policy))
    offline = (*(rule(question) for rule in rulebook.offline), *_document_offline(question, policy))
    verdicts = (*online, *offline)
    against_online = next((verdict for verdict in online if not verdict.allowed), None)
    if against_online is None:
        return Decision(Method.ONLINE, verdicts, one_way=rulebook.one_way(question))
    against_offline = next((verdict for verdict in offline if not verdict.allowed), None)
    if against_offline is None:
        return Decision(Method.OFFLINE, verdicts, deciding=against_online)
    return Decision(None, verdicts, deciding=against_offline, reason=_reason(against_offline))


def _document_online(policy: MigrationPolicy) -> tuple[Verdict, ...]:
    wanted = policy.method is not Method.OFFLINE
    reason = "the document allows it" if wanted else "the document asks for an offline migration"
    fix = "" if wanted else "set spec.migration.method to auto or online"
    return (Verdict("method-wanted", Method.ONLINE, wanted, reason, "document", fix),)


def _document_offline(question: Question, policy: MigrationPolicy) -> tuple[Verdict, ...]:
    wanted = policy.method is not Method.ONLINE
    method = Verdict(
        "method-wanted",
        Method.OFFLINE,
        wanted,
        "the document allows it" if wanted else "the document asks for an online migration only",
        "document",
        "" if wanted else "set spec.migration.method to auto or offline",
    )
    downtime_fine = not question.guest.running or policy.downtime is Downtime.ALLOWED
    downtime = Verdict(
        "downtime-permitted",
        Method.OFFLINE,
        downtime_fine,
        "the guest is stopped already"
        if not question.guest.running
        else f"the document says downtime: {policy.downtime}",
        "document",
        "" if downtime_fine else "set spec.migration.downtime to allowed, or shut the guest down",
    )
    copied_mib = question.guest.copied_mib()
    copy_fine = not question.guest.local_disks or policy.storage_copy is StorageCopy.OFFLINE
    copy = Verdict(
        "storage-copy-permitted",
        Method.OFFLINE,
        copy_fine,
        f"{copied_mib} MiB of disks must be copied; the document says storageCopy: {policy.storage_copy}"
        if question.guest.local_disks
        else "no disk needs to be copied",
        "document",
        "" if copy_fine else "set spec.migration.storageCopy to offline",
    )
    return (method, downtime, copy)


REASONS = {
    "method-wanted": "MethodForbidden",
    "downtime-permitted": "DowntimeForbidden",
    "storage-copy-permitted": "StorageCopyForbidden",
}


def _reason(verdict: Verdict) -> str:
    """The reason code of a blocked move: the document's own, else the platform's refusal."""
    return REASONS.get(verdict.rule, "Incompatible")
