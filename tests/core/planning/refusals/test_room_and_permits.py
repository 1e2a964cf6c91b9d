"""Guests without room in the end, and guests that documents keep from going: what would help is planned with before it
is named."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.desired import Downtime, Guest, PlacementRule, RuleKind, StorageCopy, Window
from reconciler.core.model import Load, Method
from reconciler.core.observed import Look
from reconciler.core.planning.plan import Edit, RemedyKind
from tests.core.fleets import (
    HERE,
    STOPPED,
    World,
    away,
    guest,
    host,
    local_disk,
    record,
    refusal,
    refusals,
    registration,
    told,
    world,
)


def applied(fleet: World, *edits: Edit) -> World:
    """The fleet with these edits in its documents."""
    documents = dict(fleet.desired.guests)
    for edit in edits:
        document = documents[edit.guest]
        policy = document.migration
        if edit.field == "host":
            document = replace(document, host=edit.value)
        elif edit.field == "cpu.entitlement":
            document = replace(document, cpu_entitlement_percent=int(edit.value.removesuffix("%")))
        elif edit.field == "migration.downtime":
            document = replace(document, migration=replace(policy, downtime=Downtime(edit.value)))
        elif edit.field == "migration.storageCopy":
            document = replace(document, migration=replace(policy, storage_copy=StorageCopy(edit.value)))
        else:
            assert ("migration.method", "auto") == (edit.field, edit.value)
            document = replace(document, migration=replace(policy, method=None))
        documents[edit.guest] = document
    return replace(fleet, desired=replace(fleet.desired, guests=documents))


# --- room -------------------------------------------------------------------------------------------------------------


def test_who_would_have_to_be_declared_elsewhere_is_named_with_where() -> None:
    looks = [host("a", registration("x")), host("b", registration("y"), memory_mib=6000), host("c", version="4.1")]
    fleet = world(looks, [guest("x", "b"), guest("y", "b", downtime=Downtime.ALLOWED)])
    blocked = refusal(fleet.plan(), "x")
    assert "declare y on c (offline) or a (online, but it is being emptied): x has room then" == blocked.fix
    [remedy] = blocked.remedies
    assert (RemedyKind.ELSEWHERE, "b", Load(2192)) == (remedy.kind, remedy.host, remedy.lacks)
    assert {} == refusals(applied(fleet, *remedy.edits).plan())


def test_the_smallest_guest_that_is_large_enough_is_named() -> None:
    looks = [
        host("a", registration("x", 3000), memory_mib=3000),
        host("b", registration("s", 1000), registration("m", 2000), registration("l", 4000), memory_mib=8000),
        host("c", memory_mib=4000),
    ]
    fleet = world(looks, [guest(name, "b") for name in ("x", "s", "m", "l")])
    first, second = refusal(fleet.plan(), "x").remedies
    assert (Edit("m", "host", "c"),) == first.edits
    assert "declare x itself on c (online)" == second.text


def test_where_no_other_home_is_found_that_is_said() -> None:
    looks = [host("a", registration("x"), version="4.1"), host("b", registration("y"), memory_mib=6000)]
    blocked = refusal(world(looks, [guest("x", "b", downtime=Downtime.ALLOWED), guest("y", "b")]).plan(), "x")
    assert [RemedyKind.NOT_FOUND] == [remedy.kind for remedy in blocked.remedies]
    assert blocked.fix == (
        "make room on b; no other host was found for x, nor for one or two guests on b that would make room for it"
    )


def test_a_host_that_is_being_emptied_is_named_last_as_another_home() -> None:
    looks = [
        host("a", registration("x", 8192), memory_mib=16384),
        host("b", registration("y", 8192), memory_mib=8192),
        host("c", memory_mib=9000),
        host("d", registration("z"), memory_mib=65536),
    ]
    plan = world(looks, [guest("x", "b"), guest("y", "b"), guest("z", "b")]).plan()
    first, second = refusal(plan, "x").remedies
    assert "declare y on c (online) or d (online, but it is being emptied)" in first.text
    assert "declare x itself on c (online) or d (online, but it is being emptied)" == second.text


def test_a_host_that_others_cannot_leave_is_told_apart_from_one_that_is_too_small() -> None:
    looks = [
        host("a", registration("x"), registration("big", 20480), memory_mib=24576),
        host("b", registration("y", 8192), registration("z", 8192), memory_mib=18000),
    ]
    plan = world(looks, [guest("x", "b"), guest("y", "a"), guest("z", "a"), guest("big", "a")]).plan()
    short = "a is short of 12 GiB of memory for all that is declared there"
    assert {
        "x": f"b has no room for it as long as y, z stay, which cannot leave: {short}",
        "y": short,
        "z": short,
    } == {entry.guest: entry.text for entry in plan.blocked}
    assert refusal(plan, "x").fix.startswith("make room on a; ")


def test_less_cpu_guaranteed_to_others_may_do() -> None:
    busy = registration("y", vcpus=2, cpu_entitlement_percent=90)
    looks = [host("a", registration("x", vcpus=1, cpu_entitlement_percent=50), cpus=1), host("b", busy, cpus=2)]
    fleet = world(looks, [guest("x", "b"), guest("y", "b", cpu_entitlement_min_percent=50)])
    [remedy] = refusal(fleet.plan(), "x").remedies
    assert (RemedyKind.ENTITLEMENT, "set entitlement: 50% for y: x has room then") == (remedy.kind, remedy.text)
    assert ["y set on b", "x a → b online"] == told(applied(fleet, *remedy.edits).plan())


def test_a_host_is_named_for_a_guest_that_shall_be_started_only_where_it_has_room_to_run() -> None:
    new = registration("new", state=STOPPED)
    looks = [host("a", registration("old"), new, memory_mib=4096), host("b", registration("y"), memory_mib=4096)]
    guests = [guest("old", "a"), guest("new", "a", power="running"), guest("y", "b")]
    assert "declare new itself on c (offline)" in refusal(world([*looks, host("c")], guests).plan(), "new").fix


def test_no_remedy_breaks_a_rule_of_others() -> None:
    """g0 would have room once g1 and g3 were on b; then most of the three would be there, and g0 not with them."""
    looks = [host("a", registration("g1", 2048), registration("g3", 512), memory_mib=3072)]
    looks += [host("b", registration("g0", 1024), memory_mib=4096)]
    fleet = world(looks, [guest("g0", "a"), guest("g1", "a"), guest("g3", "a")])
    together = PlacementRule("r", RuleKind.TOGETHER, HERE, names=("g0", "g1", "g3"))
    fleet = replace(fleet, desired=replace(fleet.desired, rules={"r": together}))
    assert [RemedyKind.NOT_FOUND] == [each.kind for each in refusal(fleet.plan(), "g0").remedies]


# --- permits ----------------------------------------------------------------------------------------------------------


def test_downtime_that_would_do_is_named_with_how_long_it_takes() -> None:
    fleet = world([host("a", registration("x")), host("b", version="4.1")], [guest("x", "b")])
    blocked = refusal(fleet.plan(), "x")
    assert "set downtime: allowed for x: it goes then, offline, 1m51s down; or shut x down" == blocked.fix
    [remedy] = blocked.remedies
    [step] = applied(fleet, *remedy.edits).plan().steps
    assert remedy.downtime_s == step.downtime_s > 0


def test_nobody_is_told_to_shut_a_guest_down_that_would_not_be_moved_then() -> None:
    fleet = world([host("a", registration("x")), host("b", version="4.1"), away("c")], [guest("x", "b")])
    assert "set downtime: allowed for x: it goes then, offline, 1m51s down" == refusal(fleet.plan(), "x").fix


def test_the_fewest_permissions_are_named() -> None:
    looks = [host("a", registration("x", disks=(local_disk(10),))), host("b")]
    fleet = world(looks, [guest("x", "b", storage_copy=StorageCopy.NEVER, method=Method.ONLINE)])
    [remedy] = refusal(fleet.plan(), "x").remedies
    assert {"migration.method", "migration.storageCopy", "migration.downtime"} == {edit.field for edit in remedy.edits}
    assert ["x a → b offline"] == told(applied(fleet, *remedy.edits).plan())


def test_downtime_is_not_promised_to_a_guest_without_room() -> None:
    looks = [host("a", registration("x")), host("b", version="4.1", memory_mib=100)]
    blocked = refusal(world(looks, [guest("x", "b")]).plan(), "x")
    [remedy] = blocked.remedies
    assert (RemedyKind.NOT_FOUND, ()) == (remedy.kind, remedy.edits)
    assert blocked.fix == (
        "set spec.migration.downtime to allowed; downtime: allowed for x alone does not help: "
        "b is short of 3.9 GiB of memory for all that is declared there"
    )


def windowed(minutes: int) -> World:
    """x may be stopped inside a window of so many minutes only, which is closed."""
    fleet = world(
        [host("a", registration("x")), host("b", version="4.1")],
        [guest("x", "b", downtime=Downtime.ALLOWED, windows=("night",), open_s=0.0, opens="it opens Sat 02:00")],
    )
    night = Window("night", 120, 60 * minutes, "UTC")
    return replace(fleet, desired=replace(fleet.desired, fleet=replace(fleet.desired.fleet, windows=(night,))))


def test_it_is_said_whether_the_next_window_is_long_enough() -> None:
    long, short = (refusal(windowed(minutes).plan(), "x") for minutes in (60, 2))
    assert ("OutsideWindow", RemedyKind.WAIT) == (long.reason, long.remedies[0].kind)
    assert long.fix.startswith("wait for window night: it opens Sat 02:00, and is long enough for the ")
    assert RemedyKind.NONE is short.remedies[0].kind
    assert "make window night longer: it is 2m at most, and " in short.fix


# --- whatever the fleet -----------------------------------------------------------------------------------------------


@st.composite
def crowded(draw: st.DrawFn) -> World:
    """More is declared on a host than it holds."""
    names = [f"h{number}" for number in range(draw(st.integers(2, 4)))]
    places: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
    guests: list[Guest] = []
    for number in range(draw(st.integers(2, 7))):
        place = draw(st.sampled_from(names))
        places[place].append((f"g{number}", draw(st.integers(1, 4))))
        downtime = draw(st.sampled_from(Downtime))
        guests.append(guest(f"g{number}", draw(st.sampled_from((names[0], place))), downtime=downtime))
    looks: list[Look] = []
    for name in names:
        entries = [registration(*entry) for entry in places[name]]
        room = sum(size for _, size in places[name]) + draw(st.integers(0, 4))
        looks.append(host(name, *entries, memory_mib=room, version=draw(st.sampled_from(("4.1", "4.2", "4.2")))))
    return world(looks, guests)


@given(crowded())
def test_every_remedy_gets_its_guest_going_and_nobody_stays_instead(fleet: World) -> None:
    plan = fleet.plan()
    before = set(refusals(plan))
    for entry in plan.blocked:
        for remedy in entry.remedies:
            if not remedy.edits:
                continue
            after = set(refusals(applied(fleet, *remedy.edits).plan()))
            assert entry.guest not in after, remedy
            assert after <= before, remedy


def test_nothing_is_said_to_help_while_a_move_under_way_keeps_the_host_busy() -> None:
    looks = [
        host("a", records=(record("moving", "a", "b"),)),
        host("b", registration("x", disks=(local_disk(50),))),
        host("c"),
    ]
    plan = world(looks, [guest("x", "c")]).plan()
    assert {"x": "DowntimeForbidden"} == refusals(plan)
    assert all(remedy.kind is not RemedyKind.DOWNTIME for remedy in refusal(plan, "x").remedies)
