"""Questions that online and offline migration both ask of the two hosts.

Called by the rules of both methods, each with its own card. Never asks a real host, never decides a method.
"""

from __future__ import annotations

from reconciler.core.compatibility import Question, Verdict
from reconciler.core.model import Method
from reconciler.drivers.hpvm.rulebook.data import VERSIONS, known, shared_devices
from reconciler.drivers.rules import RuleCard, names

UNKNOWN_DEVICES = "unknown_devices"
"""Key of the devices that a look could not make out; absent where there are none."""


def arrow(question: Question) -> str:
    """The two versions, as every reason about them begins."""
    return f"{question.source.version} → {question.target.version}"


def versions_known(card: RuleCard, question: Question) -> Verdict | None:
    """The refusal where a host's version is in no table, else None."""
    for host in (question.source, question.target):
        if not known(host.version):
            return card.refuses(
                f'{host.name} reports version "{host.version}", which is in no table we have',
                f"known are {VERSIONS[0]} to {VERSIONS[-1]}; find out what {host.name} really runs",
            )
    return None


def registered(card: RuleCard, question: Question) -> Verdict:
    """Whether the registration on the source is the live one."""
    guest, source = question.guest, question.source
    if guest.runnable:
        return card.allows(f"{guest.name} is registered runnable on {source.name}")
    return card.refuses(
        f"{guest.name} is Not Runnable on {source.name}: a migration left this copy behind, the live one is elsewhere",
        "find the host where it is runnable; only if there is none, and you have looked at every host, enable it here",
    )


def networks(card: RuleCard, question: Question) -> Verdict:
    """Whether every virtual switch of the guest exists on the target, by name."""
    guest, target = question.guest, question.target
    missing = set(guest.networks) - set(target.networks)
    if missing:
        return card.refuses(
            f"{target.name} has no virtual switch {names(missing)}, which {guest.name} uses",
            f"create it on {target.name}, under the same name and on the same network",
        )
    if not guest.networks:
        return card.allows(f"{guest.name} uses no virtual switch")
    return card.allows(f"{target.name} has {names(guest.networks)}")


def unpresented(card: RuleCard, question: Question) -> Verdict | None:
    """The refusal where the target cannot see one of the guest's LUNs, else None."""
    guest, target = question.guest, question.target
    hidden = {disk.id for disk in guest.disks if disk.kind.shared} - set(target.presented)
    if not hidden:
        return None
    return card.refuses(
        f"{target.name} cannot see LUN {names(hidden)} of {guest.name}",
        f"present it to {target.name} and make its device files there (`ioscan`, `insf`)",
    )


def devices_known(card: RuleCard, question: Question) -> Verdict:
    """Whether all of the guest's devices are such that we know what becomes of them."""
    name, unknown = question.guest.name, question.guest.attributes.get(UNKNOWN_DEVICES, "")
    if not unknown:
        return card.allows(f"every device of {name} is of a kind that we know")
    return card.refuses(
        f"{name} has what we do not know how to move: {unknown}", "remove it from the guest, or move the guest by hand"
    )


def shared_disks(card: RuleCard, question: Question) -> Verdict:
    """Whether the versions of both hosts move a guest whose disks other guests use as well."""
    guest = question.guest
    others = {other for disk in guest.disks for other in disk.shared_with}
    if not others:
        return card.allows(f"no other guest uses a disk of {guest.name}")
    says = f"{guest.name} shares a disk with {names(others)}"
    source, target = shared_devices(question.source.version), shared_devices(question.target.version)
    if source is None or target is None:
        return card.refuses(f"{says}, and what these versions do with that is not known ({arrow(question)})")
    for host, row in ((question.source, source), (question.target, target)):
        if not (row.online if card.method is Method.ONLINE else row.offline):
            return card.refuses(f"{says}; {host.version}: {row.says}", "give each guest disks of its own", row.basis)
    return card.allows(f"{says}; {question.target.version}: {target.says}", target.basis)
