"""Which versions let a guest go where: the whole matrix, the step back, and the manual's contradiction."""

from __future__ import annotations

import pytest

from reconciler.core.compatibility import Question
from reconciler.drivers.hpvm.rulebook import data
from reconciler.drivers.hpvm.rulebook.book import rulebook
from reconciler.drivers.hpvm.rulebook.offline import version_class
from reconciler.drivers.hpvm.rulebook.online import version_pair
from tests.drivers.hpvm.rulebook.asking import ask, checked, guest, refusals

# From the row to the column. on: online by the tables. back: online, but only for a guest whose present boot ran on the
# column's version before. off: offline only. no: not at all.
MATRIX = """
        3.5   4.0   4.1   4.2   4.2.5 4.3   6.1   6.1.5 6.2   6.3
3.5     off   no    no    no    no    no    no    no    no    no
4.0     no    off   no    no    no    no    no    no    no    no
4.1     no    no    on    on    off   off   off   off   off   off
4.2     no    no    back  on    on    on    off   off   off   off
4.2.5   no    no    back  back  on    on    off   off   off   off
4.3     no    no    back  back  back  on    on    off   off   off
6.1     no    no    back  back  back  back  off   off   off   off
6.1.5   no    no    back  back  back  back  back  off   off   on
6.2     no    no    back  back  back  back  back  back  off   off
6.3     no    no    back  back  back  back  back  back  back  off
"""


def rows(text: str) -> list[tuple[str, str, str]]:
    """(source, target, cell) of a table."""
    header, *lines = text.strip("\n").splitlines()
    targets = header.split()
    return [(line.split()[0], *pair) for line in lines for pair in zip(targets, line.split()[1:], strict=True)]


def cell(source: str, target: str) -> str:
    """What the rules say, in the words of the matrix."""
    plain = ask(f"{source} → {target}")
    evident = ask(f"{source} → {target}", guest(floor=target))
    if version_pair(plain).allowed:
        return "on"
    if version_pair(evident).allowed:
        return "back"
    return "off" if version_class(plain).allowed else "no"


@pytest.mark.parametrize(("source", "target", "expected"), rows(MATRIX))
def test_version_matrix(source: str, target: str, expected: str) -> None:
    assert expected == cell(source, target)


def test_the_matrix_covers_every_known_version() -> None:
    assert {(source, target) for source, target, _ in rows(MATRIX)} == {
        (source, target) for source in data.VERSIONS for target in data.VERSIONS
    }


def test_what_may_go_online_may_go_offline_too() -> None:
    for source, target, expected in rows(MATRIX):
        if expected in ("on", "back"):
            assert version_class(ask(f"{source} → {target}")).allowed


@pytest.mark.parametrize(
    ("floor", "versions", "allowed"),
    [
        ("4.1", "4.2 → 4.1", True),
        ("4.1", "4.3 → 4.2", True),  # between the boot's version and the present one
        ("4.2", "4.2 → 4.1", False),  # it may have been booted on 4.1, but nobody saw it there
        ("4.2.5", "4.3 → 4.2.5", True),
        ("4.2.5", "4.3 → 4.2", False),
        ("6.1.5", "6.3 → 6.2", True),
        ("6.1.5", "6.3 → 6.1.5", True),
        ("6.1.5", "6.2 → 6.1.5", True),
        ("6.1.5", "6.3 → 6.1", False),
        ("4.0", "4.2 → 4.1", False),  # nothing leaves 4.0 online: the evidence cannot be true
        ("4.1", "4.1 → 4.3", False),  # evidence is for steps back only
        ("9.9", "4.2 → 4.1", False),
        ("", "4.2 → 4.1", False),
    ],
)
def test_a_step_back_needs_evidence_that_reaches_back_far_enough(floor: str, versions: str, allowed: bool) -> None:
    assert allowed == checked(version_pair, ask(versions, guest(floor=floor))).allowed


def test_an_allowed_step_back_names_its_evidence() -> None:
    verdict = checked(version_pair, ask("4.2 → 4.1", guest(floor="4.1")))

    assert verdict.reason == (
        "4.2 → 4.1 is a step back, but this very boot of web01 ran on 4.1 (vmhost-old, 2026-11-20 08:15 UTC) before"
    )
    assert verdict.source == "Integrity VM 4.2 manual, p. 168, note"


def test_a_step_back_without_evidence_says_what_would_make_it_known() -> None:
    verdict = checked(version_pair, ask("4.2 → 4.1"))

    assert verdict.reason == (
        "4.2 → 4.1 is a step back, supported only for a guest booted on 4.1 or older and not rebooted since; "
        "what web01 was booted on is not known"
    )
    assert verdict.fix == (
        "if web01 was booted on 4.1 or older and not rebooted since, attest that under [[boot_attestations]] in the "
        "settings; where the reconciler itself moves web01 from now on is remembered"
    )


