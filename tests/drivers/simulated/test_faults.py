"""Each fault does what it says: the answer, the record, the deed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.commands import AnswerKind, Verb
from reconciler.core.records import Stage
from reconciler.drivers.simulated.commands import command
from reconciler.drivers.simulated.faults import COMMAND_FAULTS, Fault, FaultKind, Faults
from tests.drivers.simulated.story import RUNNING, STOPPED, Story

OUTCOMES = {
    FaultKind.FAIL: (AnswerKind.FAILED, Stage.STOPPING, RUNNING),
    FaultKind.FAIL_AFTER: (AnswerKind.FAILED, Stage.STOPPING, STOPPED),
    FaultKind.HANG: (AnswerKind.LOST, Stage.CLAIMED, RUNNING),
    FaultKind.CUT: (AnswerKind.LOST, Stage.STOPPING, RUNNING),
    FaultKind.LOST_ANSWER: (AnswerKind.LOST, Stage.STOPPING, STOPPED),
    FaultKind.DELAYED: (AnswerKind.LOST, Stage.CLAIMED, RUNNING),
}


@pytest.mark.parametrize("kind", sorted(COMMAND_FAULTS))
def test_a_fault_on_a_deed(kind: FaultKind) -> None:
    story = Story.of()
    record = story.record()
    story.claim(record)
    story.world.faults.add(Fault(kind))
    answer = story.tell(Verb.STOP_HARD, "a", replace(record, stage=Stage.STOPPING))
    lying = story.world.fleet.hosts["a"].records["u1"].stage
    assert (answer.kind, lying, story.copy("a").state) == OUTCOMES[kind]


@pytest.mark.parametrize("kind", sorted(COMMAND_FAULTS))
def test_a_fault_on_a_claim(kind: FaultKind) -> None:
    story = Story.of()
    story.world.faults.add(Fault(kind))
    answer = story.tell(Verb.CLAIM, "a", story.record())
    written = "u1" in story.world.fleet.hosts["a"].records
    done = kind in (FaultKind.FAIL_AFTER, FaultKind.LOST_ANSWER)
    assert (answer.kind, written) == (OUTCOMES[kind][0], done)


def test_a_delayed_command_is_carried_out_later() -> None:
    story = Story.of()
    record = story.record()
    story.claim(record)
    story.world.faults.add(Fault(FaultKind.DELAYED, delay_s=60))
    story.tell(Verb.STOP_HARD, "a", replace(record, stage=Stage.STOPPING))
    story.wait(59)
    assert story.copy("a").state is RUNNING
    story.wait(1)
    assert story.copy("a").state is STOPPED


def test_a_delayed_command_comes_to_nothing_once_its_guard_no_longer_holds() -> None:
    story = Story.of()
    record = story.record()
    story.claim(record)
    story.world.faults.add(Fault(FaultKind.DELAYED, delay_s=60))
    story.tell(Verb.STOP_HARD, "a", replace(record, stage=Stage.STOPPING))
    story.release(record)
    story.wait(120)
    assert story.copy("a").state is RUNNING
    assert story.world.fleet.hosts["a"].records == {}


def test_a_fault_strikes_only_what_it_matches_and_as_often_as_it_says() -> None:
    faults = Faults([Fault(FaultKind.FAIL, Verb.STOP, "a", "web", times=2, skip=1)])
    commands = [(Verb.STOP, "b", "u1", "web"), (Verb.START, "a", "u1", "web"), (Verb.STOP, "a", "u2", "db")]
    commands += [(Verb.STOP, "a", "u1", "web")] * 4
    struck = [faults.take(COMMAND_FAULTS, *command) is not None for command in commands]
    assert struck == [False, False, False, False, True, True, False]
    assert faults.planned == []


def test_random_faults_depend_on_seed_and_count_alone() -> None:
    def strikes(seed: int) -> list[Fault | None]:
        faults = Faults(seed=seed, rates={FaultKind.HANG: 0.2, FaultKind.FAIL: 0.2})
        return [faults.take(COMMAND_FAULTS, Verb.STOP, "a", "u1", "web") for _ in range(200)]

    assert strikes(1) == strikes(1)
    assert strikes(1) != strikes(2)
    hangs = sum(fault is not None and fault.kind is FaultKind.HANG for fault in strikes(1))
    assert 15 <= hangs <= 65


def test_a_command_that_is_none_is_refused_before_anything_is_done() -> None:
    story = Story.of()
    record = story.record()
    story.claim(record)
    for argv in (("rm", "-rf", "/"), ("simctl",), ("simctl", "stop", "u1", "now"), ("simctl", "start", "--all")):
        guarded = story.world.execute(replace(command(Verb.STOP, "a", record, None), argv=argv))
        assert (guarded.kind, guarded.status) == (AnswerKind.FAILED, 2)
    assert story.world.fleet.hosts["a"].records == {"u1": record}
