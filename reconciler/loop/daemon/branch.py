"""Notice that the branch has moved on. Called by the daemon, which is told by a function call on another thread.

A repository on this machine is watched (watchdog on its refs) and asked now and then; one elsewhere is asked. Events of
a file system are hints that get lost: what counts is what git says the tip is.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import GitError

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

JITTER = 0.1
"""Many daemons that were started together do not ask one server together for ever."""
BACKOFF_FACTOR = 2.0
BACKOFF_MAX_S = 300.0
CLOSE_S = 2.0


class BranchWatch:
    """Asks for the tip whenever something stirs in these folders, and every `poll_s`; calls `moved` when it is another
    one, `away` when git cannot say."""

    def __init__(
        self,
        tip: Callable[[], str | None],
        poll_s: float,
        moved: Callable[[str | None], None],
        away: Callable[[GitError | None], None],
        folders: tuple[Path, ...] = (),
    ) -> None:
        self._tip = tip
        self.poll_s = poll_s
        self._moved, self._away = moved, away
        self._folders = folders
        self._known: str | None = None
        self._stirred = threading.Event()
        self._closed = threading.Event()
        self._observer: BaseObserver | None = None
        self._thread = threading.Thread(target=self._watch, name="branch", daemon=True)

    def start(self, known: str | None) -> str:
        """Begin, with the tip that is known already. Says why folders are not watched, or nothing."""
        self._known = known
        trouble = self._observe() if self._folders else ""
        self._thread.start()
        return trouble

    def ask(self) -> None:
        """Look now."""
        self._stirred.set()

    def close(self) -> None:
        """Stop, within a moment."""
        self._closed.set()
        self._stirred.set()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(CLOSE_S)
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)

    def _observe(self) -> str:
        logging.getLogger("watchdog").addHandler(logging.NullHandler())  # it warns of its own end, on stderr
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        stirred = self._stirred

        class Stir(FileSystemEventHandler):
            """Any change is a reason to ask, reading is none."""

            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type not in ("opened", "closed_no_write"):
                    stirred.set()

        observer = Observer()
        try:
            for folder in self._folders:
                observer.schedule(Stir(), str(folder), recursive=False)
            observer.start()
        except OSError as error:  # no inotify instance or watch left: asking now and then has to do
            return f"{error.strerror or error}: the branch is asked for every {self.poll_s:g} s instead"
        self._observer = observer
        return ""

    def _watch(self) -> None:
        pause_s = self.poll_s
        while not self._closed.is_set():
            self._stirred.wait(pause_s * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - spreads load, no secret
            self._stirred.clear()
            if self._closed.is_set():
                return
            try:
                tip = self._tip()
            except Exception as error:  # noqa: BLE001 - whatever it was, this thread must go on asking
                self._away(error if isinstance(error, GitError) else GitError(f"git could not be asked: {error!r}"))
                pause_s = min(max(BACKOFF_MAX_S, self.poll_s), pause_s * BACKOFF_FACTOR)
                continue
            self._away(None)
            pause_s = self.poll_s
            if tip != self._known:
                self._known = tip
                self._moved(tip)


def watched_folders(git_dir: Path, ref: str) -> tuple[Path, ...]:
    """Where a branch changes: the repository's own folder (packed-refs), and those that lead to the branch's file.

    Never with all that lies below: every report of ours would stir there.
    """
    found = [git_dir]
    folder = git_dir / "refs" / "heads"
    for part in ref.removeprefix("refs/heads/").split("/"):
        if not folder.is_dir():
            break
        found.append(folder)
        folder /= part
    return tuple(found)
