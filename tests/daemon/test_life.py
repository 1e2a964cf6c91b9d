"""The daemon as a process: what wakes it, what ends it, what it does when it is told nonsense."""

from __future__ import annotations

import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from reconciler.documents.values import schema_problems
from reconciler.errors import ExitCode
from tests.cli.bench import Bench
from tests.daemon.running import daemon, eventually

BAD = "apiVersion: reconciler/v1alpha1\nkind: Host\nmetadata: {name: h1}\nspec: {driver: simulated, colour: red}\n"


def refreshed(bench: Bench) -> str:
    """Have the daemon make a pass, and wait for it: the result."""
    found = bench.executable("refresh", "-o", "json")
    assert () == schema_problems("output/refresh.schema.json", found.json), found.err
    assert found.json["handled"], found.err
    return str(found.json["result"])


def test_a_commit_is_acted_on_at_once(bench: Bench) -> None:
    """Nothing asks for it but the commit itself: the next interval is five minutes away."""
    with daemon(bench.settings) as running:
        bench.commit(web="h2")
        assert "commit" == running.hears("pass-begun")["why"]
        running.hears("published")
    assert (["h2"], ["claim", "claim", "migrate", "release", "release"]) == (bench.where("web"), bench.sent())
    assert "1 guest moved" in bench.git("log", "-1", "--format=%s", "reconciler/status/bench")


def test_a_converged_fleet_gets_no_command_and_no_commit(bench: Bench) -> None:
    with daemon(bench.settings) as running:
        running.hears("published")
        before = bench.reports()
        assert ["converged"] * 3 == [refreshed(bench) for _ in range(3)]
    assert ([], before) == (bench.sent(), bench.reports())


def test_a_refresh_waits_for_a_pass_that_began_after_it(bench: Bench) -> None:
    with daemon(bench.settings):
        bench.commit(web="h2")
        found = bench.executable("refresh")
    assert (0, ["h2"]) == (found.code, bench.where("web"))
    assert "converged." in found.out


def test_a_refresh_without_a_daemon_says_what_to_do(bench: Bench) -> None:
    found = bench.executable("refresh")
    assert ExitCode.USAGE == found.code
    assert "no daemon answers" in found.err
    assert "reconciler run" in found.err


def test_only_its_own_user_may_speak_to_it(bench: Bench) -> None:
    with daemon(bench.settings):
        socket = bench.folder / "state" / "control.sock"
        assert 0o600 == stat.S_IMODE(socket.stat().st_mode)


def test_two_daemons_never_share_a_state_folder(bench: Bench) -> None:
    with daemon(bench.settings):
        second = bench.executable("run")
    assert ExitCode.HOST == second.code
    assert "a daemon is at work with this state folder" in second.err


def test_apply_may_be_used_beside_it(bench: Bench) -> None:
    """The daemon holds the state folder during a pass only."""
    with daemon(bench.settings) as running:
        running.hears("published")
        assert 0 == bench.executable("apply", "--yes").code


def test_what_a_newer_version_wrote_is_not_touched(bench: Bench) -> None:
    (bench.folder / "state").mkdir()
    (bench.folder / "state" / "version").write_text("99\n")
    with daemon(bench.settings, settled=False) as running:
        assert "another version of reconciler" in running.hears("pass-failed")["message"]
    assert [] == bench.sent()


# --- commits ---------------------------------------------------------------------------------------------------------


def test_a_commit_with_invalid_documents_is_held_and_said_to_be(bench: Bench) -> None:
    with daemon(bench.settings) as running:
        (bench.desired / "bad.yaml").write_text(BAD)
        bench.commit(web="h2")
        assert "bad.yaml" in running.hears("commit-refused")["message"]
        running.hears("published")
        status = bench.executable("status").out
        assert "DocumentsInvalid" in status, status
        assert (["h1"], []) == (bench.where("web"), bench.sent())
        (bench.desired / "bad.yaml").unlink()
        bench.commit()
        running.hears("pass-ended", result="converged")
    assert ["h2"] == bench.where("web")


def test_a_rewritten_branch_is_held_until_a_person_accepts_it(bench: Bench) -> None:
    with daemon(bench.settings) as running:
        bench.commit(web="h2")
        running.hears("pass-ended", result="converged")
        bench.git("reset", "--quiet", "--hard", "HEAD~1")
        bench.commit("Another past", web="h3")
        running.hears("pass-ended", result="held")
        assert ["h2"] == bench.where("web")
        assert 0 == bench.executable("apply", "--yes", "--accept-rewritten-history").code
        bench.commit(batch="h3")
        running.hears("pass-ended", result="converged")
    assert (["h3"], ["h3"]) == (bench.where("web"), bench.where("batch"))


def test_a_deleted_branch_stops_nothing_that_is_known(bench: Bench) -> None:
    with daemon(bench.settings) as running:
        bench.git("checkout", "--quiet", "--detach")
        bench.git("branch", "--quiet", "--move", "main", "away")
        assert "main" in running.hears("git-trouble")["message"]
        assert "converged" == refreshed(bench)
        bench.git("branch", "--quiet", "--move", "away", "main")
        running.hears("git-back")


