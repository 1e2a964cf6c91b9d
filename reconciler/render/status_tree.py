"""The files of a fleet's status branch after a pass, and the message they are committed with.

Called by loop/ at the end of a pass. A pass in which nothing changed gives the same bytes as the one before it, so that
nothing is committed. Never reads or writes git; what lay there before comes in, and is shown, never acted on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.desired import Host
from reconciler.core.reports.json_values import canonical, parsed
from reconciler.core.reports.report import GuestStatus, Report, Result
from reconciler.core.reports.snapshot import host_to_json
from reconciler.render.fleet_status import FleetStatus, fleet_status, noteworthy
from reconciler.render.markdown.readme import readme
from reconciler.render.outputs.guest import guest_json, last_move_from_json
from reconciler.render.outputs.run import run_json
from reconciler.render.outputs.status import status_from_json, status_json
from reconciler.render.paths import GUESTS, INDEX, OBSERVED, README, guest_path, host_path, twin_path
from reconciler.render.run_summary import MoveSummary, RunSummary, failed_guests, moved_guests, moves_of, run_summary
from reconciler.render.words import counted


@dataclass(frozen=True)
class Before:
    """What the branch said before this pass, as far as the next files need it."""

    runs: tuple[RunSummary, ...] = ()
    last_moves: Mapping[str, tuple[MoveSummary, str]] = field(default_factory=dict)
    """Path of a guest's file -> its last move and the path of that run."""


def read_before(files: Mapping[str, bytes]) -> Before:
    """From index.json and the files in guests/, as they lie on the branch. What cannot be read was never written."""
    status = read_status(files.get(INDEX, b""))
    last_moves = {}
    for path in sorted(files):
        if path.startswith(GUESTS):
            last = _last_move(files[path])
            if last is not None:
                last_moves[path] = last
    return Before(status.runs if status else (), last_moves)


def _last_move(content: bytes) -> tuple[MoveSummary, str] | None:
    try:
        return last_move_from_json(parsed(content))
    except ValueError:
        return None


def read_status(index: bytes) -> FleetStatus | None:
    """The state of the fleet as index.json has it; None where that is no such document."""
    try:
        return status_from_json(parsed(index))
    except ValueError:
        return None


def status_files(
    report: Report, existing: Mapping[str, bytes] | None = None, documents: Mapping[str, Host] | None = None
) -> dict[str, bytes]:
    """Path -> content, for everything this pass has to say; older run records stay as they are. Of the `existing` files
    only index.json and guests/ are read. With the Host documents, capacities count what those take away."""
    before = read_before(existing or {})
    status = fleet_status(report, before.runs, documents)
    files = {README: readme(status).encode(), INDEX: canonical(status_json(status))}
    files |= _guests(report, before)
    for name, look in sorted(report.observed.hosts.items()):
        files[host_path(name)] = canonical(host_to_json(look))
    if noteworthy(report, [run for run in before.runs if run.id != report.id]):
        files[run_summary(report).path] = canonical(run_json(report))
    return dict(sorted(files.items()))


def stale_files(existing: Iterable[str], new: Iterable[str]) -> tuple[str, ...]:
    """The files of guests and hosts that are gone, to be deleted. Run records and files of others are kept."""
    kept = set(new)
    return tuple(sorted(path for path in existing if path.startswith((GUESTS, OBSERVED)) and path not in kept))


def commit_message(report: Report) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Subject and trailers."""
    moves = moves_of(report)
    moved, failed = moved_guests(moves), failed_guests(moves)
    plan = report.plans[0] if report.plans else None
    trailers = (
        ("Observed-Commit", report.commit.id if report.commit else ""),
        ("Plan-Digest", plan.digest if plan else ""),
        ("Result", str(report.result)),
        ("Guests-Moved", str(len(moved))),
        ("Guests-Failed", str(len(failed))),
        ("Reconcile-Id", report.id),
    )
    return _subject(report, len(moved), len(failed)), tuple((key, value) for key, value in trailers if value)


def _subject(report: Report, moved: int, failed: int) -> str:
    stalled = sum(guest.stalled is not None for guest in report.guests)
    state = str(report.result)
    if report.result is Result.BLOCKED and stalled:
        state = f"{counted(stalled, 'guest')} blocked"
    if report.brakes:
        state = f"held by {', '.join(brake.reason for brake in report.brakes)}"
    parts = [state]
    parts += [f"{counted(moved, 'guest')} moved"] if moved else []
    parts += [f"{counted(failed, 'guest')} failed"] if failed else []
    return f"{report.fleet}: {', '.join(parts)}"


def _guests(report: Report, before: Before) -> dict[str, bytes]:
    begun = [move for move in moves_of(report) if move.begun]
    by_uuid, by_name = {move.uuid: move for move in begun}, {move.guest: move for move in begun}
    run = run_summary(report).path
    files = {}
    for path, guest in _paths(report.guests):
        move = by_uuid.get(guest.diff.uuid) or (by_name.get(guest.diff.name) if guest.diff.wanted else None)
        last, last_run = (move, run) if move is not None else before.last_moves.get(path, (None, ""))
        files[path] = canonical(guest_json(guest, last, last_run))
    return files


def _paths(guests: Sequence[GuestStatus]) -> list[tuple[str, GuestStatus]]:
    """A path for each guest. Where several bear one name, the declared one has the plain path."""
    paths: dict[str, GuestStatus] = {}
    for guest in sorted(guests, key=lambda guest: (not guest.diff.wanted, guest.diff.name, guest.diff.uuid)):
        path = guest_path(guest.diff.name)
        if path in paths:
            path = twin_path(guest.diff.name, guest.diff.uuid)
        paths[path] = guest
    return sorted(paths.items())
