"""The words that documents, hosts, plans and reports share. Used everywhere; decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Method(StrEnum):
    """How a guest gets to another host."""

    ONLINE = "online"
    """It keeps running while its memory is copied."""
    OFFLINE = "offline"
    """It is down meanwhile."""


class StepKind(StrEnum):
    """What a step does to its guest."""

    MIGRATE = "migrate"
    STOP = "stop"
    START = "start"
    SET = "set"
    """It stays where it is, running or not; settings of it are changed."""


class Setting(StrEnum):
    """What can be set of a guest where it is, by its name in records."""

    MEMORY = "memory_mib"
    """The memory it has now, where that is dynamic."""
    ENTITLEMENT = "cpu_entitlement_percent"
    """What each of its vCPUs is guaranteed of a CPU."""
    CAP = "cpu_cap_percent"
    """What each of its vCPUs may take of a CPU at most; 100 is no limit."""
    AUTOSTART = "autostart"
    """Whether its host starts it at boot: `on` or `off`."""


Settings = tuple[tuple[str, str], ...]
"""(name of a `Setting`, value) pairs."""


SETTING_WORDS: Mapping[str, tuple[str, str]] = {
    Setting.MEMORY: ("memory", " MiB"),
    Setting.ENTITLEMENT: ("entitlement", " %"),
    Setting.CAP: ("cap", " %"),
    Setting.AUTOSTART: ("autostart", ""),
}
"""What people call a setting, and its unit."""


def changes(settings: Settings, before: Settings = ()) -> str:
    """`memory 8192 → 4096 MiB, autostart on`: what becomes of the settings, from what where that is known."""
    was = dict(before)
    parts = []
    for name, value in settings:
        word, unit = SETTING_WORDS.get(name, (name, ""))
        parts.append(f"{word} {f'{was[name]} → ' if was.get(name) else ''}{value}{unit}")
    return ", ".join(parts)


class RunState(StrEnum):
    """Whether a registered guest runs."""

    RUNNING = "running"
    STOPPED = "stopped"
    TRANSITION = "transition"
    """Starting, stopping, arriving, suspended, or a word we do not know: hands off until it is one of the others."""


class StorageKind(StrEnum):
    """What stands behind a guest's disk."""

    SAN = "san"
    """A whole LUN that every host may see which it is presented to."""
    SHARED_FILE = "shared-file"
    """An image on a file system that other hosts mount as well."""
    LOGICAL_VOLUME = "logical-volume"
    FILE = "file"
    LOCAL_DISK = "local-disk"

    @property
    def shared(self) -> bool:
        """Whether another host can see the same disk; all other kinds must be copied."""
        return self in (StorageKind.SAN, StorageKind.SHARED_FILE)


@dataclass(frozen=True, order=True)
class Processor:
    """A host's processor as its platform counts it: numeric family and model, and the name people know."""

    family: int
    model: int
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name or 'processor'} (family {self.family}, model {self.model})"


@dataclass(frozen=True)
class Way:
    """How one host reaches another with a guest."""

    network: str = ""
    """The migration network's name; empty for the one that has none."""
    address: str = ""
    """What the source calls the target there."""
    bandwidth_mib_s: float | None = None
    """What the network carries. None: as much as its hosts say."""
    pace: float = 1.0
    """How many times as long as the model says such a guest took lately, where that is known."""


VCPUS_UNLIMITED = 1_000_000_000
"""The room in virtual CPUs of a host that has no limit of its own for them: more than any fleet has."""


@dataclass(frozen=True)
class Load:
    """Room taken on a host, or room there is: guest memory in MiB, guaranteed CPU in percent of one CPU, local disk
    in MiB, virtual CPUs of running guests.
    """

    memory_mib: int = 0
    cpu_percent: int = 0
    disk_mib: int = 0
    vcpus: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(
            self.memory_mib + other.memory_mib,
            self.cpu_percent + other.cpu_percent,
            self.disk_mib + other.disk_mib,
            self.vcpus + other.vcpus,
        )

    def __sub__(self, other: Load) -> Load:
        return Load(
            self.memory_mib - other.memory_mib,
            self.cpu_percent - other.cpu_percent,
            self.disk_mib - other.disk_mib,
            self.vcpus - other.vcpus,
        )

    def most(self, other: Load) -> Load:
        """In every dimension the larger of the two."""
        return Load(
            max(self.memory_mib, other.memory_mib),
            max(self.cpu_percent, other.cpu_percent),
            max(self.disk_mib, other.disk_mib),
            max(self.vcpus, other.vcpus),
        )

    def fits(self, room: Load) -> bool:
        """Whether `room` holds this load in every dimension. What is not asked for is not judged:
        a load without memory fits on a host whose memory is overcommitted already."""
        return all(
            need <= 0 or need <= there
            for need, there in (
                (self.memory_mib, room.memory_mib),
                (self.cpu_percent, room.cpu_percent),
                (self.disk_mib, room.disk_mib),
                (self.vcpus, room.vcpus),
            )
        )

    @staticmethod
    def total(loads: Iterable[Load]) -> Load:
        """The sum of any number of loads."""
        memory_mib = cpu_percent = disk_mib = vcpus = 0
        for load in loads:
            memory_mib += load.memory_mib
            cpu_percent += load.cpu_percent
            disk_mib += load.disk_mib
            vcpus += load.vcpus
        return Load(memory_mib, cpu_percent, disk_mib, vcpus)
