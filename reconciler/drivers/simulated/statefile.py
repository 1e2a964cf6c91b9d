"""One fleet in one file, for any number of processes: locked, read when it changed, written whole or not at all.

Called by the driver; `create` and `change` by the demo and by tests. Its clock runs `speed` times the wall's.
Never leaves half a file behind, and never acts on one it cannot read.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reconciler.core.commands import Answer, Command
from reconciler.core.observed import Look
from reconciler.drivers.simulated.codec import ClockForm, Malformed, from_json, to_json
from reconciler.drivers.simulated.migration import Rules
from reconciler.drivers.simulated.world import World
from reconciler.errors import HostError

FILE_BYTES_MAX = 256 * 1024 * 1024
HINT = "docs/concepts/simulated-fleet.md describes the format"


class StateFileError(HostError):
    """The file of a simulated fleet cannot be used; nothing was changed."""

    code = "simulated-fleet"


class StateFile:
    """The fleet in a file, for several threads as well: one uses it at a time."""

    def __init__(self, path: Path | str, *, rules: Rules | None = None, wall: Callable[[], float] = time.time) -> None:
        self.path = Path(path)
        self.rules = rules
        self.wall = wall
        self._world: World | None = None
        self._clock = ClockForm()
        self._read_at: tuple[int, int, int] | None = None
        self._saved = -1
        self._one_at_a_time = threading.Lock()

    @staticmethod
    def create(
        path: Path | str, world: World, *, speed: float = 60.0, wall: Callable[[], float] = time.time
    ) -> StateFile:
        """Write a new file with this world in it; its clock begins to run now."""
        file = StateFile(path, rules=world.rules, wall=wall)
        with file._locked(fcntl.LOCK_EX):
            file._world, file._clock = world, ClockForm(world.now_s, speed, wall())
            file._save()
        return file

    # ------------------------------------------------------------------------------------- look and execute

    def look(self, host: str) -> Look:
        """What a look at the host gives. Writes nothing: whoever reads next plays the same again."""
        with self._locked(fcntl.LOCK_SH):
            return self._current().look(host)

    def execute(self, command: Command) -> Answer:
        """Execute and save, as one step for all processes. Raises StateFileError where that left no trace."""
        with self.change() as world:
            return world.execute(command)

    @contextmanager
    def change(self) -> Iterator[World]:
        """The world as it is now, to be changed; saved at the end unless that raises."""
        with self._locked(fcntl.LOCK_EX):
            world = self._current()
            now_s = world.now_s
            try:
                yield world
                if world.revision != self._saved or world.now_s != now_s:
                    self._save()
            except BaseException:
                self._forget()
                raise

    # ------------------------------------------------------------------------------------------------ clock

    def now_s(self) -> float:
        """The fleet's clock, now. It goes on while the file cannot be read; raises where that was never possible."""
        with self._one_at_a_time:
            try:
                self._refresh()
            except StateFileError:
                if self._clock.anchored_wall_s is None:
                    raise
            return self._now_s()

    def wall_s(self, seconds: float) -> float:
        """How long so many of the fleet's seconds take on the wall's clock."""
        return seconds / self._clock.speed

    def _now_s(self) -> float:
        anchored_s = self._clock.anchored_wall_s
        passed_s = max(0.0, self.wall() - anchored_s) if anchored_s is not None else 0.0
        return max(self._clock.now_s + passed_s * self._clock.speed, self._world.now_s if self._world else 0.0)

    # ------------------------------------------------------------------------------------------------- file

    def _current(self) -> World:
        world = self._refresh()
        world.advance_to(self._now_s())
        return world

    def _refresh(self) -> World:
        """The world, read again if the file is not the one that was read or written last."""
        try:
            found = self.path.stat()
            signature = (found.st_ino, found.st_mtime_ns, found.st_size)
            if self._world is not None and signature == self._read_at:
                return self._world
            if found.st_size > FILE_BYTES_MAX:
                raise StateFileError(f"{self.path}: more than {FILE_BYTES_MAX} bytes", hint=HINT)
            raw = json.loads(self.path.read_bytes(), parse_constant=_refuse)
            self._world, self._clock = from_json(raw, self.rules, found.st_mtime)
        except OSError as error:
            raise self._failed("cannot be read", error) from error
        except (ValueError, RecursionError) as error:
            self._forget()
            what = str(error) if isinstance(error, Malformed) else f"not JSON: {error}"
            raise StateFileError(f"{self.path}: {what}", hint=HINT) from error
        if self._clock.anchored_wall_s is None:
            self._clock.anchored_wall_s = found.st_mtime
        self._read_at, self._saved = signature, self._world.revision
        return self._world

    def _save(self) -> None:
        """Replace the file: readers find the old one or the new one, whatever happens meanwhile."""
        assert self._world is not None  # noqa: S101 - whoever saves has read or made it
        self._clock = ClockForm(self._world.now_s, self._clock.speed, self.wall())
        text = json.dumps(to_json(self._world, self._clock), indent=1, allow_nan=False) + "\n"
        new = self.path.with_name(f"{self.path.name}.new")  # one name: the lock is ours, and a leftover is overwritten
        try:
            with new.open("wb") as stream:
                stream.write(text.encode())
                stream.flush()
                os.fsync(stream.fileno())
            found = new.stat()
            new.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise self._failed("cannot be written, so nothing was done", error) from error
        self._read_at, self._saved = (found.st_ino, found.st_mtime_ns, found.st_size), self._world.revision
        self._sync_folder()

    def _sync_folder(self) -> None:
        """Make the new name last. Where a file system refuses that, the file itself is whole all the same."""
        with suppress(OSError):
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _forget(self) -> None:
        self._world, self._read_at = None, None

    def _failed(self, what: str, error: OSError) -> StateFileError:
        self._forget()
        return StateFileError(f"{self.path}: {what}: {error.strerror or error}", hint=HINT)

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Hold the lock beside the file; the file itself is replaced and cannot carry one."""
        lock = self.path.with_name(f"{self.path.name}.lock")
        with self._one_at_a_time:
            try:
                descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise self._failed("the lock beside it cannot be opened", error) from error
            try:
                fcntl.flock(descriptor, how)
                yield
            finally:
                os.close(descriptor)


def _refuse(word: str) -> float:
    raise Malformed(f"{word} is not a number")
