"""The summary, the details and the entitlements of all guests of a host.

Called by facts. Never decides what a state means for a move, and never fills in what is not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.names import printable
from reconciler.drivers.hpvm.parse.sizes import share_percent, size_mib
from reconciler.drivers.hpvm.parse.tables import has_table, parts, table, tables
from reconciler.ssh.looks.sections import Unreadable

NONE_CONFIGURED = re.compile(r"No .{1,60} configured\.?", re.IGNORECASE)
"""What 6.x prints where there is no guest."""
VCPUS = re.compile(r"[0-9]{1,6}", re.ASCII)
LABEL = re.compile(r"[A-Za-z][^:]{0,60}")
NAME, UUID = "virtual machine name", "virtual machine uuid"

# `hpvmstatus -r`, all guests: the place of each figure; its titles stand askew over it.
MEMORY_COLUMNS = 14
MEMORY_MIN, MEMORY_MAX, MEMORY_CURRENT = 2, 4, 6


@dataclass(frozen=True)
class Listed:
    """One line of the summary. `kind` is `SH` or `VP` where the version tells."""

    name: str
    state: str
    os: str = ""
    memory_mib: int | None = None
    vcpus: int | None = None
    kind: str = ""


@dataclass(frozen=True)
class DynamicMemory:
    """What a guest's memory may be set to while it runs, in MiB."""

    min_mib: int
    max_mib: int
    current_mib: int
    step_mib: int
    driver_started: bool


@dataclass(frozen=True)
class Details:
    """A guest's block of labels, as printed, and its dynamic memory where it has that. Labels are in lower case."""

    labels: Mapping[str, str]
    dynamic_memory: DynamicMemory | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.labels.get(NAME, "")

    @property
    def uuid(self) -> str:
        """Its identity, in lower case, or ""."""
        return self.labels.get(UUID, "").lower()


@dataclass(frozen=True)
class Entitlement:
    """CPU guaranteed to each virtual CPU and allowed to it at most, in percent."""

    guaranteed_percent: int
    most_percent: int


def summary(text: str) -> tuple[Listed, ...]:
    """`hpvmstatus`: every guest there is. Raises Unreadable where that is not certain."""
    if not has_table(text):
        if any(NONE_CONFIGURED.fullmatch(line.strip()) for line in text.split("\n")):
            return ()
        raise Unreadable("hpvmstatus: neither a table nor a word that there are no guests", text)
    if tables(text) > 1:
        raise Unreadable("hpvmstatus: more than one table, and who knows which guests are in which", text)
    found = table(text)
    name, state, system = (found.column(title) for title in ("Virtual Machine Name", "State", "OS Type"))
    titles = [title.lower() for title in found.titles]
    memory, vcpus, kind = (titles.index(title) if title in titles else None for title in ("memory", "#vcpus", "type"))
    listed = []
    for row in found.rows:
        if not row[name] or not row[state]:
            raise Unreadable("hpvmstatus: a line without a name or a state", " | ".join(row))
        listed.append(
            Listed(
                row[name],
                row[state],
                row[system],
                size_mib(row[memory], what=f"memory of {printable(row[name])}") if memory is not None else None,
                int(row[vcpus]) if vcpus is not None and VCPUS.fullmatch(row[vcpus]) else None,
                row[kind] if kind is not None else "",
            )
        )
    return tuple(listed)


def details(text: str) -> tuple[Details, ...]:
    """`hpvmstatus -V`: a block for each guest. Raises Unreadable for a dynamic memory that cannot be read."""
    blocks: list[dict[str, str]] = []
    memories: list[dict[str, str]] = []
    section = ""
    for line in text.split("\n"):
        if line.strip().startswith("["):
            section = line.strip(" []").lower()
            continue
        found = _labelled(line)
        if found is None:
            continue
        label, value = found
        if label == NAME:
            blocks.append({})
            memories.append({})
            section = ""
        if blocks:
            (memories if section.startswith("dynamic memory") else blocks)[-1].setdefault(label, value)
    return tuple(Details(block, _dynamic(memory)) for block, memory in zip(blocks, memories, strict=True))


def dynamic_memory(text: str) -> DynamicMemory | None:
    """The section of that name of one guest's details, by itself."""
    found = (_labelled(line) for line in text.split("\n"))
    return _dynamic(dict(line for line in found if line is not None))


def _labelled(line: str) -> tuple[str, str] | None:
    """`Label : value` as (label, value). Without an expression that goes over blanks again and again: a host may print
    megabytes of them."""
    label, colon, value = line.partition(":")
    label = label.strip()
    return (" ".join(label.lower().split()), value.strip()) if colon and LABEL.fullmatch(label) else None


def _dynamic(labels: Mapping[str, str]) -> DynamicMemory | None:
    if labels.get("type", "none").lower() != "driver":
        return None
    sizes = {
        label: size_mib(labels.get(label, ""), what=label)
        for label in ("minimum memory", "maximum memory", "current memory", "memory chunksize")
    }
    return DynamicMemory(
        sizes["minimum memory"],
        sizes["maximum memory"],
        sizes["current memory"],
        sizes["memory chunksize"],
        "STARTED" in labels.get("driver mode(s)", "").upper().split(),
    )


def entitlements(text: str) -> Mapping[str, Entitlement]:
    """`hpvmstatus -r`: CPU guaranteed to each guest, by name. Raises Unreadable."""
    found = table(parts(text).get("Virtual CPU entitlement", ""))
    name, least, most = (found.column(title) for title in ("Virtual Machine Name", "Entitlement", "Maximum"))
    return {
        row[name]: Entitlement(
            share_percent(row[least], what=f"entitlement of {printable(row[name])}"),
            share_percent(row[most], what=f"maximum of {printable(row[name])}"),
        )
        for row in found.rows
    }


@dataclass(frozen=True)
class MemoryEntitlement:
    """The memory that a guest may have at least, at most, and has now, in MiB."""

    min_mib: int
    max_mib: int
    current_mib: int


def memory_entitlements(text: str) -> Mapping[str, MemoryEntitlement]:
    """`hpvmstatus -r`: memory of each guest, by name. Raises Unreadable."""
    found = table(parts(text).get("Virtual Machine Memory Entitlement", ""))
    memories = {}
    for row in found.rows:
        if len(row) < MEMORY_COLUMNS:
            raise Unreadable("hpvmstatus -r: too few columns of memory", " | ".join(row))
        least, most, now = (
            size_mib(row[place], what=f"memory of {printable(row[0])}")
            for place in (MEMORY_MIN, MEMORY_MAX, MEMORY_CURRENT)
        )
        memories[row[0]] = MemoryEntitlement(least, most, now)
    return memories
