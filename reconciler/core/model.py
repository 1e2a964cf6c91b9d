"""The words that documents, hosts, plans and reports share. Used everywhere; decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
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
    LOGICAL_VOLUME = "logical-volume"
    FILE = "file"
    LOCAL_DISK = "local-disk"

    @property
    def shared(self) -> bool:
        """Whether another host can see the same disk; all other kinds must be copied."""
        return self is StorageKind.SAN


@dataclass(frozen=True, order=True)
class Processor:
    """A host's processor as its platform counts it: numeric family and model, and the name people know."""

    family: int
    model: int
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name or 'processor'} (family {self.family}, model {self.model})"


@dataclass(frozen=True)
class Load:
    """Room taken on a host, or room there is: guest memory in MiB, guaranteed CPU in percent of one CPU, local disk
    in MiB.
    """

    memory_mib: int = 0
    cpu_percent: int = 0
    disk_mib: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(
            self.memory_mib + other.memory_mib, self.cpu_percent + other.cpu_percent, self.disk_mib + other.disk_mib
        )

    def __sub__(self, other: Load) -> Load:
        return Load(
            self.memory_mib - other.memory_mib, self.cpu_percent - other.cpu_percent, self.disk_mib - other.disk_mib
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
            )
        )

    @staticmethod
    def total(loads: Iterable[Load]) -> Load:
        """The sum of any number of loads."""
        memory_mib = cpu_percent = disk_mib = 0
        for load in loads:
            memory_mib += load.memory_mib
            cpu_percent += load.cpu_percent
            disk_mib += load.disk_mib
        return Load(memory_mib, cpu_percent, disk_mib)
