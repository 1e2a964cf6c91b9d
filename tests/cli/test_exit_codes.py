"""What each command tells its caller: the exit code is the highest that applies."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cli import program
from reconciler.drivers.simulated.world import World
from reconciler.errors import ExitCode
from tests.cli.bench import Bench


def test_nothing_to_do_is_0_everywhere(bench: Bench) -> None:
    for command in ("validate", "observe", "diff", "plan"):
        assert ExitCode.OK == bench.call(command).code, command


def test_a_difference_is_1(bench: Bench) -> None:
    bench.commit(web="h2")
    assert (ExitCode.DIFFERENCES, ExitCode.DIFFERENCES) == (bench.call("diff").code, bench.call("plan").code)


def test_a_command_line_that_makes_no_sense_is_2(bench: Bench) -> None:
    for wrong in (["plan", "--bogus"], ["nonsense"], ["explain"], ["plan", "--fail-on", "weather"], ["apply"]):
        assert ExitCode.USAGE == bench.call(*wrong).code, wrong
    assert ExitCode.USAGE == bench.call("plan", "--rev", "main", "--desired", ".").code
    for path in ("nowhere", bench.settings):
        found = bench.call("plan", "--desired", path)
        assert (ExitCode.USAGE, True) == (found.code, f"{path} is not a folder" in found.err)


def test_settings_that_are_missing_or_wrong_are_2_and_say_where(bench: Bench, tmp_path: Path) -> None:
    missing = bench.call("plan", "--settings", tmp_path / "nowhere.toml")
    assert ExitCode.USAGE == missing.code
    assert "nowhere.toml: No such file" in missing.err
    assert "hint: name a settings file with --settings" in missing.err
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[repository]\npath = "fleet"\nrevision = "main"\n[state]\nfolder = "state"\n')
    found = bench.call("settings", "--settings", wrong)
    assert (ExitCode.USAGE, True) == (found.code, '[repository] has no key "revision"' in found.err)


def test_documents_that_hold_the_commit_are_3_for_every_command(bench: Bench) -> None:
    (bench.desired / "hosts.yaml").write_text("kind: Host\n")
    bench.git("commit", "--quiet", "--all", "--message=Break it")
    for command in (["validate"], ["diff"], ["plan"], ["apply", "--yes"], ["explain", "web"], ["observe"]):
        assert ExitCode.DOCUMENTS == bench.call(*command).code, command
    assert [] == bench.sent()


@pytest.mark.parametrize("command", [["apply", "--yes"], ["run", "--once"]])
def test_documents_that_hold_the_commit_are_reported_once_another_was_acted_on(
    bench: Bench, command: list[str]
) -> None:
    """Nobody who reads the status alone is left to think that all is well."""
    assert ExitCode.OK == bench.call(*command).code
    hosts = (bench.desired / "hosts.yaml").read_text()
    bench.commit(web="h2")
    (bench.desired / "hosts.yaml").write_text("kind: Host\n")
    bench.git("commit", "--quiet", "--all", "--message=Break it")
    found = bench.call(*command)
    assert (ExitCode.HELD, True) == (found.code, "hosts.yaml" in found.err)
    assert "DocumentsInvalid" in bench.call("status").out
    assert [] == bench.sent()
    (bench.desired / "hosts.yaml").write_text(hosts)
    bench.git("commit", "--quiet", "--all", "--message=Mend it")
    assert (ExitCode.OK, ["h2"]) == (bench.call(*command).code, bench.where("web"))
    assert "DocumentsInvalid" not in bench.call("status").out


def test_a_quarantined_guest_is_3_and_the_rest_is_planned(bench: Bench) -> None:
    bench.commit(web="h2")
    (bench.desired / "batch.yaml").write_text("apiVersion: reconciler/v1alpha1\nkind: Guest\nmetadata: {name: batch}\n")
    bench.git("commit", "--quiet", "--all", "--message=Forget the host")
    assert ExitCode.DOCUMENTS == bench.call("validate").code
    plan = bench.call("plan", "-o", "json")
    assert ["web"] == [step["guest"] for step in plan.json["steps"]]
    assert "batch.yaml" in plan.err
    assert plan.code >= ExitCode.DOCUMENTS


def test_a_host_that_cannot_be_read_is_4(bench: Bench) -> None:
    bench.change_hosts(lambda world: world.partition("h3"))
    for command in ("observe", "diff", "plan"):
        assert ExitCode.HOST == bench.call(command).code, command
    for shown in (["plan"], ["plan", "-o", "markdown"], ["diff"]):
        assert "h3" in bench.call(*shown).out, f"{shown}: nobody knows why it is not 0"
    assert ExitCode.OK == bench.call("observe", "--exit-zero").code


def test_git_trouble_is_5(bench: Bench) -> None:
    for wrong in (
        ["plan", "--rev", "nowhere"],
        ["validate", "--rev", "nowhere"],
        ["status"],
        ["diff", "--base", "gone"],
    ):
        assert ExitCode.GIT == bench.call(*wrong).code, wrong
    bench.settings.write_text(bench.settings.read_text().replace('"fleet"', '"gone"'))
    assert ExitCode.GIT == bench.call("apply", "--yes").code


def test_a_blocked_guest_is_6(bench: Bench) -> None:
    bench.commit(db="h2")
    assert (ExitCode.DIFFERENCES, ExitCode.HELD) == (bench.call("diff").code, bench.call("plan").code)


def test_the_highest_code_wins(bench: Bench) -> None:
    bench.commit(web="h2", db="h2")
    bench.change_hosts(lambda world: world.partition("h3"))
    assert ExitCode.HELD == bench.call("plan").code


def test_what_nobody_expected_is_70_and_says_how_to_see_more(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: World, host: str) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("reconciler.loop.once.look_at_all", broken)
    found = bench.call("plan")
    assert ExitCode.BUG == found.code
    assert "error: unexpected\nTypeError" in found.err
    assert "--debug" in found.err
    assert "Traceback" not in found.err
    assert "Traceback" in bench.call("plan", "--debug").err
    assert "Traceback" in bench.call("--debug", "plan").err


@pytest.mark.parametrize(
    ("fail_on", "code"), [("blocked", 0), ("downtime", 6), ("blocked,downtime", 6), ("held,one-way", 0)]
)
def test_ci_can_say_what_it_fails_on(bench: Bench, fail_on: str, code: int) -> None:
    bench.more["db"] = "  migration: {downtime: allowed}\n"
    bench.commit(db="h2")
    assert code == bench.call("plan", "--fail-on", fail_on).code


def test_exit_zero_covers_what_was_found_and_not_what_failed(bench: Bench) -> None:
    bench.commit(web="h2", db="h2")
    assert ExitCode.OK == bench.call("plan", "--exit-zero").code
    assert ExitCode.OK == bench.call("diff", "--exit-zero").code
    assert ExitCode.GIT == bench.call("plan", "--exit-zero", "--rev", "nowhere").code


def test_help_lists_every_exit_code() -> None:
    assert list(ExitCode) == list(program.EXIT_CODES)
