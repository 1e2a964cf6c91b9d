"""May the guest move while it runs? One pure function a rule; all must allow it.

Called through the rule book only. Unknown means no. Never asks a real host, and never how much room the target has:
that is the planner's.
"""

from __future__ import annotations

from reconciler.core.compatibility import Question, Rule, Verdict
from reconciler.core.model import Method, RunState
from reconciler.core.observed import HostFacts
from reconciler.drivers.hpvm.rulebook import ends
from reconciler.drivers.hpvm.rulebook.attributes import (
    DIRECT_IO,
    GUEST_KIT,
    INSERTED_MEDIA,
    KIND,
    ONLINE_MIGRATION,
    OS,
    SERVICEGUARD_NODE,
)
from reconciler.drivers.hpvm.rulebook.data import (
    GUEST_SYSTEMS,
    MIN_ONLINE_VERSION,
    PROCESSOR_BASIS,
    fallback_basis,
    forward_from,
    forward_pair,
    known,
    older,
    online_route,
    processors_mix,
    within,
)
from reconciler.drivers.rules import Basis, Confidence, RuleCard, names


def _card(rule: str, source: str, confidence: Confidence = Confidence.STATED) -> RuleCard:
    return RuleCard(rule, Method.ONLINE, Basis(source, confidence))


REGISTERED_HERE = _card("registered-here", "Integrity VM 4.2 manual, p. 169 and 181")
GUEST_RUNNING = _card("guest-running", "Integrity VM 4.2 manual, p. 168 and 169")
NOT_A_VPAR = _card("not-a-vpar", "Integrity VM 6.1 guide, p. 198; Integrity VM 6.3 release notes, p. 39")
VERSION_PAIR = _card(
    "version-pair", "Integrity VM 4.3 manual, p. 178, table 9-1; Integrity VM 6.1 release notes, p. 34, table 3"
)
PROCESSOR_COMPATIBLE = RuleCard("processor-compatible", Method.ONLINE, PROCESSOR_BASIS)
STORAGE_SHARED = _card("storage-shared", "Integrity VM 4.2 manual, p. 168 and 179")
NETWORKS_PRESENT = _card("networks-present", "Integrity VM 4.2 manual, p. 169")
DEVICES_KNOWN = _card("devices-known", "no source speaks of migrating a guest with such a device", Confidence.UNKNOWN)
SHARED_DISKS = _card("shared-disks", "Integrity VM 4.2 manual, p. 180; Integrity VM 4.3 manual, p. 193")
MEDIA_EJECTED = _card("media-ejected", "Integrity VM 4.2 manual, p. 179")
NO_DIRECT_IO = _card(
    "no-direct-io", "Integrity VM 6.1 guide, p. 198: direct I/O is spoken of for offline only", Confidence.INFERRED
)
ONLINE_ENABLED = _card("online-enabled", "Integrity VM 4.2 release notes, p. 84")
GUEST_SYSTEM = RuleCard("guest-system", Method.ONLINE, GUEST_SYSTEMS[0].basis)
GUEST_KIT_INSTALLED = _card("guest-kit-installed", "Integrity VM 4.2 manual, p. 179; Integrity VM 6.3 guide, p. 212")
NOT_A_CLUSTER_NODE = _card("not-a-cluster-node", "Integrity VM 4.2 release notes, p. 84")

FALLBACK_FIX = (
    "if {guest} was booted on {target} or older and not rebooted since, attest that under [[boot_attestations]] in the "
    "settings; where the reconciler itself moves {guest} from now on is remembered"
)


def registered_here(question: Question) -> Verdict:
    """Is this registration the live one? A Not Runnable one is what an earlier migration left behind."""
    return ends.registered(REGISTERED_HERE, question)


def guest_running(question: Question) -> Verdict:
    """Does the guest run? A stopped guest has nothing to keep running; one in between is left alone."""
    guest, source = question.guest, question.source
    match guest.state:
        case RunState.RUNNING:
            return GUEST_RUNNING.allows(f"{guest.name} runs on {source.name}")
        case RunState.STOPPED:
            return GUEST_RUNNING.refuses(f"{guest.name} is stopped: there is nothing to keep running")
    return GUEST_RUNNING.refuses(
        f"{guest.name} is neither running nor stopped (starting, stopping, suspended or unknown)",
        "wait until it runs, or resume it",
    )


def not_a_vpar(question: Question) -> Verdict:
    """Is it a virtual machine? Virtual partitions (6.x) never move online."""
    name = question.guest.name
    match KIND.of(question):
        case "vm":
            return NOT_A_VPAR.allows(f"{name} is a virtual machine")
        case "vpar":
            return NOT_A_VPAR.refuses(f"{name} is a virtual partition: those move offline only")
    return NOT_A_VPAR.refuses(f"{KIND.told(question)}: it may be a virtual partition", "find out on the host")


