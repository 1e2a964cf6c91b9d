"""What earlier passes left behind can hold a pass back, never widen it (promise I10)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.core.execution.run import StepState
from reconciler.core.model import RunState
from reconciler.core.planning.ways.learned import RUNG, Sample, pace, paces
from reconciler.core.records import Stage
from reconciler.core.reports.report import Result
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.statefile import StateFile
from reconciler.drivers.simulated.world import World
from reconciler.git.committing.status_commit import Identity
from reconciler.git.status_branch import publish
from reconciler.loop import once
from reconciler.loop.journal import peek
from reconciler.loop.once import Options, apply_once, plan_documents, plan_once
from reconciler.loop.publishing import previous
from reconciler.loop.settings import read_settings
from reconciler.loop.state import State
from reconciler.loop.wiring import Fleet, open_fleet

API = "apiVersion: reconciler/v1alpha1\n"
FLEET = API + "kind: Fleet\nmetadata: {name: prod}\nspec: {mode: apply}\n"
HOST = API + "kind: Host\nmetadata: {{name: {0}}}\nspec: {{driver: simulated}}\n"
GUEST = API + "kind: Guest\nmetadata: {{name: {1}}}\nspec: {{host: {0}}}\n"
GIT = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.invalid", "-c", "commit.gpgsign=false")


class Site:
    """A repository, settings, and a simulated fleet: three hosts, two guests on h1, of which db has no document."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        hosts = [SimHost(name, networks=("lan0",)) for name in ("h1", "h2", "h3")]
        world = World.of(hosts, rules=refusal)
        attributes = {"os": "HPUX", "guest_kit": "yes", "inserted_media": "none"}
        for uuid, name in (("uuid-1", "web"), ("uuid-2", "db")):
            world.place(SimGuest(uuid, name, networks=("lan0",), attributes=attributes), "h1", (), RunState.RUNNING)
        StateFile.create(folder / "hosts.json", world, speed=2000)
        self.git("init", "--quiet", "--initial-branch=main", ".")
        for host in hosts:
            self.write(f"{host.name}.yaml", HOST.format(host.name))
        self.write("fleet.yaml", FLEET)
        (folder / "settings.toml").write_text(
            '[repository]\npath = "repository"\n'
            '[state]\nfolder = "state"\n'
            '[drivers.simulated]\nstate_file = "hosts.json"\n',
            encoding="utf-8",
        )

    def git(self, *words: str) -> str:
        (self.folder / "repository").mkdir(exist_ok=True)
        done = subprocess.run(
            (*GIT, *words), cwd=self.folder / "repository", check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        (self.folder / "repository" / name).write_text(text, encoding="utf-8")

    def wants(self, host: str) -> str:
        """Commit that the guest shall be there; the commit's id."""
        self.write("web.yaml", GUEST.format(host, "web"))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", f"web on {host}")
        return self.git("rev-parse", "HEAD")

    def fleet(self) -> Fleet:
        return open_fleet(read_settings(self.folder / "settings.toml"))

    def apply(self, **exceptions: bool) -> tuple[Result, list[str], str | None]:
        """The result, the brakes, and the commit on the status branch."""
        report, published = apply_once(self.fleet(), Options(**exceptions))  # type: ignore[arg-type]  # flags by name
        return report.result, [brake.reason for brake in report.brakes], published.commit


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_move_is_run_reported_and_then_nothing_is_done_or_committed_any_more(site: Site) -> None:
    site.wants("h2")
    result, _, commit = site.apply()
    assert Result.CONVERGED is result
    assert commit is not None
    assert (Result.CONVERGED, [], None) == site.apply()


def test_a_rewritten_branch_is_held_until_a_person_accepts_it(site: Site) -> None:
    first = site.wants("h1")
    site.wants("h2")
    site.apply()
    site.git("reset", "--quiet", "--hard", first)
    site.wants("h3")
    result, brakes, _ = site.apply()
    assert (Result.HELD, ["HistoryRewritten"]) == (result, brakes)
    assert (Result.HELD, ["HistoryRewritten"]) == site.apply()[:2], "being held once releases nothing"
    assert Result.CONVERGED is site.apply(accept_rewritten_history=True)[0]


def test_going_back_from_another_revision_is_held_and_not_called_rewritten_alone(site: Site) -> None:
    """Nobody rewrote main; what was acted on last lies on a branch that it does not have."""
    site.wants("h1")
    site.git("checkout", "--quiet", "-b", "two")
    site.wants("h2")
    two = open_fleet(read_settings(site.folder / "settings.toml"), "two")
    assert Result.CONVERGED is apply_once(two, Options())[0].result
    site.git("checkout", "--quiet", "main")
    [brake] = plan_once(site.fleet()).plan.brakes
    assert "HistoryRewritten" == brake.reason
    assert "another revision (--rev), or the branch was rewritten" in brake.text
    site.git("merge", "--quiet", "two")
    assert () == plan_once(site.fleet()).plan.brakes


def test_a_plan_that_was_declined_or_held_was_not_acted_on(site: Site) -> None:
    main = site.wants("h1")
    site.git("checkout", "--quiet", "-b", "try")
    site.wants("h2")
    report, _ = apply_once(
        open_fleet(read_settings(site.folder / "settings.toml"), "try"), Options(ask=lambda plan: False)
    )
    assert ["NotApproved"] == [brake.reason for brake in report.brakes]
    site.git("checkout", "--quiet", "main")
    assert main != site.wants("h3")
    assert (Result.CONVERGED, []) == site.apply()[:2]


def test_a_plan_shows_the_brake_that_apply_would_meet(site: Site) -> None:
    first = site.wants("h1")
    site.wants("h2")
    site.apply()
    site.git("reset", "--quiet", "--hard", first)
    site.wants("h3")
    assert ["HistoryRewritten"] == [brake.reason for brake in plan_once(site.fleet()).plan.brakes]


def test_three_bad_runs_suspend_the_fleet_until_a_person_resumes_it(site: Site) -> None:
    site.wants("h1")
    site.apply()
    (site.folder / "state" / "runs.json").write_text('{"bad_in_a_row": 3}', encoding="utf-8")
    site.wants("h2")
    assert (Result.HELD, ["Suspended"]) == site.apply()[:2]
    assert Result.CONVERGED is site.apply(resume=True)[0]


def test_a_guest_that_was_last_reported_on_a_host_that_is_away_now_is_left_alone(site: Site) -> None:
    """It was on h2 when h2 was read last. Now a copy shows up on h1, and h2 does not answer."""
    site.wants("h2")
    site.apply()
    with StateFile(site.folder / "hosts.json", rules=refusal).change() as world:
        world.move_by_hand("uuid-1", "h1", leave_definition=True)
        world.partition("h2")
    site.wants("h3")
    report, _ = apply_once(site.fleet(), Options())
    assert Result.BLOCKED is report.result
    assert ["OwnerUnknown"] == [entry.reason for entry in report.plans[-1].blocked]


def test_what_cannot_be_read_on_the_status_branch_is_not_known_and_forbids_nothing(site: Site) -> None:
    site.wants("h2")
    site.apply()
    fleet = site.fleet()
    assert {"h1", "h2", "h3"} == set(previous(fleet.status()).machines)
    garbage = {"observed/h1.json": b"not json", "observed/h2.json": b"[" * 100_000}
    publish(fleet.repository, fleet.status_ref, garbage, "by hand", (), Identity("Eve", "eve@example.invalid"), 1)
    known = previous(fleet.status())
    assert {"h3"} == set(known.machines) == set(known.guests)
    site.wants("h3")
    assert Result.CONVERGED is site.apply()[0]


def test_a_commit_that_comes_during_a_pass_wins(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guest is on its way to h2 when somebody decides for h3: it arrives, and goes on from there, in the same
    pass.
    """
    monkeypatch.setattr(once, "FOLLOW_S", 0.0)
    site.wants("h2")
    newer: list[str] = []

    def meanwhile(state: State) -> None:
        if not newer and any(move.record.stage is Stage.MIGRATING for move in state.moves.values()):
            newer.append(site.wants("h3"))

    report, _ = apply_once(site.fleet(), Options(watch=meanwhile))
    assert Result.CONVERGED is report.result
    assert report.commit is not None
    assert newer == [report.commit.id]
    assert [("h1", "h2"), ("h2", "h3")] == [(run.step.source, run.step.target) for run in report.steps]


def test_nothing_more_begins_when_the_newest_commit_is_held(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two guests leave h1 one after the other. While the first is under way, a commit comes that cannot be read."""
    monkeypatch.setattr(once, "FOLLOW_S", 0.0)
    site.write("db.yaml", GUEST.format("h3", "db"))
    site.wants("h2")

    def meanwhile(state: State) -> None:
        if state.moves and not (site.folder / "repository" / "bad.yaml").exists():
            site.write("bad.yaml", "kind: [")
            site.wants("h2")

    report, _ = apply_once(site.fleet(), Options(watch=meanwhile))
    assert [StepState.DONE, StepState.SKIPPED] == sorted(run.progress.state for run in report.steps)
    assert Result.INCOMPLETE is report.result


def ran(site: Site, host: str) -> float:
    """The guest is moved there: how many seconds that took."""
    site.wants(host)
    report, _ = apply_once(site.fleet(), Options())
    (done,) = report.steps
    assert StepState.DONE is done.progress.state
    assert done.progress.started_s is not None
    assert done.progress.ended_s is not None
    return done.progress.ended_s - done.progress.started_s


def test_what_moves_took_makes_the_next_prediction_and_outlives_the_state_folder(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.wants("h2")
    model_s = plan_once(site.fleet()).plan.steps[0].duration_s
    took = [ran(site, host) for host in ("h2", "h3", "h1")]
    past = [Sample("any", "other", "", "online, 2 GiB", model_s, seconds) for seconds in took]
    site.wants("h2")
    learned = plan_once(site.fleet()).plan.steps[0]
    assert "online, 2 GiB" == learned.guest_class
    assert model_s == pytest.approx(learned.model_s, abs=0.1)
    factor = pace(paces(past), "h1", "h2", "", "online, 2 GiB")
    assert factor * model_s == pytest.approx(learned.duration_s, rel=RUNG - 1)  # times are kept in tenths
    (tmp_path / "state" / "durations.json").unlink()
    assert learned == plan_once(site.fleet()).plan.steps[0]  # from the run records
    ran(site, "h2")
    assert 4 == len(peek(tmp_path / "state").samples)


def test_a_plan_made_of_two_files_takes_nothing_from_the_past(tmp_path: Path) -> None:
    site = Site(tmp_path)
    for host in ("h2", "h3", "h1"):
        ran(site, host)
    site.wants("h2")
    planned = plan_once(site.fleet())
    bare = plan_documents(site.fleet().written, planned.observed).plan.steps[0]
    assert bare.duration_s == bare.model_s == pytest.approx(planned.plan.steps[0].model_s, abs=0.1)
