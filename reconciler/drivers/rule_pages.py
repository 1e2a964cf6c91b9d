"""The parts that the reference page of every rule book has: tables, and the rules with what they ask and rest on.

Called by the reference modules of the rule books. Never adds a fact of its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import partial

from reconciler.core.compatibility import Rule
from reconciler.drivers.rules import Basis, RuleCard


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def basis_cells(basis: Basis) -> tuple[str, str]:
    """The cells under `source` and `confidence`."""
    return basis.source, basis.confidence


def rules(title: str, cards: tuple[tuple[RuleCard, Rule], ...]) -> str:
    """A section with one row a rule: its name, the question its docstring asks, what it rests on."""
    rows = [(f"`{card.rule}`", asks(rule), *basis_cells(card.basis)) for card, rule in cards]
    return f"## {title}\n\nIn this order; the first that refuses is named as the deciding one.\n\n" + table(
        ("rule", "asks", "source", "confidence"), rows
    )


def asks(rule: Rule) -> str:
    """The question in a rule's docstring; of one that is bound to its card, in the docstring of what is bound."""
    function = rule.func if isinstance(rule, partial) else rule
    return " ".join((inspect.getdoc(function) or "").split())
