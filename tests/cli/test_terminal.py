"""What people see: colour on a terminal only, questions there only, and nothing hostile anywhere."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from reconciler.cli import live
from reconciler.cli.progress import measure
from tests.cli.bench import EXECUTABLE, Bench

PATIENCE_S = 30
SETTLED_S = 0.2
"""Nobody answers faster; Python takes a moment from showing a question to reading, in which it is deaf to Ctrl-C."""

ESCAPE = "\x1b"
HOSTILE = "evil\x1b]0;owned\x07\u202egnp.exe\nerror: fake"


def on_terminal(
    bench: Bench, *arguments: str, answer: str = "", prompt: bytes = b"[y/N]: ", **more: str
) -> tuple[int, str]:
    """Run the executable with a terminal for all three of its streams; type the answer once it has said the prompt."""
    environment = {**os.environ, "RECONCILER_SETTINGS": str(bench.settings), "TERM": "xterm", "COLUMNS": "100", **more}
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [str(EXECUTABLE), *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment,
        cwd=bench.folder / "empty",
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C becomes a signal
    )
    os.close(follower)
    told = b""
    while select.select([leader], [], [], PATIENCE_S)[0]:
        try:
            told += os.read(leader, 65536)
        except OSError:  # how Linux says that nobody holds the other end any more
            break
        if answer and prompt in told and not select.select([leader], [], [], SETTLED_S)[0]:
            os.write(leader, answer.encode())
            answer = ""
    else:
        process.kill()
    os.close(leader)
    return process.wait(timeout=PATIENCE_S), told.decode()


def plain(text: str) -> str:
    """Without what only steers the terminal."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_colour_is_for_terminals_only(bench: Bench) -> None:
    bench.commit(web="h2", db="h2")
    assert ESCAPE not in bench.executable("plan").out
    assert ESCAPE in on_terminal(bench, "plan")[1]
    assert ESCAPE not in on_terminal(bench, "plan", NO_COLOR="1")[1]
    assert ESCAPE not in on_terminal(bench, "plan", TERM="dumb")[1]


def test_a_person_is_asked_and_yes_runs_the_plan(bench: Bench) -> None:
    bench.commit(web="h2")
    code, told = on_terminal(bench, "apply", answer="y\n")
    assert (0, ["h2"]) == (code, bench.where("web")), told
    assert "Run this plan? 1 move, no downtime [y/N]" in plain(told)
    assert "done: running on h2" in plain(told)


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x03"], ids=["no", "enter", "ctrl-c"])
def test_anything_but_yes_runs_nothing(bench: Bench, answer: str) -> None:
    bench.commit(web="h2")
    code, told = on_terminal(bench, "apply", answer=answer)
    assert (6, ["h1"], []) == (code, bench.where("web"), bench.sent()), told


def test_the_question_names_the_downtime(bench: Bench) -> None:
    bench.more["db"] = "  migration: {downtime: allowed}\n"
    bench.commit(db="h2")
    _, told = on_terminal(bench, "apply", answer="n\n")
    assert re.search(r"Run this plan\? 1 move, 1 guest down for about [0-9ms]+ \[y/N\]", plain(told)), told


def test_hostile_names_are_shown_as_escapes_everywhere(bench: Bench, tmp_path: Path) -> None:
    bench.commit("Innocent\x1b[2J subject", web="h2")
    snapshot = tmp_path / "observed.json"
    seen = json.loads(bench.call("observe", "-o", "json").out)
    loaned = {**seen["hosts"][0]["registrations"][0], "name": HOSTILE, "uuid": "not\x1ba\tuuid"}
    seen["hosts"][2]["registrations"].append(loaned)
    snapshot.write_text(json.dumps(seen))
    for command in (["observe"], ["diff", "--all"], ["plan"], ["plan", "-o", "markdown"], ["explain", HOSTILE]):
        found = bench.call(*command, "--observed", snapshot)
        shown = found.out + found.err
        assert [] == [mark for mark in (ESCAPE, "\u202e", "\x07", "\nerror: fake") if mark in shown], command
    assert "\\x1b" in bench.call("observe", "--observed", snapshot).out
    assert "\\u001b" in bench.call("observe", "--observed", snapshot, "-o", "json").out
    assert ESCAPE not in bench.call("explain", HOSTILE).err


def test_an_encoding_without_arrows_is_no_reason_to_fail(bench: Bench) -> None:
    bench.commit(web="h2")
    found = bench.executable("plan", env={"PYTHONIOENCODING": "latin-1"})
    assert (1, True) == (found.code, bool(re.search(r"h1 +\\u2192 h2", found.out))), found.out


def test_a_reader_that_goes_away_is_no_bug(bench: Bench) -> None:
    environment = {**os.environ, "RECONCILER_SETTINGS": str(bench.settings)}
    command = f'"{EXECUTABLE}" observe -o json | "{sys.executable}" -c "pass"'
    found = subprocess.run(
        ["sh", "-c", command], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert "Traceback" not in found.stderr
    assert "unexpected" not in found.stderr


def test_work_that_takes_long_shows_how_far_it_is_on_a_terminal_and_leaves_nothing_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(live, "MEASURE_AFTER_S", 0.0)
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    with measure("checking") as watch:
        watch(1, 6, "looked at a")
        deadline = time.monotonic() + 20
        while "looked at a" not in shown.getvalue():
            assert time.monotonic() < deadline, shown.getvalue()
    piped = io.StringIO()
    monkeypatch.setattr(sys, "stderr", piped)
    with measure("checking") as watch:
        watch(1, 6, "looked at a")
    assert "" == piped.getvalue()


def test_a_watched_status_is_drawn_in_its_place_and_ctrl_c_leaves_it_there(bench: Bench) -> None:
    bench.call("apply", "--yes")
    code, told = on_terminal(bench, "status", "--watch", "--interval", "5", answer="\x03", prompt=b"h3")
    assert 0 == code
    assert "Fleet bench: converged" in told
    assert "interrupted" not in told
    assert f"{ESCAPE}[?25h" in told, "the cursor is back"
