"""The files of a fleet's status branch after a pass, and the message they are committed with.

Called by loop/ at the end of a pass. A pass in which nothing changed gives the same bytes as the one before it, so that
nothing is committed. Never reads or writes git; what lay there before comes in, and is shown, never acted on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.core.desired import Host
from reconciler.core.observed import Look
from reconciler.core.reports.conditions import lasting
from reconciler.core.reports.json_values import canonical, parsed
from reconciler.core.reports.report import GuestStatus, Report, Result
from reconciler.core.reports.snapshot import host_to_json, settled
from reconciler.render.fleet_status import FleetStatus, fleet_status, noteworthy
from reconciler.render.markdown.codes import links
from reconciler.render.markdown.readme import readme
from reconciler.render.outputs.guest import GuestBefore, guest_from_json, guest_json, since_of
from reconciler.render.outputs.run import run_json
from reconciler.render.outputs.status import status_from_json, status_json
from reconciler.render.paths import (
    GUESTS,
    INDEX,
    OBSERVED,
    README,
    REFERENCE,
    guest_path,
    host_path,
    run_path,
    twin_path,
)
from reconciler.render.run_summary import RunSummary, failed_guests, moved_guests, moves_of, run_summary
from reconciler.render.words import counted, when


@dataclass(frozen=True)
class Before:
    """What the branch said before this pass, as far as the next files need it."""

    runs: tuple[RunSummary, ...] = ()
    guests: Mapping[str, GuestBefore] = field(default_factory=dict)
    """By the path of a guest's file."""


def read_before(files: Mapping[str, bytes]) -> Before:
    """From index.json and the files in guests/, as they lie on the branch. What cannot be read was never written."""
    status = read_status(files.get(INDEX, b""))
    guests = {path: _guest_before(files[path]) for path in sorted(files) if path.startswith(GUESTS)}
    return Before(status.runs if status else (), guests)


def _guest_before(content: bytes) -> GuestBefore:
    try:
        return guest_from_json(parsed(content))
    except ValueError:
        return GuestBefore()


def read_status(index: bytes) -> FleetStatus | None:
    """The state of the fleet as index.json has it; None where that is no such document."""
    try:
        return status_from_json(parsed(index))
    except ValueError:
        return None


@dataclass(frozen=True)
class GuestFile:
    """A guest's file and what it was made from."""

    guest: GuestStatus
    """As the pass found it."""
    told: GuestStatus
    """The same, with the times since which its conditions hold."""
    after: GuestBefore
    """What the next file will rest on."""
    content: bytes


@dataclass
class Drawn:
    """What a process that goes on has rendered, so that what stays as it is need not be rendered again. It changes no
    byte: losing it costs time."""

    guests: dict[str, GuestFile] = field(default_factory=dict)
    hosts: dict[str, tuple[Look, bytes]] = field(default_factory=dict)


@dataclass(frozen=True)
class Tree:
    """All files of the status branch that a pass has to say something in, by path."""

    files: Mapping[str, bytes]
    after: Before
    """What the branch says then, as far as the next files need it."""


def status_files(
    report: Report, existing: Mapping[str, bytes] | None = None, documents: Mapping[str, Host] | None = None
) -> dict[str, bytes]:
    """Path -> content, on top of the `existing` files, of which only index.json and guests/ are read."""
    return dict(status_tree(report, read_before(existing or {}), documents).files)


def status_tree(
    report: Report,
    before: Before,
    documents: Mapping[str, Host] | None = None,
    drawn: Drawn | None = None,
    pages: Mapping[str, str] | None = None,
) -> Tree:
    """Everything this pass has to say so far; older run records stay as they are, and that of a pass under way is not
    there yet. With the Host documents, capacities count what those take away. The `pages` that explain reason codes, by
    name, are laid beside README.md, which leads to them."""
    drawn = drawn if drawn is not None else Drawn()
    drawn.guests = _guests(report, before, drawn.guests)
    drawn.hosts = _hosts(report, drawn.hosts)
    report = replace(report, guests=tuple(file.told for file in drawn.guests.values()))
    status = fleet_status(report, before.runs, documents)
    files = {README: readme(status, links(pages or {})).encode(), INDEX: canonical(status_json(status))}
    files |= {f"{REFERENCE}{name}": text.encode() for name, text in (pages or {}).items()}
    files |= {path: file.content for path, file in drawn.guests.items()}
    files |= {path: content for path, (_, content) in drawn.hosts.items()}
    if noteworthy(report, [run for run in before.runs if run.id != report.id]):
        files[run_summary(report).path] = canonical(run_json(report))
    after = Before(status.runs, {path: file.after for path, file in drawn.guests.items()})
    return Tree(dict(sorted(files.items())), after)


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


def _guests(report: Report, before: Before, drawn: Mapping[str, GuestFile]) -> dict[str, GuestFile]:
    """By path, in the order of the report."""
    begun = [move for move in moves_of(report) if move.begun]
    by_uuid, by_name = {move.uuid: move for move in begun}, {move.guest: move for move in begun}
    run, now, unknown = run_path(report.id, when(report.started_s)), when(report.ended_s), GuestBefore()
    files = {}
    for path, guest in zip(_paths(report.guests), report.guests, strict=True):
        move = by_uuid.get(guest.diff.uuid) or (by_name.get(guest.diff.name) if guest.diff.wanted else None)
        earlier, file = before.guests.get(path, unknown), drawn.get(path)
        if file is None or move is not None or file.after != earlier or file.guest != guest:
            last, last_run = (move, run) if move is not None else (earlier.last_move, earlier.last_run)
            told = replace(guest, conditions=lasting(guest.conditions, earlier.since, now))
            after = GuestBefore(since_of(told), last, last_run)
            file = GuestFile(guest, told, after, canonical(guest_json(told, last, last_run)))
        files[path] = file
    return files


def _hosts(report: Report, drawn: Mapping[str, tuple[Look, bytes]]) -> dict[str, tuple[Look, bytes]]:
    files = {}
    for name, look in sorted(report.observed.hosts.items()):
        path, fact = host_path(name), settled(look)
        file = drawn.get(path)
        files[path] = file if file is not None and file[0] == fact else (fact, canonical(host_to_json(look)))
    return files


def _paths(guests: Sequence[GuestStatus]) -> list[str]:
    """A path for each guest, in their order. Where several bear one name, the declared one has the plain path."""
    paths, taken = [""] * len(guests), set[str]()
    order = sorted(
        range(len(guests)),
        key=lambda at: (not guests[at].diff.wanted, guests[at].diff.name, guests[at].diff.uuid),
    )
    for at in order:
        name, uuid = guests[at].diff.name, guests[at].diff.uuid
        path = guest_path(name)
        while path in taken:
            path, uuid = twin_path(name, uuid), f"{uuid}+"
        taken.add(path)
        paths[at] = path
    return paths
