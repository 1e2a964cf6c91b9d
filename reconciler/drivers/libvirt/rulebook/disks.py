"""Rules on a guest's disks and drives that hold for both methods: who sees them, and which of them can be copied.

Called by the rules of both methods, each with a card of its own. Unknown means no. Never asks a real host; whether
disks may be copied at all is the document's to say.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.compatibility import Question, Verdict
from reconciler.core.model import Method, StorageKind
from reconciler.core.observed import Disk
from reconciler.drivers.libvirt.rulebook.answers import target_unknown, unknown, unlisted
from reconciler.drivers.libvirt.rulebook.attributes import (
    BACKING,
    COPY_FOLDERS,
    INTERNAL_SNAPSHOTS,
    LOCAL_MEDIA,
    OCCUPIED,
    READ_ONLY,
    SHAREABLE,
    UNCLEAR_DISKS,
    host_list,
)
from reconciler.drivers.libvirt.rulebook.sources import untried
from reconciler.drivers.rules import Basis, RuleCard, names


def storage_presented(card: RuleCard, question: Question) -> Verdict:
    """Does the target see every shared storage that the guest's disks lie on, under the same path?"""
    guest, target = question.guest, question.target
    shared = [disk for disk in guest.disks if disk.kind.shared]
    hidden = {store(disk) for disk in shared} - set(target.presented)
    if hidden:
        return card.refuses(
            f"{target.name} does not have {names(hidden)}, where disks of {guest.name} lie",
            f"mount or present it on {target.name} at the same path; where it is there, name the path in shared_paths",
        )
    if not shared:
        return card.allows(
            f"{guest.name} has no disk on shared storage" if guest.disks else f"{guest.name} has no disks"
        )
    vouched = any(disk.vouched for disk in shared)
    return card.allows(
        f"{target.name} has {names(map(store, shared))}{', shared as the settings say' if vouched else ''}"
    )


def store(disk: Disk) -> str:
    """What of `presented` a shared disk lies on."""
    return disk.store or disk.id


def disks_copyable(card: RuleCard, question: Question) -> Verdict:
    """Can every other disk be copied: an image file of known size, whose folder is there on the target, and whose path
    is free there? Nothing is ever written over."""
    guest, target = question.guest, question.target
    if not guest.local_disks:
        return card.allows(f"no disk of {guest.name} has to be copied")
    folders, occupied = host_list(target, COPY_FOLDERS), host_list(target, OCCUPIED)
    if folders is None:
        return target_unknown(card, target, "the folders for copied disks")
    if occupied is None:
        return target_unknown(card, target, "the files in the folders for copied disks")
    for disk in guest.local_disks:
        refusal = _uncopyable(card, question, disk, folders, occupied)
        if refusal is not None:
            return refusal
    return card.allows(
        f"libvirt can copy {names(disk.id for disk in guest.local_disks)} while {guest.name} runs "
        f"({guest.copied_mib()} MiB)"
        if card.method is Method.ONLINE
        else f"the contents of {names(disk.id for disk in guest.local_disks)} are copied ({guest.copied_mib()} MiB)"
    )


def _uncopyable(
    card: RuleCard, question: Question, disk: Disk, folders: tuple[str, ...], occupied: tuple[str, ...]
) -> Verdict | None:
    guest, target = question.guest, question.target
    folder, _, file = disk.id.rpartition("/")
    if disk.kind is not StorageKind.FILE:
        return card.refuses(
            f"{disk.id} of {guest.name} is a {disk.kind} that only {question.source.name} sees: only files are copied",
            "turn it into an image file, or name it in shared_paths where every host sees it",
            untried("nothing here copies block devices"),
        )
    if not file or "," in disk.id:
        return card.refuses(
            f"{disk.id} of {guest.name} is no path that can be looked for on {target.name}", "rename the file"
        )
    if disk.size_mib <= 0:
        return card.refuses(
            f"the size of {disk.id} of {guest.name} is not known, so it is not known whether a copy fits",
            f"find out on {question.source.name} why it cannot be read",
        )
    if folder not in folders:
        return card.refuses(
            f"{target.name} has no folder {folder} that copies may go to, for {disk.id} of {guest.name}",
            f"make it the target of an active dir pool on {target.name}, on the file system of copy_folder",
        )
    if disk.id in occupied:
        left = next((entry for entry in target.left if entry.path == disk.id), None)
        whose = f", left by move {left.record_id}" if left is not None else ""
        return card.refuses(
            f"{disk.id} exists on {target.name}{whose}: nothing is written over",
            f"look what it is, then remove or rename it on {target.name}",
        )
    if card.method is Method.ONLINE and disk.resource in (READ_ONLY.listed(question) or ()):
        return card.refuses(
            f"{disk.id} of {guest.name} is read-only: libvirt does not copy those while a guest runs",
            "put it on shared storage, or move the guest offline",
            Basis("libvirt: virsh(1), migrate: only non-readonly images are transferred"),
        )
    return None


