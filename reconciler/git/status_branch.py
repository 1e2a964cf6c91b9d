"""Commit reports onto a fleet's status branch and read them back. Called by loop/ and cli/.

Writes objects and this one ref, nothing else: no work tree, no index of the repository, no other branch.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from reconciler.git.commits import CommitInfo, Version, read_commits, read_versions
from reconciler.git.committing.message import commit_message, flat_trailers
from reconciler.git.committing.status_commit import FILE_MODE, Identity, author_variables, build_commit, changed_files
from reconciler.git.mirror import synced
from reconciler.git.plumbing import Entry, Repository
from reconciler.git.quarantine import quarantine
from reconciler.git.remote import Remote
from reconciler.git.revision import is_descendant
from reconciler.git.signatures import SigningKey
from reconciler.git.trouble import GitTrouble, printable

__all__ = ["STATUS_REFS", "Identity", "Published", "StatusBranch", "publish", "read_status"]

STATUS_REFS = "refs/heads/reconciler/status/"
TRIES_MAX = 10
REMOTE_TRIES_MAX = 40
"""Eight writers on one ref need 28 tries at worst (measured); one fleet has one writer."""
PAUSE_S, PAUSE_MAX_S = 0.05, 2.0
"""Before the second try and at most: half of it is chance, so that writers who met do not meet again."""
FILE_BYTES_MAX = 64 << 20
LOG_MAX = 10_000
ODD_PATHS_SHOWN_MAX = 5

PATH_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
"""No part may start with a dot: `.git`, `..`, and `.github`, which would make the forge run something."""
PATH_CHARACTERS_MAX = 1024


@dataclass(frozen=True)
class Published:
    """What was committed: nothing (None, no paths) when the branch says all of it already."""

    commit: str | None
    changed: tuple[str, ...]


@dataclass(frozen=True)
class StatusBranch:
    """A status branch as it was when `read_status` looked: all answers are of that one commit."""

    repository: Repository
    ref: str
    commit: str | None
    """The id of its tip; None before the first report."""

    def read(self, path: str) -> bytes | None:
        """What a file holds; None if there is no such file."""
        exact = [entry for entry in self._entries(_checked_path(path)) if entry.path == path.encode()]
        return self._contents(exact).get(path)

    def read_all(self, prefix: str = "") -> dict[str, bytes]:
        """All files in a folder and below it, by path: one look for a whole fleet."""
        return self._contents(self._entries(prefix))

    def files(self, prefix: str = "") -> tuple[str, ...]:
        """The paths of all files in a folder (or of all), in order."""
        return tuple(sorted(entry.path.decode("ascii") for entry in self._entries(prefix, sizes=False)))

    def log(self, limit: int) -> tuple[CommitInfo, ...]:
        """The latest commits, newest first."""
        if self.commit is None or limit < 1:
            return ()
        return read_commits(self.repository, self.commit, min(limit, LOG_MAX))

    def versions(self, path: str) -> tuple[Version, ...]:
        """What a file was in each commit that changed it, newest first."""
        if self.commit is None:
            return ()
        return read_versions(self.repository, self.commit, _checked_path(path), LOG_MAX)

    def _entries(self, prefix: str, *, sizes: bool = True) -> list[Entry]:
        """Files at or below a path. What we would never have written (links, strange names) is not there for us."""
        if self.commit is None:
            return []
        folder = _checked_path(prefix.removesuffix("/")) if prefix else ""
        entries = self.repository.entries(self.commit, folder, sizes=sizes)
        return [
            entry for entry in entries if entry.mode == FILE_MODE and _is_safe(entry.path.decode("ascii", "replace"))
        ]

    def _contents(self, entries: Sequence[Entry]) -> dict[str, bytes]:
        for entry in entries:
            if (entry.size or 0) > FILE_BYTES_MAX:
                what = f"{entry.path.decode('ascii')} on {printable(self.ref)} has {entry.size} bytes"
                raise GitTrouble("status-file-too-large", what, hint=f"files of ours have at most {FILE_BYTES_MAX}")
        blobs = self.repository.blobs(entries)
        return {entry.path.decode("ascii"): blobs[entry.id] for entry in sorted(entries, key=lambda entry: entry.path)}


def read_status(repository: Repository, ref: str, signing: SigningKey | None = None) -> StatusBranch:
    """The status branch as it is now; an empty one if nothing was ever published, or if its tip is not signed with the
    key that ours are signed with."""
    _check_ref(repository, ref)
    tip = _tip(repository, ref)
    if signing is not None and tip is not None and not signing.signed(repository, tip):
        tip = None
    return StatusBranch(repository, ref, tip)


def publish(
    repository: Repository,
    ref: str,
    files: Mapping[str, bytes | None],
    message: str,
    trailers: Sequence[tuple[str, str]],
    identity: Identity,
    when: int,
    remote: Remote | None = None,
    signing: SigningKey | None = None,
) -> Published:
    """Commit these files (None deletes) on top of the status branch, unless it says the same already.

    All other files stay. The same input on the same tip gives the same commit id. Ends with the commit on the branch,
    or with a GitTrouble and the branch as it was. With a remote, the branch is the one there, and the repository its
    mirror. Where somebody else moves the branch meanwhile, it starts over on the new tip: nothing is rebased or merged.

    A crash between push and read back publishes nothing twice: the branch says the same already when we come again.
    """
    _check_ref(repository, ref)
    for path in files:
        _checked_path(path)
    _refuse_checked_out(repository, ref)
    written = flat_trailers(trailers)
    author = author_variables(identity, when)
    text = commit_message(message, trailers)
    for attempt in range(TRIES_MAX if remote is None else REMOTE_TRIES_MAX):
        tip = _tip(repository, ref) if remote is None else _fetched_tip(repository, remote, ref, attempt)
        if signing is not None and tip is not None and not signing.signed(repository, tip):
            raise _foreign(ref, tip)
        changed = changed_files(repository, tip, files)
        if not changed:
            return Published(None, ())
        with quarantine(repository) as aside:
            commit = build_commit(aside, tip, changed, text, author, signing)
            _check_built(aside, commit, changed, written)
            if signing is not None and not signing.signed(aside, commit):
                raise GitTrouble("signature-lost", f"the report was not published: {commit} does not verify as ours")
        if remote is not None:
            moved = _push(repository, remote, ref, commit, tip)
        else:
            moved = _advance(repository, ref, commit, tip, author)
        if moved:
            _read_back(repository, ref, commit)
            return Published(commit, tuple(sorted(changed)))
    raise GitTrouble(
        "status-branch-contended",
        f"{printable(ref)} was moved by somebody else many times in a row while a report was written",
        hint="one fleet has one writer: find the second reconciler, or give it a fleet name of its own",
    )


def _check_ref(repository: Repository, ref: str) -> None:
    ours = ref.startswith(STATUS_REFS) and printable(ref) == ref
    if ours and repository.run(["check-ref-format", ref], accept=(0, 1)).code == 0:
        return
    hint = f"use {STATUS_REFS}FLEET, with the name of the fleet"
    raise GitTrouble("status-ref-invalid", f'"{printable(ref)}" is not a status branch of ours', hint=hint)


def _is_safe(path: str) -> bool:
    return len(path) <= PATH_CHARACTERS_MAX and all(PATH_PART.fullmatch(part) for part in path.split("/"))


def _checked_path(path: str) -> str:
    if not _is_safe(path):
        raise GitTrouble("status-path-invalid", f'"{printable(path)}" cannot be a path on a status branch')
    return path


def _refuse_checked_out(repository: Repository, ref: str) -> None:
    """Moving a branch under a work tree would make its owner's next commit undo our reports."""
    lines = repository.run(["worktree", "list", "--porcelain", "-z"]).stdout.split(b"\0")
    if b"branch " + ref.encode() in lines:
        raise GitTrouble(
            "status-branch-checked-out",
            f"{printable(ref)} is checked out in a work tree of {printable(str(repository.path))}",
            hint="switch that work tree to another branch; read the status branch with `git show` or `git log`",
        )


