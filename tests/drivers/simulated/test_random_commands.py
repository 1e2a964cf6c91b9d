"""Whatever is sent and whatever happens: no overcommitment, no lost content, and no two copies but by hand."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.commands import Guard, Verb
from reconciler.core.model import Method, RunState
from reconciler.core.records import MoveRecord, Stage
from reconciler.drivers.simulated.codec import ClockForm, to_json
from reconciler.drivers.simulated.commands import command
from reconciler.drivers.simulated.faults import FaultKind, Faults
from reconciler.drivers.simulated.world import World
from tests.drivers.simulated import scenario
from tests.drivers.simulated.scenario import Shape
from tests.drivers.simulated.story import Story

STEPS = 80
SHAPE = Shape(hosts=3, guests=5, local_storage=0.6)
RATES = dict.fromkeys(FaultKind, 0.03)
DEEDS = (Verb.STOP, Verb.STOP_HARD, Verb.MIGRATE, Verb.MIGRATE, Verb.MIGRATE, Verb.START, Verb.START, Verb.CHECK)


def play(seed: int, *, hands: bool, deletions: bool) -> World:
    """Send random commands under valid records, let time pass, crash hosts; with `hands`, people meddle as well."""
    chance = random.Random(seed)
    world = scenario.world(seed, SHAPE)
    world.faults = Faults(seed=seed, rates=RATES)
    hosts, uuids = sorted(world.fleet.hosts), sorted(world.fleet.guests)
    newest = dict.fromkeys(uuids, 0)
    for _ in range(STEPS):
        uuid, host = chance.choice(uuids), chance.choice(hosts)
        roll = chance.random()
        if roll < 0.65:
            verb = Verb.DELETE_COPY if deletions and chance.random() < 0.15 else chance.choice(DEEDS)
            tell(world, chance, verb, uuid)
        elif roll < 0.70:
            (world.crash_host if world.fleet.hosts[host].up else world.boot_host)(host)
        elif roll < 0.73 and hands:
            chance.choice((world.move_by_hand, world.start_by_hand))(uuid, host)
        world.advance_to(world.now_s + chance.choice((1, 10, 60, 200)))
        examine(world, newest)
    return world


def tell(world: World, chance: random.Random, verb: Verb, uuid: str) -> None:
    """One deed under a record of its own, from where the guest is in play."""
    known = [host for host, state, runnable in world.copies(uuid) if runnable or state is not RunState.STOPPED]
    anywhere = [host for host, _, _ in world.copies(uuid)] or sorted(world.fleet.hosts)
    source = chance.choice(anywhere if verb is Verb.DELETE_COPY or not known else known)
    target = chance.choice(sorted(world.fleet.hosts))
    record: MoveRecord = Story(world).record(
        chance.choice(list(Method)), uuid, source=source, target=target, id=f"m{world.fleet.number}", controller="me"
    )
    lying = world.fleet.hosts[source].records.pop(uuid, None)
    world.fleet.hosts[source].records.clear()  # the locks have tests of their own; here everything is let through
    world.fleet.hosts[source].records[uuid] = replace(lying or record, id=record.id, expires_s=record.expires_s)
    guard = Guard(record.id, "me", tuple(Stage))
    world.execute(command(verb, source, replace(record, stage=Stage.MIGRATING), guard))


def examine(world: World, newest: dict[str, int]) -> None:
    """What must hold after every step."""
    assert world.overcommitted_hosts() == ()
    for host in world.fleet.hosts.values():
        assert host.disk_free_mib == host.disk_mib - sum(volume.size_mib for volume in host.volumes.values())
        assert host.up or not any(copy.running for copy in host.copies.values())
    for uuid, guest in world.fleet.guests.items():
        assert guest.newest >= newest[uuid]
        newest[uuid] = guest.newest
    arriving = {
        (copy.uuid, host.name) for host in world.fleet.hosts.values() for copy in host.copies.values() if copy.arriving
    }
    online = {(job.uuid, job.target) for job in world.fleet.live_jobs if job.method is Method.ONLINE}
    assert arriving == online


@given(st.integers(0, 2**32))
def test_commands_and_crashes_alone_never_lose_content_nor_run_a_guest_twice(seed: int) -> None:
    world = play(seed, hands=False, deletions=False)
    assert world.ledger.stale_starts == []
    assert world.ledger.double_runs == []
    assert world.ledger.lost_contents == []
    for uuid, guest in world.fleet.guests.items():
        assert max(world.content(uuid, host) for host, _, _ in world.copies(uuid)) == guest.newest


@given(st.integers(0, 2**32))
def test_where_people_meddle_content_goes_back_only_where_the_ledger_says_so(seed: int) -> None:
    world = play(seed, hands=True, deletions=True)
    noted = {entry.uuid for entry in world.ledger.stale_starts} | {entry.uuid for entry in world.ledger.double_runs}
    noted |= {uuid for _, uuid, _ in world.ledger.lost_contents}
    for uuid, guest in world.fleet.guests.items():
        best = max((world.content(uuid, host) for host, _, _ in world.copies(uuid)), default=-1)
        assert best == guest.newest or uuid in noted


@given(st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_bytes(seed: int) -> None:
    first, second = (play(seed, hands=True, deletions=True) for _ in range(2))
    clock = ClockForm(first.now_s)
    assert to_json(first, clock) == to_json(second, clock)
