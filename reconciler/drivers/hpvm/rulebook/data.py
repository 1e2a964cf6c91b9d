"""What each version of Integrity VM can do, as tables; each row names its source and how sure we are of it.

Read by the rules next door and printed by the reference page. Tables and look-ups only: no verdicts, no hosts. To teach
the product a new version, add it to `VERSIONS` and give it rows here; what has no row is not done online.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.model import Processor
from reconciler.drivers.rules import Basis, Confidence

VERSIONS = ("3.5", "4.0", "4.1", "4.2", "4.2.5", "4.3", "6.1", "6.1.5", "6.2", "6.3")
"""The versions we know, oldest first. Any other word is an unknown version, which nothing is allowed to."""

MIN_ONLINE_VERSION = "4.1"
"""The oldest version that takes part in online migration, by the version tables."""

_RANKS = {version: rank for rank, version in enumerate(VERSIONS)}


def known(version: str) -> bool:
    """Whether the tables know this version."""
    return version in _RANKS


def older(version: str, other: str) -> bool:
    """Whether `version` came before `other`. Both must be known."""
    return _RANKS[version] < _RANKS[other]


def within(version: str, since: str, until: str) -> bool:
    """Whether a version lies in a range of known ones, ends included; an unknown one lies in none."""
    rank = _RANKS.get(version)
    return rank is not None and _RANKS[since] <= rank <= _RANKS[until]


# ----------------------------------------------------------------------------------------------------- online: versions

_TABLES = Basis("Integrity VM 4.3 manual, p. 178, table 9-1; Integrity VM 6.1 release notes, p. 34, table 3")
_TABLE_61 = Basis("Integrity VM 6.1 release notes, p. 34, table 3")
_NOTES_63 = Basis("Integrity VM 6.3 release notes, p. 39")
_SAME_6X = Basis("no table read for 6.1 and later lists a move within one version", Confidence.INFERRED)


@dataclass(frozen=True)
class VersionPair:
    """A path from a source's version to a target's."""

    source: str
    target: str
    basis: Basis

    @property
    def stated(self) -> bool:
        """Whether a source says so; what is only inferred is not done to a running guest."""
        return self.basis.confidence is Confidence.STATED


ONLINE_FORWARD = (
    VersionPair("4.1", "4.1", _TABLES),
    VersionPair("4.1", "4.2", _TABLES),
    VersionPair("4.2", "4.2", _TABLES),
    VersionPair("4.2", "4.2.5", _TABLES),
    VersionPair("4.2", "4.3", _TABLES),
    VersionPair("4.2.5", "4.2.5", _TABLES),
    VersionPair("4.2.5", "4.3", _TABLES),
    VersionPair("4.3", "4.3", _TABLES),
    VersionPair("4.3", "6.1", _TABLE_61),
    VersionPair("6.1", "6.1", _SAME_6X),
    VersionPair("6.1.5", "6.1.5", _SAME_6X),
    VersionPair("6.1.5", "6.3", _NOTES_63),
    VersionPair("6.2", "6.2", _SAME_6X),
    VersionPair("6.3", "6.3", _SAME_6X),
)
"""Online paths to the same or a newer version. What is not listed is not a path."""

FALLBACK_RULE = Basis(
    "Integrity VM 6.3 release notes, p. 39: the rule in general; no source names this pair", Confidence.INFERRED
)

FALLBACK_NAMED = (
    VersionPair("4.2", "4.1", Basis("Integrity VM 4.2 manual, p. 168, note")),
    VersionPair("4.3", "4.2.5", Basis("Integrity VM 6.1 release notes, p. 34")),
    VersionPair("6.2", "6.1.5", _NOTES_63),
    VersionPair("6.3", "6.1.5", _NOTES_63),
    VersionPair("6.3", "6.2", _NOTES_63),
)
"""Steps back that a source names. All others rest on `FALLBACK_RULE`: no further than the boot has been."""

_FORWARD = {(pair.source, pair.target): pair for pair in ONLINE_FORWARD}
_FALLBACK = {(pair.source, pair.target): pair.basis for pair in FALLBACK_NAMED}


def forward_pair(source: str, target: str) -> VersionPair | None:
    """The row for this path to the same or a newer version, stated or inferred."""
    return _FORWARD.get((source, target))


def fallback_basis(source: str, target: str) -> Basis:
    """What a step back rests on."""
    return _FALLBACK.get((source, target), FALLBACK_RULE)


def forward_from(source: str) -> tuple[str, ...]:
    """Where a guest may go online from this version, oldest first, without a step back."""
    return tuple(pair.target for pair in ONLINE_FORWARD if pair.source == source and pair.stated)


def online_route(source: str, target: str) -> tuple[str, ...]:
    """The shortest chain of stated paths, both ends included; empty where there is none."""
    routes: list[tuple[str, ...]] = [(source,)]
    for route in routes:  # grows while we walk it: breadth first, at most one route to each version
        if route[-1] == target:
            return route
        seen = {other[-1] for other in routes}
        routes.extend((*route, version) for version in forward_from(route[-1]) if version not in seen)
    return ()


# ---------------------------------------------------------------------------------------------------- offline: versions


@dataclass(frozen=True)
class OfflineClass:
    """Versions among which a stopped guest may move in both directions."""

    versions: tuple[str, ...]
    basis: Basis

    def __str__(self) -> str:
        return f"{self.versions[0]} to {self.versions[-1]}" if len(self.versions) > 1 else f"{self.versions[0]} only"


_TABLE_32 = "Integrity VM 6.1 guide, p. 198, table 32"

OFFLINE_CLASSES = (
    OfflineClass(("3.5",), Basis(f"{_TABLE_32}; Integrity VM 6.1 release notes, p. 34, table 4")),
    OfflineClass(("4.0",), Basis(f"{_TABLE_32}; the release notes have no row for 4.0")),
    OfflineClass(
        ("4.1", "4.2", "4.2.5", "4.3", "6.1", "6.1.5", "6.2", "6.3"),
        Basis(
            f"{_TABLE_32}: 4.1 or later; Integrity VM 6.1 release notes, p. 34, table 4; "
            "Integrity VM 6.3 release notes, p. 39"
        ),
    ),
)

_VPAR_SAME = Basis(
    "Integrity VM 6.1 guide, p. 198; Integrity VM 6.3 guide, p. 197: a vPar migrates offline", Confidence.INFERRED
)

VPAR_OFFLINE = (
    VersionPair("6.0", "6.1", Basis(f"{_TABLE_32}; Integrity VM 6.1 release notes, p. 34, table 4")),
    VersionPair("6.1", "6.1", _VPAR_SAME),
    VersionPair("6.1.5", "6.1.5", _VPAR_SAME),
    VersionPair("6.2", "6.2", _VPAR_SAME),
    VersionPair("6.3", "6.3", _VPAR_SAME),
)
"""Offline paths of virtual partitions. They never move online."""


def offline_class(version: str) -> OfflineClass:
    """The class that a known version belongs to."""
    return next(entry for entry in OFFLINE_CLASSES if version in entry.versions)


def vpar_pair(source: str, target: str) -> VersionPair | None:
    """The row for this offline path of a vPar."""
    return next((pair for pair in VPAR_OFFLINE if (pair.source, pair.target) == (source, target)), None)


# ----------------------------------------------------------------------------------------------------------- processors


@dataclass(frozen=True)
class ProcessorGroup:
    """Processors among which a running guest may move. `models` empty: every model of the family."""

    name: str
    family: int
    models: tuple[int, ...]
    basis: Basis

    def holds(self, processor: Processor) -> bool:
        """Whether a processor belongs to the group."""
        return processor.family == self.family and (not self.models or processor.model in self.models)


PROCESSOR_BASIS = Basis("Integrity VM 4.3 manual, p. 178; Integrity VM 6.1 release notes, p. 34")

PROCESSOR_GROUPS = (
    ProcessorGroup("Itanium 2 before the 9000", 31, (), PROCESSOR_BASIS),
    ProcessorGroup("Itanium 2 9000 and 9100", 32, (0, 1), PROCESSOR_BASIS),
)
"""Any other processor stands alone: family and model must be identical."""


def processors_mix(one: Processor, other: Processor) -> bool:
    """Whether a running guest may go from one processor to the other. Symmetric."""
    alike = (one.family, one.model) == (other.family, other.model)
    return alike or any(group.holds(one) and group.holds(other) for group in PROCESSOR_GROUPS)


# -------------------------------------------------------------------------------------------- guest systems, kit, disks


@dataclass(frozen=True)
class GuestSystem:
    """A guest operating system, as the `os` attribute names it, that moves online between hosts of these versions."""

    os: str
    name: str
    since: str
    until: str
    basis: Basis


GUEST_SYSTEMS = (
    GuestSystem(
        "HPUX",
        "HP-UX 11i v2 or v3",
        "4.1",
        "6.3",
        Basis("Integrity VM 4.2 manual, p. 179; Integrity VM 4.3 manual, p. 178; Integrity VM 6.3 guide, p. 212"),
    ),
    GuestSystem("OPENVMS", "OpenVMS", "4.3", "4.3", Basis("Integrity VM 4.3 manual, p. 178, title of table 9-1")),
)
"""No source read says that Linux or Windows guests move online, so they do not."""


@dataclass(frozen=True)
class SharedDevices:
    """What a range of versions does with a guest whose disk other guests of its host use as well."""

    since: str
    until: str
    online: bool
    offline: bool
    says: str
    basis: Basis


SHARED_DEVICES = (
    SharedDevices(
        "3.5",
        "3.5",
        False,
        False,
        "hpvmmigrate refuses a guest with a shared device",
        Basis("message of hpvmmigrate 3.5, seen on a host", Confidence.OBSERVED),
    ),
    SharedDevices(
        "4.0",
        "4.1",
        False,
        True,
        "no source says what these versions do with a shared device",
        Basis("nothing found for 4.0 and 4.1", Confidence.UNKNOWN),
    ),
    SharedDevices(
        "4.2",
        "4.3",
        True,
        True,
        "SHARE=YES is not carried along: set it on the target before the others follow",
        Basis("Integrity VM 4.2 manual, p. 180; Integrity VM 4.3 manual, p. 193"),
    ),
    SharedDevices(
        "6.1",
        "6.3",
        False,
        True,
        "no source says what these versions do with a shared device",
        Basis("nothing found for 6.1 and later", Confidence.UNKNOWN),
    ),
)


def shared_devices(version: str) -> SharedDevices | None:
    """The row for a version; None for an unknown one."""
    return next((row for row in SHARED_DEVICES if within(version, row.since, row.until)), None)


COPY_SINCE = "4.1"
"""The oldest version that copies local disks: 4.0 has the options, but the field saw it work from 4.1 on."""

COPY_BASIS = Basis("Integrity VM 4.2 manual, p. 168 and 179; from 4.1 by a field report", Confidence.OBSERVED)
