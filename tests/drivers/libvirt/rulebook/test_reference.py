"""The reference page says what the rules do, and the sources can be looked up."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.compatibility import Rule
from reconciler.drivers.libvirt.rulebook import reference
from reconciler.drivers.libvirt.rulebook.offline import OFFLINE_RULES
from reconciler.drivers.libvirt.rulebook.online import ONLINE_RULES
from reconciler.drivers.libvirt.rulebook.sources import TITLES
from reconciler.drivers.rule_pages import asks
from reconciler.drivers.rules import Confidence, RuleCard

PAGE = Path(__file__).resolve().parents[4] / "docs" / "reference" / "libvirt-rules.md"
RULES = [*ONLINE_RULES, *OFFLINE_RULES]
IDS = [f"{card.method}-{card.rule}" for card, _ in RULES]


def test_the_page_is_up_to_date() -> None:
    """Else: python -m reconciler.drivers.libvirt.rulebook.reference > docs/reference/libvirt-rules.md"""
    assert reference.page() == PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(("card", "rule"), RULES, ids=IDS)
def test_every_rule_says_what_it_asks(card: RuleCard, rule: Rule) -> None:
    assert "?" in asks(rule)
    assert card.rule in reference.page()


@pytest.mark.parametrize(("card", "rule"), RULES, ids=IDS)
def test_every_source_can_be_looked_up(card: RuleCard, rule: Rule) -> None:
    """What is stated stands on a page that is listed; what was seen says on which versions."""
    if card.basis.confidence is Confidence.STATED:
        assert card.basis.source.startswith((*TITLES, "reconciler: "))
    if card.basis.confidence is Confidence.OBSERVED:
        assert card.basis.source.startswith("seen: libvirt 9.0, QEMU 7.2: ")


def test_every_row_of_the_page_has_as_many_cells_as_its_head() -> None:
    tables = [block.splitlines() for block in reference.page().split("\n\n") if block.startswith("| ")]

    assert tables
    for table in tables:
        assert {line.count(" | ") for line in table} == {table[0].count(" | ")}
