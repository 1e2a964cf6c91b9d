"""Which online moves are marked as one-way doors, and what the mark says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.compatibility import Question
from reconciler.core.model import StorageKind
from reconciler.core.observed import Disk
from reconciler.drivers.hpvm.rulebook.book import RULEBOOK, rulebook
from tests.drivers.hpvm.rulebook.asking import ask, guest, refusals

FORWARD = [("4.1", "4.2"), ("4.2", "4.2.5"), ("4.2", "4.3"), ("4.2.5", "4.3"), ("4.3", "6.1"), ("6.1.5", "6.3")]


@pytest.mark.parametrize("version", ["4.1", "4.2", "4.2.5", "4.3"])
def test_a_move_within_one_version_is_no_one_way_door(version: str) -> None:
    assert RULEBOOK.one_way(ask(f"{version} → {version}")) == ""


@pytest.mark.parametrize(("source", "target"), FORWARD)
def test_a_move_forward_has_a_way_back_until_the_guest_next_boots(source: str, target: str) -> None:
    question = ask(f"{source} → {target}", guest(os="HPUX"))

    assert refusals(question) == []
    assert RULEBOOK.one_way(question) == (
        f"the online way back to {source} (vmhost-a) lasts only until web01 next boots"
    )


def test_a_step_back_has_a_lasting_way_forward_again() -> None:
    assert RULEBOOK.one_way(ask("4.2 → 4.1", guest(floor="4.1"))) == ""


def test_a_step_back_that_no_table_leads_forward_from_again_is_a_one_way_door() -> None:
    """A guest that came 4.1 → 4.2 → 4.3 may fall back to 4.1 in one step, but not return in one."""
    assert RULEBOOK.one_way(ask("4.3 → 4.1", guest(floor="4.1"))) == (
        "there is no online way back to vmhost-a: 4.1 → 4.3 is no supported online path: from 4.1 it goes to 4.1, 4.2"
    )


def test_without_a_boot_marker_our_own_move_proves_nothing() -> None:
    text = RULEBOOK.one_way(ask("4.1 → 4.2", guest(boot_marker="")))

    assert text.startswith("there is no online way back to vmhost-a: 4.2 → 4.1 is a step back")
    assert text.endswith("what web01 was booted on is not known")


def test_evidence_opens_the_way_back_without_a_boot_marker() -> None:
    assert RULEBOOK.one_way(ask("4.2 → 4.3", guest(boot_marker="", floor="4.1"))) == (
        "the online way back to 4.2 (vmhost-a) lasts only until web01 next boots"
    )


def test_a_floor_newer_than_the_source_does_not_hide_where_the_guest_runs_now() -> None:
    """Seen first on 4.3, fallen back to 4.2: this boot began on 4.2 or before."""
    assert "lasts only until" in RULEBOOK.one_way(ask("4.2 → 4.3", guest(floor="4.3")))


def test_lists_of_the_source_that_lack_what_the_guest_uses_there_do_not_matter() -> None:
    question = ask("4.2 → 4.2")
    question = Question(question.guest, replace(question.source, presented=(), networks=()), question.target)

    assert RULEBOOK.one_way(question) == ""


def test_what_the_source_settles_about_a_guest_goes_along_with_it() -> None:
    """On 4.3 there are no virtual partitions; on 6.1 there are, but this guest has not become one."""
    assert "lasts only until" in RULEBOOK.one_way(ask("4.3 → 6.1", guest(kind="", direct_io="")))


def test_the_strict_rule_book_asks_its_own_rules_for_the_way_back() -> None:
    text = rulebook("4.2").one_way(ask("4.1 → 4.2"))

    assert text.startswith("there is no online way back to vmhost-a: vmhost-a runs 4.1; online migration needs 4.2")


def test_a_guest_with_a_local_disk_has_no_online_way_at_all() -> None:
    local = guest(disks=(Disk("/dev/vg01/rweb01", StorageKind.LOGICAL_VOLUME),))

    assert RULEBOOK.one_way(ask("4.2 → 4.2", local)).startswith(
        "there is no online way back to vmhost-a: web01 has disks"
    )