def images_unshared(card: RuleCard, question: Question) -> Verdict:
    """Is every image that has to be copied used by this guest alone, and below no other's? Two guests would go on with
    two different ones, or one without what lies below its own."""
    guest = question.guest
    if not guest.local_disks:
        return card.allows(f"no disk of {guest.name} has to be copied")
    others = {other for disk in guest.local_disks for other in disk.shared_with}
    if others:
        return card.refuses(
            f"{names(others)} uses a disk of {guest.name} that only {question.source.name} sees",
            "put it on storage that both hosts share, or give each guest an image of its own",
        )
    marked = SHAREABLE.listed(question)
    if marked is None:
        return unknown(card, question, SHAREABLE)
    meant = [disk.id for disk in guest.local_disks if disk.resource in marked or (marked and not disk.resource)]
    if meant:
        return card.refuses(
            f"{names(meant)} of {guest.name} is marked as used by several guests; only {question.source.name} sees it",
            "put it on storage that both hosts share, or take the mark from its definition",
        )
    above = [
        entry.name
        for entry in question.source.registrations
        if entry.uuid != guest.uuid and BACKING.listed(replace(question, guest=entry)) != ()
    ]
    if above:
        return card.refuses(
            f"images of {names(above)} on {question.source.name} are, or may be, layers over others: "
            f"a disk of {guest.name} could lie below one, and would be put aside",
            "merge the layers (`virsh blockpull`), or put the disks on storage that both hosts share",
        )
    return card.allows(f"{guest.name} alone uses the disks that have to be copied")


def disks_understood(card: RuleCard, question: Question) -> Verdict:
    """Is every disk a file, or a block device that the settings declare shared?"""
    return unlisted(
        card,
        question,
        UNCLEAR_DISKS,
        "every disk of {} is a file or a shared block device",
        "{} has disks of which nobody knows who sees them",
        "if every host sees the block device under the same path, name it in shared_paths; else use an image file",
    )


def no_backing_files(card: RuleCard, question: Question) -> Verdict:
    """Is no disk a layer over another image? The images below would have to go along, and others may use them."""
    return unlisted(
        card,
        question,
        BACKING,
        "no disk of {} is a layer over another image",
        "disks of {} are layers over other images",
        "merge the layers (`virsh blockpull`)",
    )


def no_internal_snapshots(card: RuleCard, question: Question) -> Verdict:
    """Are there no snapshots inside the images? A copy of what a disk shows leaves them out."""
    return unlisted(
        card,
        question,
        INTERNAL_SNAPSHOTS,
        "no image of {} has snapshots inside",
        "images of {} have snapshots inside",
        "delete those that nobody needs (`qemu-img snapshot -d`, while the guest is stopped)",
    )


def media_ejected(card: RuleCard, question: Question) -> Verdict:
    """Are the CD-ROM and floppy drives empty, or their media on shared storage?"""
    return unlisted(
        card,
        question,
        LOCAL_MEDIA,
        "no drive of {} holds a medium that others cannot see",
        "drives of {} hold media that only its host sees",
        "eject them (`virsh change-media GUEST DRIVE --eject`)",
    )
