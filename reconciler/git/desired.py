"""Read the documents of one commit out of the object database. Called by loop/ and cli/.

Never checks anything out, reads a document from a work tree, follows a link, or reads what is larger than its limits.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.core.desired import Commit
from reconciler.errors import Location, Problem
from reconciler.git.commits import CommitInfo, read_commits
from reconciler.git.plumbing import SUBMODULE_MODE, SYMLINK_MODE, Entry, Repository
from reconciler.git.revision import resolve
from reconciler.git.trouble import GitTrouble, printable

DOCUMENT_ENDINGS = (b".yaml", b".yml")
PROBLEMS_MAX = 1000
STATUS_TIMEOUT_S = 10.0
ALLOW_TRAILER = "reconciler-allow"
ALLOW_PART = re.compile(r"(moves|stops)=([0-9]{1,9})")


@dataclass(frozen=True)
class ReadLimits:
    """How much one commit may hold before it is refused."""

    document_bytes_max: int = 1 << 20
    documents_max: int = 100_000
    total_bytes_max: int = 256 << 20


@dataclass(frozen=True)
class DesiredFiles:
    """The documents of one commit by their path in the repository, and what of it cannot be read as documents."""

    commit: Commit
    files: Mapping[str, bytes]
    problems: tuple[Problem, ...]


def read_desired(repository: Repository, rev: str, path: str = ".", limits: ReadLimits | None = None) -> DesiredFiles:
    """Everything named *.yaml or *.yml below `path` (`.` is all) at the one commit that `rev` names now.

    Files and folders whose name starts with a dot are not looked at: they belong to forges and editors.
    """
    folder = _folder(path)
    commit = resolve(repository, rev)
    info = _commit(read_commits(repository, commit, 1)[0])
    tree, problem = _tree(repository, commit, folder)
    if problem is not None:
        return DesiredFiles(info, {}, (problem,))
    documents, problems = _sorted_out(list(repository.entries(tree)), folder, limits or ReadLimits())
    contents = repository.blobs(documents.values())
    files = {name: contents[documents[name].id] for name in sorted(documents)}
    return DesiredFiles(info, files, _bounded(problems, folder))


def commit_of(repository: Repository, commit: str) -> Commit:
    """The commit of this id, for reports."""
    return _commit(read_commits(repository, commit, 1)[0])


def folder_tree(repository: Repository, commit: str, path: str) -> str:
    """The id of the tree that lies there at the commit; empty where there is none."""
    folder = _folder(path)
    answer = repository.run(
        ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}:{folder}"], accept=(0, 1, 128)
    )
    return answer.stdout.decode("ascii", "replace").strip() if answer.code == 0 else ""


def uncommitted(repository: Repository, path: str = ".") -> tuple[str, ...]:
    """Documents that differ in the repository's own work tree from what is committed there, or are new. None where it
    has no work tree, or where git does not say so in time: this is for a remark, and decides nothing."""
    if not (repository.path / ".git").exists():
        return ()
    arguments = ["-C", str(repository.path), f"--work-tree={repository.path}", "status", "--porcelain", "-z"]
    options = ["--untracked-files=all", "--no-renames", "--ignore-submodules=all"]
    try:
        answer = repository.run([*arguments, *options, "--", _folder(path) or "."], timeout_s=STATUS_TIMEOUT_S)
    except GitTrouble:
        return ()
    names = (line[3:] for line in answer.stdout.split(b"\0"))
    found = {name for name in names if name.endswith(DOCUMENT_ENDINGS) and not _hidden(name)}
    return tuple(printable(name) for name in sorted(found))


def _folder(path: str) -> str:
    """The path as git wants it: without `.` at its start or `/` at its end; empty for the whole tree."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or printable(path) != path:
        raise GitTrouble(
            "repository-path-invalid",
            f'"{printable(path)}" is not a path inside the repository',
            hint="give it relative to the top of the repository, such as desired-state",
        )
    return "/".join(parts)


def _tree(repository: Repository, commit: str, folder: str) -> tuple[str, Problem | None]:
    """The tree to read, or the problem that there is none."""
    if not folder:
        return commit, None
    entry = next(repository.entries(commit, folder, recursive=False), None)
    if entry is not None and entry.kind == "tree":
        return entry.id, None
    location = Location(folder)
    if entry is not None and (refused := _refused_kind(entry, location)) is not None:
        return "", refused
    return "", Problem(
        "path-missing",
        location,
        f"commit {commit[:12]} has no folder {folder}" if entry is None else "this is a file, not a folder",
        "correct the path in the settings, or add the folder in a commit",
    )


