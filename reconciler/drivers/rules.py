"""What every platform's rules are made of: a source, how sure we are of it, and verdicts that carry both.

Used by the rule books of the drivers. Knows no platform and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.compatibility import Verdict
from reconciler.core.model import Method

NAMES_MAX = 3
"""How many names a reason spells out before it only counts."""


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


def names(all_names: Iterable[str], spelled_max: int = NAMES_MAX) -> str:
    """Names as a reason prints them: sorted, the first few spelled out."""
    ordered = sorted(set(all_names))
    rest = len(ordered) - spelled_max
    return ", ".join(ordered[:spelled_max]) + (f" and {rest} more" if rest > 0 else "")
