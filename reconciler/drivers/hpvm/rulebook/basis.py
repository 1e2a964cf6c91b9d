"""What a rule, or a row of data, rests on: its source, how sure we are, and verdicts that carry both.

Used by every module of the rule book. Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.compatibility import Verdict
from reconciler.core.model import Method

TITLES = {
    "Integrity VM 4.0 manual": "HP Integrity Virtual Machines 4.0: Installation, Configuration, and Administration",
    "Integrity VM 4.2 manual": "HP Integrity Virtual Machines 4.2: Installation, Configuration, and Administration",
    "Integrity VM 4.2 release notes": "HP Integrity Virtual Machines 4.2 Release Notes",
    "Integrity VM 4.3 manual": "HP Integrity Virtual Machines 4.3: Installation, Configuration, and Administration",
    "Integrity VM 6.1 guide": "HP-UX vPars and Integrity VM V6.1 Administrator Guide",
    "Integrity VM 6.1 release notes": "HP vPars and Integrity Virtual Machines V6.1 Release Notes",
    "Integrity VM 6.3 guide": "HP-UX vPars and Integrity VM V6.3 Administrator Guide",
    "Integrity VM 6.3 release notes": "HP-UX vPars and Integrity VM V6.3 Release Notes (762790-001, July 2014)",
}
"""What a source begins with, and the full title to look for."""


class Confidence(StrEnum):
    """How sure we are of a fact."""

    STATED = "stated"
    """A manual, release note or man page says so."""
    OBSERVED = "observed"
    """Seen on a host: literal output, or a report from the field."""
    INFERRED = "inferred"
    """Follows from what is stated or seen; nothing we know of says it."""
    UNKNOWN = "unknown"
    """Nothing found either way. Never enough to move a running guest."""


@dataclass(frozen=True)
class Basis:
    """A source, spelled out for someone who wants to look it up, and how sure we are."""

    source: str
    confidence: Confidence = Confidence.STATED

    def __str__(self) -> str:
        return self.source if self.confidence is Confidence.STATED else f"{self.source} ({self.confidence})"


@dataclass(frozen=True)
class RuleCard:
    """A rule's name, the method it speaks of and what it rests on. Makes the rule's verdicts."""

    rule: str
    method: Method
    basis: Basis

    def allows(self, reason: str, basis: Basis | None = None) -> Verdict:
        """The verdict for a move that the rule has nothing against."""
        return Verdict(self.rule, self.method, True, reason, str(basis or self.basis))

    def refuses(self, reason: str, fix: str = "", basis: Basis | None = None) -> Verdict:
        """The verdict against a move; `fix` is what would make the rule allow it."""
        return Verdict(self.rule, self.method, False, reason, str(basis or self.basis), fix)
