"""Each rule but those on versions and processors: what it allows, what it refuses, and what it does not know."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.compatibility import Question, Rule
from reconciler.core.model import Method, RunState, StorageKind
from reconciler.core.observed import Disk, Registration
from reconciler.drivers.hpvm.rulebook import book, offline, online
from reconciler.drivers.hpvm.rulebook.attributes import ATTRIBUTES
from reconciler.drivers.hpvm.rulebook.offline import OFFLINE_RULES
from reconciler.drivers.hpvm.rulebook.online import ONLINE_RULES
from reconciler.drivers.rules import RuleCard
from tests.drivers.hpvm.rulebook.asking import LOCAL_DISK, LUN, SAN_DISK, ask, checked, guest, refusals

RULES = [*ONLINE_RULES, *OFFLINE_RULES]
SHARED_LUN = Disk(LUN, StorageKind.SAN, shared_with=("db01",))

# One change to an ordinary guest, the versions, and the rules that then refuse: online, offline.
CHANGES: list[tuple[str, Registration, str, str, str]] = [
    ("nothing changed", guest(), "4.2 → 4.3", "", ""),
    ("stopped", guest(state=RunState.STOPPED), "4.2 → 4.3", "guest-running", ""),
    ("suspended or so", guest(state=RunState.TRANSITION), "4.2 → 4.3", "guest-running", "state-settled"),
    ("not runnable", guest(state=RunState.STOPPED, runnable=False), "4.2 → 4.3",
     "registered-here guest-running", "registered-here"),
    ("running, yet not runnable", guest(runnable=False), "4.2 → 4.3", "registered-here", "registered-here"),
    ("a virtual partition", guest(kind="vpar"), "6.1.5 → 6.1.5", "not-a-vpar version-pair", ""),
    ("kind not known on 6.x", guest(kind=""), "6.1.5 → 6.3", "not-a-vpar", "version-class"),
    ("kind not known before 6.x", guest(kind=""), "4.2 → 4.3", "", ""),
    ("a word for its kind that we do not know", guest(kind="container"), "4.2 → 4.3", "not-a-vpar", "version-class"),
    ("a logical volume", guest(disks=(SAN_DISK, LOCAL_DISK)), "4.2 → 4.3", "storage-shared", ""),
    ("a file", guest(disks=(Disk("/images/web01", StorageKind.FILE, 4096),)), "4.2 → 4.3", "storage-shared", ""),
    ("a local disk", guest(disks=(Disk("/dev/rdisk/disk4", StorageKind.LOCAL_DISK, 4096),)), "4.2 → 4.3",
     "storage-shared", ""),
    ("a file of unknown size", guest(disks=(Disk("/images/web01", StorageKind.FILE),)), "4.2 → 4.3",
     "storage-shared", "storage-reachable"),
    ("a device that nobody knows", guest(unknown_devices="tape:scsi:0,1,0:attach:1,2"), "4.2 → 4.3",
     "devices-known", "devices-known"),
    ("a local disk before copying worked", guest(disks=(LOCAL_DISK,)), "4.0 → 4.0",
     "version-pair storage-shared guest-system", "storage-reachable"),
    ("a LUN that the target cannot see", guest(disks=(Disk("6005aa", StorageKind.SAN),)), "4.2 → 4.3",
     "storage-shared", "storage-reachable"),
    ("no disk at all", guest(disks=()), "4.2 → 4.3", "", ""),
    ("a network that the target lacks", guest(networks=("lan-prod", "lan-dmz")), "4.2 → 4.3",
     "networks-present", "networks-present"),
    ("no network at all", guest(networks=()), "4.2 → 4.3", "", ""),
    ("a shared disk, 3.5", guest(disks=(SHARED_LUN,)), "3.5 → 3.5",
     "version-pair shared-disks guest-system", "shared-disks"),
    ("a shared disk, 4.1", guest(disks=(SHARED_LUN,)), "4.1 → 4.1", "shared-disks", ""),
    ("a shared disk, 4.1 to 4.2", guest(disks=(SHARED_LUN,)), "4.1 → 4.2", "shared-disks", ""),
    ("a shared disk, 4.2", guest(disks=(SHARED_LUN,)), "4.2 → 4.3", "", ""),
    ("a shared disk, 6.x", guest(disks=(SHARED_LUN,)), "4.3 → 6.1", "shared-disks", ""),
    ("a shared disk, who knows what version", guest(disks=(SHARED_LUN,)), "4.3 → 5.0",
     "version-pair shared-disks guest-system", "version-class shared-disks"),
    ("an image inserted", guest(inserted_media="file"), "4.2 → 4.3", "media-ejected", ""),
    ("the host's drive", guest(inserted_media="physical"), "4.2 → 4.3", "media-ejected", ""),
    ("media not known", guest(inserted_media=""), "4.2 → 4.3", "media-ejected", ""),
    ("direct I/O", guest(direct_io="yes"), "6.1.5 → 6.3", "no-direct-io", ""),
    ("direct I/O not known on 6.x", guest(direct_io=""), "6.1.5 → 6.3", "no-direct-io", ""),
    ("direct I/O not known before 6.x", guest(direct_io=""), "4.2 → 4.3", "", ""),
    ("online migration enabled", guest(online_migration="enabled"), "4.2 → 4.3", "", ""),
    ("online migration disabled", guest(online_migration="disabled"), "4.2 → 4.3", "online-enabled", ""),
    ("an odd word for it", guest(online_migration="maybe"), "4.2 → 4.3", "online-enabled", ""),
    ("Linux", guest(os="LINUX"), "4.2 → 4.3", "guest-system", ""),
    ("Windows", guest(os="WINDOWS"), "4.2 → 4.3", "guest-system", ""),
    ("OpenVMS, 4.3", guest(os="OPENVMS"), "4.3 → 4.3", "", ""),
    ("OpenVMS, other versions", guest(os="OPENVMS"), "4.2 → 4.3", "guest-system", ""),
    ("system not known", guest(os=""), "4.2 → 4.3", "guest-system", ""),
    ("no guest kit", guest(guest_kit="no"), "4.2 → 4.3", "guest-kit-installed", ""),
    ("guest kit not known", guest(guest_kit=""), "4.2 → 4.3", "guest-kit-installed", ""),
    ("a Serviceguard node", guest(serviceguard_node="yes"), "4.2 → 4.3", "not-a-cluster-node", ""),
    ("said to be no Serviceguard node", guest(serviceguard_node="no"), "4.2 → 4.3", "", ""),
    ("an odd word for that", guest(serviceguard_node="?"), "4.2 → 4.3", "not-a-cluster-node", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("subject", "versions", "online_refusals", "offline_refusals"),
    [change[1:] for change in CHANGES],
    ids=[change[0] for change in CHANGES],
)
def test_one_change_to_an_ordinary_guest(
    subject: Registration, versions: str, online_refusals: str, offline_refusals: str
) -> None:
    question = ask(versions, subject)

    assert online_refusals.split() == refusals(question, Method.ONLINE)
    assert offline_refusals.split() == refusals(question, Method.OFFLINE)


@pytest.mark.parametrize("method", list(Method))
def test_every_rule_is_seen_to_refuse(method: Method) -> None:
    """A rule that the table above never makes refuse is a rule nobody tests."""
    seen = {rule for change in CHANGES for rule in refusals(ask(change[2], change[1]), method)}
    cards = ONLINE_RULES if method is Method.ONLINE else OFFLINE_RULES

    assert {card.rule for card, _ in cards} - {"processor-compatible"} == seen


@pytest.mark.parametrize(("card", "rule"), RULES, ids=[f"{card.method}-{card.rule}" for card, _ in RULES])
def test_verdicts_carry_the_name_of_the_function_and_its_method(card: RuleCard, rule: Rule) -> None:
    for change in CHANGES:
        verdict = checked(rule, ask(change[2], change[1]))
        assert (verdict.rule, verdict.method) == (card.rule, card.method)
    assert card.rule.replace("-", "_") == getattr(rule, "__name__", "")


def test_local_disks_are_named_with_their_kind_and_the_host_that_sees_them() -> None:
    verdict = online.storage_shared(ask("4.2 → 4.3", guest(disks=(LOCAL_DISK,))))

    assert verdict.reason == "web01 has disks that only vmhost-a sees (logical-volume): /dev/vg01/rweb01"


def test_offline_says_what_is_copied() -> None:
    verdict = offline.storage_reachable(ask("4.2 → 4.3", guest(disks=(LOCAL_DISK, SAN_DISK))))

    assert verdict.reason == "the contents of /dev/vg01/rweb01 are copied (10240 MiB)"


def test_an_unpresented_lun_is_named_with_the_target() -> None:
    question = ask("4.2 → 4.3")
    question = Question(question.guest, question.source, replace(question.target, presented=()))

    for rule in (online.storage_shared, offline.storage_reachable):
        assert rule(question).reason == f"vmhost-b cannot see LUN {LUN} of web01"
        assert rule(question).fix.startswith("present it to vmhost-b")


def test_a_long_list_is_cut_short_and_counted() -> None:
    disks = tuple(Disk(f"/dev/vg01/rlvol{number}", StorageKind.LOGICAL_VOLUME) for number in range(9))

    assert online.storage_shared(ask(subject=guest(disks=disks))).reason.endswith(
        "/dev/vg01/rlvol0, /dev/vg01/rlvol1, /dev/vg01/rlvol2 and 6 more"
    )


def test_a_shared_disk_that_may_move_still_warns_of_what_is_not_carried_along() -> None:
    verdict = checked(online.shared_disks, ask("4.2 → 4.3", guest(disks=(SHARED_LUN,))))

    assert verdict.reason == (
        "web01 shares a disk with db01; 4.3: SHARE=YES is not carried along: "
        "set it on the target before the others follow"
    )


def test_a_disabled_switch_tells_how_to_enable_it() -> None:
    verdict = online.online_enabled(ask(subject=guest(online_migration="disabled")))

    assert verdict.fix == "if the reason is gone: hpvmmodify -P web01 -x online_migration=enabled"


def test_unknown_and_unlisted_words_read_differently() -> None:
    assert online.guest_kit_installed(ask(subject=guest(guest_kit=""))).reason == "guest_kit of web01 is not known"
    assert online.guest_kit_installed(ask(subject=guest(guest_kit="old"))).reason == 'guest_kit of web01 is "old"'


def test_the_keys_are_listed_at_the_top_of_the_rule_book() -> None:
    assert ", ".join(attribute.key for attribute in ATTRIBUTES) in (book.__doc__ or "")
