"""Over which migration network a guest goes: in plans, in their predictions, and in what may be under way at once."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.desired import Host, Limits, Network
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.execution.run import Busy, Run
from reconciler.core.model import StepKind, Way
from reconciler.core.planning.plan import Step
from reconciler.core.planning.ways.networks import addresses, way
from tests.core.fleets import ALLOWED, HERE, World, guest, host, registration, world

FAST, SPARE = Network("fast", 1, 50.0), Network("spare", 3)
PLAN = world([], []).plan()
DONE = Outcome(OutcomeKind.DONE, "Moved", "it runs there")
WIDE = Limits(concurrent=9, concurrent_in=9, concurrent_out=9, concurrent_host=9)


def there(name: str, *networks: str) -> Host:
    """A host with an address on each of these networks, and on the one without a name."""
    named = {network: f"{name}-{network}" for network in networks}
    return Host(name, "test", HERE, migration_address=f"{name}-m", migration_addresses=named)


def on_networks(guests: int, *hosts: Host) -> World:
    """So many guests of 1 GiB on the first host, declared on the second."""
    found = [registration(f"g{number}", 1024) for number in range(guests)]
    looks = [host(hosts[0].name, *found), *(host(each.name) for each in hosts[1:])]
    wanted = [guest(entry.name, hosts[1].name, downtime=ALLOWED) for entry in found]
    fleet = world(looks, wanted, hosts={each.name: each for each in hosts}, limits=WIDE)
    return replace(fleet, desired=replace(fleet.desired, fleet=replace(fleet.desired.fleet, networks=(FAST, SPARE))))


def test_the_first_network_on_which_both_hosts_have_an_address_is_taken() -> None:
    both, one, none = there("a", "spare", "fast"), there("b", "spare"), there("c")
    assert Way("fast", "d-fast", 50.0) == way((FAST, SPARE), both, there("d", "fast", "spare"))
    assert Way("spare", "b-spare") == way((FAST, SPARE), both, one)
    assert Way("", "c-m") == way((FAST, SPARE), both, none)
    assert Way("", "a-m") == way((), one, both)


def test_a_host_is_called_by_all_its_addresses() -> None:
    assert ("a-m", "a-fast", "a-spare") == addresses(there("a", "spare", "fast"))


def test_a_step_names_its_network_and_is_predicted_at_what_that_carries() -> None:
    over_fast = on_networks(1, there("a", "fast"), there("b", "fast")).plan().steps[0]
    over_default = on_networks(1, there("a", "fast"), there("b")).plan().steps[0]
    assert ("fast", "b-fast", "") == (over_fast.network, over_fast.via, over_default.network)
    assert "b-m" == over_default.via
    assert "over network fast" in over_fast.reason
    assert 1024 / 50 - 1024 / 100 == over_fast.duration_s - over_default.duration_s


def test_what_only_starts_or_stops_goes_over_no_network() -> None:
    fleet = world([host("a", registration("g"))], [guest("g", "a", power="stopped")], hosts={"a": there("a", "fast")})
    assert [(StepKind.STOP, "", "")] == [(step.kind, step.network, step.via) for step in fleet.plan().steps]


def ready(run: Run, *foreign: Busy) -> list[str]:
    return [step.guest for step in run.ready(0.0, foreign)]


def test_no_more_moves_than_it_says_are_under_way_on_a_network() -> None:
    steps = on_networks(2, there("a", "fast"), there("b", "fast")).plan().steps
    run = Run.of("r", replace(PLAN, steps=tuple(together(step) for step in steps)), WIDE, (FAST, SPARE))
    assert ["g0"] == ready(run)
    assert [] == ready(run, Busy("c", "d", StepKind.MIGRATE, "fast"))
    assert ["g0"] == ready(run, Busy("c", "d", StepKind.MIGRATE, "spare"), Busy("c", "d", StepKind.MIGRATE, ""))
    assert ["g1"] == ready(run.begin(steps[0].id, 0.0).advance(steps[0].id, DONE, 1.0))


def test_a_move_of_which_nobody_noted_the_network_counts_on_all() -> None:
    steps = on_networks(1, there("a", "fast"), there("b", "fast")).plan().steps
    run = Run.of("r", replace(PLAN, steps=steps), WIDE, (FAST, SPARE))
    assert [] == ready(run, Busy("c", "d", StepKind.MIGRATE, None))


def test_the_network_without_a_name_is_bound_by_the_limits_only() -> None:
    steps = on_networks(3, there("a"), there("b")).plan().steps
    assert 3 == len(ready(Run.of("r", replace(PLAN, steps=steps), WIDE, (FAST, SPARE))))


def together(step: Step) -> Step:
    return replace(step, after=())
