"""What the rules need of a guest and of a host beyond the common values: the keys of their `attributes` here.

Filled in by whoever reads a host, asked by the rules, printed by the reference page. A key that is absent, or holds
what cannot be read, is unknown, and unknown forbids; the exceptions are listed here, with why.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core import observed
from reconciler.core.compatibility import Question
from reconciler.core.observed import HostFacts

NONE = "none"


@dataclass(frozen=True)
class Attribute:
    """One key, what it holds, and what is read where it is absent ("" is unknown)."""

    key: str
    holds: str
    asks: str
    absent: str = ""
    why: str = ""
    """Why its absence is not read as unknown."""

    def of(self, question: Question) -> str | None:
        """The guest's value, or None for unknown."""
        return question.guest.attributes.get(self.key, self.absent or None)

    def listed(self, question: Question) -> tuple[str, ...] | None:
        """The guest's value as a list, empty for none, or None for unknown."""
        return _listed(self.of(question))

    def count(self, question: Question) -> int | None:
        """The guest's value as a number, or None for unknown."""
        value = self.of(question)
        return int(value) if value is not None and value.isascii() and value.isdigit() else None

    def told(self, question: Question) -> str:
        """What the guest's host said, for a reason: quoted, or that it said nothing."""
        value = question.guest.attributes.get(self.key)
        if value is None:
            return f"{self.key} of {question.guest.name} is not known"
        return f'{self.key} of {question.guest.name} is "{value}"'


def host_list(host: HostFacts, key: str) -> tuple[str, ...] | None:
    """What a host says under a key, as a list; None for unknown."""
    return _listed(host.attributes.get(key))


def _listed(value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    return () if value == NONE else tuple(part for part in value.split(",") if part)


MACHINE = Attribute("machine", "a machine type", "the canonical machine type it was booted with, else the stored one")
VIRT_TYPE = Attribute("virt_type", "`kvm`, `qemu`", "whether its code runs on the processor or is emulated")
ARCH = Attribute("arch", "an architecture", "the architecture it was made for")
CPU_MODE = Attribute(
    "cpu_mode", "`custom`, `host-model`, `host-passthrough`, `maximum`", "how its CPU is described, as `machine`"
)
CPU_MODEL = Attribute("cpu_model", "a CPU model", "the model that a custom CPU starts from, as `machine`")
CPU_FEATURES = Attribute("cpu_features", "`+aes`, `-svm`, …", "what the CPU has beyond that and what not, as `machine`")
STORED_MACHINE = Attribute("stored_machine", "a machine type", "of a guest that runs: what it boots with next")
STORED_CPU_MODE = Attribute("stored_cpu_mode", "as `cpu_mode`", "of a guest that runs: what it boots with next")
STORED_CPU_MODEL = Attribute("stored_cpu_model", "as `cpu_model`", "of a guest that runs: what it boots with next")
STORED_CPU_FEATURES = Attribute(
    "stored_cpu_features", "as `cpu_features`", "of a guest that runs: what it boots with next"
)
PERSISTENT = Attribute("persistent", "`yes`, `no`", "whether the host keeps its definition when it stops")
JOB = Attribute(
    "job",
    "`none`, `unknown`, or an operation",
    "what libvirt is doing with it at this moment",
    absent=NONE,
    why="libvirt refuses a migration beside another job by itself, before anything has changed",
)
UNUSABLE_NAME = Attribute(
    observed.UNUSABLE_NAME,
    "its name, printable",
    "given only where the guest's name cannot be used in documents and commands",
    absent=NONE,
    why="it is given only where there is something to say",
)
MANAGED_SAVE = Attribute("managed_save", "`yes`, `no`", "whether its memory was saved to be resumed at the next start")
SNAPSHOTS = Attribute("snapshots", "a number", "how many snapshots libvirt knows")
CHECKPOINTS = Attribute("checkpoints", "a number", "how many checkpoints libvirt knows")
NVRAM = Attribute("nvram", "a path, or nothing", "where its UEFI variables lie")
TPM = Attribute("tpm", "`none`, `emulator`, `passthrough`", "what stands behind its TPM")
REFUSED_DEVICES = Attribute("refused_devices", "`none`, or kinds of devices", "devices that do not go along")
BACKING = Attribute("backing", "target devices", "disks that are layers over another image")
INTERNAL_SNAPSHOTS = Attribute("internal_snapshots", "target devices", "images with snapshots inside")
SHAREABLE = Attribute("shareable", "target devices", "disks that are marked as used by several guests at once")
UNCLEAR_DISKS = Attribute(
    "unclear_disks", "target devices", "disks whose source is neither a file nor a block device declared as shared"
)
LOCAL_MEDIA = Attribute("local_media", "target devices", "drives with a medium that other hosts cannot see")
CACHE = Attribute("cache", "target devices", "disks whose cache mode is neither `none` nor `directsync`")
READ_ONLY = Attribute(
    "read_only",
    "target devices",
    "disks that are marked read-only",
    absent=NONE,
    why="a read-only disk that is not copied lets the target refuse the guest, which goes on running where it is",
)

GUEST_ATTRIBUTES = (
    *(MACHINE, VIRT_TYPE, ARCH, CPU_MODE, CPU_MODEL, CPU_FEATURES),
    *(STORED_MACHINE, STORED_CPU_MODE, STORED_CPU_MODEL, STORED_CPU_FEATURES),
    *(PERSISTENT, JOB, UNUSABLE_NAME, MANAGED_SAVE, SNAPSHOTS, CHECKPOINTS, NVRAM, TPM, REFUSED_DEVICES),
    *(BACKING, INTERNAL_SNAPSHOTS, SHAREABLE, UNCLEAR_DISKS, LOCAL_MEDIA, CACHE, READ_ONLY),
)

MACHINES = "machines"
COPY_FOLDERS = "copy_folders"
OCCUPIED = "occupied"
FEATURES_OF_VIRT = "cpu:"
MODELS_OF_VIRT = "models:"
PARTIAL_OF_VIRT = "partial:"
FEATURES_OF_MODEL = "model:"

HOST_KEYS = (
    (MACHINES, "canonical machine types that its emulator offers"),
    (f"{FEATURES_OF_VIRT}VIRT", "every CPU feature that a guest of this virt type can be given there"),
    (f"{MODELS_OF_VIRT}VIRT", "CPU models that a guest of this virt type can be started with there"),
    (f"{PARTIAL_OF_VIRT}VIRT", "CPU models that are known there, and lack features"),
    (f"{FEATURES_OF_MODEL}NAME", "the features that this CPU model stands for"),
    (COPY_FOLDERS, "folders that copies of local disks may go to there"),
    (OCCUPIED, "files that lie in these folders now"),
)
"""What a host says under which key. All are lists, and all are unknown where they are absent."""
