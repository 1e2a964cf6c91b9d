"""The copy of a remote repository that we read from and build reports in. Kept in the state folder.

Called by wiring. Holds the branches that we need, as they were when the server last answered; losing it costs a fetch.
Nothing is ever pushed from here but the refs that are ours.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from reconciler.git.plumbing import Repository
from reconciler.git.process import environment, exchange
from reconciler.git.remote import Remote
from reconciler.git.trouble import GitTrouble, printable, tail

CREATE_TIMEOUT_S = 60.0
MAINTENANCE_TIMEOUT_S = 600.0
SHA1_DIGITS = 40
LOOSE_MAX, PACKS_MAX = 2000, 40
"""More loose objects, or packs, are put into one: reading them one by one is six times as slow."""


def open_mirror(path: Path, remote: Remote) -> Repository:
    """The mirror at this path, made where there is none. One that git cannot use is put aside and made anew."""
    if path.is_dir():
        try:
            repository = Repository.open(path)
            if _intact(repository):
                return repository
        except GitTrouble as error:
            if error.code in ("git-missing", "git-too-old"):
                raise
        _put_aside(path)
    return _made(path, remote)


def synced(repository: Repository, remote: Remote, ref: str, *families: str) -> dict[str, str]:
    """Have the ref, and all that begin like a family (`refs/heads/reconciler/status/*`), here as they are there.

    Gives what the server has. Raises `git-unreachable`; what was here stays then. So does the ref itself where it is
    not there any more: it is for the caller to say that it is missing.
    """
    tips = remote.tips(repository, ref, *families)
    here = dict(_refs(repository))
    stale = [name for name, object_id in sorted(tips.items()) if here.get(name) != object_id]
    if stale:
        _fetch(repository, remote, stale, tips)
    for name in sorted(here.keys() - tips.keys() - {ref}):
        if any(name.startswith(family.removesuffix("*")) for family in families):
            repository.run(["update-ref", "--no-deref", "-d", name])
    return tips


def branch_missing(remote: Remote, ref: str) -> GitTrouble:
    """What to raise where the server answers, and has no such branch (any more)."""
    return GitTrouble(
        "branch-missing",
        f"{remote.shown} has no branch {printable(ref)}",
        hint="push it, or correct [repository] ref; what was declared last is kept until then",
    )


def _fetch(repository: Repository, remote: Remote, stale: list[str], tips: dict[str, str]) -> None:
    """Once more where that fails: another process of ours may be fetching the same, and holds the refs meanwhile."""
    try:
        remote.fetch(repository, stale)
    except GitTrouble:
        here = dict(_refs(repository))
        left = [name for name in stale if here.get(name) != tips[name]]
        if left:
            remote.fetch(repository, left)


def maintain(repository: Repository) -> None:
    """Pack what has become many small files. Where that fails, it is tried again some other day."""
    counts = dict(line.split(b": ", 1) for line in repository.run(["count-objects", "-v"]).stdout.splitlines())
    if int(counts.get(b"count", 0)) > LOOSE_MAX or int(counts.get(b"packs", 0)) > PACKS_MAX:
        repository.run(["gc", "--quiet"], accept=range(-64, 256), timeout_s=MAINTENANCE_TIMEOUT_S)


def _refs(repository: Repository) -> Iterable[tuple[str, str]]:
    listing = repository.run(["for-each-ref", "--format=%(refname) %(objectname)"]).stdout.decode("utf-8", "replace")
    for line in listing.splitlines():
        name, _, object_id = line.partition(" ")
        yield name, object_id


def _intact(repository: Repository) -> bool:
    """Whether every ref leads to an object: a crash in mid-fetch, or a disk, may have left one that does not."""
    listing = repository.run(["for-each-ref", "--format=%(objecttype)"], accept=range(-64, 256))
    return listing.code == 0 and b"missing" not in listing.stdout


def _made(path: Path, remote: Remote) -> Repository:
    """A new one, put in place when it is whole. It takes over the object format of the server."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        repository = _initialised(part, "sha1")
        if any(len(tip) > SHA1_DIGITS for tip in remote.tips(repository, "refs/heads/*").values()):
            shutil.rmtree(part)
            part.mkdir()
            _initialised(part, "sha256")
        part.rename(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Repository.open(path)


def _initialised(path: Path, object_format: str) -> Repository:
    answer = exchange(
        ["git", "init", "--quiet", "--bare", f"--object-format={object_format}", "--template=", str(path)],
        folder=path,
        env=environment(),
        stdin=b"",
        timeout_s=CREATE_TIMEOUT_S,
        output_max_bytes=1 << 16,
    )
    if answer.code != 0:
        raise GitTrouble("mirror-unwritable", f"no mirror can be made at {printable(str(path))}: {tail(answer.stderr)}")
    return Repository.open(path)


def _put_aside(path: Path) -> None:
    """Not deleted: somebody may want to see what broke it. Only the last one is kept."""
    aside = path.with_name(f"{path.name}.broken")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        os.replace(path, aside)  # noqa: PTH105 - an atomic rename of a folder
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> GitTrouble:
    what = f"no mirror can be made at {printable(str(path))}: {error.strerror or error}"
    return GitTrouble("mirror-unwritable", what, hint="make room, or let this user write to the folder [state] names")