def version_pair(question: Question, min_online_version: str = MIN_ONLINE_VERSION) -> Verdict:
    """Do the versions of the two hosts support it? Forward only where a table lists the pair. A step back only to a
    version that this very boot of the guest has run on, or a newer one: the evidence is named, and without any the
    answer is no. Pairs that are merely likely are refused."""
    refusal = ends.versions_known(VERSION_PAIR, question)
    if refusal is not None:
        return refusal
    for host in (question.source, question.target):
        if older(host.version, min_online_version):
            return _too_old(host, min_online_version)
    pair = forward_pair(question.source.version, question.target.version)
    if pair is not None and pair.stated:
        return VERSION_PAIR.allows(f"{ends.arrow(question)} is a supported online path", pair.basis)
    if pair is not None:
        return VERSION_PAIR.refuses(f"{ends.arrow(question)} may well work, but no source states it", basis=pair.basis)
    if older(question.target.version, question.source.version):
        return _step_back(question, min_online_version)
    return _not_listed(question)


def _too_old(host: HostFacts, min_online_version: str) -> Verdict:
    reason = f"{host.name} runs {host.version}; online migration needs {min_online_version} or later on both hosts"
    if older(host.version, MIN_ONLINE_VERSION):
        return VERSION_PAIR.refuses(reason, f"update {host.name} to {MIN_ONLINE_VERSION} or later")
    strict = Basis("Integrity VM 4.2 manual, section 10.1.2, read strictly")
    return VERSION_PAIR.refuses(reason, f"set min_online_version to {MIN_ONLINE_VERSION}, as in the tables", strict)


def _step_back(question: Question, min_online_version: str) -> Verdict:
    guest, target, floor = question.guest, question.target.version, question.guest.boot_floor
    back = f"{ends.arrow(question)} is a step back"
    basis = fallback_basis(question.source.version, target)
    fix = FALLBACK_FIX.format(guest=guest.name, target=target)
    need = f"supported only for a guest booted on {target} or older and not rebooted since"
    if floor is None:
        return VERSION_PAIR.refuses(f"{back}, {need}; what {guest.name} was booted on is not known", fix, basis)
    seen = f"{floor.version} ({floor.host}, {floor.seen})"
    if not known(floor.version) or older(floor.version, min_online_version):
        return VERSION_PAIR.refuses(
            f"{back}, {need}; the evidence says that this boot of {guest.name} ran on {seen}, "
            f"which no guest leaves online: it is not believed",
            "find out where that evidence comes from: it cannot be right",
            basis,
        )
    if within(target, floor.version, question.source.version):
        return VERSION_PAIR.allows(f"{back}, but this very boot of {guest.name} ran on {seen} before", basis)
    return VERSION_PAIR.refuses(
        f"{back}, {need}; the oldest version this boot of {guest.name} was seen on is {seen}", fix, basis
    )


def _not_listed(question: Question) -> Verdict:
    source, target = question.source.version, question.target.version
    onward = ", ".join(forward_from(source)) or "nowhere that a source states"
    route = online_route(source, target)
    return VERSION_PAIR.refuses(
        f"{ends.arrow(question)} is no supported online path: from {source} it goes to {onward}",
        f"go by way of hosts in between: {' → '.join(route)}" if route else "",
    )


def processor_compatible(question: Question) -> Verdict:
    """Can the guest's code go on running on the target's processor? Family 31 mixes freely, family 32 mixes models 0
    and 1; otherwise family and model must be identical."""
    one, other = question.source.processor, question.target.processor
    for host in (question.source, question.target):
        if host.processor.family <= 0 or host.processor.model < 0:
            return PROCESSOR_COMPATIBLE.refuses(
                f"the processor of {host.name} is not known", f"read it with `machinfo` on {host.name}"
            )
    if (one.family, one.model) == (other.family, other.model):
        return PROCESSOR_COMPATIBLE.allows(f"both hosts have {one}")
    if processors_mix(one, other):
        return PROCESSOR_COMPATIBLE.allows(f"{one} and {other} mix")
    return PROCESSOR_COMPATIBLE.refuses(
        f"{question.source.name} has {one}, {question.target.name} has {other}: no running guest changes between these",
        "choose a target with a processor of the same group, or move it offline",
    )


def storage_shared(question: Question) -> Verdict:
    """Is every disk a whole SAN LUN that the target sees, too? Everything else would have to be copied."""
    guest = question.guest
    if guest.local_disks:
        kinds = ", ".join(sorted({disk.kind for disk in guest.local_disks}))
        return STORAGE_SHARED.refuses(
            f"{guest.name} has disks that only {question.source.name} sees ({kinds}): "
            f"{names(disk.id for disk in guest.local_disks)}",
            "put them on whole SAN LUNs that both hosts see, or move it offline (their contents are copied)",
        )
    return ends.unpresented(STORAGE_SHARED, question) or STORAGE_SHARED.allows(
        f"{question.target.name} sees every disk of {guest.name}" if guest.disks else f"{guest.name} has no disks"
    )


def networks_present(question: Question) -> Verdict:
    """Does the target have every virtual switch of the guest, under the same name?"""
    return ends.networks(NETWORKS_PRESENT, question)


def devices_known(question: Question) -> Verdict:
    """Are all its devices of a kind that we know how to move?"""
    return ends.devices_known(DEVICES_KNOWN, question)


