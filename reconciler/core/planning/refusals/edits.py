"""Changed fields of Guest documents: what becomes of a document with them, what kind of remedy they are, in words.

Called where remedies are looked for. Knows only the fields that a remedy may name; never writes a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from reconciler.core.desired import Downtime, Guest, MigrationPolicy, StorageCopy
from reconciler.core.planning.plan import Edit, RemedyKind

HOST = "host"
ENTITLEMENT = "cpu.entitlement"
HOP = "migration.hop"
ASIDE = "migration.stepAside"
DOWNTIME = "migration.downtime"
METHOD = "migration.method"
STORAGE_COPY = "migration.storageCopy"

KINDS: Mapping[str, RemedyKind] = {
    HOST: RemedyKind.ELSEWHERE,
    ENTITLEMENT: RemedyKind.ENTITLEMENT,
    ASIDE: RemedyKind.ASIDE,
    DOWNTIME: RemedyKind.DOWNTIME,
    METHOD: RemedyKind.METHOD,
    STORAGE_COPY: RemedyKind.METHOD,
    HOP: RemedyKind.HOP,
}
"""Field -> the kind of a remedy that edits it; of several, the first one here names it."""

POLICY: Mapping[str, Callable[[MigrationPolicy, str], MigrationPolicy]] = {
    HOP: lambda policy, _: replace(policy, hop=True),
    ASIDE: lambda policy, _: replace(policy, step_aside=True),
    DOWNTIME: lambda policy, _: replace(policy, downtime=Downtime.ALLOWED),
    METHOD: lambda policy, _: replace(policy, method=None),
    STORAGE_COPY: lambda policy, value: replace(policy, storage_copy=StorageCopy(value)),
}
LISTED_MAX = 8
"""So many names are listed in one sentence."""


def hop(guest: str) -> Edit:
    """It may rest on a third host."""
    return Edit(guest, HOP, "allowed")


def aside(guest: str) -> Edit:
    """It may be moved for others."""
    return Edit(guest, ASIDE, "online")


def downtime(guest: str) -> Edit:
    """It may be stopped to be moved."""
    return Edit(guest, DOWNTIME, "allowed")


def declared_on(guest: str, host: str) -> Edit:
    """It shall be on that host."""
    return Edit(guest, HOST, host)


def entitled_to(guest: str, percent: int) -> Edit:
    """So much of a CPU shall be guaranteed to each of its virtual CPUs."""
    return Edit(guest, ENTITLEMENT, f"{percent}%")


def edited(document: Guest, edit: Edit) -> Guest:
    """The document with the edit."""
    if edit.field == HOST:
        return replace(document, host=edit.value)
    if edit.field == ENTITLEMENT:
        return replace(document, cpu_entitlement_percent=int(edit.value.rstrip("%")))
    return replace(document, migration=POLICY[edit.field](document.migration, edit.value))


def kind_of(edits: Iterable[Edit]) -> RemedyKind:
    """What kind of remedy they are together."""
    fields = {edit.field for edit in edits}
    return next(kind for field, kind in KINDS.items() if field in fields)


def told(edits: Iterable[Edit]) -> str:
    """`stepAside: online for db02, web07 and hop: allowed for x`."""
    by_change: dict[tuple[int, str], list[str]] = {}
    order = list(KINDS)
    for edit in sorted(edits):
        change = f"{edit.field.rpartition('.')[2]}: {edit.value}"
        by_change.setdefault((order.index(edit.field), change), []).append(edit.guest)
    return " and ".join(f"{change} for {names(guests)}" for (_, change), guests in sorted(by_change.items()))


def names(guests: Iterable[str]) -> str:
    """`a, b and 3 more`."""
    listed = sorted(guests)
    more = len(listed) - LISTED_MAX
    if more > 1:
        return f"{', '.join(listed[:LISTED_MAX])} and {more} more"
    return ", ".join(listed)
