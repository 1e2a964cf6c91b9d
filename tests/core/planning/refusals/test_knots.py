"""Guests that no safe order was found for: what would free them is tried, is the least that does, or is proven not to
exist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.desired import Guest, MigrationPolicy
from reconciler.core.model import Method
from reconciler.core.observed import HostFacts, Look
from reconciler.core.planning.plan import Edit, Plan, RemedyKind
from tests.core.fleets import ALLOWED, STOPPED, World, guest, host, refusal, refusals, registration, told, world

TRIED = (RemedyKind.HOP, RemedyKind.ASIDE, RemedyKind.DOWNTIME, RemedyKind.ENTITLEMENT)
POLICY: dict[str, Callable[[MigrationPolicy], MigrationPolicy]] = {
    "migration.hop": lambda policy: replace(policy, hop=True),
    "migration.stepAside": lambda policy: replace(policy, step_aside=True),
    "migration.downtime": lambda policy: replace(policy, downtime=ALLOWED),
}


def full(name: str, *guests: tuple[str, int]) -> HostFacts:
    return host(name, *(registration(*entry) for entry in guests), memory_mib=sum(size for _, size in guests))


def applied(fleet: World, *edits: Edit) -> World:
    """The fleet with these edits in its documents."""
    documents = dict(fleet.desired.guests)
    for edit in edits:
        document = documents[edit.guest]
        documents[edit.guest] = replace(document, migration=POLICY[edit.field](document.migration))
    return replace(fleet, desired=replace(fleet.desired, guests=documents))


def fixes(plan: Plan) -> dict[str, str]:
    return {entry.guest: entry.fix for entry in plan.blocked}


# --- hops and bystanders ----------------------------------------------------------------------------------------------


def test_the_one_hop_that_unties_a_knot_is_named() -> None:
    looks = [full("a", ("x", 4096)), full("b", ("y", 4096), ("z", 4096)), host("c")]
    fleet = world(looks, [guest("x", "b", hop=False), guest("y", "a", hop=False), guest("z", "b")])
    plan = fleet.plan()
    assert {
        "x": "set hop: allowed for x: it goes then, and so does y",
        "y": "set hop: allowed for x: it goes then, and so does x",
    } == fixes(plan)
    assert ["2 guests are stuck: hop: allowed for x would free both of them"] == [each.text for each in plan.remedies]
    assert {} == refusals(applied(fleet, *plan.remedies[0].edits).plan())


def swap_beside(*others: Look, **policy: bool) -> World:
    """x and y change places. Neither fits on c, but s does, which stands in the way on a; so does t, in vain."""
    looks = [
        host("a", registration("x", 4000), registration("s", 2000), memory_mib=7000),
        host("b", registration("y", 3000), registration("t", 1000), memory_mib=5000),
        host("c", memory_mib=2000),
    ]
    guests = [guest("x", "b"), guest("y", "a"), guest("s", "a", **policy), guest("t", "b", **policy)]
    return world([*looks, *others], guests)


def test_the_bystander_that_would_have_to_step_aside_is_named() -> None:
    plan = swap_beside().plan()
    assert {
        "x": "set stepAside: online for s: it goes then, and so does y",
        "y": "set stepAside: online for s: it goes then, and so does x",
    } == fixes(plan)
    [remedy] = plan.remedies
    assert "2 guests are stuck: stepAside: online for s would free both of them" == remedy.text
    assert (RemedyKind.ASIDE, ("x", "y"), (Edit("s", "migration.stepAside", "online"),)) == (
        remedy.kind,
        remedy.frees,
        remedy.edits,
    )
    assert ["s a → c online (hop)", "y b → a online", "x a → b online", "s c → a online"] == told(
        applied(swap_beside(), *remedy.edits).plan()
    )


def test_where_nobody_can_leave_that_is_proven_with_what_is_short() -> None:
    looks = [full("a", ("x", 4096), ("s", 512)), full("b", ("y", 4096)), host("c", memory_mib=300)]
    plan = world(looks, [guest("x", "b"), guest("y", "a"), guest("s", "a")]).plan()
    assert (
        "make room on a or b, or on a third host; no permission helps: b is short of 4 GiB of memory, and none of "
        "the 3 guests that could leave a, b can rest anywhere: the smallest, s, takes 512 MiB, and the most that any "
        "host could have free is 300 MiB, on c"
    ) == refusal(plan, "x").fix
    assert RemedyKind.NONE is refusal(plan, "x").remedies[0].kind
    assert () == plan.remedies


def test_bystanders_of_a_third_host_are_asked_to_step_aside_there() -> None:
    """Neither host of the knot has a guest that could leave for as long as the third one is full."""
    third = host("c", registration("s", 1024), registration("t", 512), registration("u", 512), memory_mib=2048)
    looks = [
        third,
        host("a", registration("x", 2048), memory_mib=3072),
        host("b", registration("y", 2048), memory_mib=3072),
    ]
    guests = [guest("x", "b"), guest("y", "a"), guest("s", "c", step_aside=True), guest("t", "c"), guest("u", "c")]
    fleet = world(looks, guests)
    [remedy] = fleet.plan().remedies
    assert (RemedyKind.ASIDE, {"t", "u"}) == (remedy.kind, {edit.guest for edit in remedy.edits})
    assert {} == refusals(applied(fleet, *remedy.edits).plan())


def test_no_proof_is_claimed_while_a_guest_that_something_else_holds_up_could_make_room() -> None:
    """z waits for permission, and its leaving would free all."""
    looks = [full("a", ("x", 4096)), full("b", ("y", 3072), ("z", 1024)), host("c", version="4.1", memory_mib=1024)]
    plan = world(looks, [guest("x", "b"), guest("y", "a"), guest("z", "c")]).plan()
    assert "DowntimeForbidden" == refusal(plan, "z").reason
    kinds = {each.kind for entry in plan.blocked for each in entry.remedies}
    assert RemedyKind.NONE not in kinds


def test_a_start_that_waits_for_a_guest_that_cannot_leave_has_no_remedy_and_is_told() -> None:
    looks = [
        host("a", registration("old", 4096), registration("new", 4096, state=STOPPED), memory_mib=4096),
        host("b", registration("z", 4096), memory_mib=4096),
    ]
    held = guest("old", "b", power="stopped", method=Method.ONLINE)
    plan = world(looks, [held, guest("new", "a", power="running"), guest("z", "b")]).plan()
    assert {"old": "NoRoom", "new": "NoSafeOrder"} == refusals(plan)


def test_downtime_is_named_where_a_hop_would_have_to_stop_a_guest() -> None:
    looks = [full("a", ("x", 4096)), full("b", ("y", 4096)), host("c", version="4.1")]
    fleet = world(looks, [guest("x", "b"), guest("y", "a")])
    [remedy] = fleet.plan().remedies
    assert (RemedyKind.DOWNTIME, 1) == (remedy.kind, len(remedy.edits))
    assert remedy.downtime_s > 0
    assert {} == refusals(applied(fleet, *remedy.edits).plan())


# --- whatever the fleet -----------------------------------------------------------------------------------------------


@st.composite
def knotted(draw: st.DrawFn) -> World:
    """Full hosts whose guests change places beside guests that stay, and one host with little room."""
    looks: list[Look] = []
    guests: list[Guest] = []
    count = draw(st.integers(2, 3))
    for number in range(count):
        going = [(f"g{number}{letter}", draw(st.sampled_from((2, 3, 4)))) for letter in "ab"[: draw(st.integers(1, 2))]]
        staying = [(f"s{number}{letter}", draw(st.sampled_from((1, 2)))) for letter in "ab"[: draw(st.integers(0, 2))]]
        entries = [registration(name, size) for name, size in (*going, *staying)]
        room = sum(size for _, size in (*going, *staying)) + draw(st.sampled_from((0, 0, 1, 2)))
        looks.append(host(f"h{number}", *entries, memory_mib=room))
        hops = draw(st.booleans())
        guests += [guest(name, f"h{(number + 1) % count}", hop=hops) for name, _ in going]
        guests += [guest(name, f"h{number}") for name, _ in staying]
    looks.append(host("spare", memory_mib=draw(st.integers(0, 3))))
    return world(looks, guests)


def going(fleet: World, edits: tuple[Edit, ...]) -> set[str]:
    """The guests that are not blocked with the edits."""
    return fleet.desired.guests.keys() - refusals(applied(fleet, *edits).plan())


@given(knotted())
def test_every_remedy_frees_whom_it_names_and_nothing_of_it_can_be_left_out(fleet: World) -> None:
    plan = fleet.plan()
    before = set(refusals(plan))
    remedies = [(each, {entry.guest}) for entry in plan.blocked for each in entry.remedies if each.kind in TRIED]
    remedies += [(each, set(each.frees)) for each in plan.remedies]
    for remedy, guests in remedies:
        went = going(fleet, remedy.edits)
        assert set(remedy.frees) <= went
        assert before >= fleet.desired.guests.keys() - went, "nobody stays instead"
        for edit in remedy.edits:
            without = tuple(other for other in remedy.edits if other != edit)
            now = going(fleet, without)
            assert not guests <= now or not before >= fleet.desired.guests.keys() - now, (remedy, edit)


@given(knotted())
def test_no_smaller_set_of_bystanders_would_do(fleet: World) -> None:
    """Against every subset, on small fleets."""
    plan = fleet.plan()
    before = set(refusals(plan))
    standing = sorted(name for name, entry in fleet.desired.guests.items() if name.startswith("s"))
    for entry in plan.blocked:
        for remedy in entry.remedies:
            if remedy.kind is not RemedyKind.ASIDE or any(edit.field != "migration.stepAside" for edit in remedy.edits):
                continue
            for size in range(1, len(remedy.edits)):
                for chosen in combinations(standing, size):
                    now = going(fleet, tuple(Edit(name, "migration.stepAside", "online") for name in chosen))
                    freed = entry.guest in now and before >= fleet.desired.guests.keys() - now
                    assert not freed, (remedy.edits, chosen)


@settings(max_examples=settings().max_examples // 3)
@given(knotted())
def test_where_nothing_is_said_to_help_nothing_does(fleet: World) -> None:
    """Of a guest with a certificate: not even with all that documents could allow."""
    plan = fleet.plan()
    proven = {e.guest for e in plan.blocked for each in e.remedies if each.kind is RemedyKind.NONE}
    names = fleet.desired.guests
    edits = [Edit(name, field, value) for name in names for field, value in EVERYTHING]
    assert proven.isdisjoint(going(fleet, tuple(edits)))


EVERYTHING = (("migration.hop", "allowed"), ("migration.stepAside", "online"), ("migration.downtime", "allowed"))
