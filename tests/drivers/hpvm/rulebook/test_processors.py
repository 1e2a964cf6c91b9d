"""Between which processors a running guest may move. Offline, any."""

from __future__ import annotations

import pytest

from reconciler.core.model import Method, Processor
from reconciler.drivers.hpvm.rulebook.online import processor_compatible
from tests.drivers.hpvm.rulebook.asking import ask, checked, refusals

# family.model of both hosts
PAIRS = """
31.0  31.5  yes   any two models of family 31 mix
31.2  31.2  yes   identical
31.1  32.0  no    families differ
32.0  32.1  yes   9000 and 9100 mix
32.1  32.1  yes   identical
32.0  32.2  no    the 9300 mixes with neither
32.1  32.2  no    the same
32.2  32.2  yes   identical
32.2  32.3  no    only models 0 and 1 mix
33.0  33.0  yes   a family without a group, but identical
33.0  33.1  no    a family without a group
0.0   0.0   no    family 0 is what an unread processor looks like
-1.0  -1.0  no    unread
32.-1 32.-1 no    unread
"""


def pairs() -> list[tuple[Processor, Processor, bool]]:
    """Every line of the table."""
    lines = [line.split()[:3] for line in PAIRS.strip().splitlines()]
    return [(processor(one), processor(other), word == "yes") for one, other, word in lines]


def processor(text: str) -> Processor:
    """`32.1` is family 32, model 1."""
    family, _, model = text.partition(".")
    return Processor(int(family), int(model))


@pytest.mark.parametrize(("one", "other", "mixes"), pairs())
def test_processor_pairs_in_both_directions(one: Processor, other: Processor, mixes: bool) -> None:
    assert mixes == checked(processor_compatible, ask(processors=(one, other))).allowed
    assert mixes == checked(processor_compatible, ask(processors=(other, one))).allowed


def test_a_refusal_names_both_hosts_and_processors() -> None:
    question = ask(processors=(Processor(31, 2, "Itanium 2"), Processor(32, 1, "Itanium 2 9100")))

    assert processor_compatible(question).reason == (
        "vmhost-a has Itanium 2 (family 31, model 2), vmhost-b has Itanium 2 9100 (family 32, model 1): "
        "no running guest changes between these"
    )


@pytest.mark.parametrize(("one", "other"), [(processor(one), processor(other)) for one, other in [("31.2", "33.0")]])
def test_offline_crosses_processor_families(one: Processor, other: Processor) -> None:
    assert refusals(ask(processors=(one, other)), Method.OFFLINE) == []
