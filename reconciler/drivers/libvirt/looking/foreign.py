"""Migrations that somebody else began: outgoing ones without a record of ours, and arrivals that none of ours explains.

Called by facts. libvirt itself tells which guest moves, whoever asked for it; it does not tell where to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.core.model import StepKind
from reconciler.core.records import MoveRecord
from reconciler.drivers.libvirt.looking.registrations import Known
from reconciler.ssh.looks.by_hand import ELSEWHERE, by_hand


def foreign_records(
    host: str, guests: Mapping[str, Known], records: tuple[MoveRecord, ...], clock_s: float
) -> Iterator[MoveRecord]:
    """A record for each migration under way on this host that no record of ours accounts for."""
    ours = [record for record in records if record.under_way and record.kind is StepKind.MIGRATE]
    leaving = {record.guest_uuid for record in ours if record.source == host}
    expected = {record.guest_uuid for record in ours if record.target == host}
    for uuid, entry in sorted(guests.items()):
        away = entry.migration is not None and uuid not in leaving
        if not away and not (entry.arriving and uuid not in expected):
            continue
        yield by_hand(
            f"{'out' if away else 'in'}.{uuid}",
            guest_uuid=uuid,
            guest_name=entry.name,
            source=host if away else ELSEWHERE,
            target=ELSEWHERE if away else host,
            clock_s=clock_s,
            note="a migration that this reconciler did not begin",
        )
