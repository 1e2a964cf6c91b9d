"""Keep new objects aside until all of them are there, as git does with what is pushed to it. Called by status_branch.

Never leaves anything of a report that failed: on a disk that fills up, each pass would make it worse.
"""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reconciler.git.plumbing import Repository
from reconciler.git.trouble import GitTrouble, printable

PREFIX = "tmp_objdir-reconciler-"
"""`git gc` removes what begins with `tmp_` and is two weeks old: the rest of a process that was killed."""


@contextlib.contextmanager
def quarantine(repository: Repository) -> Iterator[Repository]:
    """The repository, with an index and a place for new objects of its own; they join it at the end, if none failed."""
    with contextlib.ExitStack() as stack:
        try:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX, dir=repository.objects)))
        except OSError as error:
            raise _unwritable(repository, error) from error
        variables = {
            "GIT_OBJECT_DIRECTORY": str(folder),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(str(repository.objects)),
            "GIT_INDEX_FILE": str(folder / "index"),
        }
        yield dataclasses.replace(repository, variables=variables)
        try:
            _join(folder, repository.objects)
        except OSError as error:
            raise _unwritable(repository, error) from error


def _join(folder: Path, objects: Path) -> None:
    for part in sorted(path for path in folder.iterdir() if path.is_dir()):
        target = objects / part.name
        if not target.exists():
            part.rename(target)  # whole, with the permissions that git gave it
            continue
        # an index makes its pack visible, so it comes last
        for path in sorted(part.iterdir(), key=lambda path: (path.suffix == ".idx", path.name)):
            if not (target / path.name).exists():
                path.rename(target / path.name)


def _quoted(path: str) -> str:
    """As git wants it where `:` separates paths."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _unwritable(repository: Repository, error: OSError) -> GitTrouble:
    what = f"new objects cannot be written to {printable(str(repository.objects))}: {error.strerror}"
    return GitTrouble("repository-unwritable", what, hint=repository.room())
