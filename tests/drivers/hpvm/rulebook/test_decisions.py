"""The rule book and a guest's document together: the product's founding cases, as one would tell them."""

from __future__ import annotations

from reconciler.core.compatibility import Decision, Question, decide
from reconciler.core.desired import Downtime, MigrationPolicy, StorageCopy
from reconciler.core.model import Method, Processor, RunState
from reconciler.drivers.hpvm.rulebook.book import RULEBOOK
from tests.drivers.hpvm.rulebook.asking import LOCAL_DISK, ask, guest, host

MAY_STOP = MigrationPolicy(downtime=Downtime.ALLOWED)
OTHER_FAMILY = (Processor(31, 2), Processor(32, 1))


def decided(question: Question, policy: MigrationPolicy = MAY_STOP) -> Decision:
    return decide(question, policy, RULEBOOK)


def outcome(decision: Decision) -> tuple[Method | None, str, str]:
    """Method, the deciding rule, the reason code."""
    return decision.method, decision.deciding.rule if decision.deciding else "", decision.reason


def test_a_running_guest_on_shared_storage_goes_online() -> None:
    assert outcome(decided(ask())) == (Method.ONLINE, "", "")


def test_different_processor_families_mean_offline() -> None:
    assert outcome(decided(ask(processors=OTHER_FAMILY))) == (Method.OFFLINE, "processor-compatible", "")


def test_local_storage_means_offline() -> None:
    assert outcome(decided(ask(subject=guest(disks=(LOCAL_DISK,))))) == (Method.OFFLINE, "storage-shared", "")


def test_a_source_too_old_for_online_migration_means_offline() -> None:
    assert outcome(decided(ask("4.0 → 4.0"))) == (Method.OFFLINE, "version-pair", "")


def test_back_from_4_2_to_4_1_means_offline_unless_the_guest_was_booted_there() -> None:
    assert outcome(decided(ask("4.2 → 4.1"))) == (Method.OFFLINE, "version-pair", "")
    assert outcome(decided(ask("4.2 → 4.1", guest(floor="4.1")))) == (Method.ONLINE, "", "")


def test_a_stopped_guest_goes_offline_and_asks_for_no_downtime() -> None:
    forbidden = MigrationPolicy(downtime=Downtime.FORBIDDEN)

    decision = decided(ask(subject=guest(state=RunState.STOPPED)), forbidden)

    assert outcome(decision) == (Method.OFFLINE, "guest-running", "")


def test_a_running_guest_that_cannot_go_online_is_blocked_where_downtime_is_forbidden() -> None:
    decision = decided(ask(processors=OTHER_FAMILY), MigrationPolicy())

    assert outcome(decision) == (None, "downtime-permitted", "DowntimeForbidden")
    assert [verdict.rule for verdict in decision.refused(Method.ONLINE)] == ["processor-compatible"]


def test_a_guest_with_local_storage_is_blocked_where_copying_is_forbidden() -> None:
    never = MigrationPolicy(downtime=Downtime.ALLOWED, storage_copy=StorageCopy.NEVER)

    decision = decided(ask(subject=guest(disks=(LOCAL_DISK,))), never)

    assert outcome(decision) == (None, "storage-copy-permitted", "StorageCopyForbidden")


def test_versions_without_any_path_are_incompatible_whatever_the_document_says() -> None:
    assert outcome(decided(ask("3.5 → 4.2"))) == (None, "version-class", "Incompatible")


def test_the_copy_that_a_migration_left_behind_is_never_moved() -> None:
    left_behind = guest(state=RunState.STOPPED, runnable=False)

    assert outcome(decided(ask(subject=left_behind))) == (None, "registered-here", "Incompatible")


def test_a_host_of_another_platform_is_no_target() -> None:
    question = Question(guest(), host("vmhost-a", "4.2"), host("kvm-1", "4.2", platform="libvirt"))

    assert outcome(decided(question)) == (None, "same-platform", "Incompatible")


def test_only_an_online_decision_carries_a_one_way_door() -> None:
    assert decided(ask("4.1 → 4.2")).one_way == (
        "the online way back to 4.1 (vmhost-a) lasts only until web01 next boots"
    )
    assert decided(ask("4.1 → 4.2", guest(disks=(LOCAL_DISK,)))).one_way == ""
