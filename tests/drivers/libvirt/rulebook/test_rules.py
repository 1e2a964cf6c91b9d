"""Each rule: what it allows, what it refuses, and what it does not know."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.compatibility import Question, Rule
from reconciler.core.model import Method, Processor, RunState, StorageKind
from reconciler.core.observed import Disk, HostFacts, LeftDisk
from reconciler.drivers.libvirt.rulebook.attributes import GUEST_ATTRIBUTES
from reconciler.drivers.libvirt.rulebook.book import RULEBOOK
from reconciler.drivers.libvirt.rulebook.offline import OFFLINE_RULES
from reconciler.drivers.libvirt.rulebook.online import ONLINE_RULES
from reconciler.drivers.rules import RuleCard
from tests.drivers.libvirt.rulebook.asking import (
    EPYC,
    FEATURES,
    LOCAL_DISK,
    SHARED_DISK,
    Change,
    ask,
    checked,
    guest,
    host,
    refusals,
    refused,
    saying,
    target,
)

RULES = [*ONLINE_RULES, *OFFLINE_RULES]
LOCAL = (SHARED_DISK, LOCAL_DISK)
STOPPED = RunState.STOPPED
PASSTHROUGH = {"cpu_mode": "host-passthrough", "cpu_model": "", "cpu_features": ""}
TAKEN = f"/srv/local/other.img,{LOCAL_DISK.id}"


def disk(id: str, kind: StorageKind = StorageKind.FILE, size_mib: int = 9, resource: str = "vda") -> tuple[Disk, ...]:
    return (Disk(id, kind, size_mib, resource=resource),)


# A situation, and the rules that then refuse: online, offline.
def beside(backing: Change = "") -> HostFacts:
    """The source, with a second guest whose images are layers as it says."""
    second = replace(guest(backing=backing), uuid="7a2d", name="web02")
    return replace(host("kvm-a"), registrations=(second,))


SITUATIONS: list[tuple[str, Question, str, str]] = [
    ("an ordinary guest and two hosts that are alike", ask(), "", ""),
    ("stopped", ask(guest(state=STOPPED)), "guest-running", ""),
    ("paused or so", ask(guest(state=RunState.TRANSITION)), "guest-running", "state-settled"),
    ("still arriving", ask(guest(runnable=False)), "registered-here", "registered-here"),
    ("left over by a migration", ask(guest(state=STOPPED, left_over=True)),
     "registered-here guest-running", "registered-here"),
    ("transient", ask(guest(persistent="no")), "definition-kept", "definition-kept"),
    ("nobody knows whether it is persistent", ask(guest(persistent=None)), "definition-kept", "definition-kept"),
    ("an odd word for that", ask(guest(persistent="maybe")), "definition-kept", "definition-kept"),
    ("a name that nothing can carry", ask(guest(unusable_name="my guest")), "name-usable", "name-usable"),
    ("no job", ask(guest(job="none")), "", ""),
    ("a backup is under way", ask(guest(job="backup")), "no-other-job", "no-other-job"),
    # --- platform, machine, QEMU
    ("another architecture", ask(guest(arch="aarch64")), "platform-offered", "platform-offered"),
    ("architecture not known", ask(guest(arch=None)), "platform-offered", "platform-offered"),
    ("virt type not known", ask(guest(virt_type=None)),
     "platform-offered cpu-compatible", "platform-offered cpu-startable"),
    ("emulated, which the target does not do", ask(guest(virt_type="qemu")),
     "platform-offered cpu-compatible", "platform-offered cpu-startable"),
    ("the target has no virtualization", ask(target=host("kvm-b", cpu__kvm=None)),
     "platform-offered cpu-compatible", "platform-offered cpu-startable"),
    ("a machine type that the target lacks", ask(guest(machine="pc-q35-8.0")), "machine-offered", ""),
    ("and the one it boots with next, too", ask(guest(machine="pc-q35-8.0", stored_machine="pc-q35-8.0")),
     "machine-offered", "machine-offered"),
    ("it boots with another next, which the target lacks", ask(guest(stored_machine="pc-q35-8.0")),
     "", "machine-offered"),
    ("stopped, a machine type that the target lacks", ask(guest(state=STOPPED, machine="pc-q35-8.0")),
     "guest-running machine-offered", "machine-offered"),
    ("machine type not known", ask(guest(machine=None)), "machine-offered", ""),
    ("next machine type not known", ask(guest(stored_machine=None)), "", "machine-offered"),
    ("machine types of the target not known", ask(target=host("kvm-b", machines=None)),
     "machine-offered", "machine-offered"),
    ("newer QEMU", ask(target=host("kvm-b", "8.2.0")), "", ""),
    ("older QEMU that offers the machine", ask(target=host("kvm-b", "7.2.5")), "", ""),
    ("older QEMU that does not", ask(target=host("kvm-b", "6.2.0", machines="pc-q35-6.2")),
     "machine-offered emulator-version", "machine-offered"),
    ("a QEMU of no version", ask(target=host("kvm-b", "git")), "emulator-version", ""),
    # --- CPU
    ("the target has more", ask(target=host("kvm-b", cpu__kvm=f"{FEATURES},vaes")), "", ""),
    ("another make of processor, but the features are there", ask(target=host("kvm-b", processor=EPYC)), "", ""),
    ("a feature of its model is lacking", ask(target=host("kvm-b", cpu__kvm="avx,hypervisor,pcid,sse4.2")),
     "cpu-compatible", ""),
    ("a feature that its definition adds is lacking", ask(target=host("kvm-b", cpu__kvm="aes,avx,hypervisor,sse4.2")),
     "cpu-compatible", "cpu-startable"),
    ("a feature that the guest does not see is lacking", ask(target=host("kvm-b", cpu__kvm=FEATURES)), "", ""),
    ("it sees the one that its model has and the target lacks", ask(guest(cpu_features="+pcid")),
     "cpu-compatible", ""),
    ("CPU not known", ask(guest(cpu_mode=None)), "cpu-compatible no-invariant-tsc", ""),
    ("features not known", ask(guest(cpu_features=None)), "cpu-compatible no-invariant-tsc", ""),
    ("model not known", ask(guest(cpu_model=None)), "cpu-compatible no-invariant-tsc", ""),
    ("a feature without a sign", ask(guest(cpu_features="aes")), "cpu-compatible no-invariant-tsc", ""),
    ("a feature with both signs", ask(guest(cpu_features="+aes,-aes")), "cpu-compatible no-invariant-tsc", ""),
    ("its model is not spelt out, and the target has all that its host has", ask(guest(cpu_model="Haswell")), "", ""),
    ("its model is not spelt out, and its host has more than the target",
     Question(guest(cpu_model="Haswell"), host("kvm-a", cpu__kvm="aes,avx2"), host("kvm-b")), "cpu-compatible", ""),
    ("neither its model nor its host's features are known",
     Question(guest(cpu_model="Haswell"), host("kvm-a", cpu__kvm=None), host("kvm-b")), "cpu-compatible", ""),
    ("a host model that libvirt did not spell out", ask(guest(cpu_mode="host-model")), "cpu-compatible", ""),
    ("features of the target not known", ask(target=host("kvm-b", cpu__kvm=None)),
     "platform-offered cpu-compatible", "platform-offered cpu-startable"),
    ("older QEMU that may not know the model", ask(target=host("kvm-b", "7.2.5", models__kvm="Nehalem")),
     "cpu-compatible", "cpu-startable"),
    ("the model cannot be started whole, but all that it sees is there",
     ask(guest(stored_cpu_features="+pcid,-svm"), host("kvm-b", models__kvm="", partial__kvm="Westmere")), "", ""),
    ("the target has never heard of the model", ask(target=host("kvm-b", models__kvm="Nehalem")),
     "cpu-compatible", "cpu-startable"),
    ("its host's own CPU, hosts alike", ask(saying(PASSTHROUGH)), "", ""),
    ("its host's own CPU, another model", ask(saying(PASSTHROUGH), host("kvm-b", processor=Processor(6, 106))),
     "cpu-compatible", ""),
    ("its host's own CPU, other features", ask(saying(PASSTHROUGH), host("kvm-b", cpu__kvm=f"{FEATURES},vaes")),
     "cpu-compatible", ""),
    ("its host's own CPU, newer QEMU", ask(saying(PASSTHROUGH), host("kvm-b", "7.2.23")), "cpu-compatible", ""),
    ("its host's own CPU, processor not known", ask(saying(PASSTHROUGH), host("kvm-b", processor=Processor(0, -1))),
     "cpu-compatible", ""),
    ("its host's own CPU and a feature more", ask(saying({**PASSTHROUGH, "cpu_features": "+vaes"})),
     "cpu-compatible", ""),
    ("an invariant clock register",
     ask(guest(cpu_features="+invtsc,-svm"), host("kvm-b", cpu__kvm=f"{FEATURES},invtsc")),
     "no-invariant-tsc", ""),
    ("what it boots with next is not known", ask(guest(stored_cpu_mode=None)), "", "cpu-startable"),
    ("stopped, then the one definition is the stored one", ask(guest(state=STOPPED, stored_cpu_mode=None)),
     "guest-running", ""),
    ("it boots with a model that the target lacks", ask(guest(stored_cpu_model="Haswell")), "", "cpu-startable"),
    ("it boots with a host model, and runs with one that is not known",
     ask(guest(stored_cpu_mode="host-model"), host("kvm-b", models__kvm="")), "cpu-compatible", ""),
    ("it boots with a host model", ask(guest(stored_cpu_mode="host-model")), "", ""),
    ("it boots with its host's own CPU", ask(guest(stored_cpu_mode="host-passthrough")), "", ""),
    ("it boots with a host model and a feature more",
     ask(guest(stored_cpu_mode="host-model", stored_cpu_features="+vaes")), "", "cpu-startable"),
    ("models of the target not known", ask(target=host("kvm-b", models__kvm=None)), "", "cpu-startable"),
    # --- storage
    ("no disk at all", ask(guest(disks=())), "", ""),
    ("the target lacks the shared storage", ask(target=target(presented=("nfs4 other:/ at /srv",))),
     "storage-presented", "storage-presented"),
    ("a LUN that the target sees", ask(guest(disks=disk("/dev/mapper/lun1", StorageKind.SAN)),
     target(presented=("/dev/mapper/lun1",))), "", ""),
    ("a LUN that it does not", ask(guest(disks=disk("/dev/mapper/lun1", StorageKind.SAN))),
     "storage-presented", "storage-presented"),
    ("a local image", ask(guest(disks=LOCAL)), "", ""),
    ("a local image of unknown size", ask(guest(disks=disk(LOCAL_DISK.id, size_mib=0))),
     "disks-copyable", "disks-copyable"),
    ("a local image in a folder that the target lacks", ask(guest(disks=disk("/data/web01.img"))),
     "disks-copyable", "disks-copyable"),
    ("folders of the target not known", ask(guest(disks=LOCAL), host("kvm-b", copy_folders=None)),
     "disks-copyable", "disks-copyable"),
    ("the path is taken there", ask(guest(disks=LOCAL), host("kvm-b", occupied=TAKEN)),
     "disks-copyable", "disks-copyable"),
    ("nobody knows whether it is taken", ask(guest(disks=LOCAL), host("kvm-b", occupied=None)),
     "disks-copyable", "disks-copyable"),
    ("a path with a comma, as it would stand in two pieces in the list",
     ask(guest(disks=disk("/srv/local/a,b.img")), host("kvm-b", occupied="/srv/local/a,b.img")),
     "disks-copyable", "disks-copyable"),
    ("no file at all", ask(guest(disks=disk("/srv/local/"))), "disks-copyable", "disks-copyable"),
    ("a logical volume", ask(guest(disks=disk("/dev/vg/web01", StorageKind.LOGICAL_VOLUME))),
     "disks-copyable", "disks-copyable"),
    ("a local block device", ask(guest(disks=disk("/dev/sdb", StorageKind.LOCAL_DISK))),
     "disks-copyable", "disks-copyable"),
    ("a local image that is read-only", ask(guest(disks=LOCAL, read_only="vdb")), "disks-copyable", ""),
    ("a shared one that is", ask(guest(read_only="vda")), "", ""),
    ("a local image that may lie below another guest's",
     Question(guest(disks=(LOCAL_DISK,)), beside(backing="vda"), host("kvm-b")), "images-unshared", "images-unshared"),
    ("another guest whose layers are not known",
     Question(guest(disks=(LOCAL_DISK,)), beside(backing=None), host("kvm-b")), "images-unshared", "images-unshared"),
    ("another guest without layers", Question(guest(disks=(LOCAL_DISK,)), beside(), host("kvm-b")), "", ""),
    ("a local image that another guest uses", ask(guest(disks=(replace(LOCAL_DISK, shared_with=("db01",)),))),
     "images-unshared", "images-unshared"),
    ("a local image that is shareable", ask(guest(disks=LOCAL, shareable="vdb")),
     "images-unshared", "images-unshared"),
    ("a shareable disk on shared storage", ask(guest(disks=LOCAL, shareable="vda")), "", ""),
    ("nobody knows what is shareable", ask(guest(disks=LOCAL, shareable=None)),
     "images-unshared", "images-unshared"),
    ("a cached disk on shared storage", ask(guest(cache="vda")), "cache-safe", ""),
    ("a cached local disk", ask(guest(disks=LOCAL, cache="vdb")), "", ""),
    ("cache modes not known", ask(guest(cache=None)), "cache-safe", ""),
    ("cached, and nobody knows which disk that is", ask(guest(disks=(replace(SHARED_DISK, resource=""),), cache="vda")),
     "cache-safe", ""),
    *(
        (f"{key}: {value!r}", ask(saying({key: value})), rule, rule)
        for key, rule, values in (
            ("unclear_disks", "disks-understood", ("vdc", None)),
            ("backing", "no-backing-files", ("vda", None)),
            ("internal_snapshots", "no-internal-snapshots", ("vda", None)),
            ("local_media", "media-ejected", ("sda", None)),
            ("refused_devices", "devices-known", ("hostdev,shmem", None)),
            ("snapshots", "no-snapshots", ("2", "", "many", "-1", None)),
            ("checkpoints", "no-checkpoints", ("1", "?", None)),
            ("managed_save", "no-saved-memory", ("yes", "?", None)),
            ("nvram", "no-nvram", ("/var/lib/libvirt/qemu/nvram/web01.fd", None)),
            ("tpm", "no-tpm", ("emulator", "passthrough", "external", None)),
        )
        for value in values
    ),
    ("a network that the target lacks", ask(guest(networks=("network:dmz",))), "networks-present", "networks-present"),
    ("no network at all", ask(guest(networks=())), "", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("question", "online_refusals", "offline_refusals"),
    [situation[1:] for situation in SITUATIONS],
    ids=[situation[0] for situation in SITUATIONS],
)
def test_a_situation(question: Question, online_refusals: str, offline_refusals: str) -> None:
    assert online_refusals.split() == refusals(question, Method.ONLINE)
    assert offline_refusals.split() == refusals(question, Method.OFFLINE)


@pytest.mark.parametrize("method", list(Method))
def test_every_rule_is_seen_to_refuse(method: Method) -> None:
    """A rule that the table above never makes refuse is a rule nobody tests."""
    seen = {rule for _, question, _, _ in SITUATIONS for rule in refusals(question, method)}
    cards = ONLINE_RULES if method is Method.ONLINE else OFFLINE_RULES

    assert {card.rule for card, _ in cards} == seen


@pytest.mark.parametrize(("card", "rule"), RULES, ids=[f"{card.method}-{card.rule}" for card, _ in RULES])
def test_verdicts_carry_the_name_of_the_rule_and_its_method(card: RuleCard, rule: Rule) -> None:
    for _, question, _, _ in SITUATIONS:
        verdict = checked(rule, question)
        assert (verdict.rule, verdict.method) == (card.rule, card.method)


def test_every_refusal_says_what_somebody_can_do_about_it() -> None:
    """All but one: a stopped guest cannot move while it runs, and that is no fault."""
    silent = {
        verdict.rule
        for _, question, _, _ in SITUATIONS
        for rule in (*RULEBOOK.online, *RULEBOOK.offline)
        for verdict in [rule(question)]
        if not verdict.allowed and not verdict.fix
    }

    assert {"guest-running"} == silent


@pytest.mark.parametrize("key", [attribute.key for attribute in GUEST_ATTRIBUTES if not attribute.absent])
def test_a_key_that_is_absent_forbids_somewhere(key: str) -> None:
    """A guest with a local and a shared disk, running and stopped: without the key, some method is refused."""
    asked = [ask(saying({key: None}, guest(disks=LOCAL, state=state))) for state in (RunState.RUNNING, STOPPED)]

    assert any(
        len(refusals(question, method)) > (question.guest.state is STOPPED and method is Method.ONLINE)
        for question in asked
        for method in Method
    )


def test_the_rules_that_people_weigh_first_are_rules() -> None:
    assert RULEBOOK.telling <= {card.rule for card, _ in ONLINE_RULES}


def test_every_lacking_feature_is_named() -> None:
    question = ask(guest(cpu_features="+pcid,+f1,+f2,+f3,+f4,-svm"))

    assert ["kvm-b lacks CPU features that web01 sees: f1, f2, f3, f4"] == [entry.reason for entry in refused(question)]


def test_a_job_that_could_not_be_read_is_not_told_as_one() -> None:
    [verdict] = refused(ask(guest(job="unknown")))

    assert verdict.reason == 'job of web01 is "unknown"'


def test_a_disk_that_a_move_left_behind_is_named_with_that_move() -> None:
    taken = replace(host("kvm-b", occupied=LOCAL_DISK.id), left=(LeftDisk("web01-3", LOCAL_DISK.id),))
    [verdict] = refused(ask(guest(disks=LOCAL), taken), Method.OFFLINE)

    assert verdict.reason == f"{LOCAL_DISK.id} exists on kvm-b, left by move web01-3: nothing is written over"
