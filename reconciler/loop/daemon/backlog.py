"""Run records that could not be published yet: kept in the state folder, and out with the next report that can be.

Called by publish_report, from the daemon and from `apply`. What a report says of guests and hosts is said anew by the
next one; a run record is said once, and git being away must not lose it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from reconciler.errors import StateFolderError
from reconciler.render.paths import RUNS

FOLDER = "pending"
FILES_MAX = 5000
"""More are not kept: a month of a pass every ten minutes. The oldest go first; the journal has them."""


def keep(state_folder: Path, files: Mapping[str, bytes | None]) -> None:
    """Keep the run records among these files. Raises StateFolderError."""
    folder = state_folder / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            if content is not None and path.startswith(RUNS):
                _write(folder / path.replace("/", "+"), content)
        for old in sorted(folder.glob(f"{RUNS.replace('/', '+')}*"))[:-FILES_MAX]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise StateFolderError(
            f"{folder}: {error.strerror or error}", hint="make room: what was done is in the journal, not yet in git"
        ) from error


def waiting(state_folder: Path) -> dict[str, bytes]:
    """What was kept, by its path on the status branch. What cannot be read is left for the next time."""
    found: dict[str, bytes] = {}
    for path in sorted((state_folder / FOLDER).glob(f"{RUNS.replace('/', '+')}*.json")):
        with suppress(OSError):
            found[path.name.replace("+", "/")] = path.read_bytes()
    return found


def published(state_folder: Path, paths: Iterable[str]) -> None:
    """These are out. One that cannot be removed is published again, which changes nothing."""
    for path in paths:
        with suppress(OSError):
            (state_folder / FOLDER / path.replace("/", "+")).unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
