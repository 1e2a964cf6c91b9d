"""What an online move back to an older version rests on: unbroken boots, or an operator's word that nothing belies."""

from __future__ import annotations

from reconciler.core.execution.evidence import Evidence, gather
from reconciler.core.model import Processor, RunState
from reconciler.core.observed import BootFloor, HostFacts, ObservedFleet, Registration

WORD = BootFloor("4.1", "settings", "2023-11-14, attested by ada")
DAY_S = 86400.0
NOON_S = 1_700_000_000.0
"""2023-11-14, 22:13 UTC."""


def look(version: str, state: RunState, marker: str = "", floor: BootFloor | None = None) -> ObservedFleet:
    guest = Registration("u", "web", state, boot_marker=marker, boot_floor=floor)
    host = HostFacts("a", "m", "p", version, Processor(32, 1), 4, 1024, registrations=(guest,))
    return ObservedFleet({"a": host})


def floor_after(evidence: Evidence, observed: ObservedFleet, now_s: float = NOON_S) -> tuple[Evidence, str | None]:
    notes, seen = gather(evidence, observed, now_s)
    facts = seen.facts("a")
    assert facts is not None
    floor = facts.registrations[0].boot_floor
    return notes, floor.version if floor is not None else None


def test_an_unbroken_marker_keeps_the_oldest_version_it_was_seen_on() -> None:
    notes, _ = floor_after({}, look("4.1", RunState.RUNNING, "m1"))
    assert "4.1" == floor_after(notes, look("4.2", RunState.RUNNING, "m1"))[1]
    assert "4.2" == floor_after(notes, look("4.2", RunState.RUNNING, "m2"))[1]


def test_without_a_marker_nothing_is_known() -> None:
    notes, floor = floor_after({}, look("4.2", RunState.RUNNING))
    assert ({}, None) == (dict(notes), floor)


def test_an_operators_word_counts_where_the_platform_tells_nothing() -> None:
    assert "4.1" == floor_after({}, look("4.2", RunState.RUNNING, floor=WORD))[1]


def test_an_operators_word_ends_when_the_guest_is_seen_down() -> None:
    notes, _ = floor_after({}, look("4.2", RunState.STOPPED, floor=WORD))
    later, floor = floor_after(notes, look("4.2", RunState.RUNNING, floor=WORD))
    assert floor is None
    assert floor_after(later, look("4.2", RunState.RUNNING, floor=WORD))[1] is None, "nor does it come back"


def test_a_guest_seen_booting_was_rebooted() -> None:
    notes, _ = floor_after({}, look("4.2", RunState.TRANSITION, floor=WORD))
    assert floor_after(notes, look("4.2", RunState.RUNNING, floor=WORD))[1] is None


def test_a_later_word_counts_again() -> None:
    notes, _ = floor_after({}, look("4.2", RunState.STOPPED, floor=WORD))
    renewed = BootFloor("4.1", "settings", "2023-11-16, attested by ada")
    assert "4.1" == floor_after(notes, look("4.2", RunState.RUNNING, floor=renewed), NOON_S + 2 * DAY_S)[1]


def test_an_operators_word_begins_what_an_unbroken_marker_goes_on_with() -> None:
    notes, floor = floor_after({}, look("4.2", RunState.RUNNING, "m1", WORD))
    assert "4.1" == floor
    assert "4.1" == floor_after(notes, look("4.2", RunState.RUNNING, "m1"))[1], "also once the word has run out"


def test_a_reboot_that_a_marker_shows_belies_an_operators_word() -> None:
    notes, _ = floor_after({}, look("4.2", RunState.RUNNING, "m1", WORD))
    assert "4.2" == floor_after(notes, look("4.2", RunState.RUNNING, "m2", WORD))[1]