def test_a_newer_commit_wins_in_the_middle_of_a_pass(tmp_path: Path) -> None:
    bench = Bench(tmp_path).build(speed=20.0)
    with daemon(bench.settings) as running:
        bench.commit(web="h2", batch="h3")
        running.hears("pass-begun")
        eventually(lambda: "migrate" in bench.sent())
        bench.commit(batch="h2", web="h2")
        running.hears("pass-ended", result="converged")
    assert (["h2"], ["h2"]) == (bench.where("web"), bench.where("batch"))
    notes = [note["what"] for note in bench.journal]
    assert "superseded" in notes


# --- settings --------------------------------------------------------------------------------------------------------


def test_settings_are_read_again_on_sighup_and_bad_ones_are_refused(bench: Bench) -> None:
    good = bench.settings.read_text()
    with daemon(bench.settings) as running:
        bench.settings.write_text(good + '[ceilings]\nmode = "report"\n')
        running.signal(signal.SIGHUP)
        running.hears("settings-changed")
        bench.commit(web="h2")
        running.hears("pass-ended", result="held")
        assert ["h1"] == bench.where("web")
        bench.settings.write_text(good + "[ceilings]\nmode = 7\n")
        running.signal(signal.SIGHUP)
        assert "ceilings.mode" in running.hears("settings-refused")["message"]
        running.hears("pass-ended", result="held")
        bench.settings.write_text(good)
        running.signal(signal.SIGHUP)
        running.hears("pass-ended", result="converged")
    assert ["h2"] == bench.where("web")


# --- ends ------------------------------------------------------------------------------------------------------------


def slow(tmp_path: Path) -> Bench:
    """A fleet on which a move of `web` takes many seconds."""
    return Bench(tmp_path).build(speed=2.0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_a_move_goes_on_without_it_and_is_taken_over(tmp_path: Path, number: signal.Signals) -> None:
    bench = slow(tmp_path)
    with daemon(bench.settings) as running:
        bench.commit(web="h2")
        eventually(lambda: "migrate" in bench.sent())
        began = time.monotonic()
        running.signal(number)
        code = running.ended()
        took_s = time.monotonic() - began
    assert (0 if number is signal.SIGTERM else -number) == code, running.told()
    assert took_s < 10
    if number is signal.SIGTERM:
        assert "incomplete" in bench.call("status").out, "what was left is told of"
    with daemon(bench.settings, settled=False) as running:
        running.hears("pass-ended", result="converged")
    assert ["h2"] == bench.where("web")
    begun_once = bench.sent().count("migrate") == 1
    assert begun_once or number is signal.SIGKILL, "an intent that was never sent is sent by the next life"


def test_it_ends_while_it_waits(bench: Bench) -> None:
    with daemon(bench.settings) as running:
        running.hears("published")
        assert 0 == running.stop()
        running.hears("stopping")
    assert not running.odd


def test_once_makes_one_pass_and_tells_its_result(bench: Bench) -> None:
    bench.commit(web="h2")
    found = bench.executable("run", "--once")
    assert (0, ["h2"]) == (found.code, bench.where("web"))
    assert "1 guest moved" in found.out


def test_unusable_settings_end_it_before_it_begins(bench: Bench) -> None:
    bench.settings.write_text("[repository]\n")
    found = bench.executable("run")
    assert ExitCode.USAGE == found.code
    assert "settings" in found.err


def test_a_repository_that_is_away_is_waited_for(bench: Bench) -> None:
    away = bench.folder / "elsewhere"
    with daemon(bench.settings) as running:
        running.hears("published")
        (bench.folder / "fleet").rename(away)
        found = bench.executable("refresh", "-o", "json")
        assert "converged" == found.json["result"], "hosts are looked at all the same"
        away.rename(bench.folder / "fleet")
        bench.commit(web="h2")
        bench.executable("refresh")
    assert ["h2"] == bench.where("web")


def test_systemd_is_told(bench: Bench, tmp_path: Path) -> None:
    """The socket of `Type=notify`, served by a real listener."""
    path = tmp_path / "notify"
    listening = subprocess.Popen(
        ["python3", "-c", _LISTEN, str(path)], stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL
    )
    with listening:
        assert listening.stdout is not None
        assert "listening\n" == listening.stdout.readline()
        with daemon(bench.settings, NOTIFY_SOCKET=str(path)) as running:
            running.hears("published")
            running.stop()
        heard = listening.stdout.read()
        listening.kill()
    assert "READY=1" in heard
    assert "STOPPING=1" in heard


_LISTEN = """
import socket, sys
hears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
hears.bind(sys.argv[1])
print("listening", flush=True)
while True:
    said = hears.recv(4096).decode()
    print(said, flush=True)
    if "STOPPING" in said:
        break
"""
