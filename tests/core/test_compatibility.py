"""How verdicts become a decision, with a toy rule book: nothing here knows a platform."""

from __future__ import annotations

import pytest

from reconciler.core.compatibility import Decision, Question, Rule, Rulebook, Verdict, decide
from reconciler.core.desired import Downtime, MigrationPolicy, StorageCopy
from reconciler.core.model import Method, Processor, RunState, StorageKind
from reconciler.core.observed import Disk, HostFacts, Registration

MAY_STOP = MigrationPolicy(downtime=Downtime.ALLOWED)
LOCAL = (Disk("/images/web01", StorageKind.FILE, 100), Disk("/images/web01-data", StorageKind.FILE, 50))


def rule(name: str, method: Method, allowed: bool) -> Rule:
    return lambda _: Verdict(name, method, allowed, f"{name} says so", "toy")


def book(online: bool = True, offline: bool = True) -> Rulebook:
    return Rulebook(
        "toy",
        (rule("first-online", Method.ONLINE, True), rule("second-online", Method.ONLINE, online)),
        (rule("first-offline", Method.OFFLINE, True), rule("second-offline", Method.OFFLINE, offline)),
        one_way=lambda question: f"no way back for {question.guest.name}",
    )


def host(name: str, platform: str = "toy") -> HostFacts:
    return HostFacts(name, name, platform, "1", Processor(1, 1), cpus=1, memory_mib=1)


def question(
    state: RunState = RunState.RUNNING, disks: tuple[Disk, ...] = (), target: HostFacts | None = None
) -> Question:
    return Question(Registration("u1", "web01", state, disks=disks), host("h1"), target or host("h2"))


def told(decision: Decision) -> tuple[str, str, str]:
    """Method or "blocked", the deciding rule, the reason code."""
    return (
        str(decision.method or "blocked"),
        decision.deciding.rule if decision.deciding else "",
        decision.reason,
    )


# platform allows online, offline; the document's method and downtime; what is decided, by which rule, with which code
COMBINATIONS = """
yes yes auto    allowed    online   -                   -
yes yes auto    forbidden  online   -                   -
yes yes online  forbidden  online   -                   -
yes no  auto    forbidden  online   -                   -
yes yes offline allowed    offline  method-wanted       -
yes yes offline forbidden  blocked  downtime-permitted  DowntimeForbidden
yes no  offline allowed    blocked  second-offline      Incompatible
no  yes auto    allowed    offline  second-online       -
no  yes auto    forbidden  blocked  downtime-permitted  DowntimeForbidden
no  yes online  allowed    blocked  method-wanted       MethodForbidden
no  yes offline allowed    offline  second-online       -
no  no  auto    allowed    blocked  second-offline      Incompatible
no  no  online  forbidden  blocked  second-offline      Incompatible
"""


@pytest.mark.parametrize("line", COMBINATIONS.strip().splitlines())
def test_rules_and_document_combine(line: str) -> None:
    online, offline, method, downtime, *expected = line.split()
    policy = MigrationPolicy(method=None if method == "auto" else Method(method), downtime=Downtime(downtime))

    decision = decide(question(), policy, book(online == "yes", offline == "yes"))

    assert tuple(word.replace("-", "") if word == "-" else word for word in expected) == told(decision)


def test_every_rule_is_asked_also_after_a_refusal() -> None:
    decision = decide(question(), MigrationPolicy(), book(online=False, offline=False))

    assert [verdict.rule for verdict in decision.verdicts] == [
        "same-platform", "first-online", "second-online", "method-wanted",
        "same-platform", "first-offline", "second-offline", "method-wanted",
        "downtime-permitted", "storage-copy-permitted",
    ]  # fmt: skip
    assert [verdict.rule for verdict in decision.refused(Method.OFFLINE)] == ["second-offline", "downtime-permitted"]


def test_a_stopped_guest_needs_no_downtime() -> None:
    decision = decide(question(RunState.STOPPED), MigrationPolicy(), book(online=False))

    assert told(decision) == ("offline", "second-online", "")


def test_a_guest_in_transition_counts_as_running() -> None:
    decision = decide(question(RunState.TRANSITION), MigrationPolicy(), book(online=False))

    assert told(decision) == ("blocked", "downtime-permitted", "DowntimeForbidden")


def test_disks_are_copied_only_where_the_document_allows_it() -> None:
    never = MigrationPolicy(downtime=Downtime.ALLOWED, storage_copy=StorageCopy.NEVER)

    assert told(decide(question(disks=LOCAL), MAY_STOP, book(online=False)))[0] == "offline"
    decision = decide(question(disks=LOCAL), never, book(online=False))

    assert told(decision) == ("blocked", "storage-copy-permitted", "StorageCopyForbidden")
    assert decision.deciding is not None
    assert decision.deciding.reason == "150 MiB of disks must be copied; the document says storageCopy: never"


def test_two_platforms_never_mix() -> None:
    decision = decide(question(target=host("h2", "other")), MAY_STOP, book())

    assert told(decision) == ("blocked", "same-platform", "Incompatible")
    assert decision.deciding is not None
    assert decision.deciding.reason == "h1 runs toy, h2 runs other: no migration leads across"


def test_the_way_back_is_asked_for_online_moves_only() -> None:
    assert decide(question(), MAY_STOP, book()).one_way == "no way back for web01"
    assert decide(question(), MAY_STOP, book(online=False)).one_way == ""


def test_a_refusal_by_the_document_says_which_field_to_change() -> None:
    decision = decide(question(), MigrationPolicy(), book(online=False))

    assert decision.deciding is not None
    assert decision.deciding.source == "document"
    assert decision.deciding.reason == "web01 would go down; the document says downtime: forbidden"
    assert decision.deciding.fix == "set spec.migration.downtime to allowed"
