"""What the rules need of a guest beyond the common values: the keys of `Registration.attributes` on this platform.

Filled in by whoever reads a host, asked by the rules, printed by the reference page. A key that is absent, or holds a
word that is not listed, is unknown, and unknown never moves a running guest; the exceptions are listed here, with why.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.compatibility import Question
from reconciler.drivers.hpvm.rulebook.data import known, older

VPARS_SINCE = "6.1"
"""Virtual partitions and direct I/O came with the 6.x releases; before them there are none to ask about."""


@dataclass(frozen=True)
class Attribute:
    """One key: the words it may hold, and what is read where it is absent ("" is unknown)."""

    key: str
    values: tuple[str, ...]
    asks: str
    why: str
    """Why its absence is read as it is."""
    absent: str = ""
    absent_before_6: str = ""
    """The same, where a host older than 6.1 settles it."""

    def of(self, question: Question) -> str:
        """The guest's value, or "" for unknown."""
        value = question.guest.attributes.get(self.key)
        if value is not None:
            return value if value in self.values else ""
        version = question.source.version
        before_6 = known(version) and older(version, VPARS_SINCE)
        return (self.absent_before_6 if before_6 else "") or self.absent

    def told(self, question: Question) -> str:
        """What the guest's host said, for a reason: quoted, or that it said nothing."""
        value = question.guest.attributes.get(self.key)
        if value is None:
            return f"{self.key} of {question.guest.name} is not known"
        return f'{self.key} of {question.guest.name} is "{value}"'


OS = Attribute(
    "os",
    ("HPUX", "OPENVMS", "LINUX", "WINDOWS"),
    "the guest's operating system, as `hpvmstatus` names its type",
    "which systems move online depends on it",
)
GUEST_KIT = Attribute(
    "guest_kit",
    ("yes", "no"),
    "whether the guest management kit is installed in the guest (on 6.3: or VirtualBase B.06.30)",
    "online migration needs it",
)
ONLINE_MIGRATION = Attribute(
    "online_migration",
    ("enabled", "disabled"),
    "the guest's own switch, `hpvmmodify -x online_migration=`",
    "the platform leaves it enabled until an administrator disables it",
    absent="enabled",
)
KIND = Attribute(
    "kind",
    ("vm", "vpar"),
    "whether it is a virtual machine or a virtual partition",
    "before 6.1 there are no virtual partitions",
    absent_before_6="vm",
)
SERVICEGUARD_NODE = Attribute(
    "serviceguard_node",
    ("yes", "no"),
    "whether the guest is a node of a Serviceguard cluster (a guest that is a *package* is another matter)",
    "nothing on the host can tell; administrators are asked to disable online_migration on such guests",
    absent="no",
)
INSERTED_MEDIA = Attribute(
    "inserted_media",
    ("none", "file", "physical"),
    "what lies in the guest's DVD drives: nothing, an image file, or the host's own drive",
    "only an empty drive may move online",
)
DIRECT_IO = Attribute(
    "direct_io",
    ("yes", "no"),
    "whether it uses direct I/O functions of the host's cards",
    "before 6.1 there is no direct I/O",
    absent_before_6="no",
)

ATTRIBUTES = (OS, GUEST_KIT, ONLINE_MIGRATION, KIND, SERVICEGUARD_NODE, INSERTED_MEDIA, DIRECT_IO)
