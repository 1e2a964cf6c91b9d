"""Which surprises hold a plan back, and what releases it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.desired import Commit, Limits, Mode
from reconciler.core.execution.brakes import BrakeReason, brakes
from reconciler.core.planning.plan import Brake
from tests.core.fleets import ALLOWED, World, away, guest, host, registration, world

ROOT = Path(__file__).resolve().parents[3]


def held(fleet: World, **settings: Any) -> list[str]:
    return [str(brake.reason) for brake in pulled(fleet, **settings)]


def pulled(fleet: World, **settings: Any) -> tuple[Brake, ...]:
    return brakes(fleet.desired, fleet.observed, fleet.plan(), **settings)


def fleet_of(reachable: int, unreachable: int) -> World:
    looks = [host(f"h{number}") for number in range(reachable)]
    return world([*looks, *(away(f"x{number}") for number in range(unreachable))], [])


def three_moves(limits: Limits, commit: Commit | None = None, **policy: Any) -> World:
    names = ("g1", "g2", "g3")
    guests = [guest(name, "b", **policy) for name in names]
    return world([host("a", *map(registration, names)), host("b")], guests, limits=limits, commit=commit)


def test_nothing_holds_an_ordinary_plan() -> None:
    assert [] == held(three_moves(Limits()))


def test_a_fleet_in_report_mode_is_only_reported_on() -> None:
    fleet = three_moves(Limits())
    reporting = replace(fleet.desired, fleet=replace(fleet.desired.fleet, mode=Mode.REPORT))
    assert ["ReportMode"] == held(replace(fleet, desired=reporting))


def test_three_bad_runs_in_a_row_suspend_the_fleet() -> None:
    assert [] == held(three_moves(Limits()), bad_runs=2)
    assert ["Suspended"] == held(three_moves(Limits()), bad_runs=3)


@pytest.mark.parametrize(
    ("reachable", "unreachable", "expected"),
    [
        (1, 1, []),  # one host alone is no pattern
        (4, 2, ["ManyHostsUnreachable"]),
        (7, 3, []),  # exactly 30 %
        (6, 3, ["ManyHostsUnreachable"]),
    ],
)
def test_more_than_30_percent_of_the_hosts_unreachable_holds(
    reachable: int, unreachable: int, expected: list[str]
) -> None:
    assert expected == held(fleet_of(reachable, unreachable))


def test_hosts_declared_lost_are_no_surprise() -> None:
    fleet = fleet_of(4, 2)
    assert [] == held(fleet, lost_hosts=frozenset({"x0", "x1"}))


def before(**hosts: str) -> Mapping[str, frozenset[str]]:
    return {name: frozenset(f"uuid-{guest}" for guest in guests.split()) for name, guests in hosts.items()}


def test_guests_that_vanished_since_the_last_pass_hold() -> None:
    fleet = world([host("a", registration("g1"))], [])
    assert ["ManyGuestsVanished"] == held(fleet, previous_guests=before(a="g1 g2 g3"))
    assert [] == held(fleet, previous_guests=before(a="g1 g2")), "one guest alone is no pattern"


def test_two_of_twenty_guests_may_vanish() -> None:
    names = [f"g{number}" for number in range(20)]
    fleet = world([host("a", *(registration(name) for name in names[2:]))], [])
    assert [] == held(fleet, previous_guests=before(a=" ".join(names)))


def test_a_guest_that_moved_to_another_host_has_not_vanished() -> None:
    fleet = world([host("a"), host("b", registration("g1"), registration("g2"))], [])
    assert [] == held(fleet, previous_guests=before(a="g1 g2", b=""))


def test_guests_of_a_host_that_cannot_be_read_are_unknown_not_vanished() -> None:
    fleet = world([host("a"), host("b"), host("c"), away("d")], [])
    assert [] == held(fleet, previous_guests=before(d="g1 g2 g3"))


def test_more_moves_than_the_limit_are_held_and_the_release_says_how_many() -> None:
    [brake] = pulled(three_moves(Limits(moves_per_pass=2)))
    assert "TooManyMoves" == brake.reason
    assert "a commit with the trailer `Reconciler-Allow: moves=3`, or `--allow-moves 3`" == brake.release


def test_the_commits_trailer_or_the_command_line_allows_more_moves() -> None:
    assert [] == held(three_moves(Limits(moves_per_pass=2), Commit("c1", allow={"moves": 3})))
    assert [] == held(three_moves(Limits(moves_per_pass=2)), allow={"moves": 3})
    assert ["TooManyMoves"] == held(three_moves(Limits(moves_per_pass=2), Commit("c1", allow={"stops": 9})))


def test_limits_and_allowances_hold_for_the_whole_pass_and_not_for_each_of_its_rounds() -> None:
    assert ["TooManyMoves"] == held(three_moves(Limits(moves_per_pass=5)), done={"moves": 3})
    assert ["TooManyMoves"] == held(three_moves(Limits(moves_per_pass=2)), allow={"moves": 4}, done={"moves": 2})
    assert [] == held(three_moves(Limits(moves_per_pass=5)), done={"moves": 2})


def test_a_small_allowance_never_tightens_the_limit() -> None:
    assert [] == held(three_moves(Limits(), Commit("c1", allow={"moves": 1})))


def test_more_stops_than_the_limit_are_held() -> None:
    guests = [guest(name, "b", downtime=ALLOWED) for name in ("g1", "g2")]
    looks = [host("a", registration("g1"), registration("g2"), version="4.1"), host("b")]
    assert ["TooManyStops"] == held(world(looks, guests, limits=Limits(stops_per_pass=1)))


def test_every_brake_is_documented() -> None:
    text = (ROOT / "docs/reference/reasons.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^#+ `(\w+)`|^\| `(\w+)`", text, re.MULTILINE))
    assert set() == {str(reason) for reason in BrakeReason} - {name for pair in documented for name in pair}