def _sorted_out(entries: Sequence[Entry], folder: str, limits: ReadLimits) -> tuple[dict[str, Entry], list[Problem]]:
    """The entries that are documents to read, by full path, and what is wrong with others."""
    documents: dict[str, Entry] = {}
    problems: dict[Problem, None] = {}
    times = Counter(entry.path for entry in entries)
    for entry in entries:
        location = Location(printable(entry.path if not folder else folder.encode() + b"/" + entry.path))
        is_document = entry.path.endswith(DOCUMENT_ENDINGS)
        reason = _bad_path(entry.path, times[entry.path]) if is_document else ""
        if reason:
            problems[Problem("bad-path", location, reason, "rename it; `git fsck` shows what else is odd")] = None
        elif _hidden(entry.path):
            continue
        elif (problem := _refused_kind(entry, location)) or (
            is_document and (problem := _too_large(entry, location, limits))
        ):
            problems[problem] = None
        elif is_document:
            documents[location.file] = entry
    if too_much := _too_much(documents, Location(folder or "."), limits):
        return {}, [*problems, too_much]
    return documents, list(problems)


def _hidden(path: bytes) -> bool:
    return any(part.startswith(b".") for part in path.split(b"/"))


def _too_large(entry: Entry, location: Location, limits: ReadLimits) -> Problem | None:
    if (size := entry.size or 0) <= limits.document_bytes_max:
        return None
    what = f"{size} bytes are more than the {limits.document_bytes_max} that a file may have"
    return Problem("document-too-large", location, what, "split it into several files")


def _too_much(documents: Mapping[str, Entry], location: Location, limits: ReadLimits) -> Problem | None:
    hint = "name a smaller folder in the settings, or split the fleet"
    if len(documents) > limits.documents_max:
        what = f"{len(documents)} documents are more than the {limits.documents_max} that a fleet may have"
        return Problem("too-many-documents", location, what, hint)
    total_bytes = sum(entry.size or 0 for entry in documents.values())
    if total_bytes > limits.total_bytes_max:
        what = f"all documents together have {total_bytes} bytes, more than {limits.total_bytes_max}"
        return Problem("desired-state-too-large", location, what, hint)
    return None


def _bad_path(path: bytes, times: int) -> str:
    """Why documents are not read from such a path; empty if they are."""
    try:
        text = path.decode("utf-8")
    except UnicodeDecodeError:
        return "the path is not UTF-8"
    if printable(text) != text:
        return "the path holds control or invisible characters"
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in text.split("/")):
        return "the path holds a part that no honest commit has"
    if times > 1:
        return "the tree holds this path twice"
    return ""


def _refused_kind(entry: Entry, location: Location) -> Problem | None:
    if entry.mode == SYMLINK_MODE:
        what = "symbolic links are not followed: what they show is not in this commit's review"
        return Problem("symlink-in-desired-state", location, what, "commit the file itself")
    if entry.mode == SUBMODULE_MODE:
        what = "submodules are not read: their commits are not in this repository"
        return Problem("submodule-in-desired-state", location, what, "commit the documents into this repository")
    return None


def _bounded(problems: list[Problem], folder: str) -> tuple[Problem, ...]:
    ordered = sorted(problems, key=lambda problem: (problem.location, problem.code))
    if len(ordered) <= PROBLEMS_MAX:
        return tuple(ordered)
    what = f"{len(ordered) - PROBLEMS_MAX} more problems are not listed"
    return (*ordered[:PROBLEMS_MAX], Problem("too-many-problems", Location(folder or "."), what))


def _commit(info: CommitInfo) -> Commit:
    return Commit(info.id, info.author, info.subject, allowed(info.trailers))


def allowed(trailers: Iterable[tuple[str, str]]) -> dict[str, int]:
    """What `Reconciler-Allow: moves=120 stops=4` allows; the least where said twice, nothing where unclear."""
    allow: dict[str, int] = {}
    for key, value in trailers:
        if key.lower() != ALLOW_TRAILER:
            continue
        for part in value.split():
            if match := ALLOW_PART.fullmatch(part):
                allow[match[1]] = min(int(match[2]), allow.get(match[1], int(match[2])))
    return dict(sorted(allow.items()))
