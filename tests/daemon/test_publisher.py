"""Publishing beside the passes: nothing that goes wrong there ends it."""

from __future__ import annotations

import threading
from typing import Any, cast

from reconciler.core.reports.report import Report, Result
from reconciler.errors import GitError, ReconcilerError
from reconciler.git.status_branch import Published
from reconciler.loop.daemon.publisher import Publisher, Waiting
from reconciler.loop.wiring import Fleet

FLEET = cast("Fleet", object())


class Told:
    """A report that is only its result and its name."""

    def __init__(self, name: str, result: Result = Result.CONVERGED) -> None:
        self.id, self.result = name, result


def report(name: str, result: Result = Result.CONVERGED) -> Report:
    return cast("Report", Told(name, result))


def publisher(outcomes: list[Any]) -> tuple[Publisher, list[str], list[str]]:
    """One whose publishing comes out like this, time after time; what was published, and what failed."""
    published: list[str] = []
    failed: list[str] = []

    def publish(fleet: Fleet, report: Report) -> Published:
        outcome = outcomes.pop(0) if outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, threading.Event):
            outcome.wait(10)
        published.append(report.id)
        return Published("c", ())

    def later(waiting: Waiting, error: ReconcilerError) -> None:
        failed.append(error.what)

    return Publisher(publish, lambda waiting, done: None, later), published, failed


def test_a_mistake_of_ours_does_not_end_the_reports() -> None:
    ours, published, failed = publisher([ValueError("a mistake")])
    ours.put(FLEET, report("one"))
    assert not ours.wait(10)
    assert ["the report could not be published: ValueError('a mistake')"] == failed
    ours.put(FLEET, report("two"))
    assert ours.wait(10)
    assert ["one", "two"] == published
    ours.close(1)


def test_what_failed_goes_out_first_when_git_is_back() -> None:
    ours, published, failed = publisher([GitError("away")])
    for name in ("one", "two", "three"):
        ours.put(FLEET, report(name))
    assert ours.wait(10) or ours.unpublished
    ours.put(FLEET, report("four"))
    assert ours.wait(10)
    assert ["one", "two", "three", "four"] == published
    assert ["away"] == failed
    ours.close(1)


def test_what_is_told_of_a_pass_under_way_gives_place_to_what_comes_after() -> None:
    held = threading.Event()
    ours, published, _ = publisher([held])
    ours.put(FLEET, report("first"))
    ours.put(FLEET, report("half", Result.RUNNING))
    ours.put(FLEET, report("whole"))
    held.set()
    assert ours.wait(10)
    assert ["first", "whole"] == published
    ours.close(1)


def test_an_errand_that_fails_leaves_the_reports_alone() -> None:
    ours, published, _ = publisher([])

    def errand() -> None:
        raise ValueError

    ours.run(errand)
    ours.put(FLEET, report("one"))
    assert ours.wait(10)
    assert ["one"] == published
    ours.close(1)
