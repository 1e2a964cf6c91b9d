"""Suspensions, maintenance, drift and fights: the right thing to do is nothing, and the status says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ExitCode
from reconciler.git.plumbing import Repository
from tests.cli.bench import UUIDS, Bench
from tests.daemon.running import daemon, eventually

FLEET = "apiVersion: reconciler/v1alpha1\nkind: Fleet\nmetadata: {name: bench}\nspec:\n  mode: apply\n"
HOST = "apiVersion: reconciler/v1alpha1\nkind: Host\nmetadata: {name: %s}\nspec: {driver: simulated%s}\n"
WHY = "suspend: {reason: on sale}"


def reasons(bench: Bench) -> dict[str, str]:
    """Why guests are left alone, by the plan."""
    plan = bench.call("plan", "-o", "json").json
    return {entry["guest"]: entry["reason"] for entry in plan["blocked"]}


def declare(bench: Bench, fleet: str = "", **hosts: str) -> None:
    """Commit further lines of the Fleet's spec, and further fields of hosts."""
    (bench.desired / "fleet.yaml").write_text(FLEET + fleet)
    documents = [HOST % (name, f", {hosts[name]}" if name in hosts else "") for name in ("h1", "h2", "h3")]
    (bench.desired / "hosts.yaml").write_text("---\n".join(documents))
    bench.git("add", "--all")
    bench.git("commit", "--quiet", "--allow-empty", "--message=Declare")


def moved_by_hand(bench: Bench, guest: str, host: str) -> None:
    """Somebody moved it with the platform's own commands."""

    bench.change_hosts(lambda world: world.move_by_hand(UUIDS[guest], host, leave_definition=False))


# --- suspensions -----------------------------------------------------------------------------------------------------


def test_a_suspended_guest_is_left_alone_and_the_others_are_not(bench: Bench) -> None:
    bench.more["web"] = f"  {WHY}\n"
    bench.commit(web="h2", batch="h3")
    assert ExitCode.HELD == bench.call("apply", "--yes").code
    assert (["h1"], ["h3"]) == (bench.where("web"), bench.where("batch"))
    assert {"web": "GuestSuspended"} == reasons(bench)
    assert "on sale" in bench.call("status").out


def test_a_suspension_that_has_run_out_holds_nothing(bench: Bench) -> None:
    bench.more["web"] = "  suspend: {reason: on sale, until: 2020-01-01T00:00:00Z}\n"
    bench.commit(web="h2")
    assert (0, ["h2"]) == (bench.call("apply", "--yes").code, bench.where("web"))


@pytest.mark.parametrize("host", ["h1", "h2"])
def test_nothing_leaves_or_comes_to_a_suspended_host(bench: Bench, host: str) -> None:
    bench.commit(web="h2", batch="h3")
    declare(bench, **{host: WHY})
    bench.call("apply", "--yes")
    assert ["h1"] == bench.where("web")
    assert "HostSuspended" == reasons(bench)["web"]


def test_a_host_under_maintenance_lets_guests_go_and_takes_none(bench: Bench) -> None:
    bench.commit(web="h3", batch="h1")
    declare(bench, h1="maintenance: {reason: new power supply}")
    bench.call("apply", "--yes")
    assert (["h3"], ["h2"]) == (bench.where("web"), bench.where("batch"))
    assert {"batch": "HostInMaintenance"} == reasons(bench)


def test_a_suspended_fleet_does_nothing(bench: Bench) -> None:
    bench.commit(web="h2")
    declare(bench, "  suspend: {reason: storage upgrade}\n")
    found = bench.call("apply", "--yes")
    assert (ExitCode.HELD, ["h1"]) == (found.code, bench.where("web"))
    assert "FleetSuspended" in found.out
    assert "storage upgrade" in found.out


@pytest.mark.parametrize("what", [("fleet",), ("host", "h2"), ("guest", "web")], ids=lambda what: what[0])
def test_an_operator_suspends_and_resumes_under_a_running_daemon(bench: Bench, what: tuple[str, ...]) -> None:
    with daemon(bench.settings) as running:
        assert 0 == bench.executable("suspend", *what, "--reason", "wait for Ada").code
        running.hears("pass-ended")
        bench.commit(web="h2")
        running.hears("published")
        assert ["h1"] == bench.where("web")
        assert "wait for Ada" in bench.executable("suspend").out
        assert 0 == bench.executable("resume", *what).code
        eventually(lambda: bench.where("web") == ["h2"])
    assert "Nothing is suspended" in bench.executable("suspend").out


