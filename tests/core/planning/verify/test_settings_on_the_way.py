"""Settings of a guest that moves: less before it moves, wherever it is; more, and all else, where it is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.core.desired import Autostart
from reconciler.core.model import Load, StepKind
from reconciler.core.planning.plan import Plan
from tests.core.fleets import World, guest, host, registration, world
from tests.core.planning.verify.plans import at, changed, move, plan_of, proven, refused, without

MEMORY, ENTITLEMENT, CAP = "memory_mib", "cpu_entitlement_percent", "cpu_cap_percent"


def one(**wishes: Any) -> World:
    """web, two vCPUs at 50 % each, on a; declared on b."""
    web = registration(
        "web",
        memory_min_mib=1024,
        memory_step_mib=64,
        vcpus=2,
        cpu_entitlement_percent=50,
        cpu_cap_percent=100,
        autostart=False,
    )
    return world([host("a", web, cpus=2), host("b", cpus=2), host("c", cpus=2)], [guest("web", "b", **wishes)])


FLEET = one(memory_mib=2048, cpu_entitlement_percent=20)
SHRINK = at(
    FLEET, "web", "a", StepKind.SET, 0, settings=((MEMORY, "2048"), (ENTITLEMENT, "20")), frees=Load(cpu_percent=60)
)
MOVE = move(FLEET, "web", "a", "b", 10, after=(SHRINK.id,), load=Load(4096, 40, vcpus=2), frees=Load(4096, 40, vcpus=2))
PLAN = plan_of(FLEET, SHRINK, MOVE)


def test_a_guest_is_made_smaller_where_it_is_and_moves_then() -> None:
    """Its memory counts as before: it may take all of it again without us. Its CPU counts as it was set."""
    proven(FLEET, PLAN)


def test_a_guest_is_made_smaller_on_its_way() -> None:
    to_c = move(FLEET, "web", "a", "c", 0)
    shrink = at(FLEET, "web", "c", StepKind.SET, 10, settings=SHRINK.settings, frees=SHRINK.frees, after=(to_c.id,))
    home = move(
        FLEET, "web", "c", "b", 20, load=Load(4096, 40, vcpus=2), frees=Load(4096, 40, vcpus=2), after=(shrink.id,)
    )
    proven(FLEET, plan_of(FLEET, to_c, shrink, home))


BROKEN: dict[str, tuple[Callable[[], Plan], str]] = {
    "counts memory as freed": (
        lambda: changed(PLAN, SHRINK, frees=Load(2048, 60)),
        "says it frees",
    ),
    "moves with the load from before": (
        lambda: changed(PLAN, MOVE, load=Load(4096, 100, vcpus=2)),
        "says it takes",
    ),
    "frees what it does not take any more": (
        lambda: changed(PLAN, MOVE, frees=Load(4096, 100, vcpus=2)),
        "says it frees",
    ),
    "is not waited for": (lambda: changed(PLAN, MOVE, after=()), "does not wait for 000-web of the same guest"),
    "the move left out": (lambda: without(PLAN, MOVE), "settings are changed only where a guest is declared"),
    "another value": (
        lambda: changed(PLAN, SHRINK, settings=((MEMORY, "1024"),), frees=Load()),
        "the document does not ask for memory_mib 1024",
    ),
    "of what is stopped": (lambda: changed(PLAN, SHRINK, running=False), "web cannot have 2048 MiB now"),
    "on a host where it is not": (
        lambda: changed(PLAN, SHRINK, source="c", target="c"),
        "web is on a then, not on c",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_shrink_is_refused(name: str) -> None:
    make, sentence = BROKEN[name]
    refused(FLEET, make(), sentence)


def test_a_guest_is_made_larger_only_where_it_is_declared_and_after_its_last_move() -> None:
    fleet = one(cpu_entitlement_percent=80)
    there = move(fleet, "web", "a", "b", 0)
    grow = at(
        fleet,
        "web",
        "b",
        StepKind.SET,
        10,
        settings=((ENTITLEMENT, "80"),),
        load=Load(cpu_percent=60),
        after=(there.id,),
    )
    proven(fleet, plan_of(fleet, there, grow))
    before = at(fleet, "web", "a", StepKind.SET, 0, settings=grow.settings, load=grow.load)
    larger = move(
        fleet, "web", "a", "b", 10, load=Load(4096, 160, vcpus=2), frees=Load(4096, 160, vcpus=2), after=(before.id,)
    )
    refused(fleet, plan_of(fleet, before, larger), "cpu_entitlement_percent 80 is no less than before")
    full = world(
        [
            host("a", registration("web", vcpus=2, cpu_entitlement_percent=50), cpus=2),
            host("b", registration("other", cpu_entitlement_percent=50), cpus=2),
        ],
        [guest("web", "b", cpu_entitlement_percent=80)],
    )
    refused(full, plan_of(fleet, there, grow), "b has 50 % of CPU left then, 60 are needed")


@pytest.mark.parametrize(
    ("wishes", "setting"),
    [
        ({"cpu_cap_percent": 50}, (CAP, "50")),
        ({"autostart": Autostart.ON}, ("autostart", "on")),
        ({"memory_mib": 4096}, (MEMORY, "4096")),
        ({"cpu_entitlement_percent": 50}, (ENTITLEMENT, "50")),
    ],
)
def test_what_makes_no_smaller_waits_until_the_guest_is_where_it_is_declared(
    wishes: dict[str, Any], setting: tuple[str, str]
) -> None:
    fleet = one(**wishes)
    before = at(fleet, "web", "a", StepKind.SET, 0, settings=(setting,))
    there = move(fleet, "web", "a", "b", 10, after=(before.id,))
    refused(fleet, plan_of(fleet, before, there), f"{setting[0]} {setting[1]} is no less than before")
    there = move(fleet, "web", "a", "b", 0)
    after = at(fleet, "web", "b", StepKind.SET, 10, settings=(setting,), after=(there.id,))
    proven(fleet, plan_of(fleet, there, after))