def _tip(repository: Repository, ref: str) -> str | None:
    fields = "%(refname)%00%(objectname)%00%(objecttype)%00%(symref)"
    for line in repository.run(["for-each-ref", f"--format={fields}", "--", ref]).stdout.splitlines():
        name, object_id, kind, target = line.decode("utf-8", "replace").split("\0")
        if name != ref:
            continue
        if target or kind != "commit":
            what = f"{printable(ref)} leads to {printable(target) or f'a {kind}'}, it is not a branch of its own"
            raise GitTrouble("status-ref-invalid", what, hint="delete that ref; the next report makes it anew")
        return object_id
    return None


def _check_built(
    repository: Repository, commit: str, changed: Collection[str], trailers: tuple[tuple[str, str], ...]
) -> None:
    """Look at the commit before anything leads to it: it changes what it shall, and says what it shall."""
    listing = ["diff-tree", "-r", "-z", "--root", "--no-commit-id", "--no-renames", "--name-only", commit]
    paths = repository.run(listing).stdout.decode("utf-8", "replace").split("\0")[:-1]
    if sorted(paths) != sorted(changed):
        odd = ", ".join(printable(path) for path in sorted({*paths} ^ {*changed})[:ODD_PATHS_SHOWN_MAX])
        raise GitTrouble(
            "status-files-clash",
            f"the report was not published: it would have lost or changed other files than it names ({odd})",
            hint="a file cannot take the place of a folder, nor a folder that of a file, unless the old one is deleted",
        )
    if read_commits(repository, commit, 1)[0].trailers != trailers:
        raise GitTrouble(
            "trailers-lost",
            f"the report was not published: git does not find the trailers of {commit} again",
            hint="remove `trailer.*` from the configuration of the repository; if there is none, please report this",
        )


