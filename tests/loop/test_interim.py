"""What is told of a pass while it goes on: true, the same when told twice, and a beginning that the end continues."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.diff import Finding
from reconciler.core.execution.run import StepState
from reconciler.core.reports.conditions import ConditionType
from reconciler.core.reports.report import Report, Result
from reconciler.loop.deciding import interim, milestones
from reconciler.loop.once import Options, run_once
from reconciler.loop.publishing import Memory, publish_report
from reconciler.loop.settings import read_settings
from reconciler.loop.shell import Left, Shell
from reconciler.loop.state import State
from reconciler.loop.wiring import open_fleet
from reconciler.render.run_summary import moves_of
from reconciler.render.status_tree import read_status
from tests.cli.bench import Bench


class Told:
    """Publishes an interim report whenever a step has come further, as a daemon would."""

    def __init__(self, bench: Bench) -> None:
        self.fleet = open_fleet(read_settings(bench.settings))
        self.interims: list[Report] = []
        self.states: list[State] = []
        self.committed = 0
        self.memory = Memory()
        self._seen: object = ()

    def __call__(self, state: State) -> None:
        self.states.append(state)
        report = interim(state, state.now_s)
        if report is None or milestones(state) == self._seen:
            return
        self._seen = milestones(state)
        self.interims.append(report)
        self.committed += publish_report(self.fleet, report, self.memory).commit is not None
        assert () == publish_report(self.fleet, report).changed, "told twice, and without memory, it is the same"

    def run(self) -> Report:
        return run_once(self.fleet, Options(watch=self))


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """Two moves, one after the other: each is on its way from or to h2."""
    bench = Bench(tmp_path).build()
    bench.commit(web="h2", batch="h3")
    return Told(bench)


def test_each_interim_report_goes_on_where_the_last_one_ended_and_the_report_ends_it(told: Told) -> None:
    final = told.run()
    ended = [sum(run.progress.state is StepState.DONE for run in report.steps) for report in told.interims]
    assert ended == sorted(ended)
    assert (0, 2) == (ended[0], len(final.steps))
    assert {Result.RUNNING} == {report.result for report in told.interims}
    assert {final.id} == {report.id for report in told.interims}
    assert {2} == {len(report.steps) + len(report.plans[-1].steps) for report in told.interims}, "begun, or left to do"
    assert Result.CONVERGED is final.result


def test_the_status_branch_shows_what_is_under_way_and_the_record_comes_at_the_end(told: Told) -> None:
    final = told.run()
    branch = told.fleet.status()
    status = read_status(branch.read("index.json") or b"")
    assert status is not None
    assert (Result.RUNNING, True) == (status.result, bool(told.committed))
    assert () == branch.files("runs/")
    publish_report(told.fleet, final, told.memory)
    assert () == publish_report(told.fleet, final).changed
    branch = told.fleet.status()
    status = read_status(branch.read("index.json") or b"")
    assert status is not None
    assert (Result.CONVERGED, (), 1) == (status.result, status.moving, len(status.runs))
    assert (status.runs[0].path,) == branch.files("runs/")


def test_a_guest_on_its_way_is_told_of_as_planned_and_as_under_way(told: Told) -> None:
    """Both hosts know a guest in mid-migration: that is no second copy, and nobody is to be alarmed."""
    told.run()
    moving = [report for state in told.states if (report := interim(state, state.now_s)) is not None]
    for report in moving:
        under_way = {run.step.guest for run in report.steps if run.progress.state is StepState.STARTED}
        for guest in report.guests:
            if guest.diff.name in under_way:
                assert Finding.MISPLACED is guest.diff.finding
                assert guest.holding(ConditionType.RECONCILING) is not None
            assert guest.stalled is None
    assert any(run.progress.state is StepState.STARTED for report in moving for run in report.steps)


def test_a_guest_that_has_arrived_is_in_place_before_the_pass_is_over(told: Told) -> None:
    told.run()
    last = told.interims[-1]
    done = {run.step.guest for run in last.steps if run.progress.state is StepState.DONE}
    assert done
    assert done <= {guest.diff.name for guest in last.guests if guest.ready}


def test_there_is_nothing_to_tell_before_there_are_steps(told: Told) -> None:
    told.run()
    first = told.states[0]
    assert (None, ()) == (interim(first, first.now_s), milestones(first))
    assert interim(told.states[-1], 0.0) is None, "the pass is over"


def test_a_pass_that_is_left_reports_what_has_ended_and_the_next_one_the_rest(tmp_path: Path) -> None:
    bench = Bench(tmp_path).build()
    bench.commit(web="h2", batch="h3")
    fleet = open_fleet(read_settings(bench.settings))
    shells: list[Shell] = []

    def leave(state: State) -> None:
        """As Ctrl-C twice does, once one step has ended and the other is being carried out."""
        states = {found for _, _, found in milestones(state)}
        under_way = any("migrating" in text for text, _ in state.doing.values())
        if under_way and {StepState.DONE, StepState.STARTED} == states:
            shells[0].interrupt()
            shells[0].interrupt()

    with pytest.raises(Left) as caught:
        run_once(fleet, Options(watch=leave, ready=shells.append))
    left = caught.value.report
    assert left is not None
    assert (Result.INCOMPLETE, [StepState.DONE]) == (left.result, [run.progress.state for run in left.steps])
    (under_way,) = [guest for guest in left.guests if not guest.ready]
    assert (Finding.MISPLACED, None) == (under_way.diff.finding, under_way.stalled)
    assert under_way.holding(ConditionType.RECONCILING) is not None
    publish_report(fleet, left)

    final = run_once(fleet, Options())
    publish_report(fleet, final)
    begun = {note["guest"]: note["at_s"] for note in bench.journal if note["what"] == "step"}
    (adopted,) = final.adopted
    assert begun[under_way.diff.name] == adopted.progress.started_s, "it took as long as it took"
    moved = {run.step.guest for run in left.steps} | {move.guest for move in moves_of(final)}
    assert {"web", "batch"} == moved
    assert 2 == len(fleet.status().files("runs/"))


def test_a_pass_that_is_left_before_it_began_anything_reports_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path).build()
    shells: list[Shell] = []

    def leave(state: State) -> None:
        shells[0].interrupt()
        shells[0].interrupt()

    with pytest.raises(Left) as caught:
        run_once(open_fleet(read_settings(bench.settings)), Options(watch=leave, ready=shells.append))
    assert caught.value.report is None
