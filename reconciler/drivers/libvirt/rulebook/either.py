"""Rules that hold for both methods. One pure function a rule; both tables bind it to a card of their own.

Called by the rules of both methods. Unknown means no. Never asks a real host, never decides a method.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from reconciler.core.compatibility import Question, Rule, Verdict
from reconciler.core.model import Method
from reconciler.drivers.libvirt.rulebook import disks
from reconciler.drivers.libvirt.rulebook.answers import unknown, unlisted
from reconciler.drivers.libvirt.rulebook.attributes import (
    ARCH,
    CHECKPOINTS,
    JOB,
    MANAGED_SAVE,
    NONE,
    NVRAM,
    PERSISTENT,
    REFUSED_DEVICES,
    SNAPSHOTS,
    TPM,
    UNUSABLE_NAME,
    VIRT_TYPE,
    Attribute,
)
from reconciler.drivers.libvirt.rulebook.cpu import possible
from reconciler.drivers.libvirt.rulebook.sources import seen, untried
from reconciler.drivers.rules import Basis, Confidence, RuleCard, names

NEVER_TRIED = "libvirt may do it, but it was never tried with this reconciler"
ARCHITECTURE = "x86_64"
_MIGRATION = "libvirt: Guest migration"
_VIRSH = "libvirt: virsh(1)"
_SOURCE = "libvirt 9.0, src/qemu/qemu_migration.c"

TwoSided = Callable[[RuleCard, Question], Verdict]


def registered_here(card: RuleCard, question: Question) -> Verdict:
    """Is this registration the live one, neither still arriving nor left over by a migration?"""
    guest, source = question.guest, question.source
    if not guest.runnable:
        return card.refuses(f"{guest.name} is still arriving on {source.name}", "wait until its migration has ended")
    if guest.left_over:
        return card.refuses(
            f"libvirt says that a migration left {guest.name} on {source.name}: the live one is elsewhere",
            f"find the host where it runs, then `virsh undefine` it on {source.name}; only if it is on no host, and "
            f"you have looked at every one, start it on {source.name}",
        )
    return card.allows(f"{guest.name} is registered on {source.name}")


def definition_kept(card: RuleCard, question: Question) -> Verdict:
    """Does the host keep the guest's definition when it stops? A transient guest would be lost with its next stop."""
    match PERSISTENT.of(question):
        case "yes":
            return card.allows(f"{question.guest.name} is persistent")
        case "no":
            return card.refuses(
                f"{question.guest.name} is transient: {question.source.name} forgets it as soon as it stops",
                f"define it on {question.source.name}: `virsh dumpxml`, then `virsh define`",
            )
    return unknown(card, question, PERSISTENT)


def name_usable(card: RuleCard, question: Question) -> Verdict:
    """Can the guest's name stand in documents, file names and commands?"""
    name = UNUSABLE_NAME.of(question)
    if name == NONE:
        return card.allows(f"{question.guest.name} can be named")
    return card.refuses(
        f'the name "{name}" cannot be used: letters, digits, dots, dashes and underscores can',
        f"`virsh domrename` {question.guest.uuid} while it is stopped",
    )


def no_other_job(card: RuleCard, question: Question) -> Verdict:
    """Is libvirt busy with nothing else for this guest, like a backup, a copy of a disk or a migration?"""
    job = JOB.of(question)
    if job == NONE:
        return card.allows(f"nothing says that libvirt is at work on {question.guest.name}")
    if job == "unknown":
        return unknown(card, question, JOB)
    return card.refuses(
        f'libvirt is at work on {question.guest.name}: "{job}"',
        "wait until that has ended, or end it (`virsh domjobinfo`)",
    )


def platform_offered(card: RuleCard, question: Question) -> Verdict:
    """Can the target run guests of this kind: emulated or on the processor, and for x86_64? Others were never tried."""
    guest, target = question.guest, question.target
    arch, virt_type = ARCH.of(question), VIRT_TYPE.of(question)
    if not arch:
        return unknown(card, question, ARCH)
    if not virt_type:
        return unknown(card, question, VIRT_TYPE)
    if arch != ARCHITECTURE:
        return card.refuses(
            f"{guest.name} was made for {arch}; only {ARCHITECTURE} was tried",
            "move it by hand",
            untried(f"no test has guests of another architecture than {ARCHITECTURE}"),
        )
    if possible(question, target) is None:
        return card.refuses(
            f"{target.name} does not say that it runs guests of type {virt_type}",
            "enable virtualization in its firmware (`virt-host-validate`), or choose another host",
        )
    return card.allows(f"{target.name} runs {arch} guests of type {virt_type}")


def devices_known(card: RuleCard, question: Question) -> Verdict:
    """Are all its devices of a kind that goes along?"""
    return unlisted(
        card,
        question,
        REFUSED_DEVICES,
        "every device of {} goes along",
        "{} has what does not go along",
        "remove it from the guest, or move the guest by hand",
    )


def no_snapshots(card: RuleCard, question: Question) -> Verdict:
    """Has libvirt no snapshots of the guest? It refuses to migrate one that has any, running or not."""
    return _counted(card, question, SNAPSHOTS, "snapshots", "`virsh snapshot-list`, `virsh snapshot-delete`")


def no_checkpoints(card: RuleCard, question: Question) -> Verdict:
    """Has libvirt no checkpoints of the guest? They do not go along, and backups that rest on them would be wrong."""
    return _counted(card, question, CHECKPOINTS, "checkpoints", "`virsh checkpoint-list`, `virsh checkpoint-delete`")


