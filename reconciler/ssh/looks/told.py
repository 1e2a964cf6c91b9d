"""Move records and jobs as a look at a host prints them. Called by drivers that read looks; asks no host.

What is said of a record must be beyond doubt: a host whose records cannot be read counts as not read.
"""

from __future__ import annotations

import re

from reconciler.core.names import is_name, printable
from reconciler.core.observed import Job
from reconciler.core.records import MoveRecord
from reconciler.ssh.hostbook import record_from
from reconciler.ssh.looks.sections import STATUS, Unreadable

ATTEMPT = re.compile(r"[0-9]{1,9}", re.ASCII)


def record_told(name: str, text: str) -> MoveRecord:
    """A record as its file has it; `name` is the file's. Raises Unreadable."""
    try:
        record = record_from(text.removesuffix("\n"))
    except ValueError as error:
        raise Unreadable(f"the move record of guest {printable(name)} cannot be read: {error}") from error
    for word in (record.id, record.guest_uuid, record.guest_name, record.source, record.target):
        if not is_name(word):
            raise Unreadable(f"a move record with what is not a name: {printable(word)}")
    return record


def job_told(name: str, text: str) -> Job:
    """`RECORD.ATTEMPT.migrate`: its exit status, or whether it runs, then the last lines it printed. Raises
    Unreadable."""
    record_id, _, attempt = name.removesuffix(".migrate").rpartition(".")
    first, _, output = text.partition("\n")
    word = first.strip()
    status = int(word) if STATUS.fullmatch(word) else None
    if not is_name(record_id) or not ATTEMPT.fullmatch(attempt):
        raise Unreadable(f"a job of this name is none of ours: {printable(name)}")
    return Job(
        record_id=record_id,
        attempt=int(attempt),
        verb="migrate",
        ended=word != "running",
        status=status,
        output_tail=output.strip("\n"),
    )
