"""One file, several processes: nothing is lost, nothing is half written, and trouble is named."""

from __future__ import annotations

import json
import multiprocessing
import resource
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.commands import AnswerKind, Verb
from reconciler.core.desired import Host
from reconciler.core.observed import HostFacts, Unreachable
from reconciler.core.records import MoveRecord, Stage
from reconciler.drivers.simulated.codec import ClockForm, to_json
from reconciler.drivers.simulated.commands import command
from reconciler.drivers.simulated.driver import SimulatedDriver
from reconciler.drivers.simulated.faults import Fault, FaultKind
from reconciler.drivers.simulated.statefile import StateFile, StateFileError
from reconciler.drivers.simulated.world import World
from reconciler.errors import Location
from tests.drivers.simulated.story import RUNNING, STOPPED, Story

A = Host("a", "simulated", Location("hosts.yaml"))
FORK = multiprocessing.get_context("fork")
CLAIMS = 20
"""Of each of the processes that share a fleet."""


class Wall:
    """A wall clock that the test winds."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def file(tmp_path: Path, wall: Wall) -> StateFile:
    return StateFile.create(tmp_path / "fleet.json", Story.of().world, speed=60, wall=wall)


def world_of(file: StateFile) -> World:
    """The world as another process would read it now."""
    with StateFile(file.path, wall=file.wall).change() as world:
        return world


def test_the_fleets_clock_runs_faster_than_the_walls(file: StateFile, wall: Wall) -> None:
    began_s = file.now_s()
    wall.now_s += 10
    assert file.now_s() == began_s + 600
    assert file.wall_s(600) == 10
    look = file.look("a")
    assert isinstance(look, HostFacts)
    assert look.clock_s == began_s + 600


def test_the_fleets_clock_does_not_go_back_with_the_walls(file: StateFile, wall: Wall) -> None:
    wall.now_s += 10
    before_s = file.now_s()
    with file.change() as world:
        world.crash_host("c")
    wall.now_s -= 500
    assert file.now_s() == before_s
    assert StateFile(file.path, wall=wall).now_s() == before_s


def test_the_fleets_clock_goes_on_while_the_file_cannot_be_read(file: StateFile, wall: Wall) -> None:
    before_s = file.now_s()
    file.path.unlink()
    wall.now_s += 10
    assert file.now_s() == before_s + 600
    with pytest.raises(StateFileError):
        StateFile(file.path, wall=wall).now_s()


def test_threads_share_one_fleet_and_its_clock(file: StateFile, wall: Wall) -> None:
    def use(number: int) -> float:
        wall.now_s += 1
        before_s = file.now_s()
        with file.change() as world:
            world.schedule(world.now_s + number, "reboot-guest", guest="u1")
        file.look("a")
        return before_s

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(use, range(60)))
    assert max(seen) <= file.now_s()
    assert world_of(file).fleet.number >= 60


def test_what_one_process_does_another_sees(file: StateFile, wall: Wall) -> None:
    record = Story(world_of(file)).record()
    other = StateFile(file.path, wall=wall)
    other.look("a")
    assert file.execute(command(Verb.CLAIM, "a", record, None)).kind is AnswerKind.DONE
    assert other.execute(command(Verb.CLAIM, "a", record, None)).kind is AnswerKind.FAILED
    look = other.look("a")
    assert isinstance(look, HostFacts)
    assert look.records == (record,)


def test_a_look_writes_nothing_and_still_shows_what_time_brought(file: StateFile, wall: Wall) -> None:
    with file.change() as world:
        story = Story(world)
        story.begin(story.record())
    before = file.path.read_bytes()
    wall.now_s += 60
    look = StateFile(file.path, wall=wall).look("b")
    assert isinstance(look, HostFacts)
    assert [entry.state for entry in look.registrations] == [RUNNING]
    assert file.path.read_bytes() == before


def test_a_story_goes_on_where_the_file_left_it(file: StateFile, wall: Wall) -> None:
    """Written and read again after each step, it ends as it does in memory."""
    memory = Story.of()
    record = memory.record()
    fault = Fault(FaultKind.DELAYED, Verb.STOP_HARD, delay_s=500)
    steps: list[Callable[[Story], object]] = [
        lambda story: story.begin(record),
        lambda story: story.world.faults.add(fault),
        lambda story: story.tell(Verb.STOP_HARD, "a", replace(record, stage=Stage.STOPPING)),
        lambda story: story.world.schedule(story.world.now_s + 900, "crash-host", host="b"),
        lambda story: story.world.reboot_guest("u1"),
    ]
    for step in steps:
        step(memory)
        with StateFile(file.path, wall=wall).change() as world:
            step(Story(world))
        for _ in range(10):
            memory.wait(60)
            wall.now_s += 1
            other = world_of(file)
            clock = ClockForm(other.now_s)
            assert to_json(other, clock) == to_json(memory.world, clock)
    assert memory.world.fleet.delayed == {}


def _claim_many(path: Path, by: str) -> None:
    """Claim the guest CLAIMS times, each time until it is had; count it and give the guest back."""
    file = StateFile(path, wall=lambda: 1000.0)
    for number in range(CLAIMS):
        record = Story(Story.of().world).record(id=f"{by}-{number}", controller=by)
        while file.execute(command(Verb.CLAIM, "a", record, None)).kind is not AnswerKind.DONE:
            time.sleep(0.001)
        with file.change() as world:
            assert world.fleet.hosts["a"].records.pop("u1") == record
            world.fleet.luns["claims"] = world.fleet.luns.get("claims", 0) + 1
            world.fleet.touch(world.fleet.hosts["a"])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_two_processes_share_a_fleet_without_losing_a_change(file: StateFile) -> None:
    """Each claim that was answered with done is its claimer's alone, and counted in the file itself."""
    children = [FORK.Process(target=_claim_many, args=(file.path, by)) for by in ("one", "two")]
    for child in children:
        child.start()
    try:
        for child in children:
            child.join(120)
        assert [child.exitcode for child in children] == [0, 0]
    finally:
        for child in children:
            child.kill()
    world = world_of(file)
    assert world.fleet.hosts["a"].records == {}
    assert world.fleet.luns["claims"] == 2 * CLAIMS


