"""Questions to the rule book, as plain values: an ordinary guest on an ordinary host, and what a test changes of it.

Used by the tests of this folder.
"""

from __future__ import annotations

from collections.abc import Callable

from reconciler.core.compatibility import Question, Verdict
from reconciler.core.model import Method, Processor, RunState, StorageKind
from reconciler.core.observed import BootFloor, Disk, HostFacts, Registration
from reconciler.drivers.hpvm.rulebook.book import RULEBOOK

LUN = "600508b4000156d700012000000b0000"
SAN_DISK = Disk(LUN, StorageKind.SAN, 20480)
LOCAL_DISK = Disk("/dev/vg01/rweb01", StorageKind.LOGICAL_VOLUME, 10240)
ORDINARY = {"os": "HPUX", "guest_kit": "yes", "kind": "vm", "inserted_media": "none", "direct_io": "no"}
"""What a look finds of a guest that may go online."""

SAME_PROCESSOR = (Processor(32, 1), Processor(32, 1))


def guest(
    *,
    state: RunState = RunState.RUNNING,
    runnable: bool = True,
    disks: tuple[Disk, ...] = (SAN_DISK,),
    networks: tuple[str, ...] = ("lan-prod",),
    floor: str = "",
    boot_marker: str = "boot-17",
    **attributes: str,
) -> Registration:
    """web01. An attribute given as "" is left out, as if the host had not said it."""
    said = {key: value for key, value in {**ORDINARY, **attributes}.items() if value}
    return Registration(
        uuid="6f1c",
        name="web01",
        state=state,
        runnable=runnable,
        disks=disks,
        networks=networks,
        boot_marker=boot_marker,
        boot_floor=BootFloor(floor, "vmhost-old", "2026-11-20 08:15 UTC") if floor else None,
        attributes=said,
    )


def host(
    name: str, version: str, processor: Processor = SAME_PROCESSOR[0], platform: str = "integrity-vm"
) -> HostFacts:
    """A host that sees the LUN and has the network of web01."""
    return HostFacts(
        name=name,
        machine_id=name,
        platform=platform,
        version=version,
        processor=processor,
        cpus=8,
        memory_mib=65536,
        networks=("lan-prod", "lan-backup"),
        presented=(LUN,),
    )


def ask(
    versions: str = "4.2 → 4.3",
    subject: Registration | None = None,
    processors: tuple[Processor, Processor] = SAME_PROCESSOR,
) -> Question:
    """May web01 go from vmhost-a to vmhost-b? The versions are written as verdicts write them."""
    source, target = versions.split(" → ")
    return Question(
        subject or guest(), host("vmhost-a", source, processors[0]), host("vmhost-b", target, processors[1])
    )


def refusals(question: Question, method: Method = Method.ONLINE) -> list[str]:
    """The names of the rules that refuse."""
    rules = RULEBOOK.online if method is Method.ONLINE else RULEBOOK.offline
    return [verdict.rule for verdict in (rule(question) for rule in rules) if not verdict.allowed]


def checked(rule: Callable[[Question], Verdict], question: Question) -> Verdict:
    """The rule's verdict, once it is complete: reason and source always, a fix only where refused."""
    verdict = rule(question)
    assert verdict.reason
    assert verdict.source
    assert not (verdict.allowed and verdict.fix)
    return verdict
