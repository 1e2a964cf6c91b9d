"""What can go wrong, who must act and which exit code says so.

Raised everywhere, shown by the command line only. Imports nothing of the project, so that everything may import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What a command tells its caller; where several apply, the highest one."""

    OK = 0
    """There is nothing to do, or what was asked is done."""
    DIFFERENCES = 1
    """The fleet differs from what is declared (as `diff`, `kubectl diff` and `flux diff` say it)."""
    USAGE = 2
    """The command line makes no sense."""
    DOCUMENTS = 3
    """The desired state is invalid; nothing is started from it."""
    HOST = 4
    """A host could not be read or did not do what it was told."""
    GIT = 5
    """The repository could not be read, or the report could not be published."""
    HELD = 6
    """Something is blocked, held by a brake, or needs a person."""
    BUG = 70
    """A promise of ours broke: the run was stopped. Please report it."""


@dataclass(frozen=True, order=True)
class Location:
    """A place in a document: path as git names it, line and column counted from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the desired state: what, where, and what its author can do about it.

    `code` is a stable name in kebab-case (documented in docs/reference/problems.md); `hint` may be empty.
    """

    code: str
    location: Location
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return _told(self.code, f"{self.location}: {self.what}", self.hint)


def _told(code: str, what: str, hint: str) -> str:
    """What happened, where, what to do: the one form in which people see an error."""
    return f"error: {code}\n{what}" + (f"\nhint: {hint}" if hint else "")


class ReconcilerError(Exception):
    """Every error of ours: `str()` says what happened and where, `hint` what to do, `exit_code` who must act."""

    exit_code: ExitCode = ExitCode.BUG
    code = "reconciler-error"

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return _told(self.code, self.what, self.hint)


class UsageError(ReconcilerError):
    """The caller of the command must change the call."""

    exit_code = ExitCode.USAGE
    code = "usage"


class SettingsError(ReconcilerError):
    """The operator must change the settings file."""

    exit_code = ExitCode.USAGE
    code = "settings-invalid"


class DesiredStateError(ReconcilerError):
    """The author of the documents must act: nothing is started from this commit."""

    exit_code = ExitCode.DOCUMENTS
    code = "documents-invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n\n".join(str(problem) for problem in self.problems))

    def __str__(self) -> str:
        return self.what


class HostError(ReconcilerError):
    """The operator of a host must act."""

    exit_code = ExitCode.HOST
    code = "host-trouble"


class StateFolderError(ReconcilerError):
    """The operator of this machine must act: the journal cannot be written, so no mutating command is sent."""

    exit_code = ExitCode.HOST
    code = "state-folder-unwritable"


class GitError(ReconcilerError):
    """The operator of the repository must act."""

    exit_code = ExitCode.GIT
    code = "git-trouble"


class InvariantBroken(ReconcilerError):
    """We must act: one of the promises (docs/concepts/promises.md) would break, so the run was stopped."""

    code = "invariant-broken"

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(
            f"{invariant}: {what}", hint="nothing more was started; please report this with the run record"
        )
        self.invariant = invariant
