"""Questions to the rule book, as plain values: an ordinary guest on an ordinary host, and what a test changes of it.

Used by the tests of this folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from reconciler.core.compatibility import Question, Verdict
from reconciler.core.model import Method, Processor, RunState, StorageKind
from reconciler.core.observed import Disk, HostFacts, Registration
from reconciler.drivers.libvirt.rulebook.book import PLATFORM, RULEBOOK

STORE = "nfs4 filer:/images at /srv/images"
SHARED_DISK = Disk("/srv/images/web01.qcow2", StorageKind.SHARED_FILE, 20480, resource="vda", store=STORE)
LOCAL_DISK = Disk("/var/lib/libvirt/images/web01.qcow2", StorageKind.FILE, 10240, resource="vdb")
MACHINE = "pc-q35-7.2"
XEON, EPYC = Processor(6, 85, "Cascadelake"), Processor(25, 1, "EPYC-Milan")

ORDINARY = {
    "machine": MACHINE,
    "virt_type": "kvm",
    "arch": "x86_64",
    "cpu_mode": "custom",
    "cpu_model": "Westmere",
    "cpu_features": "+hypervisor,+pcid,-svm",
    "stored_machine": MACHINE,
    "stored_cpu_mode": "custom",
    "stored_cpu_model": "Westmere",
    "stored_cpu_features": "+pcid",
    "persistent": "yes",
    "managed_save": "no",
    "snapshots": "0",
    "checkpoints": "0",
    "nvram": "",
    "tpm": "none",
    "refused_devices": "none",
    "backing": "",
    "internal_snapshots": "",
    "shareable": "",
    "unclear_disks": "",
    "local_media": "",
    "cache": "",
}
"""What a look finds of a guest that may go online."""

WESTMERE = "aes,sse4.2,svm"
FEATURES = "aes,avx,hypervisor,pcid,sse4.2"
"""All that a guest can be given on an ordinary host: `svm` is not among them."""

HOST = {
    "libvirt": "9.0.0",
    "machines": f"pc-i440fx-7.2,pc-q35-6.2,{MACHINE}",
    "cpu:kvm": FEATURES,
    "models:kvm": "Nehalem,Westmere",
    "partial:kvm": "Haswell",
    "model:Westmere": WESTMERE,
    "copy_folders": "/srv/local,/var/lib/libvirt/images",
    "occupied": "/srv/local/other.img",
}

Change = str | None
"""A value, or None for a key that the host leaves out."""


def changed(attributes: Mapping[str, str], changes: Mapping[str, Change]) -> dict[str, str]:
    """The attributes with some changed."""
    return {key: value for key, value in {**attributes, **changes}.items() if value is not None}


def guest(
    *,
    state: RunState = RunState.RUNNING,
    disks: tuple[Disk, ...] = (SHARED_DISK,),
    networks: tuple[str, ...] = ("bridge:br0",),
    runnable: bool = True,
    left_over: bool = False,
    **attributes: Change,
) -> Registration:
    """web01."""
    return Registration(
        uuid="6f1c",
        name="web01",
        state=state,
        runnable=runnable,
        left_over=left_over,
        disks=disks,
        networks=networks,
        attributes=changed(ORDINARY, attributes),
    )


def saying(changes: Mapping[str, Change], subject: Registration | None = None) -> Registration:
    """The guest, with some of what its host says of it changed."""
    said = subject or guest()
    return replace(said, attributes=changed(said.attributes, changes))


def host(name: str, version: str = "7.2.22", processor: Processor = XEON, **attributes: Change) -> HostFacts:
    """A host that has the storage and the network of web01. `cpu:kvm` is written `cpu__kvm` here."""
    spelled = {key.replace("__", ":"): value for key, value in attributes.items()}
    return HostFacts(
        name=name,
        machine_id=name,
        platform=PLATFORM,
        version=version,
        processor=processor,
        cpus=8,
        memory_mib=65536,
        networks=("bridge:br0", "network:default"),
        presented=(STORE,),
        attributes=changed(HOST, spelled),
    )


def ask(subject: Registration | None = None, target: HostFacts | None = None) -> Question:
    """May web01 go from kvm-a to the target, kvm-b?"""
    return Question(subject or guest(), host("kvm-a"), target or host("kvm-b"))


def target(*, presented: tuple[str, ...] = (STORE,), networks: tuple[str, ...] = ("bridge:br0",)) -> HostFacts:
    """kvm-b with other storage or networks."""
    return replace(host("kvm-b"), presented=presented, networks=networks)


def refused(question: Question, method: Method = Method.ONLINE) -> list[Verdict]:
    """The verdicts against the move."""
    rules = RULEBOOK.online if method is Method.ONLINE else RULEBOOK.offline
    return [verdict for verdict in (rule(question) for rule in rules) if not verdict.allowed]


def refusals(question: Question, method: Method = Method.ONLINE) -> list[str]:
    """The names of the rules that refuse."""
    return [verdict.rule for verdict in refused(question, method)]


def checked(rule: Callable[[Question], Verdict], question: Question) -> Verdict:
    """The rule's verdict, once it is complete: reason and source always, a fix only where refused."""
    verdict = rule(question)
    assert verdict.reason
    assert verdict.source
    assert not (verdict.allowed and verdict.fix)
    return verdict