def shared_disks(question: Question) -> Verdict:
    """If other guests use the guest's disks as well: do the versions of both hosts allow that?"""
    return ends.shared_disks(SHARED_DISKS, question)


def media_ejected(question: Question) -> Verdict:
    """Are the guest's DVD drives empty? An inserted image or the host's own drive does not go along."""
    name = question.guest.name
    match INSERTED_MEDIA.of(question):
        case "none":
            return MEDIA_EJECTED.allows(f"no medium is inserted in {name}")
        case "file":
            return MEDIA_EJECTED.refuses(f"an image file is inserted in a DVD drive of {name}", "eject it")
        case "physical":
            return MEDIA_EJECTED.refuses(f"{name} uses the host's own DVD drive", "remove the drive from the guest")
    return MEDIA_EJECTED.refuses(INSERTED_MEDIA.told(question), "find out on the host what is inserted, and eject it")


def no_direct_io(question: Question) -> Verdict:
    """Is the guest free of direct I/O functions (6.x)? They belong to one host's cards."""
    name = question.guest.name
    match DIRECT_IO.of(question):
        case "no":
            return NO_DIRECT_IO.allows(f"{name} uses no direct I/O")
        case "yes":
            return NO_DIRECT_IO.refuses(
                f"{name} uses direct I/O functions of {question.source.name}", "replace them by AVIO devices"
            )
    return NO_DIRECT_IO.refuses(DIRECT_IO.told(question), "find out on the host")


def online_enabled(question: Question) -> Verdict:
    """Is the guest's own switch, `online_migration`, enabled? It is unless an administrator disabled it."""
    name = question.guest.name
    match ONLINE_MIGRATION.of(question):
        case "enabled":
            return ONLINE_ENABLED.allows(f"online migration of {name} is enabled")
        case "disabled":
            return ONLINE_ENABLED.refuses(
                f"an administrator disabled online migration of {name}",
                f"if the reason is gone: hpvmmodify -P {name} -x online_migration=enabled",
            )
    return ONLINE_ENABLED.refuses(ONLINE_MIGRATION.told(question), "it must be enabled or disabled")


def guest_system(question: Question) -> Verdict:
    """Is the guest's operating system one that a source says moves online between these versions?"""
    row = next((row for row in GUEST_SYSTEMS if row.os == OS.of(question)), None)
    if row is None:
        return GUEST_SYSTEM.refuses(
            f"{OS.told(question)}; only {' and '.join(row.name for row in GUEST_SYSTEMS)} guests move online",
            "" if OS.of(question) else "find out on the host (`hpvmstatus`)",
        )
    for host in (question.source, question.target):
        if not within(host.version, row.since, row.until):
            return GUEST_SYSTEM.refuses(
                f"{row.name} guests move online between hosts of {row.since} to {row.until}; "
                f"{host.name} runs {host.version}",
                basis=row.basis,
            )
    return GUEST_SYSTEM.allows(f"{question.guest.name} runs {row.name}", row.basis)


def guest_kit_installed(question: Question) -> Verdict:
    """Is the guest management kit installed in the guest?"""
    name = question.guest.name
    match GUEST_KIT.of(question):
        case "yes":
            return GUEST_KIT_INSTALLED.allows(f"{name} has the guest management kit")
        case "no":
            return GUEST_KIT_INSTALLED.refuses(f"{name} lacks the guest management kit", "install it in the guest")
    return GUEST_KIT_INSTALLED.refuses(GUEST_KIT.told(question), "find out in the guest (`swlist`)")


def not_a_cluster_node(question: Question) -> Verdict:
    """Is the guest no Serviceguard node? The freeze of an online move may drop a node from its cluster."""
    name = question.guest.name
    if SERVICEGUARD_NODE.of(question) == "no":
        return NOT_A_CLUSTER_NODE.allows(f"nothing says that {name} is a Serviceguard node")
    return NOT_A_CLUSTER_NODE.refuses(
        f"{SERVICEGUARD_NODE.told(question)}: its cluster may drop a node that freezes",
        "halt the cluster on it first and move it offline",
    )


ONLINE_RULES: tuple[tuple[RuleCard, Rule], ...] = (
    (REGISTERED_HERE, registered_here),
    (GUEST_RUNNING, guest_running),
    (NOT_A_VPAR, not_a_vpar),
    (VERSION_PAIR, version_pair),
    (PROCESSOR_COMPATIBLE, processor_compatible),
    (STORAGE_SHARED, storage_shared),
    (NETWORKS_PRESENT, networks_present),
    (DEVICES_KNOWN, devices_known),
    (SHARED_DISKS, shared_disks),
    (MEDIA_EJECTED, media_ejected),
    (NO_DIRECT_IO, no_direct_io),
    (ONLINE_ENABLED, online_enabled),
    (GUEST_SYSTEM, guest_system),
    (GUEST_KIT_INSTALLED, guest_kit_installed),
    (NOT_A_CLUSTER_NODE, not_a_cluster_node),
)
"""In the order in which `explain` prints them; the first that refuses is the one that a decision names."""
