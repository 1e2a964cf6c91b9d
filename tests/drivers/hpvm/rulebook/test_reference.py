"""The reference page says what the rules do, and the sources can be looked up."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from reconciler.core.compatibility import Rule
from reconciler.drivers.hpvm.rulebook import data, reference
from reconciler.drivers.hpvm.rulebook.offline import OFFLINE_RULES
from reconciler.drivers.hpvm.rulebook.online import ONLINE_RULES
from reconciler.drivers.hpvm.rulebook.sources import TITLES
from reconciler.drivers.rules import Basis, Confidence, RuleCard

PAGE = Path(__file__).resolve().parents[4] / "docs" / "reference" / "integrity-vm-rules.md"
RULES = [*ONLINE_RULES, *OFFLINE_RULES]
BASES = [
    *(card.basis for card, _ in RULES),
    *(pair.basis for pair in (*data.ONLINE_FORWARD, *data.FALLBACK_NAMED, *data.VPAR_OFFLINE)),
    *(row.basis for row in (*data.OFFLINE_CLASSES, *data.PROCESSOR_GROUPS, *data.GUEST_SYSTEMS, *data.SHARED_DEVICES)),
    data.FALLBACK_RULE,
    data.COPY_BASIS,
]


def test_the_page_is_up_to_date() -> None:
    """Else: python -m reconciler.drivers.hpvm.rulebook.reference > docs/reference/integrity-vm-rules.md"""
    assert reference.page() == PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(("card", "rule"), RULES, ids=[f"{card.method}-{card.rule}" for card, _ in RULES])
def test_every_rule_says_what_it_asks(card: RuleCard, rule: Rule) -> None:
    asks = inspect.getdoc(rule) or ""

    assert "?" in asks
    assert card.rule in reference.page()


@pytest.mark.parametrize("basis", sorted(set(BASES), key=str), ids=str)
def test_every_stated_source_can_be_looked_up(basis: Basis) -> None:
    if basis.confidence is Confidence.STATED:
        assert any(basis.source.startswith(title) for title in TITLES)


def test_every_row_of_the_page_has_as_many_cells_as_its_head() -> None:
    tables = [block.splitlines() for block in reference.page().split("\n\n") if block.startswith("| ")]

    assert tables
    for table in tables:
        assert {line.count(" | ") for line in table} == {table[0].count(" | ")}
