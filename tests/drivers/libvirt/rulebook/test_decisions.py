"""The rule book and a guest's document together, as one would tell it."""

from __future__ import annotations

from reconciler.core.compatibility import Decision, Question, decide
from reconciler.core.desired import Downtime, MigrationPolicy, StorageCopy
from reconciler.core.model import Method, RunState
from reconciler.drivers.libvirt.rulebook.book import RULEBOOK
from tests.drivers.libvirt.rulebook.asking import LOCAL_DISK, ask, guest, host

MAY_STOP = MigrationPolicy(downtime=Downtime.ALLOWED)
COPIES_ONLINE = MigrationPolicy(storage_copy=StorageCopy.ONLINE)
OTHER_CPU = host("kvm-b", cpu__kvm="hypervisor,pcid,sse4.2")
LOCAL = guest(disks=(LOCAL_DISK,))


def decided(question: Question, policy: MigrationPolicy = MAY_STOP) -> Decision:
    return decide(question, policy, RULEBOOK)


def outcome(decision: Decision) -> tuple[Method | None, str, str]:
    """Method, the deciding rule, the reason code."""
    return decision.method, decision.deciding.rule if decision.deciding else "", decision.reason


def test_a_running_guest_on_shared_storage_goes_online() -> None:
    decision = decided(ask())

    assert outcome(decision) == (Method.ONLINE, "", "")
    assert [verdict.reason for verdict in decision.telling] == [
        "kvm-b offers pc-q35-7.2",
        "kvm-b has all 4 CPU features that web01 sees",
        "kvm-b has nfs4 filer:/images at /srv/images",
        "no disk of web01 has to be copied",
    ]


def test_a_lacking_feature_means_offline() -> None:
    assert outcome(decided(ask(target=OTHER_CPU))) == (Method.OFFLINE, "cpu-compatible", "")


def test_a_lacking_feature_blocks_a_guest_that_may_not_go_down() -> None:
    assert outcome(decided(ask(target=OTHER_CPU), MigrationPolicy())) == (
        None,
        "downtime-permitted",
        "DowntimeForbidden",
    )


def test_a_local_image_goes_online_only_where_the_document_says_so() -> None:
    assert outcome(decided(ask(LOCAL), COPIES_ONLINE)) == (Method.ONLINE, "", "")
    assert outcome(decided(ask(LOCAL))) == (Method.OFFLINE, "storage-copy-permitted", "")


def test_what_is_wanted_in_the_document_is_named_by_its_own_rule() -> None:
    [verdict] = decided(ask(LOCAL)).refused(Method.ONLINE)

    assert verdict.fix == "set spec.migration.storageCopy to online"


def test_snapshots_block_whatever_the_document_allows() -> None:
    assert outcome(decided(ask(guest(snapshots="1")))) == (None, "no-snapshots", "Incompatible")


def test_a_stopped_guest_goes_offline_and_asks_for_no_downtime() -> None:
    stopped = guest(state=RunState.STOPPED)

    assert outcome(decided(ask(stopped), MigrationPolicy())) == (Method.OFFLINE, "guest-running", "")


def test_a_stopped_guest_that_could_not_be_started_there_stays() -> None:
    """libvirt would take its definition without a word; the start would fail."""
    stopped = guest(state=RunState.STOPPED, machine="pc-q35-8.0")

    assert outcome(decided(ask(stopped))) == (None, "machine-offered", "Incompatible")
