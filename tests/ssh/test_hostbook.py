"""The host's side of a command: one lock, guards, slots, records written whole, jobs that go on by themselves.

hostbook.sh is run here as a host would run it, by a plain POSIX shell, in a folder of its own.
"""

from __future__ import annotations

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.commands import Answer, AnswerKind, Guard, Verb
from reconciler.core.model import Method, RunState, StepKind
from reconciler.core.records import MoveRecord, Parked, Stage
from reconciler.ssh.hostbook import Deed, How, answer, hostbook, invocation, record_from

RECORD = MoveRecord(
    id="r1",
    guest_uuid="11111111-aaaa-4aaa-8aaa-111111111111",
    guest_name="web",
    kind=StepKind.MIGRATE,
    source="a",
    target="b",
    method=Method.ONLINE,
    was=RunState.RUNNING,
    intent="intent",
    facts="facts",
    controller="us",
    expires_s=time.time() + 86_400,  # from when tests are collected, which can be long before they run
    note="a 'quoted' $(note) \\ with \"marks\" and ü",
)
OTHER = replace(RECORD, id="r2", guest_uuid="22222222-bbbb-4bbb-8bbb-222222222222", controller="them")
OURS = Guard("r1", "us", (Stage.CLAIMED,))
NOTHING = Deed()
DEADLINE_S = 60