def test_what_is_suspended_in_mid_pass_does_not_begin(tmp_path: Any) -> None:
    bench = Bench(tmp_path).build(speed=4.0)  # slow enough for a process to start meanwhile, on a busy machine
    declare(bench, "  limits: {concurrent: 1}\n")
    with daemon(bench.settings) as running:
        bench.commit(web="h2", batch="h3")
        declare(bench, "  limits: {concurrent: 1}\n")
        eventually(lambda: "migrate" in bench.sent())
        first = next(note["record"] for note in bench.journal if note.get("verb") == "migrate")
        names = {note["record"]: note["guest"] for note in bench.journal if note["what"] == "step"}
        other = "web" if names[first] == "batch" else "batch"
        bench.executable("suspend", "guest", other, "--reason", "not now")
        running.hears("pass-ended", result="blocked")
    assert ["h1" if other == "web" else "h2"] == bench.where(other)


def test_a_suspension_says_why_and_ends_in_the_future(bench: Bench) -> None:
    assert ExitCode.USAGE == bench.call("suspend", "fleet").code
    assert ExitCode.USAGE == bench.call("suspend", "host", "--reason", "x").code
    assert "is over" in bench.call("suspend", "fleet", "--reason", "x", "--until", "2020-01-01T00:00:00Z").err


@pytest.mark.parametrize("what", [("--for", "0h"), ("--for", "1h", "--until", "2030-01-01T00:00:00Z")], ids=" ".join)
def test_a_suspension_that_ends_at_once_takes_no_other_ones_place(bench: Bench, what: tuple[str, ...]) -> None:
    bench.call("suspend", "guest", "web", "--reason", "on sale")
    assert ExitCode.USAGE == bench.call("suspend", "guest", "web", "--reason", "x", *what).code
    assert "on sale" in bench.call("suspend").out


def test_suspensions_end_by_the_clock_that_the_fleet_lives_by(bench: Bench) -> None:
    """The simulated fleet's clock begins at 22:13 UTC in 2023: years behind the machine's, and it might be ahead."""
    assert "until 2023-11-15 00:1" in bench.call("suspend", "guest", "web", "--reason", "x", "--for", "2h").out
    found = bench.call("suspend", "guest", "web", "--reason", "x", "--until", "2023-11-14T22:00:00Z")
    assert (ExitCode.USAGE, True) == (found.code, "is over: it is 2023-11-14 22:1" in found.err)
    assert 0 == bench.call("suspend", "guest", "web", "--reason", "x", "--until", "2023-11-16T00:00:00Z").code
    bench.commit(web="h2")
    assert (ExitCode.HELD, ["h1"]) == (bench.call("apply", "--yes").code, bench.where("web"))


@pytest.mark.parametrize(
    ("what", "name", "told"),
    [
        ("guest", "wbe", "no Guest document declares 'wbe'\nhint: did you mean web?"),
        ("guest", "h1", "no Guest document declares 'h1'\nhint: Declared are: batch, db, web."),
        ("host", "h11", "no Host document declares 'h11'\nhint: did you mean h1?"),
        ("host", "../x", "no Host document declares '../x'"),
    ],
)
def test_a_name_that_no_document_declares_is_not_suspended(bench: Bench, what: str, name: str, told: str) -> None:
    """It would look protected, and be moved all the same."""
    found = bench.call("suspend", what, name, "--reason", "x")
    assert (ExitCode.USAGE, "") == (found.code, found.out)
    assert told in found.err
    assert "Nothing is suspended" in bench.call("suspend").out


def test_a_guest_whose_document_is_set_aside_can_be_suspended(bench: Bench) -> None:
    bench.more["web"] = "  force: true\n"
    bench.commit()
    assert 0 == bench.call("suspend", "guest", "web", "--reason", "x").code


@pytest.mark.parametrize("broken", ["documents", "repository", "hosts"])
@pytest.mark.parametrize("name", ["web", "wbe"])
def test_suspending_works_when_nothing_can_be_read(bench: Bench, broken: str, name: str) -> None:
    if broken == "documents":
        (bench.desired / "fleet.yaml").write_text("kind: Pod\n")
        bench.git("commit", "--quiet", "--all", "--message=Break it")
    elif broken == "repository":
        (bench.folder / "fleet").rename(bench.folder / "gone")
    else:
        bench.hosts.write_text("{")
    for what, given in (("guest", name), ("host", "h1"), ("fleet", "")):
        found = bench.call("suspend", what, *([given] if given else []), "--reason", "smoke", "--for", "4h")
        assert 0 == found.code, found.err
        warned = f"warning: suspended, but nobody knows whether {what} {given} is declared: " in found.err
        assert warned is (what != "fleet")
    assert 3 == bench.call("suspend").out.count("smoke")
    assert ExitCode.USAGE == bench.call("suspend", "guest", "we b", "--reason", "x").code
    assert 3 == bench.call("suspend").out.count("smoke")