def _crash_and_stumble(file: StateFile) -> None:
    with file.change() as world:
        world.crash_host("a")
        raise RuntimeError


def test_a_change_that_raises_is_not_saved(file: StateFile) -> None:
    before = file.path.read_bytes()
    with pytest.raises(RuntimeError):
        _crash_and_stumble(file)
    assert file.path.read_bytes() == before
    assert isinstance(file.look("a"), HostFacts)


def hostile_record() -> MoveRecord:
    return replace(Story.of().record(), guest_name="web; reboot")


BROKEN = {
    "not there": (None, "cannot be read"),
    "empty": ("", "not JSON"),
    "torn": ('{"version": 1, "hosts": [{"na', "not JSON"),
    "no object": ("[]", "not a simulated fleet of version 1"),
    "of another version": ('{"version": 2}', "not a simulated fleet of version 1"),
    "too deep": ("[" * 100_000, "not JSON"),
    "a word nobody knows": ('{"version": 1, "hosts": [{"name": "a", "memory": 1}]}', "hosts[0]: unknown: memory"),
    "a host without a name": ('{"version": 1, "hosts": [{}]}', "hosts[0]: missing: name"),
    "a host twice": ('{"version": 1, "hosts": [{"name": "a"}, {"name": "a"}]}', "hosts[1]: a is there twice"),
    "a number too small": ('{"version": 1, "hosts": [{"name": "a", "cpus": -1}]}', "hosts[0].cpus: less than 0"),
    "a number that is text": ('{"version": 1, "hosts": [{"name": "a", "cpus": "8"}]}', "hosts[0].cpus: expected int"),
    "not a number": ('{"version": 1, "clock": {"now_s": NaN}}', "NaN is not a number"),
    "a clock that stands": ('{"version": 1, "clock": {"speed": 0}}', "clock.speed: must be more than 0"),
    "a copy of nobody": ('{"version": 1, "hosts": [{"name": "a", "copies": [{"uuid": "x"}]}]}', "not among the guests"),
    "a hostile name": ('{"version": 1, "hosts": [{"name": "a; reboot"}]}', "not a name: 'a; reboot'"),
    "a fault nobody knows": ('{"version": 1, "faults": {"planned": [{"kind": "rain"}]}}', "'rain' is not one of"),
    "an incident nowhere": (
        '{"version": 1, "due": [{"what": "heal", "host": "x"}]}',
        "heal needs a host that exists, not 'x'",
    ),
    "a record with a hostile name": (
        json.dumps({"version": 1, "hosts": [{"name": "a", "records": [hostile_record().to_json()]}]}),
        "hosts.a: a move record with what is not a name: 'web; reboot'",
    ),
    "a clock beyond all calendars": ('{"version": 1, "clock": {"now_s": 1e18}}', "clock.now_s: after the year 2999"),
    "something due that nobody knows": ('{"version": 1, "due": [{"what": "rain"}]}', "'rain' is not one of"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_file_that_cannot_be_used_is_named_with_the_place_and_never_touched(tmp_path: Path, how: str) -> None:
    text, reason = BROKEN[how]
    path = tmp_path / "fleet.json"
    if text is not None:
        path.write_text(text)
    driver = SimulatedDriver(StateFile(path))
    look = driver.look(A)
    assert isinstance(look, Unreachable)
    assert str(path) in look.reason
    assert reason in look.reason
    answer = driver.send(A, driver.command(Verb.CLAIM, "a", Story.of().record(), None))
    assert (answer.kind, reason in answer.output) == (AnswerKind.LOST, True)
    with pytest.raises(StateFileError, match="simulated-fleet"), StateFile(path).change():
        pass
    assert (path.read_text() if path.exists() else None) == text


def test_a_file_that_was_repaired_is_read_again(file: StateFile) -> None:
    good = file.path.read_text()
    file.path.write_text("{")
    with pytest.raises(StateFileError):
        file.look("a")
    file.path.write_text(good)
    assert isinstance(file.look("a"), HostFacts)


def test_a_torn_leftover_of_a_killed_process_is_in_nobodys_way(file: StateFile) -> None:
    leftover = file.path.with_name("fleet.json.new")
    leftover.write_text('{"version": 1, "ho')
    with file.change() as world:
        world.crash_host("a")
    assert not leftover.exists()
    assert not world_of(file).fleet.hosts["a"].up


def test_a_full_disk_is_named_and_leaves_the_file_as_it_was(file: StateFile) -> None:
    """RLIMIT_FSIZE makes each write beyond a size fail, as a full disk does."""
    before = file.path.read_bytes()
    driver = SimulatedDriver(file)
    record = Story.of().record()
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        answer = driver.send(A, driver.command(Verb.CLAIM, "a", record, None))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert (answer.kind, "cannot be written, so nothing was done" in answer.output) == (AnswerKind.LOST, True)
    assert file.path.read_bytes() == before
    assert sorted(entry.name for entry in file.path.parent.iterdir()) == ["fleet.json", "fleet.json.lock"]
    assert driver.send(A, driver.command(Verb.CLAIM, "a", record, None)).kind is AnswerKind.DONE


def test_a_fleet_written_by_hand_needs_little(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    path.write_text(
        json.dumps(
            {
                "version": 1,
                "hosts": [
                    {
                        "name": "a",
                        "copies": [
                            {"uuid": "u1", "state": "running", "disks": [{"id": "/dev/vg01/web", "kind": "file"}]}
                        ],
                    }
                ],
                "guests": [{"uuid": "u1", "name": "web"}],
                "due": [{"what": "stop-guest-inside", "uuid": "web"}],
            }
        )
    )
    look = StateFile(path, wall=lambda: 0.0).look("a")
    assert isinstance(look, HostFacts)
    assert look.machine_id == "machine-a"
    assert [(entry.name, entry.state) for entry in look.registrations] == [("web", STOPPED)]


def test_a_clock_without_an_anchor_runs_from_when_the_file_was_written(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    path.write_text('{"version": 1, "hosts": [], "guests": [], "clock": {"now_s": 500, "speed": 2}}')
    written_s = path.stat().st_mtime
    assert StateFile(path, wall=lambda: written_s + 30).now_s() == 560


@pytest.mark.parametrize("clock", ['"clock": {"speed": 2}', '"clock": {"speed": 2, "anchored_wall_s": null}'])
def test_a_clock_that_shows_nothing_shows_when_the_file_was_written(tmp_path: Path, clock: str) -> None:
    path = tmp_path / "fleet.json"
    path.write_text(f'{{"version": 1, "hosts": [], "guests": [], {clock}}}')
    written_s = path.stat().st_mtime
    assert StateFile(path, wall=lambda: written_s + 30).now_s() == written_s + 60