def _counted(card: RuleCard, question: Question, attribute: Attribute, what: str, commands: str) -> Verdict:
    count, name = attribute.count(question), question.guest.name
    if count is None:
        return unknown(card, question, attribute)
    if count == 0:
        return card.allows(f"{name} has no {what}")
    return card.refuses(f"{name} has {what}: {count}", f"delete those that nobody needs ({commands})")


def no_saved_memory(card: RuleCard, question: Question) -> Verdict:
    """Was its memory not saved to be resumed at the next start? The saved image stays behind, and with it what ran."""
    match MANAGED_SAVE.of(question):
        case "no":
            return card.allows(f"{question.guest.name} has no saved memory")
        case "yes":
            return card.refuses(
                f"the memory of {question.guest.name} was saved on {question.source.name}, to be resumed there",
                "start it there and shut it down properly, or drop what ran (`virsh managedsave-remove`)",
            )
    return unknown(card, question, MANAGED_SAVE)


def no_nvram(card: RuleCard, question: Question) -> Verdict:
    """Has the guest no file of UEFI variables? Offline migration does not copy it; online was never tried."""
    path, name = NVRAM.of(question), question.guest.name
    if path is None:
        return unknown(card, question, NVRAM)
    if path in ("", NONE):
        return card.allows(f"{name} has no file of UEFI variables")
    return card.refuses(f"{name} keeps UEFI variables in {path}; {NEVER_TRIED}", "move it by hand, with that file")


def no_tpm(card: RuleCard, question: Question) -> Verdict:
    """Has the guest no TPM? An emulated one keeps its state on one host, a passed-through one is the host's."""
    name = question.guest.name
    match TPM.of(question):
        case "none":
            return card.allows(f"{name} has no TPM")
        case "emulator":
            return card.refuses(
                f"{name} has an emulated TPM, whose state lies on {question.source.name}; {NEVER_TRIED}",
                "move it by hand, with that state",
            )
        case "passthrough":
            return card.refuses(f"{name} uses the TPM of {question.source.name}", "remove the TPM from the guest")
    return unknown(card, question, TPM)


def networks_present(card: RuleCard, question: Question) -> Verdict:
    """Does the target have every bridge and network of the guest, under the same name?"""
    guest, target = question.guest, question.target
    missing = set(guest.networks) - set(target.networks)
    if missing:
        return card.refuses(
            f"{target.name} has no {names(missing)}, which {guest.name} uses",
            f"create it on {target.name} under the same name (`virsh net-start`, if it is defined)",
        )
    return card.allows(
        f"{target.name} has {names(guest.networks)}" if guest.networks else f"{guest.name} uses no network of its host"
    )


_TWO_GUESTS = untried(f"{_MIGRATION}: storage copied by libvirt is one guest's; nothing speaks of two")

RULES: tuple[tuple[str, Basis, TwoSided], ...] = (
    ("registered-here", seen("states of both ends after each kind of failure"), registered_here),
    ("definition-kept", Basis(f"{_MIGRATION}, Configuration file handling"), definition_kept),
    ("name-usable", Basis("reconciler: names that documents, files and commands can carry"), name_usable),
    ("no-other-job", Basis(f"{_SOURCE}, qemuMigrationSrcIsAllowed"), no_other_job),
    ("platform-offered", Basis("libvirt: Domain XML format, type and os"), platform_offered),
    ("storage-presented", Basis(f"{_SOURCE}, qemuMigrationSrcIsSafe"), disks.storage_presented),
    ("disks-copyable", seen("migrate --copy-storage-all needs the disk's folder as a dir pool"), disks.disks_copyable),
    ("images-unshared", _TWO_GUESTS, disks.images_unshared),
    (
        "disks-understood",
        Basis(f"{_SOURCE}, qemuMigrationSrcIsSafe: block devices pass unseen"),
        disks.disks_understood,
    ),
    (
        "no-backing-files",
        Basis(f"{_VIRSH}, migrate: what is below must be there"),
        disks.no_backing_files,
    ),
    (
        "no-internal-snapshots",
        untried("nothing read speaks of copying them"),
        disks.no_internal_snapshots,
    ),
    ("media-ejected", seen("a start fails where a file is missing"), disks.media_ejected),
    ("devices-known", Basis(f"{_SOURCE}, qemuMigrationSrcIsAllowed and …Hostdev"), devices_known),
    ("no-snapshots", Basis(f"{_SOURCE}, qemuMigrationSrcIsAllowed"), no_snapshots),
    ("no-checkpoints", Basis(f"{_VIRSH}, undefine: checkpoints of a guest prevent it"), no_checkpoints),
    ("no-saved-memory", Basis(f"{_VIRSH}, managedsave; undefine: it fails where memory is saved"), no_saved_memory),
    ("no-nvram", Basis(f"{_MIGRATION}, Offline migration: UEFI variable storage is not copied"), no_nvram),
    ("no-tpm", untried("libvirt has conditions of its own for the state of an emulated TPM; none was tried"), no_tpm),
    (
        "networks-present",
        Basis(f"{_MIGRATION}: the definition goes along as it is", Confidence.INFERRED),
        networks_present,
    ),
)
"""Name, what it rests on, and the function."""


FIRST = ("definition-kept", "name-usable", "no-other-job", "platform-offered")
STORAGE = ("storage-presented", "disks-copyable")
REST = tuple(rule for rule, _, _ in RULES if rule not in ("registered-here", *FIRST, *STORAGE))
"""Where in both tables they stand; between them is what each method asks of its own."""


def bound(method: Method, *wanted: str) -> tuple[tuple[RuleCard, Rule], ...]:
    """These rules for one method."""
    found = {rule: (RuleCard(rule, method, basis), function) for rule, basis, function in RULES}
    return tuple((card, partial(function, card)) for card, function in (found[rule] for rule in wanted))