def _advance(repository: Repository, ref: str, commit: str, tip: str | None, variables: Mapping[str, str]) -> bool:
    """Move the ref from the tip to the commit; False if the tip is another one by now."""
    values = [ref, commit, tip or repository.no_object()]
    answer = repository.run(
        ["update-ref", "--no-deref", "-m", "reconciler: report", "--end-of-options", *values],
        accept=(0, 1, 128),
        variables=variables,
    )
    if answer.code == 0:
        return True
    if _tip(repository, ref) != tip:
        return False
    raise repository.failure("update-ref", answer, code="status-branch-unwritable", hint=repository.room())


def newer_branch(ref: str, found: str, ours: str) -> GitTrouble:
    """What to raise where a version of reconciler wrote there that this one does not know."""
    return GitTrouble(
        "status-branch-newer",
        f"{printable(ref)} was written by another version of reconciler ({printable(found)[:40]})",
        hint=f"this one writes {ours}: use the newer reconciler, or publish elsewhere ([status] url)",
    )


def _foreign(ref: str, tip: str) -> GitTrouble:
    """What somebody else put on our branch is neither built upon nor believed (promise I10)."""
    return GitTrouble(
        "status-branch-foreign",
        f"the tip of {printable(ref)} ({tip[:12]}) is not signed with our key: nothing is published there,"
        " and what stands there counts for nothing",
        hint="find out who wrote it; then delete or rename that branch: the next report begins it anew."
        " After a change of our own key, the same",
    )


def _fetched_tip(repository: Repository, remote: Remote, ref: str, attempt: int) -> str | None:
    """The tip on the server, with all that leads to it, here."""
    if attempt:
        pause_s = min(PAUSE_MAX_S, PAUSE_S * 2**attempt)
        time.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - keeps writers apart, hides nothing
    tip = synced(repository, remote, ref).get(ref)
    if tip is None and _tip(repository, ref) is not None:
        repository.run(["update-ref", "--no-deref", "-d", ref])
    return _tip(repository, ref) if tip is not None else None


def _push(repository: Repository, remote: Remote, ref: str, commit: str, tip: str | None) -> bool:
    """Ask the server, then look what came of it; False if somebody else moved the branch."""
    said = remote.push(repository, commit, ref, tip)
    there = synced(repository, remote, ref).get(ref)
    if there is not None and (there == commit or is_descendant(repository, commit, there)):
        return True
    if there != tip:
        return False
    raise GitTrouble(
        "status-branch-refused",
        f"{remote.shown} does not take reports: {printable(ref)} is as it was after the push ({said or 'it said yes'})",
        hint=f"allow the key to create and move {STATUS_REFS}*, and to replace refs/heads/reconciler/alive/*, there; "
        "no protection rule or hook may hold these branches",
    )


def _read_back(repository: Repository, ref: str, commit: str) -> None:
    """Believe the ref, not the exit code. A commit that somebody put on top of ours is no loss."""
    tip = _tip(repository, ref)
    if tip != commit and (tip is None or not is_descendant(repository, commit, tip)):
        raise GitTrouble(
            "status-branch-not-written",
            f"{printable(ref)} was moved to {commit} and reads back as {tip or 'nothing'}",
            hint="look for a second writer, and for a file system that loses writes",
        )
