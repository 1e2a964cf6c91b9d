"""Migrations that somebody else began, as move records: so that they hold their guest and their hosts' slots.

Called by facts. `hpvmmigrate` does not always notice that another one runs on its host (Integrity VM 4.2.5 release
notes, p. 91), so the list of processes is looked at, whoever is at work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.core.model import StepKind
from reconciler.core.observed import Job, Registration
from reconciler.core.records import MoveRecord
from reconciler.drivers.hpvm.parse.processes import Migration
from reconciler.ssh.looks.by_hand import ELSEWHERE, by_hand


def foreign_records(
    host: str,
    running: Iterable[Migration],
    records: Iterable[MoveRecord],
    jobs: Iterable[Job],
    registrations: Iterable[Registration],
    aliases: Mapping[str, str],
    clock_s: float,
) -> Iterator[MoveRecord]:
    """A record for each migration under way on this host that no record of ours accounts for."""
    ours = [record for record in records if record.under_way and record.kind is StepKind.MIGRATE]
    leaving = {record.guest_name for record in ours if record.source == host}
    receiving = sum(record.target == host for record in ours)
    at_work = any(not job.ended for job in jobs)
    uuids = {entry.name: entry.uuid for entry in registrations}
    for migration in running:
        if migration.checks or (migration.guest in leaving and at_work):
            continue
        if migration.receives and receiving > 0:
            receiving -= 1
            continue
        arriving = migration.receives
        yield by_hand(
            str(migration.pid),
            guest_uuid=uuids.get(migration.guest, f"unknown.{migration.pid}"),
            guest_name=migration.guest or "unknown",
            source=ELSEWHERE if arriving else host,
            target=host if arriving else aliases.get(migration.target, ELSEWHERE),
            clock_s=clock_s,
            note="an hpvmmigrate that this reconciler did not begin",
        )
