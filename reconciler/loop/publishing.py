"""Reports onto the status branch, and what was reported before back from it.

Called at the end of a pass. What is read back can only forbid (promise I10): brakes and host identities rest on it, no
permission ever does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from reconciler.core.diff import HostReason
from reconciler.core.observed import HostFacts, Look, ObservedFleet, Unreachable, startable
from reconciler.core.reports.json_values import API_VERSION, parsed
from reconciler.core.reports.report import Report
from reconciler.core.reports.snapshot import host_from_json
from reconciler.errors import GitError
from reconciler.git.committing.status_commit import Identity
from reconciler.git.status_branch import Published, StatusBranch, newer_branch, publish
from reconciler.loop.daemon import backlog
from reconciler.loop.wiring import Fleet
from reconciler.render.markdown.codes import standing_alone
from reconciler.render.paths import GUESTS, INDEX, OBSERVED, host_path
from reconciler.render.status_tree import Before, Drawn, commit_message, read_before, stale_files, status_tree
from reconciler.render.words import counted

PAGES = ("reasons.md", "outcomes.md", "findings.md")
"""Pages of docs/reference that ship with the package; what one says of a code counts before what the next says."""
IDENTITY = Identity("reconciler", "reconciler@localhost")


@dataclass(frozen=True)
class Previous:
    """What the last report saw: host name -> machine id, uuids registered there, uuids that could be started there."""

    machines: Mapping[str, str] = field(default_factory=dict)
    guests: Mapping[str, frozenset[str]] = field(default_factory=dict)
    startable: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def remembered(self, observed: ObservedFleet) -> ObservedFleet:
        """The same looks; hosts that could not be read carry what they were last seen to hold."""
        hosts: dict[str, Look] = {
            name: replace(look, startable=self.startable.get(name, ()))
            if isinstance(look, Unreachable) and not look.startable
            else look
            for name, look in observed.hosts.items()
        }
        return ObservedFleet(hosts)


def previous(status: StatusBranch) -> Previous:
    """What the status branch says was there. What cannot be read there is not known: it forbids nothing.

    Raises GitTrouble where a newer version of reconciler wrote it: what that one means is not for us to guess.
    """
    _refuse_newer(status)
    machines: dict[str, str] = {}
    guests: dict[str, frozenset[str]] = {}
    held: dict[str, tuple[str, ...]] = {}
    for look in observed_looks(status):
        held[look.name] = startable(look)
        if isinstance(look, HostFacts):
            machines[look.name] = look.machine_id
            guests[look.name] = frozenset(entry.uuid for entry in look.registrations)
    return Previous(machines, guests, held)


def observed_looks(status: StatusBranch) -> Iterator[Look]:
    """The last reported look at each host; what cannot be read there is left out."""
    for path, content in sorted(status.read_all(OBSERVED).items()):
        if path.endswith(".json"):
            try:
                yield host_from_json(parsed(content))
            except ValueError:
                continue


@cache
def reference_pages() -> Mapping[str, str]:
    """The pages that explain what a report says, from the installed package or the checkout; those that are there."""
    package = Path(__file__).parent.parent
    installed = package / "reference"
    folder = installed if installed.is_dir() else package.parent / "docs" / "reference"
    found = {name: (folder / name).read_text(encoding="utf-8") for name in PAGES if (folder / name).is_file()}
    return standing_alone(found)


@dataclass
class Memory:
    """What a process that publishes one report after the other knows of the branch without reading it again. It holds
    for one commit only, and losing it costs time."""

    commit: str | None = None
    before: Before = field(default_factory=Before)
    drawn: Drawn = field(default_factory=Drawn)


def _refuse_newer(status: StatusBranch) -> None:
    """Whether a version of ours that we do not know has written there."""
    try:
        index = parsed(status.read(INDEX) or b"{}")
    except ValueError:
        return  # damaged, and no word of a version: the next report writes it anew
    found = index.get("apiVersion", API_VERSION) if isinstance(index, dict) else API_VERSION
    if found != API_VERSION:
        raise newer_branch(status.ref, str(found), API_VERSION)


def publish_report(fleet: Fleet, report: Report, memory: Memory | None = None) -> Published:
    """Commit what the report changes on the status branch; nothing where it changes nothing (promise I8).

    Where that fails, its run record is kept in the state folder, and goes out in one commit with the next report.
    """
    status = fleet.status()
    memory = memory if memory is not None else Memory()
    if status.commit is None or memory.commit != status.commit:
        memory.before = read_before({INDEX: status.read(INDEX) or b"", **status.read_all(GUESTS)})
    tree = status_tree(report, memory.before, fleet.desired.hosts, memory.drawn, reference_pages())
    new = dict(tree.files)
    # What a host was stays on record until a person accepts what it is now: else the hold would release itself.
    changed = [found.host for found in report.difference.hosts if found.reason is HostReason.CHANGED_IDENTITY]
    kept = {host_path(host): new.pop(host_path(host), b"") for host in changed}
    stale = set(stale_files((*status.files(GUESTS), *status.files(OBSERVED)), new)) - kept.keys()
    files: dict[str, bytes | None] = {**dict.fromkeys(sorted(stale)), **new}
    subject, trailers = commit_message(report)
    memory.commit = None  # until the branch says all this
    folder = fleet.settings.state_folder
    late = {path: content for path, content in backlog.waiting(folder).items() if path not in files}
    if late:
        subject += f"\n\nWith {counted(len(late), 'run record')} from while git was away."
    try:
        published = publish(
            fleet.reports or fleet.repository,
            fleet.status_ref,
            {**files, **late},
            subject,
            trailers,
            IDENTITY,
            int(report.ended_s),
            fleet.settings.reports_remote,
            fleet.settings.signing,
        )
    except GitError:
        backlog.keep(folder, files)
        raise
    backlog.published(folder, [*late, *files])
    memory.commit, memory.before = published.commit or status.commit, tree.after
    return published
