"""May the guest move while it is down? One pure function a rule; all must allow it.

Called through the rule book only. Never asks whether it may be stopped, which is its document's to say, nor how much
room the target has, which is the planner's. Offline may cross processor families: there is no rule on processors.
"""

from __future__ import annotations

from reconciler.core.compatibility import Question, Rule, Verdict
from reconciler.core.model import Method, RunState
from reconciler.drivers.hpvm.rulebook import ends
from reconciler.drivers.hpvm.rulebook.attributes import KIND
from reconciler.drivers.hpvm.rulebook.data import COPY_BASIS, COPY_SINCE, VERSIONS, offline_class, vpar_pair, within
from reconciler.drivers.rules import Basis, Confidence, RuleCard, names


def _card(rule: str, source: str, confidence: Confidence = Confidence.STATED) -> RuleCard:
    return RuleCard(rule, Method.OFFLINE, Basis(source, confidence))


REGISTERED_HERE = _card("registered-here", "Integrity VM 4.2 manual, p. 169 and 181")
STATE_SETTLED = _card("state-settled", "Integrity VM 4.2 manual, p. 169")
VERSION_CLASS = _card(
    "version-class", "Integrity VM 6.1 guide, p. 198, table 32; Integrity VM 6.1 release notes, p. 34, table 4"
)
STORAGE_REACHABLE = _card(
    "storage-reachable", "Integrity VM 4.2 manual, p. 168 and 179; Integrity VM 4.0 manual, section 10.3"
)
NETWORKS_PRESENT = _card("networks-present", "Integrity VM 4.2 manual, p. 169")
DEVICES_KNOWN = _card("devices-known", "no source speaks of migrating a guest with such a device", Confidence.UNKNOWN)
SHARED_DISKS = _card("shared-disks", "message of hpvmmigrate 3.5, seen on a host", Confidence.OBSERVED)


def registered_here(question: Question) -> Verdict:
    """Is this registration the live one? A Not Runnable one is what an earlier migration left behind."""
    return ends.registered(REGISTERED_HERE, question)


def state_settled(question: Question) -> Verdict:
    """Is the guest running or stopped? One that is starting, stopping, suspended or in an unknown state is let be."""
    guest = question.guest
    if guest.state is not RunState.TRANSITION:
        return STATE_SETTLED.allows(f"{guest.name} is {guest.state}")
    return STATE_SETTLED.refuses(
        f"{guest.name} is neither running nor stopped (starting, stopping, suspended or unknown)",
        "wait until it has settled; resume it if it is suspended",
        Basis("no source read speaks of migrating a guest in such a state", Confidence.UNKNOWN),
    )


def version_class(question: Question) -> Verdict:
    """Do the versions of the two hosts belong together? Forward and backward alike; virtual partitions have a table of
    their own. A guest that may be either must satisfy the narrower one."""
    source, target = question.source.version, question.target.version
    pair = vpar_pair(source, target)
    kind = KIND.of(question)
    if kind == "vpar" and pair is not None:
        return VERSION_CLASS.allows(f"{ends.arrow(question)} is an offline path of virtual partitions", pair.basis)
    refusal = ends.versions_known(VERSION_CLASS, question)
    if refusal is not None:
        return refusal
    if kind != "vm" and pair is None:
        who = f"{question.guest.name} is" if kind else f"{KIND.told(question)}: it may be"
        return VERSION_CLASS.refuses(
            f"{who} a virtual partition, and {ends.arrow(question)} is no offline path of those",
            "choose a target of the same version" if kind else "find out on the host",
        )
    group = offline_class(source)
    if target in group.versions:
        return VERSION_CLASS.allows(f"{ends.arrow(question)} is a supported offline path", group.basis)
    return VERSION_CLASS.refuses(
        f"{ends.arrow(question)} is no supported offline path: from {source} a stopped guest may go to {group}",
        "choose a target of such a version, or update the host that is behind",
        group.basis,
    )


def storage_reachable(question: Question) -> Verdict:
    """Is every SAN LUN presented to the target? All other disks are copied, where the versions can."""
    guest = question.guest
    hidden = ends.unpresented(STORAGE_REACHABLE, question)
    if hidden is not None:
        return hidden
    if not guest.local_disks:
        return STORAGE_REACHABLE.allows(
            f"{question.target.name} sees every disk of {guest.name}" if guest.disks else f"{guest.name} has no disks"
        )
    disks = names(disk.id for disk in guest.local_disks)
    for host in (question.source, question.target):
        if not within(host.version, COPY_SINCE, VERSIONS[-1]):
            return STORAGE_REACHABLE.refuses(
                f"{guest.name} has disks that must be copied ({disks}); {host.name} runs {host.version}, "
                f"and copying works from {COPY_SINCE} on",
                f"update {host.name}, or put the disks on SAN LUNs that both hosts see",
                COPY_BASIS,
            )
    unsized = [disk.id for disk in guest.local_disks if disk.size_mib <= 0]
    if unsized:
        return STORAGE_REACHABLE.refuses(
            f"the size of {names(unsized)} of {guest.name} is not known, so it is not known whether a copy fits",
            f"find out on {question.source.name} why it cannot be read",
        )
    return STORAGE_REACHABLE.allows(f"the contents of {disks} are copied ({guest.copied_mib()} MiB)", COPY_BASIS)


def networks_present(question: Question) -> Verdict:
    """Does the target have every virtual switch of the guest, under the same name?"""
    return ends.networks(NETWORKS_PRESENT, question)


def devices_known(question: Question) -> Verdict:
    """Are all its devices of a kind that we know how to move?"""
    return ends.devices_known(DEVICES_KNOWN, question)


def shared_disks(question: Question) -> Verdict:
    """If other guests use the guest's disks as well: is it not 3.5, which refuses such guests?"""
    return ends.shared_disks(SHARED_DISKS, question)


OFFLINE_RULES: tuple[tuple[RuleCard, Rule], ...] = (
    (REGISTERED_HERE, registered_here),
    (STATE_SETTLED, state_settled),
    (VERSION_CLASS, version_class),
    (STORAGE_REACHABLE, storage_reachable),
    (NETWORKS_PRESENT, networks_present),
    (DEVICES_KNOWN, devices_known),
    (SHARED_DISKS, shared_disks),
)
"""In the order in which `explain` prints them; the first that refuses is the one that a decision names."""