def test_a_step_back_that_no_source_names_says_so() -> None:
    assert "no source names this pair (inferred)" in version_pair(ask("4.3 → 4.2", guest(floor="4.2"))).source


def test_a_pair_that_is_only_likely_is_refused_and_says_so() -> None:
    verdict = checked(version_pair, ask("6.3 → 6.3"))

    assert not verdict.allowed
    assert verdict.reason == "6.3 → 6.3 may well work, but no source states it"
    assert verdict.source.endswith("(inferred)")


@pytest.mark.parametrize(
    ("versions", "fix"),
    [
        ("4.1 → 4.3", "go by way of hosts in between: 4.1 → 4.2 → 4.3"),
        ("4.1 → 6.1", "go by way of hosts in between: 4.1 → 4.2 → 4.3 → 6.1"),
        ("4.3 → 6.3", ""),
    ],
)
def test_a_forward_move_that_skips_versions_names_the_route(versions: str, fix: str) -> None:
    assert fix == checked(version_pair, ask(versions)).fix


def test_a_version_that_no_table_knows_is_refused_by_both_methods() -> None:
    for versions in ("4.2 → 7.0", " → 4.2", "A.04.20 → 4.2"):
        for rule in (version_pair, version_class):
            verdict = checked(rule, ask(versions))
            assert not verdict.allowed
            assert "is in no table we have" in verdict.reason


@pytest.mark.parametrize(
    ("versions", "floor", "by_the_tables", "strictly"),
    [
        ("4.1 → 4.1", "", True, False),
        ("4.1 → 4.2", "", True, False),
        ("4.2 → 4.1", "4.1", True, False),
        ("4.2 → 4.2", "", True, True),
        ("4.3 → 4.2", "4.2", True, True),
        ("4.3 → 4.2", "4.1", True, False),  # read strictly, nothing ever left 4.1 online
    ],
)
def test_the_strict_reading_of_the_manual_shuts_out_4_1(
    versions: str, floor: str, by_the_tables: bool, strictly: bool
) -> None:
    """Section 10.1.2 of the 4.2 manual contradicts its own note and every version table."""
    question = ask(versions, guest(floor=floor))

    assert by_the_tables == _pair_allowed(question, "4.1")
    assert strictly == _pair_allowed(question, "4.2")


def _pair_allowed(question: Question, min_online_version: str) -> bool:
    verdicts = [rule(question) for rule in rulebook(min_online_version).online]
    return next(verdict.allowed for verdict in verdicts if verdict.rule == "version-pair")


def test_the_strict_refusal_names_the_other_reading() -> None:
    verdict = version_pair(ask("4.1 → 4.2"), min_online_version="4.2")

    assert verdict.reason == "vmhost-a runs 4.1; online migration needs 4.2 or later on both hosts"
    assert verdict.fix == "set min_online_version to 4.1, as in the tables"
    assert "read strictly" in verdict.source


def test_a_host_before_4_1_is_to_be_updated_whatever_the_reading() -> None:
    for min_online_version in ("4.1", "4.2"):
        assert version_pair(ask("4.0 → 4.2"), min_online_version).fix == "update vmhost-a to 4.1 or later"


def test_a_rule_book_for_an_unknown_version_is_refused() -> None:
    with pytest.raises(ValueError, match=r'unknown version "5\.0"; known are 3\.5, 4\.0'):
        rulebook("5.0")


@pytest.mark.parametrize(
    ("kind", "versions", "allowed"),
    [
        ("vpar", "6.0 → 6.1", True),
        ("vpar", "6.1 → 6.1", True),
        ("vpar", "6.1 → 6.0", False),
        ("vpar", "6.1 → 6.3", False),
        ("vpar", "4.2 → 4.3", False),  # there are no virtual partitions on 4.x: something is wrong
        ("vm", "6.0 → 6.1", False),
        ("vm", "6.1 → 6.3", True),
        ("", "6.1 → 6.1", True),
        ("", "6.1 → 6.3", False),  # fine for a virtual machine, not for a virtual partition
        ("", "4.2 → 4.3", True),
    ],
)
def test_virtual_partitions_have_offline_paths_of_their_own(kind: str, versions: str, allowed: bool) -> None:
    assert allowed == checked(version_class, ask(versions, guest(kind=kind))).allowed


def test_an_offline_refusal_says_where_the_guest_may_go() -> None:
    verdict = checked(version_class, ask("4.0 → 4.2"))

    assert verdict.reason == "4.0 → 4.2 is no supported offline path: from 4.0 a stopped guest may go to 4.0 only"


def test_an_ordinary_guest_meets_no_refusal() -> None:
    assert refusals(ask()) == []


def test_every_known_version_has_an_offline_class_and_a_row_on_shared_devices() -> None:
    for version in data.VERSIONS:
        assert version in data.offline_class(version).versions
        assert data.shared_devices(version) is not None
