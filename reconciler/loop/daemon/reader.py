"""The documents of one commit after the other, of which only what changed is read again. Kept by the daemon.

Equal to a load from nothing, always: whatever is not plainly a change of guests that were and are in order is loaded
from nothing. So the quick way has no rules of its own to get wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from reconciler.core.desired import Commit, DesiredFleet, Guest
from reconciler.documents.limits import READ_LIMITS
from reconciler.documents.loading import Loaded, guests_of, load
from reconciler.documents.names import path_trouble
from reconciler.documents.reading import read_file
from reconciler.git.desired import DOCUMENT_ENDINGS, ReadLimits, commit_of, folder_tree, read_desired
from reconciler.git.plumbing import FileChange, Repository
from reconciler.git.revision import resolve
from reconciler.git.trouble import GitTrouble

CHANGED_MAX = 2000
"""More changed files at once are loaded from nothing: it is no slower then."""
FILE_MODES = frozenset({"100644", "100755"})


@dataclass
class _Known:
    """What the last commit held. Replaced as a whole when it was loaded from nothing; kept in step else."""

    tree: str
    loaded: Loaded
    names: dict[str, tuple[str, ...]]
    """Path -> names of the guests declared there; files with anything else are not in it."""
    paths: dict[str, str]
    """Guest name -> path."""
    uuids: dict[str, str]
    """Guest uuid -> name."""


@dataclass
class DesiredReader:
    """The reader of one folder of one repository. For one thread."""

    repository: Repository
    folder: str
    drivers: Sequence[str]
    _known: _Known | None = field(default=None, init=False)

    def at(self, revision: str) -> Loaded:
        """The documents of the commit that the revision names now. Raises GitTrouble."""
        commit = resolve(self.repository, revision)
        known = self._known
        if known is not None and known.loaded.desired is not None and known.loaded.desired.commit is not None:
            if known.loaded.desired.commit.id == commit:
                return known.loaded
            with suppress(GitTrouble):  # the commit before may be forgotten by now
                tree = folder_tree(self.repository, commit, self.folder)
                quick = self._quick(known, tree, commit_of(self.repository, commit)) if tree else None
                if quick is not None:
                    return quick
        return self._from_nothing(commit)

    def _from_nothing(self, commit: str) -> Loaded:
        found = read_desired(self.repository, commit, self.folder)
        loaded = load(found.files, problems=found.problems, drivers=tuple(self.drivers), commit=found.commit)
        self._known = None
        if loaded.desired is not None and not loaded.problems:
            tree = folder_tree(self.repository, commit, self.folder)
            self._known = _indexed(tree, loaded, loaded.desired) if tree else None
        return loaded

    def _quick(self, known: _Known, tree: str, commit: Commit) -> Loaded | None:
        """The documents at this tree, if only guests changed and all is in order; None where it has to be looked at."""
        desired = known.loaded.desired
        if desired is None:
            return None
        changes = self.repository.changes(known.tree, tree) if tree != known.tree else ()
        changes = tuple(change for change in changes if change.path.endswith(DOCUMENT_ENDINGS))
        if len(changes) > CHANGED_MAX:
            return None
        before, after = self._guests_of_changes(known, changes)
        if after is None:
            return None
        guests = _merged(known, desired, before, after)
        if guests is None or any(name not in guests for rule in desired.rules.values() for name in rule.names):
            return None
        known.tree = tree
        known.loaded = replace(known.loaded, desired=replace(desired, guests=guests, commit=commit))
        return known.loaded

    def _guests_of_changes(
        self, known: _Known, changes: Sequence[FileChange]
    ) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[Guest, ...]] | None]:
        """Path -> names that were declared there, and path -> guests that are now; None where either is not plain."""
        before: dict[str, tuple[str, ...]] = {}
        after: dict[str, tuple[Guest, ...]] = {}
        entries = {}
        for change in changes:
            path = self._path(change.path)
            if path is None or change.mode not in (*FILE_MODES, ""):
                return before, None
            if change.before_mode and path not in known.names:
                return before, None  # it held a Fleet, a Host or a PlacementRule
            before[path] = known.names.get(path, ())
            if change.mode:
                entries[path] = change
        sizes = self.repository.sizes([change.id for change in entries.values()])
        if any(size > ReadLimits().document_bytes_max for size in sizes.values()):
            return before, None
        contents = self.repository.contents(sizes)
        for path, change in entries.items():
            found = guests_of(read_file(path, contents[change.id], READ_LIMITS), known.loaded)
            if found is None:
                return before, None
            after[path] = found
        return before, after

    def _path(self, path: bytes) -> str | None:
        try:
            text = path.decode("ascii")
        except UnicodeDecodeError:
            return None
        if any(part.startswith(".") for part in text.split("/")) or path_trouble(text, READ_LIMITS.path_characters):
            return None
        folder = "/".join(part for part in self.folder.split("/") if part not in ("", "."))
        return f"{folder}/{text}" if folder else text


def _indexed(tree: str, loaded: Loaded, desired: DesiredFleet) -> _Known:
    others = {desired.fleet.location.file, *(host.location.file for host in desired.hosts.values())}
    others |= {rule.location.file for rule in desired.rules.values()}
    names: dict[str, list[str]] = {}
    for guest in desired.guests.values():
        if guest.location.file not in others:
            names.setdefault(guest.location.file, []).append(guest.name)
    return _Known(
        tree,
        loaded,
        {path: tuple(found) for path, found in names.items()},
        {guest.name: guest.location.file for guest in desired.guests.values()},
        {guest.uuid: guest.name for guest in desired.guests.values() if guest.uuid},
    )


def _merged(
    known: _Known, desired: DesiredFleet, before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[Guest, ...]]
) -> Mapping[str, Guest] | None:
    """All guests, with those that changed, and the index in step; None where a name or a uuid would be there twice."""
    gone = [name for names in before.values() for name in names]
    come = [guest for found in after.values() for guest in found]
    old = [desired.guests[name] for name in gone]
    for guest in old:
        known.paths.pop(guest.name, None)
        if guest.uuid:
            known.uuids.pop(guest.uuid, None)
    for path in before:
        known.names.pop(path, None)
    for path, found in after.items():
        for guest in found:
            if guest.name in known.paths or (guest.uuid and guest.uuid in known.uuids):
                return None  # the index is of no use now, and is made anew with the load from nothing
            known.paths[guest.name] = path
            if guest.uuid:
                known.uuids[guest.uuid] = guest.name
        known.names[path] = tuple(guest.name for guest in found)
    guests = dict(desired.guests)
    if {guest.name for guest in come} == set(gone):
        guests.update((guest.name, guest) for guest in come)  # the same names: they are in order already
        return guests
    for name in gone:
        del guests[name]
    guests.update((guest.name, guest) for guest in come)
    return dict(sorted(guests.items()))
