"""How each guest stands to its document, and which hosts nothing may be done with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.core.desired import Host
from reconciler.core.diff import Finding, Place, diff
from reconciler.core.model import StepKind
from reconciler.core.observed import Look
from reconciler.core.records import Stage
from tests.core.fleets import (
    HERE,
    RUNNING,
    STOPPED,
    TRANSITION,
    World,
    away,
    guest,
    host,
    record,
    registration,
    world,
)

ROOT = Path(__file__).resolve().parents[2]


def host_findings(fleet: World) -> dict[str, str]:
    return {found.host: found.reason for found in fleet.difference.hosts}


def text(fleet: World, name: str) -> str:
    found = fleet.difference.guest(name)
    assert found is not None
    return found.text


def test_a_guest_on_its_declared_host_is_in_place() -> None:
    fleet = world([host("a", registration("web"))], [guest("web", "a")])
    assert "in-place" == fleet.finding("web")
    assert fleet.difference.converged


def test_a_guest_on_another_host_is_misplaced() -> None:
    fleet = world([host("a", registration("web")), host("b")], [guest("web", "b")])
    assert "misplaced" == fleet.finding("web")
    assert "running on a, declared on b" == text(fleet, "web")
    assert not fleet.difference.converged


@pytest.mark.parametrize(
    ("state", "power", "step"),
    [
        (STOPPED, "running", StepKind.START),
        (RUNNING, "stopped", StepKind.STOP),
        (RUNNING, "running", None),
        (STOPPED, "keep", None),
        (TRANSITION, "running", None),
        (TRANSITION, "stopped", None),
    ],
)
def test_power_differs_only_from_what_is_declared(state: object, power: str, step: StepKind | None) -> None:
    fleet = world([host("a", registration("web", state=state))], [guest("web", "a", power=power)])  # type: ignore[arg-type]  # a parameter
    found = fleet.difference.guest("web")
    assert found is not None
    assert (step, Finding.POWER_DIFFERS if step else Finding.IN_PLACE) == (found.power, found.finding)


def test_a_misplaced_guest_may_need_another_power_state_as_well() -> None:
    fleet = world([host("a", registration("web", state=STOPPED)), host("b")], [guest("web", "b", power="running")])
    found = fleet.difference.guest("web")
    assert found is not None
    assert (Finding.MISPLACED, StepKind.START) == (found.finding, found.power)


def test_a_guest_that_no_host_has_is_missing() -> None:
    assert "missing" == world([host("a"), host("b")], [guest("web", "a")]).finding("web")


def test_a_guest_is_not_missing_while_a_host_is_unread() -> None:
    fleet = world([host("a"), away("b")], [guest("web", "a")])
    assert "unknown" == fleet.finding("web")
    assert "not on any host that answered; not read: b" == text(fleet, "web")


def test_a_declared_host_that_nobody_looked_at_counts_as_unread() -> None:
    fleet = world([host("a")], [guest("web", "a")], hosts={"b": Host("b", "test", HERE)})
    assert "unknown" == fleet.finding("web")
    assert {"b": "Unreachable"} == host_findings(fleet)


def test_a_guest_under_another_name_is_renamed_and_in_place() -> None:
    fleet = world([host("a", registration("old", uuid="u1"))], [guest("web", "a", uuid="u1")])
    assert "renamed" == fleet.finding("web")
    assert fleet.difference.converged


def test_a_renamed_guest_is_still_moved_by_its_identity() -> None:
    fleet = world([host("a", registration("old", uuid="u1")), host("b")], [guest("web", "b", uuid="u1")])
    found = fleet.difference.guest("web")
    assert found is not None
    assert (Finding.MISPLACED, "old") == (found.finding, found.known_as)


def test_another_guest_of_the_declared_name_is_replaced() -> None:
    fleet = world([host("a", registration("web", uuid="u2"))], [guest("web", "a", uuid="u1")])
    assert "replaced" == fleet.finding("web")


def test_two_copies_that_could_run_are_duplicated() -> None:
    copies = [host("a", registration("web")), host("b", registration("web", state=STOPPED))]
    assert "duplicated" == world(copies, [guest("web", "a")]).finding("web")


def test_what_a_migration_leaves_behind_is_no_second_copy() -> None:
    left = registration("web", state=STOPPED, runnable=False)
    assert "in-place" == world([host("a", registration("web")), host("b", left)], [guest("web", "a")]).finding("web")


def test_two_guests_of_one_name_are_told_apart_by_a_declared_uuid_only() -> None:
    hosts = [host("a", registration("web", uuid="u1")), host("b", registration("web", uuid="u2"))]
    assert "duplicated" == world(hosts, [guest("web", "a")]).finding("web")
    assert "in-place" == world(hosts, [guest("web", "a", uuid="u1")]).finding("web")


def test_two_documents_for_one_identity_are_hands_off() -> None:
    fleet = world([host("a", registration("web", uuid="u1"))], [guest("x", "a", uuid="u1"), guest("y", "a", uuid="u1")])
    assert ["duplicated", "duplicated"] == [fleet.finding("x"), fleet.finding("y")]


def test_a_name_does_not_claim_a_guest_that_another_document_declares_by_uuid() -> None:
    """Else one guest would be declared twice, perhaps on two hosts."""
    hosts = [host("a", registration("web", uuid="u1")), host("b")]
    fleet = world(hosts, [guest("app", "a", uuid="u1"), guest("web", "b")])
    assert ["renamed", "replaced"] == [fleet.finding("app"), fleet.finding("web")]


def test_a_guest_without_a_runnable_copy_is_not_runnable() -> None:
    fleet = world([host("a", registration("web", state=STOPPED, runnable=False))], [guest("web", "a")])
    assert "not-runnable" == fleet.finding("web")


def test_a_guest_without_a_document_is_unmanaged() -> None:
    fleet = world([host("a", registration("web"))], [])
    assert "unmanaged" == fleet.finding("web")
    assert fleet.difference.converged


def test_a_guest_whose_document_cannot_be_read_is_quarantined_not_unmanaged() -> None:
    fleet = world([host("a", registration("web"))], [], quarantined=["web"])
    assert ["quarantined"] == [found.finding for found in fleet.difference.guests]


def test_a_place_says_what_is_there() -> None:
    assert "a (stopped, not runnable)" == str(Place("a", STOPPED, False))


def test_an_unread_host_is_found() -> None:
    assert {"b": "Unreachable"} == host_findings(world([host("a"), away("b")], []))


def test_two_host_documents_for_one_machine_stop_both() -> None:
    twins = [host("a", machine_id="m1"), host("b", machine_id="m1"), host("c")]
    assert {"a": "SharedIdentity", "b": "SharedIdentity"} == host_findings(world(twins, []))


def test_a_host_that_is_another_machine_than_before_is_found() -> None:
    fleet = world([host("a", machine_id="m2"), host("b")], [], previous_machines={"a": "m1", "b": "machine-b"})
    assert {"a": "ChangedIdentity"} == host_findings(fleet)


def test_a_record_under_way_on_either_host_counts_as_under_way() -> None:
    moving = record("web", "a", "b")
    at_rest = record("web", "a", "b", stage=Stage.PARKED)
    fleet = world([host("a", records=(at_rest,)), host("b", records=(moving,))], [])
    assert [True] == [entry.under_way for entry in fleet.difference.records]


def test_the_order_of_hosts_and_guests_changes_nothing() -> None:
    hosts: list[Look] = [host("a", registration("x"), registration("y")), host("b", registration("z")), away("c")]
    guests = [guest("x", "b"), guest("z", "a"), guest("q", "a")]
    there, back = world(hosts, guests), world(hosts[::-1], guests[::-1])
    assert diff(there.desired, there.observed) == diff(back.desired, back.observed)


def test_every_finding_is_documented() -> None:
    page = (ROOT / "docs/reference/findings.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([\w-]+)`", page, re.MULTILINE))
    assert set() == {finding.value for finding in Finding} - documented