def test_the_whole_fleet_is_suspended_without_a_look_at_the_repository(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a file system that hangs, a look would last for minutes."""
    monkeypatch.setattr(Repository, "open", lambda path: pytest.fail(f"{path} was opened"))
    assert 0 == bench.call("suspend", "fleet", "--reason", "smoke").code


def test_names_are_those_of_the_commit_that_is_acted_on_where_a_newer_one_cannot_be_read(bench: Bench) -> None:
    bench.call("apply", "--yes")
    (bench.desired / "fleet.yaml").write_text("kind: Pod\n")
    bench.git("commit", "--quiet", "--all", "--message=Break it")
    known, unknown = (bench.call("suspend", "guest", name, "--reason", "x", "--for", "2h") for name in ("web", "wbe"))
    assert (0, "", 0) == (known.code, known.err, unknown.code)
    assert "nobody knows whether guest wbe is declared: desired/fleet.yaml:1:7: " in unknown.err
    assert 2 == unknown.out.count("until 2023-11-15 00:")


def test_a_file_of_suspensions_that_cannot_be_read_suspends_everything(bench: Bench) -> None:
    (bench.folder / "state").mkdir()
    (bench.folder / "state" / "suspensions.json").write_text("{")
    bench.commit(web="h2")
    found = bench.call("apply", "--yes")
    assert (ExitCode.HELD, ["h1"]) == (found.code, bench.where("web"))
    bench.call("resume", "fleet")
    assert (0, ["h2"]) == (bench.call("apply", "--yes").code, bench.where("web"))


# --- drift -----------------------------------------------------------------------------------------------------------


def drifted(bench: Bench, fleet: str = "") -> None:
    """The fleet was in order; then somebody moved `web` from h1 to h2."""
    declare(bench, fleet)
    assert 0 == bench.call("apply", "--yes").code
    moved_by_hand(bench, "web", "h2")


def test_drift_is_reported_and_left_alone(bench: Bench) -> None:
    drifted(bench)
    assert ExitCode.HELD == bench.call("apply", "--yes").code
    assert ["h2"] == bench.where("web")
    assert {"web": "Drifted"} == reasons(bench)
    assert "its document is the same" in " ".join(bench.call("status").out.split())


def test_a_person_can_have_it_corrected_once(bench: Bench) -> None:
    drifted(bench)
    assert (0, ["h1"]) == (bench.call("apply", "--yes", "--correct-drift").code, bench.where("web"))


def test_drift_is_corrected_where_the_fleet_says_so(bench: Bench) -> None:
    drifted(bench, "  drift: correct\n")
    assert (0, ["h1"]) == (bench.call("apply", "--yes").code, bench.where("web"))


def test_the_settings_can_forbid_it(bench: Bench) -> None:
    bench.settings.write_text(bench.settings.read_text() + '[ceilings]\ndrift = "report"\n')
    drifted(bench, "  drift: correct\n")
    assert ExitCode.HELD == bench.call("apply", "--yes", "--correct-drift").code
    assert ["h2"] == bench.where("web")


def test_a_commit_that_asks_for_it_is_no_drift(bench: Bench) -> None:
    drifted(bench)
    bench.commit(web="h3")
    assert (0, ["h3"]) == (bench.call("apply", "--yes").code, bench.where("web"))


@pytest.mark.parametrize(("allowed", "ends"), [("forbidden", "h2"), ("allowed", "h1")])
def test_correcting_costs_downtime_only_where_that_is_allowed(bench: Bench, allowed: str, ends: str) -> None:
    """`db` has a local disk: it can come back offline only, and its own document allows that."""
    bench.more["db"] = "  migration: {downtime: allowed}\n"
    bench.commit()
    declare(bench, f"  drift: correct\n  driftDowntime: {allowed}\n")
    assert 0 == bench.call("apply", "--yes").code
    moved_by_hand(bench, "db", "h2")
    bench.call("apply", "--yes")
    assert [ends] == bench.where("db")


def test_forgetting_makes_drift_a_difference_like_any_other(bench: Bench) -> None:
    drifted(bench)
    (bench.folder / "state" / "settled.json").unlink()
    assert (0, ["h1"]) == (bench.call("apply", "--yes").code, bench.where("web"))


def test_a_fight_ends_after_three_rounds(bench: Bench) -> None:
    drifted(bench, "  drift: correct\n")
    for _ in range(3):
        assert 0 == bench.call("apply", "--yes").code
        assert ["h1"] == bench.where("web")
        moved_by_hand(bench, "web", "h2")
    assert ExitCode.HELD == bench.call("apply", "--yes").code
    assert (["h2"], {"web": "Fought"}) == (bench.where("web"), reasons(bench))
    assert (0, ["h1"]) == (bench.call("apply", "--yes", "--retry", "web").code, bench.where("web"))
    kept = json.loads((bench.folder / "state" / "settled.json").read_text())
    assert 4 == len(kept[UUIDS["web"]]["corrected_s"])


# --- windows ---------------------------------------------------------------------------------------------------------

NIGHTS = '  windows:\n    - {name: nights, start: "%s", duration: 20m, timeZone: UTC}\n'


def test_a_guest_waits_for_its_window_and_is_moved_when_it_opens(bench: Bench) -> None:
    """The simulated fleet's clock begins at 22:13 UTC and runs 200 times as fast as ours."""
    bench.more["db"] = "  migration: {downtime: allowed, window: nights}\n"
    bench.commit(db="h2")
    declare(bench, NIGHTS % "23:00")
    with daemon(bench.settings) as running:
        running.hears("published")
        assert ["h1"] == bench.where("db")
        status = " ".join(bench.executable("status").out.split())
        assert "OutsideWindow" in status
        assert "it opens Tue 2023-11-14 23:00 UTC" in status
        assert "calendar" == running.hears("pass-begun", why="calendar")["why"]
        running.hears("pass-ended", result="converged")
    assert ["h2"] == bench.where("db")


def test_what_does_not_fit_any_more_when_its_turn_comes_is_skipped_and_never_cut(bench: Bench) -> None:
    """The window is open when the pass begins, and shut when the guest's turn comes: nothing of it begins."""
    bench.more["db"] = "  migration: {downtime: allowed, window: nights}\n"
    bench.commit(db="h2")
    declare(bench, NIGHTS % "21:50")
    found = bench.call("apply", "--yes")
    assert (ExitCode.HELD, ["h1"]) == (found.code, bench.where("db"))
    assert {"db": "OutsideWindow"} == reasons(bench)
    assert "stop" not in bench.sent()
    before = bench.reports()
    bench.call("apply", "--yes")
    assert before == bench.reports(), "waiting is no news"


def test_nothing_begins_while_a_window_denies(bench: Bench) -> None:
    bench.commit(web="h2")
    declare(bench, (NIGHTS % "22:00").replace("name: nights", "name: freeze, kind: deny"))
    found = bench.call("apply", "--yes")
    assert (ExitCode.HELD, ["h1"]) == (found.code, bench.where("web"))
    assert "DenyWindow" in found.out
    assert "until Tue 2023-11-14 22:20 UTC" in " ".join(found.out.split())


def test_a_window_that_denies_is_no_news_in_a_fleet_in_order(bench: Bench) -> None:
    declare(bench, (NIGHTS % "22:00").replace("name: nights", "name: freeze, kind: deny"))
    assert 0 == bench.call("apply", "--yes").code
    page = bench.git("show", "reconciler/status/bench:README.md")
    assert "DenyWindow" not in page


def test_a_window_that_the_fleet_does_not_have_is_a_mistake_of_the_guest(bench: Bench) -> None:
    bench.more["db"] = "  migration: {window: nihgts}\n"
    bench.commit()
    declare(bench, NIGHTS % "22:00")
    found = bench.call("validate", bench.desired)
    assert "unknown-window" in found.err + found.out
    assert "nights" in found.err + found.out


def test_a_commit_that_takes_a_move_back_is_no_drift(tmp_path: Path) -> None:
    """The guest lies elsewhere than its document says, as it did before; but it was us who moved it."""
    bench = Bench(tmp_path).build(speed=10.0)
    with daemon(bench.settings) as running:
        running.hears("published")
        bench.commit(web="h2")
        eventually(lambda: "migrate" in bench.sent())
        bench.commit(web="h1")
        assert running.hears("pass-ended")["result"] == "converged", running.told()
    assert ["h1"] == bench.where("web")


def test_suspensions_that_cannot_be_read_are_said_to_be(bench: Bench) -> None:
    (bench.folder / "state").mkdir()
    (bench.folder / "state" / "suspensions.json").write_text("{")
    found = bench.call("suspend")
    assert ExitCode.HOST == found.code
    assert "cannot be read" in found.err
    assert "reconciler resume fleet" in found.err
