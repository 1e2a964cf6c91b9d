"""The move records on real hosts: one remote invocation that checks the guard, writes the record and does the deed.

Called by the drivers of platforms that are reached over SSH. What runs there is hostbook.sh, beside this file; this
module only says with which arguments, and reads its answer. Never sends anything itself.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.commands import Answer, AnswerKind, Guard, Verb
from reconciler.core.records import MoveRecord
from reconciler.ssh.programs import program

NONE = "-"
VERDICT = "@reconciler "
WORDS = {Verb.CLAIM: "claim", Verb.RELEASE: "release", Verb.CHECK: "check"}
"""What hostbook.sh calls a verb; all others write the record anew where the guard holds."""
BEGIN_S = 10
"""How long a job may take to begin."""


class How(StrEnum):
    """How a deed is done."""

    NONE = "none"
    RUN = "run"
    """Its end is awaited."""
    JOB = "job"
    """It goes on by itself, its output and exit status in files of the host."""


@dataclass(frozen=True)
class Deed:
    """What is done once the record is written."""

    how: How = How.NONE
    argv: tuple[str, ...] = ()
    job: str = NONE
    """Names a job, on this host and for ever: record, attempt and what is done."""
    wait_s: int = 0
    """A job that ends within so many whole seconds answers with its own exit status."""
    naps_per_s: int = 1
    """How often a second it is looked whether it has ended: 1 where `sleep` knows whole seconds only (HP-UX)."""
    alone: str = NONE
    """No command of this name may be running when the deed is done."""


def invocation(
    folder: str, verb: Verb, record: MoveRecord, guard: Guard | None, deed: Deed, *, slots: int = 1
) -> tuple[str, ...]:
    """The whole remote invocation. `folder` holds the records; `slots` is how many live ones the host takes."""
    expected = (
        (guard.record_id, guard.controller, ",".join(guard.stages), "1" if guard.may_be_expired else "0")
        if guard is not None
        else (NONE, NONE, NONE, "0")
    )
    written = (*_head(record), json.dumps(record.to_json(), sort_keys=True, separators=(",", ":")))
    nap = "1" if deed.naps_per_s == 1 else f"{1 / deed.naps_per_s:.3f}"
    way = (deed.how.value, str(deed.wait_s * deed.naps_per_s), nap, str(BEGIN_S * deed.naps_per_s), deed.job)
    verb_there = WORDS.get(verb, "rewrite")
    head = ("sh", "-c", hostbook(), "reconciler", folder, verb_there, str(slots), deed.alone)
    return (*head, *expected, *written, *way, *deed.argv)


def hostbook() -> str:
    """The text of hostbook.sh."""
    return program("reconciler.ssh", "hostbook.sh")


def answer(status: int | None, stdout: str, stderr: str) -> Answer:
    """What the host's answer means. Without a verdict nothing is known: it may have got anywhere."""
    lines = stdout.splitlines()
    place = next((number for number, line in enumerate(lines) if line.startswith(VERDICT)), None)
    if place is None:
        return Answer(AnswerKind.LOST, status, (stdout + stderr).strip())
    word, _, text = lines[place].removeprefix(VERDICT).partition(" ")
    said = "\n".join([*lines[place + 1 :], stderr.rstrip()]).strip()
    if word == "guarded":
        return Answer(AnswerKind.GUARDED, None, text)
    if word != "done":
        return Answer(AnswerKind.FAILED, status, text)
    if status is None:
        return Answer(AnswerKind.LOST, None, said)
    return Answer(AnswerKind.DONE if status == 0 else AnswerKind.FAILED, status, said)


def record_from(text: str) -> MoveRecord:
    """A record as it lies on a host: its head line, then its JSON. Raises ValueError for anything else."""
    head, _, body = text.partition("\n")
    try:
        record = MoveRecord.from_json(json.loads(body))
    except RecursionError as error:
        raise ValueError("not a move record: nested too deep") from error
    if head.split() != ["1", *_head(record)]:
        raise ValueError("not a move record: its two lines differ")
    return record


def _head(record: MoveRecord) -> tuple[str, ...]:
    """What hostbook.sh reads of a record: its first line, but for the form's number."""
    return (
        record.id,
        record.guest_uuid,
        record.controller,
        record.stage.value,
        str(math.ceil(record.expires_s)),
        "1" if record.under_way else "0",
    )
