"""What was reported before, read back from the status branch for people and for plans without access to hosts.

Called by the commands that only read. What is read here is shown, or planned on; it never allows anything (I10).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

from reconciler.core.observed import ObservedFleet, Unreachable
from reconciler.core.planning.ways.learned import Sample
from reconciler.core.reports.json_values import parsed
from reconciler.errors import DesiredStateError, GitError
from reconciler.git.commits import read_commits
from reconciler.git.heartbeat import read_heartbeat
from reconciler.git.status_branch import STATUS_REFS, StatusBranch, read_status
from reconciler.git.trouble import GitTrouble
from reconciler.loop.publishing import observed_looks
from reconciler.loop.settings import Settings
from reconciler.loop.wiring import Fleet, declared_at, desired_repository, reports_repository
from reconciler.render.fleet_status import FleetStatus
from reconciler.render.outputs.history import RunRecord, Sighting, last_runs, run_record_from_json, sightings
from reconciler.render.outputs.status import status_from_json
from reconciler.render.paths import INDEX, RUNS, guest_path
from reconciler.render.run_summary import samples
from reconciler.render.words import when

APPROVALS = ("approved-by", "reviewed-by")
NOT_YET_HINT = "the first `reconciler apply` writes it"


def status_branch(settings: Settings) -> StatusBranch:
    """The status branch of the fleet that the settings lead to. Where its documents are invalid just now, the only
    status branch there is: what was reported can still be read then. Raises GitError, or DesiredStateError where that
    is unclear.
    """
    desired = desired_repository(settings)
    repository = reports_repository(settings, desired)
    try:
        fleet = declared_at(desired, settings.ref, settings.folder).desired.fleet.name
    except DesiredStateError:
        refs = repository.run(["for-each-ref", "--format=%(refname)", "--", STATUS_REFS]).stdout.decode().split()
        if len(refs) != 1:
            raise
        return read_status(repository, refs[0])
    return read_status(repository, f"{STATUS_REFS}{fleet}")


def moved(settings: Settings, branch: StatusBranch) -> StatusBranch:
    """The same branch as it is now, without a look at any document. Raises GitError."""
    return read_status(reports_repository(settings, desired_repository(settings)), branch.ref)


def last_status(branch: StatusBranch) -> FleetStatus:
    """The state of the fleet as the last report left it. Raises GitTrouble where there is none that can be read."""
    content = branch.read(INDEX)
    if content is None:
        raise GitTrouble("status-missing", f"{branch.ref} holds no report", hint=NOT_YET_HINT)
    try:
        return status_from_json(parsed(content))
    except ValueError as error:
        hint = "the next report of this version writes it anew"
        raise GitTrouble("status-unreadable", f"{INDEX} on {branch.ref}: {error}", hint=hint) from error


@dataclass(frozen=True)
class Age:
    """When the last report was committed, and when the last sign of life; in seconds since the epoch, None for none."""

    reported_s: int | None
    alive_s: int | None


def age(branch: StatusBranch) -> Age:
    """How old what the branch says is."""
    newest = next(iter(branch.log(1)), None)
    beat = read_heartbeat(branch.repository, branch.ref.removeprefix(STATUS_REFS))
    return Age(newest.when if newest is not None else None, beat.when if beat is not None else None)


@dataclass(frozen=True)
class Period:
    """From when until when, as run records spell times. Empty: without end."""

    since: str = ""
    until: str = ""

    def holds(self, moment: str) -> bool:
        """Whether it was then. Both ends belong to it."""
        return self.since <= moment and (not self.until or moment <= self.until)


def approved(settings: Settings, runs: Iterable[RunRecord]) -> Iterator[RunRecord]:
    """The same runs, each with those who approved its documents, as the trailers of their commit say; nobody where
    that is not in the repository any more."""
    repository = desired_repository(settings, fetch=False)
    for run in runs:
        found = repository.commit_id(run.summary.commit) if run.summary.commit else None
        trailers = read_commits(repository, found, 1)[0].trailers if found is not None else ()
        people = tuple(value for key, value in trailers if key.lower() in APPROVALS)
        yield replace(run, approved_by=people)


def runs(branch: StatusBranch, period: Period = Period()) -> Iterator[RunRecord]:
    """The run records, newest first, read one by one. One that cannot be read is left out: it is history, not state."""
    first, last = (
        f"{RUNS}{moment[:10].replace('-', '/')}" if moment else "" for moment in (period.since, period.until)
    )
    for path in sorted((path for path in branch.files(RUNS) if path.endswith(".json")), reverse=True):
        if path < first or (last and path[: len(last)] > last):
            continue  # by its day
        record = _record(branch, path)
        if record is not None and period.holds(record.summary.started):
            yield record


RUNS_LEARNED_FROM = 20
"""So many of the latest run records are read where the state folder remembers no step."""


def reported_samples(branch: StatusBranch) -> tuple[Sample, ...]:
    """What steps took, the latest last, as the latest run records have it. It makes predictions better and allows
    nothing: no time that a permission rests on becomes shorter by it (I10)."""
    latest = [run.summary.moves for run in islice(runs(branch), RUNS_LEARNED_FROM)]
    return samples(move for moves in reversed(latest) for move in moves)


@dataclass(frozen=True)
class GuestHistory:
    """What became of one guest. `known`: whether any report ever spoke of it."""

    runs: Iterator[RunRecord]
    seen: tuple[Sighting, ...]
    known: bool


def guest_history(branch: StatusBranch, guest: str, period: Period = Period()) -> GuestHistory:
    """What was done to it, newest first, and what was seen of it that nobody here did. From the history of its file:
    that names every run that touched it, so that no other record is read."""
    versions = branch.versions(guest_path(guest))
    told = [(when(version.when), _parsed(version.content)) for version in versions]
    records = (_record(branch, path) for path in last_runs([raw for _, raw in told]))
    touched = (record.of_guest(guest) for record in records if record is not None)
    return GuestHistory(
        (record for record in touched if record.summary.moves and period.holds(record.summary.started)),
        tuple(sighting for sighting in sightings(told[::-1]) if period.holds(sighting.at)),
        bool(versions),
    )


def _record(branch: StatusBranch, path: str) -> RunRecord | None:
    try:
        return run_record_from_json(parsed(branch.read(path) or b""))
    except (ValueError, GitError):
        return None


def _parsed(content: bytes | None) -> object:
    try:
        return parsed(content or b"")
    except ValueError:
        return None


def last_observed(fleet: Fleet) -> tuple[ObservedFleet, str]:
    """The snapshot that was reported last, and when. A host that it lacks, or of which it cannot be read, is not known.

    Raises GitTrouble where nothing was reported.
    """
    branch = fleet.status()
    newest = next(iter(branch.log(1)), None)
    if newest is None:
        raise GitTrouble("status-missing", f"{branch.ref} holds no report", hint=NOT_YET_HINT)
    found = {look.name: look for look in observed_looks(branch)}
    hosts = {name: found.get(name, Unreachable(name, "not in the last report")) for name in fleet.desired.hosts}
    return ObservedFleet(hosts), datetime.fromtimestamp(newest.when, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
