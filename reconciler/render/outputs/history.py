"""What was done, as it is read back from run records, and as a JSON document: what `history -o json` prints.

Called by loop/answers, which reads the records, and the command line. What is read back is shown, never acted on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.core.diff import Finding
from reconciler.core.model import RunState
from reconciler.core.reports.json_values import Json, headed, plain, plain_fields, typed, wrong
from reconciler.render.outputs import run as run_record
from reconciler.render.run_summary import RunSummary


@dataclass(frozen=True)
class SentCommand:
    """One command as the run record has it."""

    host: str
    verb: str
    argv: tuple[str, ...]
    sent: str
    ended: str
    took_s: float
    answer: str
    status: int | None
    output_tail: str


@dataclass(frozen=True)
class RunRecord:
    """A pass with its commands: as many lists of them as the summary has moves."""

    summary: RunSummary
    commands: tuple[tuple[SentCommand, ...], ...]
    approved_by: tuple[str, ...] = ()
    """Who approved the commit, as its message says: whoever wrote the commit wrote that."""

    def of_guest(self, guest: str) -> RunRecord:
        """Only what was done to one guest."""
        kept = [at for at, move in enumerate(self.summary.moves) if move.guest == guest]
        commands = tuple(self.commands[at] for at in kept)
        return replace(self, summary=self.summary.of_guest(guest), commands=commands)

    def without_commands(self) -> RunRecord:
        """Only what was done, not how."""
        return replace(self, commands=tuple(() for _ in self.commands))


@dataclass(frozen=True)
class Sighting:
    """A guest was found elsewhere, or in another state, than it was reported before, and no step of ours did that."""

    at: str
    """When it was reported: it happened between the report before and this one."""
    before: tuple[str, ...]
    after: tuple[str, ...]
    """Where it runs or could be started, in words; nothing where it was not found."""


def sightings(versions: Sequence[tuple[str, object]]) -> tuple[Sighting, ...]:
    """What changed in a guest's file though no step of ours changed it, newest first.

    `versions` are what the file was, oldest first, each with the time of its commit; None where it was deleted. One in
    which nothing certain is known of the guest is passed over, as is what follows a step of which nobody knows how it
    ended: that may be its late effect.
    """
    found: list[Sighting] = []
    before: _Whereabouts | None = None
    for at, raw in versions:
        now = _whereabouts(raw)
        if now is None:
            continue
        if before is not None and before.sure and now.places != before.places and now.move == before.move:
            found.append(Sighting(at, before.places, now.places))
        before = now
    return tuple(reversed(found))


@dataclass(frozen=True)
class _Whereabouts:
    """What one version of a guest's file says."""

    places: tuple[str, ...]
    move: object
    """The last thing that was done to the guest, however it is written."""
    sure: bool
    """Whether that has come to an end."""


def _whereabouts(raw: object) -> _Whereabouts | None:
    """None where the version says nothing certain of the guest."""
    if not isinstance(raw, dict) or raw.get("finding") == Finding.UNKNOWN or not isinstance(raw.get("places"), list):
        return None
    places = []
    for place in raw["places"]:
        if not isinstance(place, dict) or place.get("state") == RunState.TRANSITION:
            return None
        if place.get("runnable") is True or place.get("state") == RunState.RUNNING:
            places.append(f"{place.get('host')} ({place.get('state')})")
    move = raw.get("last_move")
    return _Whereabouts(tuple(places), move, move is None or (isinstance(move, dict) and move.get("state") == "done"))


def last_runs(versions: Sequence[object]) -> tuple[str, ...]:
    """The paths of all runs that these versions of a guest's file name, each once, in their order."""
    found = (raw.get("last_run") for raw in versions if isinstance(raw, dict))
    return tuple(dict.fromkeys(path for path in found if isinstance(path, str) and path))


def run_record_from_json(raw: object) -> RunRecord:
    """A run record. Raises ValueError for anything else."""
    summary = run_record.run_summary_from_json(raw)
    steps = [step for part in ("adopted", "steps") for step in _list(raw, part)]
    commands = tuple(
        tuple(typed(SentCommand, entry, "commands") for entry in _list(step, "commands")) for step in steps
    )
    if len(commands) != len(summary.moves):
        raise ValueError("moves: not as many as there are steps")
    return RunRecord(summary, commands)


def _list(raw: object, key: str) -> list[object]:
    found = raw.get(key) if isinstance(raw, dict) else None
    if not isinstance(found, list):
        raise wrong(key, "a list", found)
    return found


def history_json(fleet: str, runs: Sequence[RunRecord], guest: str = "", seen: Sequence[Sighting] = ()) -> Json:
    """Passes, newest first; with a guest, only what was done to it, and what was seen of it that nobody here did."""
    return headed("History", {"fleet": fleet, "guest": guest, "runs": [_run(run) for run in runs], "seen": plain(seen)})


def _run(run: RunRecord) -> Json:
    moves = [
        {**plain_fields(move), "commands": plain(commands)}
        for move, commands in zip(run.summary.moves, run.commands, strict=True)
    ]
    return {**plain_fields(run.summary), "moves": moves, "approved_by": plain(run.approved_by)}