class Host:
    """One folder, as a host keeps it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def tell(self, verb: Verb, record: MoveRecord, guard: Guard | None = None, deed: Deed = NOTHING) -> Answer:
        argv = invocation(str(self.folder), verb, record, guard, deed)
        ran = subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        return answer(ran.returncode, ran.stdout, ran.stderr)

    def records(self) -> list[MoveRecord]:
        return [record_from(path.read_text()) for path in sorted((self.folder / "records").glob("*"))]

    def job_file(self, job: str, name: str) -> str:
        """What a file of a job holds, once it is there."""
        path = self.folder / "jobs" / job / name
        until_s = time.monotonic() + DEADLINE_S
        while not path.is_file() and time.monotonic() < until_s:
            time.sleep(0.02)
        return path.read_text()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "book")


def test_a_claim_writes_the_record_so_that_it_reads_back_the_same(host: Host) -> None:
    assert AnswerKind.DONE is host.tell(Verb.CLAIM, RECORD).kind
    assert [RECORD] == host.records()
    assert ["jobs", "records"] == sorted(path.name for path in host.folder.iterdir()), "the lock is given back"


def test_of_many_claims_at_once_one_holds_the_only_slot(host: Host) -> None:
    rivals = [replace(RECORD, id=f"r{n}", guest_uuid=f"guest-{n}", controller=f"c{n}") for n in range(12)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda record: host.tell(Verb.CLAIM, record), rivals))
    assert 1 == sum(found.kind is AnswerKind.DONE for found in answers)
    assert {AnswerKind.DONE, AnswerKind.FAILED} == {found.kind for found in answers}
    assert 1 == len(host.records())


def test_a_guest_that_is_held_is_not_claimed(host: Host) -> None:
    host.tell(Verb.CLAIM, RECORD)
    found = host.tell(Verb.CLAIM, replace(RECORD, id="r9", controller="them"))
    assert (AnswerKind.FAILED, "the guest is held: record r1 of us") == (found.kind, found.output)


@pytest.mark.parametrize(
    ("guard", "says"),
    [
        (None, "nothing is written without a guard"),
        (Guard("r7", "us", (Stage.CLAIMED,)), "record r7 does not lie here"),
        (Guard("r1", "them", (Stage.CLAIMED,)), "record r1 is under us, not them"),
        (Guard("r1", "us", (Stage.STOPPING, Stage.MIGRATING)), "record r1 is at stage claimed"),
    ],
)
def test_nothing_is_done_where_the_guard_does_not_hold(host: Host, guard: Guard | None, says: str) -> None:
    host.tell(Verb.CLAIM, RECORD)
    deed = Deed(How.JOB, ("touch", str(host.folder / "done")), "r1.1.stop")
    found = host.tell(Verb.STOP, replace(RECORD, stage=Stage.STOPPING), guard, deed)
    assert AnswerKind.GUARDED is found.kind
    assert says in found.output
    assert [RECORD] == host.records()
    assert not (host.folder / "done").exists()


def test_an_expired_record_lets_nothing_through_and_is_adopted(host: Host) -> None:
    old = replace(RECORD, expires_s=time.time() - 5)
    host.tell(Verb.CLAIM, old)
    assert "record r1 expired" in host.tell(Verb.RENEW, RECORD, OURS).output
    adopted = replace(RECORD, controller="them")
    adopt = Guard("r1", "us", (Stage.CLAIMED,), may_be_expired=True)
    assert AnswerKind.DONE is host.tell(Verb.RENEW, adopted, adopt).kind
    assert [adopted] == host.records()


def test_a_record_that_lives_is_not_adopted(host: Host) -> None:
    host.tell(Verb.CLAIM, RECORD)
    adopt = Guard("r1", "us", (Stage.CLAIMED,), may_be_expired=True)
    assert AnswerKind.GUARDED is host.tell(Verb.RENEW, replace(RECORD, controller="them"), adopt).kind


def test_a_parked_record_frees_the_slot_and_is_replaced_only_by_who_names_it(host: Host) -> None:
    host.tell(Verb.CLAIM, RECORD)
    assert AnswerKind.FAILED is host.tell(Verb.CLAIM, OTHER).kind
    parked = replace(RECORD, stage=Stage.PARKED, parked=Parked.ABORTED)
    assert AnswerKind.DONE is host.tell(Verb.PARK, parked, OURS).kind
    assert AnswerKind.DONE is host.tell(Verb.CLAIM, OTHER).kind
    host.tell(Verb.RELEASE, OTHER, Guard("r2", "them", (Stage.CLAIMED,)))
    assert AnswerKind.FAILED is host.tell(Verb.CLAIM, replace(RECORD, id="r3")).kind
    again = host.tell(Verb.CLAIM, replace(RECORD, id="r3"), Guard("r1", "us", (Stage.PARKED,), may_be_expired=True))
    assert AnswerKind.DONE is again.kind


def test_a_job_goes_on_by_itself_and_leaves_output_and_status(host: Host) -> None:
    host.tell(Verb.CLAIM, RECORD)
    argv = ("sh", "-c", "echo begun; until [ -f go ]; do sleep 1; done; echo ended; exit 3")
    stage = replace(RECORD, stage=Stage.MIGRATING)
    found = host.tell(Verb.MIGRATE, stage, OURS, Deed(How.JOB, argv, "r1.1.migrate"))
    assert (AnswerKind.DONE, 0) == (found.kind, found.status)
    pid = int(host.job_file("r1.1.migrate", "pid"))
    os.kill(pid, 0)
    guard = Guard("r1", "us", (Stage.MIGRATING,))
    twice = host.tell(Verb.MIGRATE, stage, guard, Deed(How.JOB, argv, "r1.1.migrate"))
    assert (AnswerKind.FAILED, "job r1.1.migrate runs already") == (twice.kind, twice.output)
    (host.folder / "jobs" / "r1.1.migrate" / "go").touch()
    assert "3\n" == host.job_file("r1.1.migrate", "status")
    assert "begun\nended\n" == host.job_file("r1.1.migrate", "output")
    assert AnswerKind.DONE is host.tell(Verb.RELEASE, RECORD, guard).kind
    assert [] == list((host.folder / "jobs").iterdir())


def test_a_short_job_answers_with_its_own_status_and_output(host: Host) -> None:
    host.tell(Verb.CLAIM, RECORD)
    deed = Deed(How.JOB, ("sh", "-c", "echo no such guest >&2; exit 4"), "r1.1.stop", wait_s=5)
    found = host.tell(Verb.STOP, RECORD, OURS, deed)
    assert (AnswerKind.FAILED, 4, "no such guest") == (found.kind, found.status, found.output)


def test_words_of_a_deed_arrive_as_they_are(host: Host) -> None:
    words = ("printf", "%s|", "a b", "$(reboot)", "'", '"', "\\", "*", "-n", "")
    found = host.tell(Verb.CHECK, RECORD, None, Deed(How.RUN, words))
    assert (AnswerKind.DONE, "a b|$(reboot)|'|\"|\\|*|-n||") == (found.kind, found.output)


def test_a_deed_waits_for_no_command_that_must_not_run_beside_it(host: Host, tmp_path: Path) -> None:
    rival = tmp_path / "hpvmrival"
    rival.write_text("#!/bin/sh\nsleep 60\n")
    rival.chmod(0o755)
    running = subprocess.Popen([rival])
    try:
        host.tell(Verb.CLAIM, RECORD)
        found = host.tell(Verb.CHECK, RECORD, None, Deed(How.RUN, ("echo", "done"), alone="hpvmrival"))
        assert (AnswerKind.FAILED, "another hpvmrival is running here") == (found.kind, found.output)
    finally:
        running.kill()
        running.wait()


def test_the_lock_of_a_process_that_died_is_broken(host: Host) -> None:
    host.tell(Verb.CLAIM, RECORD)
    died = subprocess.Popen(["true"])
    died.wait()
    (host.folder / "lock").symlink_to(f"{died.pid}.{int(time.time())}")
    assert AnswerKind.DONE is host.tell(Verb.RENEW, RECORD, OURS).kind
    assert not (host.folder / "lock").is_symlink()


def test_a_lock_that_is_held_is_waited_for(host: Host) -> None:
    host.tell(Verb.CLAIM, RECORD)
    lock = host.folder / "lock"
    lock.symlink_to(f"{os.getpid()}.{int(time.time())}")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(host.tell, Verb.RENEW, RECORD, OURS)
        time.sleep(0.5)
        assert not waiting.done()
        lock.unlink()
        assert AnswerKind.DONE is waiting.result().kind


def test_without_a_verdict_nothing_is_known() -> None:
    assert Answer(AnswerKind.LOST, 127, "sh: not found") == answer(127, "", "sh: not found\n")
    assert Answer(AnswerKind.LOST, None, "") == answer(None, "@reconciler done rewrite\n", "")


def test_chatter_before_the_verdict_does_no_harm_and_a_second_verdict_is_output() -> None:
    found = answer(1, "Welcome!\n@reconciler done rewrite\n@reconciler guarded x\n", "")
    assert Answer(AnswerKind.FAILED, 1, "@reconciler guarded x") == found


@pytest.mark.parametrize("text", ["", "1 r1 x\n{}", "1 r2 g us claimed 1 1\n{}", "garbage\n" + "[" * 100_000])
def test_what_is_no_record_is_not_read_as_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"record|Expecting"):
        record_from(text)


def test_the_program_uses_no_command_that_hp_ux_lacks() -> None:
    for missing in (
        "timeout",
        "flock",
        "sha256sum",
        "readlink",
        "mktemp",
        "setsid",
        "stat ",
        "date +%s",
        "[[",
        "local ",
    ):
        assert missing not in hostbook()


UNREADABLE_HEADS = (
    "",
    "1 r2",
    "1 r2 guest them claimed soon 1",
    f"1 r2 guest them claimed {'9' * 40} 1",
    "1 r2 guest them claimed  ?",
)


@pytest.mark.parametrize("head", UNREADABLE_HEADS)
def test_a_record_whose_end_cannot_be_read_holds_its_slot(host: Host, head: str) -> None:
    host.tell(Verb.CLAIM, OTHER)
    host.tell(Verb.RELEASE, OTHER, Guard("r2", "them", (Stage.CLAIMED,)))
    (host.folder / "records" / "guest").write_text(f"{head}\n{{}}\n" if head else "")
    found = host.tell(Verb.CLAIM, RECORD)
    assert AnswerKind.FAILED is found.kind, found
    assert not (host.folder / "records" / RECORD.guest_uuid).exists()


@pytest.mark.parametrize("expires", ["soon", "", "9" * 40])
def test_a_guard_does_not_hold_where_the_record_s_end_cannot_be_read(host: Host, expires: str) -> None:
    host.tell(Verb.CLAIM, RECORD)
    path = host.folder / "records" / RECORD.guest_uuid
    path.write_text(f"1 r1 {RECORD.guest_uuid} us claimed {expires} 1\n{{}}\n")
    deed = Deed(How.RUN, ("touch", str(host.folder / "done")))
    found = host.tell(Verb.MIGRATE, replace(RECORD, stage=Stage.MIGRATING), OURS, deed)
    assert (AnswerKind.GUARDED, False) == (found.kind, (host.folder / "done").exists()), found


@pytest.mark.parametrize(
    ("place", "word"), [(0, "2"), (1, "r9"), (2, "guest"), (3, "them"), (4, "migrating"), (5, "7"), (6, "0")]
)
def test_a_record_whose_two_lines_differ_in_anything_is_none(host: Host, place: int, word: str) -> None:
    """The host decides by the first line, the controller by the second."""
    host.tell(Verb.CLAIM, RECORD)
    head, _, body = (host.folder / "records" / RECORD.guest_uuid).read_text().partition("\n")
    words = head.split()
    words[place] = word
    with pytest.raises(ValueError, match="two lines"):
        record_from(f"{' '.join(words)}\n{body}")
