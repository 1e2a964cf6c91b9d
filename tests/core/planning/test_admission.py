"""Which guests move, how, and why the others do not: one guest at a time, with room for all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.compatibility import REASONS
from reconciler.core.desired import Cleanup, Host, StorageCopy
from reconciler.core.diff import HANDS_OFF
from reconciler.core.model import Method
from reconciler.core.observed import HostFacts, Look, Registration
from reconciler.core.planning.admission import REFUSALS
from reconciler.core.planning.plan import Plan, Reason
from tests.core.fleets import (
    ALLOWED,
    HERE,
    RUNNING,
    STOPPED,
    TRANSITION,
    away,
    guest,
    host,
    local_disk,
    refusal,
    refusals,
    registration,
    told,
    world,
)

ROOT = Path(__file__).resolve().parents[3]
OLD: dict[str, Any] = {"version": "4.1"}


def move(entry: Registration, *others: Look, source: dict[str, Any] | None = None, **fields: Any) -> Plan:
    """The plan for one guest `web` on a, declared on b."""
    looks = [host("a", entry, **(source or {})), host("b"), *others]
    return world(looks, [guest("web", "b", **fields)]).plan()


def test_a_converged_fleet_needs_nothing() -> None:
    plan = world([host("a", registration("web"))], [guest("web", "a")]).plan()
    assert plan.empty
    assert 0.0 == plan.makespan_s == plan.bound_s


def test_online_where_every_rule_allows_it() -> None:
    plan = move(registration("web"), downtime=ALLOWED)
    assert ["web a → b online"] == told(plan)
    assert "declared on b; online: 4.2 → 4.2; it runs; SAN only" == plan.steps[0].reason
    assert 0.0 == plan.steps[0].downtime_s


def test_offline_where_online_is_refused_and_downtime_allowed() -> None:
    plan = move(registration("web"), source=OLD, downtime=ALLOWED)
    assert ["web a → b offline"] == told(plan)
    assert "declared on b; offline because 4.1 → 4.2" == plan.steps[0].reason
    assert plan.steps[0].downtime_s > 0


def test_a_running_guest_is_not_stopped_unless_its_document_allows_it() -> None:
    plan = move(registration("web"), source=OLD)
    assert {"web": "DowntimeForbidden"} == refusals(plan)
    blocked = refusal(plan, "web")
    assert "online: 4.1 → 4.2; offline: web would go down; the document says downtime: forbidden" == blocked.text
    assert "set downtime: allowed for web: it goes then, offline, 1m51s down; or shut web down" == blocked.fix
    assert blocked.verdicts


def test_a_stopped_guest_moves_offline_whatever_its_document_says_of_downtime() -> None:
    plan = move(registration("web", state=STOPPED), source=OLD)
    assert ["web a → b offline"] == told(plan)
    assert [0.0, ()] == [plan.steps[0].downtime_s, plan.stops]


def test_the_documents_method_is_honoured() -> None:
    assert ["web a → b offline"] == told(move(registration("web"), method=Method.OFFLINE, downtime=ALLOWED))
    blocked = move(registration("web"), source=OLD, method=Method.ONLINE, downtime=ALLOWED)
    assert {"web": "MethodForbidden"} == refusals(blocked)


def test_disks_are_copied_only_where_the_document_allows_it() -> None:
    entry = registration("web", disks=(local_disk(100),))
    assert ["web a → b offline"] == told(move(entry, downtime=ALLOWED))
    assert {"web": "StorageCopyForbidden"} == refusals(move(entry, downtime=ALLOWED, storage_copy=StorageCopy.NEVER))


def test_source_disks_are_deleted_only_where_asked_for_and_only_where_there_are_any() -> None:
    copied = registration("web", disks=(local_disk(100),))
    assert not move(copied, downtime=ALLOWED).steps[0].delete_source
    assert move(copied, downtime=ALLOWED, cleanup=Cleanup.DELETE).steps[0].delete_source
    assert not move(registration("web"), cleanup=Cleanup.DELETE).steps[0].delete_source


def test_a_platform_without_rules_is_left_alone() -> None:
    looks = [host("a", registration("web"), platform="other"), host("b", platform="other")]
    assert {"web": "PlatformUnknown"} == refusals(world(looks, [guest("web", "b")]).plan())


def test_no_move_leads_across_platforms() -> None:
    looks = [host("a", registration("web")), host("b", platform="other")]
    assert {"web": "Incompatible"} == refusals(world(looks, [guest("web", "b", downtime=ALLOWED)]).plan())


def test_a_name_that_another_guest_has_on_the_target_stops_the_move() -> None:
    """Platforms tell guests apart by name on one host."""
    looks = [host("a", registration("web", uuid="u1")), host("b", registration("web", uuid="u2"))]
    assert {"web": "NameTaken"} == refusals(world(looks, [guest("web", "b", uuid="u1")]).plan())


def test_of_two_guests_of_one_name_only_one_goes_to_a_host_and_neither_rests_on_its_way() -> None:
    one, two = (registration("web", 4096, uuid=uuid) for uuid in ("u1", "u2"))
    looks = [host("a", one), host("b", two), host("c")]
    both = world(looks, [guest("one", "c", uuid="u1"), guest("two", "c", uuid="u2")])
    assert {"one": "NameTaken", "two": "NameTaken"} == refusals(both.plan())
    apart = world(looks, [guest("one", "c", uuid="u1"), guest("two", "b", uuid="u2")])
    assert ["one a → c online"] == told(apart.plan())
    full = [host("a", one, memory_mib=4096), host("b", registration("x"), memory_mib=4096), host("c"), host("d", two)]
    swap = world(full, [guest("one", "b", uuid="u1"), guest("x", "a"), guest("two", "d", uuid="u2")])
    plan = swap.plan()
    assert ({"x"}, {}) == ({step.guest for step in plan.steps if step.hop}, refusals(plan))


def test_a_renamed_guest_moves_under_the_name_its_hosts_know() -> None:
    looks = [host("a", registration("old", uuid="u1")), host("b")]
    [step] = world(looks, [guest("web", "b", uuid="u1")]).plan().steps
    assert ("web", "old", "u1") == (step.guest, step.known_as, step.uuid)


# --- hands off --------------------------------------------------------------------------------------------------------


def test_findings_that_need_a_person_are_blocked_each_with_its_reason() -> None:
    left_behind = registration("dead", state=STOPPED, runnable=False)
    looks = [
        host("a", registration("twice"), registration("web", uuid="u9"), left_behind, registration("bad")),
        host("b", registration("twice")),
    ]
    guests = [guest("twice", "a"), guest("web", "a", uuid="u1"), guest("dead", "a"), guest("gone", "a")]
    plan = world(looks, guests, quarantined=["bad"]).plan()
    assert {
        "bad": "Quarantined",
        "dead": "NotRunnable",
        "gone": "Missing",
        "twice": "Duplicated",
        "web": "Replaced",
    } == refusals(plan)
    assert all(entry.text and entry.fix for entry in plan.blocked)


def test_a_guest_that_nobody_found_while_a_host_is_unread_has_an_unknown_owner() -> None:
    plan = world([host("a"), away("b")], [guest("web", "a")]).plan()
    assert {"web": "OwnerUnknown"} == refusals(plan)
    assert "not read: b" in refusal(plan, "web").text


def test_an_unmanaged_guest_is_never_touched_but_counted() -> None:
    looks = [host("a", registration("web", 4096)), host("b", registration("other", 4096), memory_mib=6000)]
    assert {"web": "NoRoom"} == refusals(world(looks, [guest("web", "b")]).plan())


def test_a_guest_in_transition_is_left_alone() -> None:
    assert {"web": "InTransition"} == refusals(move(registration("web", state=TRANSITION)))


# --- hosts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        (host("a", registration("web")), away("b"), "HostUnreachable"),
        (host("a", registration("web"), machine_id="m"), host("b", machine_id="m"), "HostIdentity"),
    ],
)
def test_nothing_goes_from_or_to_a_host_that_is_not_fit(a: HostFacts, b: Look, reason: str) -> None:
    assert {"web": reason} == refusals(world([a, b, host("c")], [guest("web", "b")]).plan())


def test_nothing_goes_from_or_to_a_host_that_is_another_machine_now() -> None:
    looks = [host("a", registration("web")), host("b")]
    for changed in ("a", "b"):
        plan = world(looks, [guest("web", "b")], previous_machines={changed: "another"}).plan()
        assert {"web": "HostIdentity"} == refusals(plan)


def test_nothing_goes_to_a_host_that_the_operator_declared_lost() -> None:
    plan = world([host("a", registration("web")), away("b")], [guest("web", "b")]).plan(lost_hosts=frozenset({"b"}))
    assert {"web": "HostUnreachable"} == refusals(plan)


# --- promise I1: a full look ------------------------------------------------------------------------------------------


def test_a_running_guest_moves_although_a_third_host_is_unread() -> None:
    assert ["web a → b online"] == told(move(registration("web"), away("c")))
    assert ["web a → b offline"] == told(move(registration("web"), away("c"), source=OLD, downtime=ALLOWED))


@pytest.mark.parametrize("power", ["keep", "running"])
def test_a_stopped_guest_moves_only_when_every_host_was_read(power: str) -> None:
    plan = move(registration("web", state=STOPPED), away("c"), power=power)
    assert {"web": "OwnerUnknown"} == refusals(plan)
    assert "it is stopped, and could run where nobody looked: c" == refusal(plan, "web").text


def test_a_guest_is_started_only_when_every_host_was_read() -> None:
    looks: list[Look] = [host("a", registration("web", state=STOPPED)), away("c")]
    fleet = world(looks, [guest("web", "a", power="running")])
    assert {"web": "OwnerUnknown"} == refusals(fleet.plan())
    assert ["web start on a"] == told(fleet.plan(lost_hosts=frozenset({"c"})))


def test_a_declared_host_that_nobody_looked_at_is_no_full_look() -> None:
    looks = [host("a", registration("web", state=STOPPED))]
    fleet = world(looks, [guest("web", "a", power="running")], hosts={"c": Host("c", "test", HERE)})
    assert {"web": "OwnerUnknown"} == refusals(fleet.plan())


def test_a_host_that_is_the_wrong_machine_is_no_full_look() -> None:
    """Its guests are on the machine that was not looked at."""
    looks = [host("a", registration("web", state=STOPPED)), host("c", machine_id="new")]
    fleet = world(looks, [guest("web", "a", power="running")], previous_machines={"c": "old"})
    assert {"web": "OwnerUnknown"} == refusals(fleet.plan())


# --- power ------------------------------------------------------------------------------------------------------------


def test_a_guest_is_stopped_where_its_document_says_so_whatever_it_says_of_downtime() -> None:
    plan = world([host("a", registration("web"))], [guest("web", "a", power="stopped")]).plan()
    assert ["web stop on a"] == told(plan)
    assert "declared power: stopped; running now" == plan.steps[0].reason


def test_a_guest_moves_before_it_is_started() -> None:
    plan = move(registration("web", state=STOPPED), power="running")
    assert ["web a → b offline", "web start on b"] == told(plan)
    assert (plan.steps[0].id,) == plan.steps[1].after


@pytest.mark.parametrize("source", [{}, OLD], ids=["could go online", "could not"])
def test_a_guest_that_shall_be_stopped_anyway_is_stopped_before_it_moves(source: dict[str, Any]) -> None:
    """It takes no room on its way then; offline it would be started after its move, only to be stopped again."""
    plan = move(registration("web"), source=source, power="stopped")
    assert ["web stop on a", "web a → b offline"] == told(plan)
    assert [True, False] == [step.running for step in plan.steps]


def test_a_guest_that_shall_be_stopped_needs_no_room_to_run_where_it_goes() -> None:
    looks = [host("a", registration("web", 4096)), host("b", registration("full", 4096), memory_mib=4096)]
    plan = world(looks, [guest("web", "b", power="stopped"), guest("full", "b")]).plan()
    assert ["web stop on a", "web a → b offline"] == told(plan)


def test_a_guest_that_shall_be_stopped_goes_online_where_it_may_not_be_touched_once_it_is_down() -> None:
    for more, wishes in ([away("c")], {}), ([], {"method": Method.ONLINE}):
        plan = move(registration("web"), *more, power="stopped", **wishes)  # type: ignore[arg-type]  # a mapping of this and that
        assert ["web a → b online", "web stop on b"] == told(plan)


def test_what_is_stopped_first_needs_a_full_look_as_any_stopped_guest() -> None:
    plan = move(registration("web"), away("c"), source=OLD, power="stopped")
    assert {"web": "OwnerUnknown"} == refusals(plan)


# --- what a plan is made of -------------------------------------------------------------------------------------------


def test_too_few_cpus_on_the_target_stop_a_running_guest_and_no_stopped_one() -> None:
    for state, expected in ((STOPPED, {}), (RUNNING, {"web": "TooFewCpus"})):
        looks = [host("a", registration("web", vcpus=4, state=state)), host("b", cpus=2)]
        assert expected == refusals(world(looks, [guest("web", "b")]).plan())


def test_a_step_says_what_it_takes_and_frees() -> None:
    entry = registration("web", 1000, vcpus=2, cpu_entitlement_percent=10, disks=(local_disk(70),))
    looks = [host("a", entry), host("b", memory_overhead_percent=8)]
    [step] = world(looks, [guest("web", "b", downtime=ALLOWED)]).plan().steps
    assert (1080, 20, 70) == (step.load.memory_mib, step.load.cpu_percent, step.load.disk_mib)
    assert (1000, 20, 0) == (step.frees.memory_mib, step.frees.cpu_percent, step.frees.disk_mib)


def test_the_digest_follows_the_facts_and_not_the_clock() -> None:
    def digest(**fields: Any) -> str:
        looks = [host("a", registration("web"), **fields), host("b")]
        return world(looks, [guest("web", "b")]).plan().digest

    assert digest() == digest(clock_s=5000.0)
    assert digest() != digest(presented=("600508b4",))


def test_every_finding_that_is_hands_off_has_a_reason_and_no_other_has() -> None:
    assert HANDS_OFF == set(REFUSALS)


def test_every_reason_that_documents_and_rules_give_is_one_of_a_plan() -> None:
    assert {*REASONS.values(), "Incompatible"} <= {reason.value for reason in Reason}


def test_every_reason_is_documented() -> None:
    page = (ROOT / "docs/reference/reasons.md").read_text(encoding="utf-8")
    assert set() == {reason.value for reason in Reason} - set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE))
