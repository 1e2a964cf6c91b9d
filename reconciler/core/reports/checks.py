"""What `check` finds before the first move: each finding with what mends it.

Made by drivers and loop/, shown by render/. Holds values only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    WARNING = "warning"
    """Things work without, or some moves will not be made."""
    PROBLEM = "problem"
    """Moves will fail, or cannot even be planned."""


class Scope(StrEnum):
    """What a finding is about; in the order in which they are told."""

    HOST = "host"
    BETWEEN = "between"
    """The way from one host to another."""
    GUESTS = "guests"
    """What guests need of hosts they might go to."""


@dataclass(frozen=True)
class CheckFinding:
    """One thing that is wrong: a stable code in kebab-case, what it is about, a sentence, and what mends it."""

    subject: str
    """A host, `source → target`, or guests."""
    code: str
    level: Level
    text: str
    fix: str
    excerpt: str = ""
    """What was printed where it could not be read, or where it tells more."""
    scope: Scope = Scope.HOST


class Holds(StrEnum):
    """Whether an assumption holds on a host."""

    YES = "yes"
    NO = "no"
    UNTOLD = "untold"
    """Nothing that was read tells."""


@dataclass(frozen=True)
class AssumptionCheck:
    """One labelled assumption about a platform, and where it holds."""

    id: str
    assumed: str
    hosts: tuple[tuple[str, Holds], ...]


@dataclass(frozen=True)
class CheckReport:
    """All that was found, sorted; and how much was looked at."""

    hosts: tuple[str, ...]
    pairs: int
    """How many ways between two hosts were tried."""
    guests: int
    findings: tuple[CheckFinding, ...]
    assumptions: tuple[AssumptionCheck, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing stands in the way of moves."""
        return not any(finding.level is Level.PROBLEM for finding in self.findings)


def sorted_findings(findings: Iterable[CheckFinding]) -> tuple[CheckFinding, ...]:
    """By scope and subject, problems first within one, each once."""
    return tuple(sorted(set(findings), key=_place))


def _place(found: CheckFinding) -> tuple[int, str, int, str, str, str]:
    scopes, levels = list(Scope), [Level.PROBLEM, Level.WARNING]
    return scopes.index(found.scope), found.subject, levels.index(found.level), found.code, found.text, found.fix
