"""The document files of a folder on disk, in the shape in which a commit's files come, too.

Called by the command line where people check a working tree. Follows no symbolic link, and writes nothing.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from reconciler.documents.codes import Code
from reconciler.documents.limits import READ_LIMITS, ReadLimits
from reconciler.documents.names import path_trouble, quoted
from reconciler.errors import Location, Problem

_ENDINGS = (".yaml", ".yml")
_UNREADABLE_HINT = "look at its permissions, and whether it is still there"


def read_folder(folder: Path, limits: ReadLimits = READ_LIMITS) -> tuple[dict[str, bytes], list[Problem]]:
    """All `*.yaml` and `*.yml` at any depth, by their path below the folder, and what kept others from being read:
    symbolic links, files too large, whatever cannot be opened. Hidden files and folders are left out."""
    reader = _Reader(folder, limits)
    reader.walk("")
    return dict(sorted(reader.files.items())), sorted(
        reader.problems, key=lambda problem: (problem.location, problem.code)
    )


class _Reader:
    """Collects the files of one folder until a limit says that this is no desired state."""

    def __init__(self, folder: Path, limits: ReadLimits) -> None:
        self.folder = folder
        self.limits = limits
        self.files: dict[str, bytes] = {}
        self.problems: list[Problem] = []
        self.total_bytes = 0

    def walk(self, below: str) -> None:
        """Reads the folder `below` (empty: the folder itself), then the folders in it, by name."""
        waiting = [below]
        while waiting:
            inside = waiting.pop()
            try:
                with os.scandir(self.folder / inside) as found:
                    entries = sorted(found, key=lambda entry: entry.name)
            except OSError as error:
                self._unreadable(inside or ".", error)
                continue
            for entry in entries:
                path = f"{inside}/{entry.name}" if inside else entry.name
                if entry.name.startswith("."):
                    continue
                if entry.is_symlink():
                    what = "this is a symbolic link, and links are not followed"
                    self._problem(Code.SYMLINK, path, what, "put the file itself here")
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif entry.name.endswith(_ENDINGS) and not self._read(path):
                    return

    def _read(self, path: str) -> bool:
        """Reads one file. False where a limit for the whole folder is reached and nothing more is read."""
        try:
            content = self._content(path)
        except OSError as error:
            self._unreadable(path, error)
            return True
        if content is None:
            return True
        self.files[path] = content
        self.total_bytes += len(content)
        # load says which of the limits it is; here they end the reading
        return len(self.files) <= self.limits.files and self.total_bytes <= self.limits.total_bytes

    def _content(self, path: str) -> bytes | None:
        # neither a link that was put here just now is followed, nor is a pipe waited for
        handle = os.open(self.folder / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                self._problem(Code.FILE_UNREADABLE, path, "this is not a regular file", "remove it")
                return None
            content = file.read(self.limits.file_bytes + 1)
        if len(content) > self.limits.file_bytes:
            what = f"the file has more than {self.limits.file_bytes} bytes"
            self._problem(Code.DOCUMENT_TOO_LARGE, path, what, "split it: any number of files is read")
            return None
        return content

    def _unreadable(self, path: str, error: OSError) -> None:
        self._problem(Code.FILE_UNREADABLE, path, f"this cannot be read: {error.strerror}", _UNREADABLE_HINT)

    def _problem(self, code: Code, path: str, what: str, hint: str = "") -> None:
        plain = path == "." or not path_trouble(path, self.limits.path_characters)
        self.problems.append(Problem(code, Location(path if plain else quoted(path)), what, hint))
