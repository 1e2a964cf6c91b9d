"""Same seed, same fleet, same bytes; and a file that its schema describes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.core.model import RunState
from reconciler.core.observed import HostFacts
from reconciler.drivers.simulated.codec import ClockForm, from_json, to_json
from reconciler.drivers.simulated.faults import Fault, FaultKind, Faults
from reconciler.drivers.simulated.fleet import Due, SimCopy, SimFleet, SimGuest, SimHost
from reconciler.drivers.simulated.world import World
from tests.drivers.simulated import scenario
from tests.drivers.simulated.scenario import Shape
from tests.drivers.simulated.story import Story

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "schemas" / "simulated-fleet.schema.json").read_text(encoding="utf-8")
)
SEEDS = range(30)


def saved(world: World) -> str:
    return json.dumps(to_json(world, ClockForm(world.now_s, 60.0, 0.0)))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_gives_the_same_bytes_each_time_and_after_a_round_trip(seed: int) -> None:
    text = saved(scenario.world(seed))
    assert saved(scenario.world(seed)) == text
    again, _ = from_json(json.loads(text))
    assert saved(again) == text


def test_different_seeds_give_different_fleets() -> None:
    assert len({saved(scenario.world(seed)) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_fleet_begins_overcommitted_or_with_two_copies(seed: int) -> None:
    world = scenario.world(seed, Shape(hosts=2, guests=20))
    assert world.overcommitted_hosts() == ()
    assert {len(world.copies(uuid)) for uuid in world.fleet.guests} == {1}


def test_the_seeds_cover_what_placement_must_cope_with() -> None:
    worlds = [scenario.world(seed) for seed in SEEDS]
    hosts = [host for world in worlds for host in world.fleet.hosts.values()]
    guests = [guest for world in worlds for guest in world.fleet.guests.values()]
    copies = [copy for host in hosts for copy in host.copies.values()]
    assert {host.version for host in hosts} == {"4.1", "4.2", "4.3"}
    assert {host.processor.family for host in hosts} == {31, 32}
    assert {disk.kind.value for copy in copies for disk in copy.disks} == {
        "san",
        "logical-volume",
        "file",
        "local-disk",
    }
    assert {copy.state for copy in copies} == {RunState.RUNNING, RunState.STOPPED}
    assert any(guest.shutdown_s is None for guest in guests)
    assert any(guest.dirty_mib_s > 100 for guest in guests)


def test_looks_are_made_of_the_same_values_for_the_same_seed() -> None:
    first, second = (scenario.world(7).look("h1") for _ in range(2))
    assert isinstance(first, HostFacts)
    assert first == second


def eventful() -> World:
    """A world with something in every corner of its file."""
    story = Story.of()
    story.begin(story.record(), Fault(FaultKind.JOB_HANG))
    world = story.world
    world.faults = Faults([Fault(FaultKind.DELAYED, guest="web")], seed=3, rates={FaultKind.HANG: 0.1}, drawn=4)
    world.schedule(world.now_s + 9, "crash-host", host="a")
    world.ledger.deleted_disks.append(("a", "/dev/x"))
    return world


@pytest.mark.parametrize("world", [eventful(), *(scenario.world(seed) for seed in range(5))])
def test_what_is_saved_is_what_the_schema_describes(world: World) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(saved(world)))


DEFINITIONS = {
    "host": SimHost,
    "copy": SimCopy,
    "guest": SimGuest,
    "fault": Fault,
    "due": Due,
    "": SimFleet,
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_schema_has_each_field_with_its_default_and_a_description(name: str) -> None:
    cls: Any = DEFINITIONS[name]
    described = (SCHEMA["$defs"][name] if name else SCHEMA)["properties"]
    if dataclasses.is_dataclass(cls):
        fields = {field.name: field.default for field in dataclasses.fields(cls) if field.metadata.get("saved", True)}
    else:
        fields = {field: cls._field_defaults.get(field, dataclasses.MISSING) for field in cls._fields}
    more = {"$schema", "version", "clock", "faults"} if not name else set()
    fewer = {"now_s"} if not name else set()
    assert set(described) == set(fields) - fewer | more
    for field, default in fields.items():
        form = described.get(field, {})
        if "default" in form and field != "machine_id":
            assert form["default"] == default, field
    assert [field for field, form in described.items() if not form.get("description")] == []
