"""The hosts can take move records and jobs: hostbook.sh runs on them, with what HP-UX has and nothing more."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.core.commands import AnswerKind, Guard, Verb
from reconciler.core.model import Load, Method, RunState, StepKind
from reconciler.core.records import MoveRecord, Stage
from reconciler.ssh.hostbook import Deed, How, answer, invocation
from tests.drivers.hosts.fleet import SshdFleet
from tests.drivers.hosts.shell import say
from tests.drivers.hosts.test_fleet import WEB, row, wait_for, world

pytestmark = pytest.mark.slow

FOLDER = "/var/opt/reconciler"
MIGRATE = ("hpvmmigrate", "-o", "-P", "web", "-h", "b-hpvm-migr")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[SshdFleet]:
    """Hosts a and b, at the wall's own speed."""
    with SshdFleet.start(tmp_path, world(), speed=1.0) as started:
        yield started


def record(stage: Stage = Stage.CLAIMED) -> MoveRecord:
    return MoveRecord(
        id="m1", guest_uuid=WEB, guest_name="web", kind=StepKind.MIGRATE, source="a", target="b",
        method=Method.ONLINE, was=RunState.RUNNING, intent="i", facts="f", controller="me",
        load=Load(4096, 10, 0), expires_s=time.time() + 600, stage=stage,
    )  # fmt: skip


def tell(fleet: SshdFleet, verb: Verb, move: MoveRecord, deed: Deed | None = None) -> AnswerKind:
    guard = None if verb is Verb.CLAIM else Guard("m1", "me", tuple(Stage))
    said = say(fleet, "a", shlex.join(invocation(FOLDER, verb, move, guard, deed or Deed())))
    return answer(said.status, said.out, said.err).kind


def test_a_migration_is_a_job_that_outlives_its_session(fleet: SshdFleet) -> None:
    job = Deed(How.JOB, MIGRATE, "m1.1.migrate", alone="hpvmmigrate")
    assert AnswerKind.DONE is tell(fleet, Verb.CLAIM, record())
    assert AnswerKind.FAILED is tell(fleet, Verb.CLAIM, record())
    assert AnswerKind.DONE is tell(fleet, Verb.MIGRATE, record(Stage.MIGRATING), job)
    wait_for(fleet, "b", "web", "On (MGT)")
    other = Deed(How.JOB, MIGRATE, "m1.2.migrate", alone="hpvmmigrate")
    assert AnswerKind.FAILED is tell(fleet, Verb.MIGRATE, record(Stage.MIGRATING), other)
    fleet.wind(100)
    assert "0\n" == fleet.path("a", f"{FOLDER}/jobs/m1.1.migrate/status").read_text()
    assert "On (OS)" == row(fleet, "b", "web")


def test_records_expire_by_the_wound_clock_of_their_host(fleet: SshdFleet) -> None:
    assert AnswerKind.DONE is tell(fleet, Verb.CLAIM, record())
    fleet.wind(700)
    assert AnswerKind.GUARDED is tell(fleet, Verb.RENEW, record())


def test_no_record_is_written_on_a_full_disk(fleet: SshdFleet) -> None:
    assert AnswerKind.DONE is tell(fleet, Verb.CLAIM, record())
    fleet.fill("a")
    assert AnswerKind.FAILED is tell(fleet, Verb.RENEW, record(Stage.MIGRATING))
    fleet.empty("a")
    assert AnswerKind.DONE is tell(fleet, Verb.RENEW, record(Stage.MIGRATING))
