"""The state folder: what is kept on this machine between passes. For speed, history and evidence; losing it harms no
guest.

    journal.jsonl   every intent before its command, every answer and outcome after it; flushed to disk line by line
    controller      the name this controller signs move records with
    evidence.json   which versions each guest's present boot has run on
    acted           the commit that was acted on last: what comes after must descend from it
    settled.json    how each guest was when it was in order last: what tells drift from a change that a commit asks for
    suspensions.json  what an operator has suspended with `reconciler suspend`
    runs.json       how many runs in a row ended unknown or broken
    durations.json  what the latest steps took, and what the model had said: later predictions are better for it

Written by the shell only. A folder that cannot be written stops every mutating command (`StateFolderError`).
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType

from reconciler.core.execution.evidence import BootNote, Evidence
from reconciler.core.names import is_name
from reconciler.core.observed import BootFloor
from reconciler.core.planning.stillness import Settled
from reconciler.core.planning.ways.learned import SAMPLES_KEPT, Sample
from reconciler.core.reports.json_values import typed
from reconciler.core.reports.report import Report
from reconciler.errors import StateFolderError

STATE_VERSION = 1
JOURNAL_BYTES_MAX = 16 * 1024 * 1024


@dataclass(frozen=True)
class Kept:
    """What a state folder holds, for commands that only read."""

    controller: str = ""
    evidence: Evidence = field(default_factory=dict)
    bad_runs: int = 0
    acted: str = ""
    settled: Mapping[str, Settled] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()


def peek(folder: Path) -> Kept:
    """Read a state folder without making or writing anything; where there is none, nothing is kept."""
    if not folder.is_dir():
        return Kept()
    state = StateFolder(folder)
    kept = Kept(state.kept_name(), state.evidence(), state.bad_runs(), state.acted(), state.settled())
    return replace(kept, samples=state.samples())


def _floor(version: object, host: object, seen: object) -> BootFloor:
    """A floor as it was kept. Raises TypeError where it does not hold text."""
    if not (isinstance(version, str) and isinstance(host, str) and isinstance(seen, str)):
        raise TypeError("a floor holds text")
    return BootFloor(version, host, seen)


class StateFolder:
    """One folder, one controller. Use as a context manager: it holds the journal open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._journal = -1

    def __enter__(self) -> StateFolder:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._check_version()
            path = self.folder / "journal.jsonl"
            if path.exists() and path.stat().st_size > JOURNAL_BYTES_MAX:
                path.replace(self.folder / "journal.1.jsonl")
            self._journal = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            fcntl.flock(self._journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._end_torn_line()
        except BlockingIOError as error:
            raise StateFolderError(
                f"{self.folder}: another reconciler is at work with this state folder",
                hint="wait until it has ended, or give this one a [state] folder of its own",
            ) from error
        except OSError as error:
            raise self._unwritable(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._journal >= 0:
            os.close(self._journal)
            self._journal = -1

    def _end_torn_line(self) -> None:
        """A line that was cut off by a full disk or a crash must not swallow the next one."""
        size = os.fstat(self._journal).st_size
        if size and os.pread(self._journal, 1, size - 1) != b"\n":
            os.write(self._journal, b"\n")

    def _check_version(self) -> None:
        path = self.folder / "version"
        if not path.exists():
            self._write("version", f"{STATE_VERSION}\n")
            return
        found = path.read_text(encoding="utf-8", errors="replace").strip()
        if found != str(STATE_VERSION):
            raise StateFolderError(
                f"{self.folder} was written by another version of reconciler (state version {found[:20]!r})",
                hint=f"this one reads version {STATE_VERSION}: use the newer reconciler, or another [state] folder",
            )

    def note(self, entry: Mapping[str, object]) -> None:
        """Append one line and flush it to disk. Raises StateFolderError when that fails."""
        line = json.dumps(entry, sort_keys=True, default=str) + "\n"
        try:
            data = line.encode()
            while data:
                data = data[os.write(self._journal, data) :]
            os.fsync(self._journal)
        except OSError as error:
            raise self._unwritable(error) from error

    def controller(self) -> str:
        """This controller's name in move records: made once, then kept. One that cannot be read is lost: another is
        made, and what the old one left under way is adopted when its records expire."""
        name = self.kept_name()
        if not name:
            host = "".join(sign for sign in socket.gethostname() if is_name(sign) or sign == "-")[:40]
            name = f"{host or 'controller'}-{secrets.token_hex(4)}"
            self._write("controller", f"{name}\n")
        return name

    def kept_name(self) -> str:
        """This controller's name, where one was made and can be read."""
        try:
            name = (self.folder / "controller").read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return ""
        return name if is_name(name) else ""

    def evidence(self) -> Evidence:
        """What was remembered. A file that cannot be read is no evidence: that only forbids."""
        try:
            raw = json.loads((self.folder / "evidence.json").read_text(encoding="utf-8"))
            return {str(uuid): BootNote(str(note["marker"]), _floor(**note["floor"])) for uuid, note in raw.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {}

    def remember(self, evidence: Evidence) -> None:
        """Keep the evidence, where it changed."""
        if evidence != self.evidence():
            self._write_json("evidence.json", {uuid: asdict(note) for uuid, note in sorted(evidence.items())})

    def bad_runs(self) -> int:
        """How many runs in a row ended unknown or broken. An unreadable file counts as none."""
        try:
            return int(json.loads((self.folder / "runs.json").read_text(encoding="utf-8"))["bad_in_a_row"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError):
            return 0

    def end_run(self, report: Report) -> None:
        """Count a run that ended unknown or broken; any other run that did something ends the row."""
        outcomes = [
            run.progress.outcome for run in (*report.steps, *report.adopted) if run.progress.outcome is not None
        ]
        if outcomes:
            bad = any(outcome.kind.bad for outcome in outcomes)
            self._write_json("runs.json", {"bad_in_a_row": self.bad_runs() + 1 if bad else 0})

    def samples(self) -> tuple[Sample, ...]:
        """What steps took, the latest last. A file that cannot be read tells of none."""
        try:
            raw = json.loads((self.folder / "durations.json").read_text(encoding="utf-8"))
            return tuple(typed(Sample, entry, "durations") for entry in raw)
        except (OSError, ValueError, TypeError, RecursionError):
            return ()

    def learn(self, samples: Iterable[Sample]) -> None:
        """Remember these as well, the oldest no longer."""
        more = tuple(samples)
        if more:
            kept = (*self.samples(), *more)[-SAMPLES_KEPT:]
            self._write_json("durations.json", [asdict(sample) for sample in kept])

    def settled(self) -> Mapping[str, Settled]:
        """How guests were when they were in order. A file that cannot be read remembers nothing."""
        try:
            raw = json.loads((self.folder / "settled.json").read_text(encoding="utf-8"))
            return {
                str(uuid): Settled(str(entry["wish"]), float(entry["since_s"]), tuple(map(float, entry["corrected_s"])))
                for uuid, entry in raw.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {}

    def settle(self, settled: Mapping[str, Settled]) -> None:
        """Keep that, where it changed."""
        if settled != self.settled():
            self._write_json("settled.json", {uuid: asdict(entry) for uuid, entry in sorted(settled.items())})

    def unsettle(self, uuids: frozenset[str]) -> None:
        """Forget how these guests were when they were in order."""
        self.settle({uuid: entry for uuid, entry in self.settled().items() if uuid not in uuids})

    def acted(self) -> str:
        """The commit that was acted on last; empty where none was, or where that cannot be read."""
        try:
            return (self.folder / "acted").read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return ""

    def act_on(self, commit: str) -> None:
        """This commit is acted on from now on."""
        if commit and commit != self.acted():
            self._write("acted", f"{commit}\n")

    def forgive(self) -> None:
        """A person has looked: count from nought again."""
        self._write_json("runs.json", {"bad_in_a_row": 0})

    def _write_json(self, name: str, value: object) -> None:
        self._write(name, json.dumps(value, indent=2, sort_keys=True) + "\n")

    def _write(self, name: str, text: str) -> None:
        """Replace a file as a whole, or not at all."""
        path, part = self.folder / name, self.folder / f".{name}.part"
        try:
            with part.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StateFolderError:
        return StateFolderError(
            f"{self.folder}: {error.strerror or error}",
            hint="nothing more is sent to any host until the state folder can be written: make room, or fix its rights",
        )
