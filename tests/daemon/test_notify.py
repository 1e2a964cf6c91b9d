"""The notify program: it is told of events, and whatever it does, the daemon goes on."""

from __future__ import annotations

import json
import os
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.reports.events import Event, EventKind, Severity
from reconciler.loop.daemon.telling.notify import COMPLAIN_S, WAITING_MAX, Notifier
from reconciler.loop.daemon.telling.signals import NotifySettings
from tests.daemon.running import PATIENCE_S, eventually


def event(message: str = "m", kind: EventKind = EventKind.GUEST_STALLED, severity: Severity = Severity.ERROR) -> Event:
    return Event(kind, severity, 1763928904.0, "prod", message, "r1", {"guest": "web01"})


def script(folder: Path, text: str) -> str:
    path = folder / "page-me"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


Heard = queue.SimpleQueue[Event]


@contextmanager
def notifier(
    settings: NotifySettings, heard: Heard | None = None, clock_s: Callable[[], float] = time.monotonic
) -> Iterator[Notifier]:
    found = Notifier(settings, (heard or Heard()).put, clock_s)
    try:
        yield found
    finally:
        found.close()


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_the_program_gets_each_event_as_json_in_order(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with notifier(NotifySettings((script(tmp_path, 'cat >> "$1"'), str(out)))) as told:
        told.event(event("first"))
        told.event(event("second"))
        eventually(lambda: len(lines(out)) == 2)
    first, second = lines(out)
    assert ("Event", "guest-stalled", "error", "prod", "r1") == tuple(
        first[name] for name in ("kind", "event", "severity", "fleet", "run")
    )
    assert ["first", "second"] == [first["message"], second["message"]]


def test_only_what_the_settings_ask_for_is_told(tmp_path: Path) -> None:
    out = tmp_path / "out"
    kinds = frozenset({EventKind.GUEST_STALLED, EventKind.HOST_BACK})
    with notifier(NotifySettings((script(tmp_path, 'cat >> "$1"'), str(out)), kinds, Severity.WARNING)) as told:
        told.event(event("another kind", EventKind.BRAKE_HELD))
        told.event(event("not severe", EventKind.HOST_BACK, Severity.INFO))
        told.event(event("this"))
        eventually(lambda: bool(lines(out)))
    assert ["this"] == [line["message"] for line in lines(out)]


def test_nothing_is_a_shell_and_nothing_secret_is_in_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_TOKEN", "hunter2")
    out = tmp_path / "out"
    with notifier(
        NotifySettings((script(tmp_path, 'printf "%s\\n" "$2" > "$1"; env >> "$1"'), str(out), "$(id)"))
    ) as told:
        told.event(event())
        eventually(lambda: out.exists() and "PATH=" in out.read_text())
    assert "$(id)" == out.read_text().splitlines()[0]
    assert "hunter2" not in out.read_text()


def test_a_program_that_hangs_is_ended_with_its_children_and_the_next_event_is_told(tmp_path: Path) -> None:
    pids, heard = tmp_path / "pids", Heard()
    text = 'case "$(cat)" in *first*) sleep 300 & echo $! >> "$1"; echo $$ >> "$1"; wait;; *) echo told >> "$1";; esac'
    with notifier(NotifySettings((script(tmp_path, text), str(pids)), timeout_s=1), heard) as told:
        told.event(event("first"))
        told.event(event("second"))
        trouble = heard.get(timeout=PATIENCE_S)
        eventually(lambda: "told" in pids.read_text())
    assert (EventKind.NOTIFY_TROUBLE, Severity.WARNING) == (trouble.kind, trouble.severity)
    assert "took longer than 1 s and was ended" in trouble.message
    child, leader, _ = pids.read_text().split()
    eventually(lambda: gone(int(child)) and gone(int(leader)))


def gone(pid: int) -> bool:
    """Ended; a zombie that its new parent has not looked at yet is."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_program_that_fails_is_logged_with_its_last_words_at_most_once_in_five_minutes(tmp_path: Path) -> None:
    heard, now, count = Heard(), [1000.0], tmp_path / "count"
    text = 'echo . >> "$1"; echo "no route to \x1b[2Jpager" >&2; exit 7'
    with notifier(NotifySettings((script(tmp_path, text), str(count))), heard, lambda: now[0]) as told:
        for number in range(3):
            told.event(event())
            eventually(lambda n=number + 1: count.exists() and len(count.read_text()) == 2 * n)  # type: ignore[misc]  # mypy knows no defaults of lambdas
        first = heard.get(timeout=PATIENCE_S)
        told.event(event())
        eventually(lambda: len(count.read_text()) == 8)
        now[0] += COMPLAIN_S
        told.event(event())
        second = heard.get(timeout=PATIENCE_S)
    assert r"ended with 7: no route to \x1b[2Jpager" in first.message
    assert heard.empty()
    assert (1, 4) == (first.details["failures"], second.details["failures"])


def test_a_program_that_is_missing_is_said_and_looked_for_again(tmp_path: Path) -> None:
    heard, out = Heard(), tmp_path / "out"
    with notifier(NotifySettings((str(tmp_path / "page-me"), str(out))), heard) as told:
        told.event(event())
        assert "cannot be started: No such file or directory" in heard.get(timeout=PATIENCE_S).message
        script(tmp_path, 'cat >> "$1"')
        told.event(event())
        eventually(lambda: bool(lines(out)))


def test_a_program_that_reads_nothing_is_no_failure(tmp_path: Path) -> None:
    heard, out = Heard(), tmp_path / "out"
    with notifier(NotifySettings((script(tmp_path, 'exec < /dev/null; echo >> "$1"'), str(out))), heard) as told:
        told.event(event("x" * 10**6))
        told.event(event())
        eventually(lambda: out.exists() and 2 == len(out.read_text()))
    assert heard.empty()


def test_a_slow_program_loses_the_oldest_events_and_that_is_said(tmp_path: Path) -> None:
    heard, out, gate = Heard(), tmp_path / "out", tmp_path / "gate"
    os.mkfifo(gate)
    text = 'read line; case "$line" in *begin*) touch "$1"; cat "$2" > /dev/null;; esac'
    settings = NotifySettings((script(tmp_path, text), str(out), str(gate)), timeout_s=60)
    with notifier(settings, heard) as told:
        told.event(event("begin"))
        eventually(out.exists)
        for number in range(WAITING_MAX + 3):
            told.event(event(f"{number}"))
        gate.write_text("go")
        trouble = heard.get(timeout=PATIENCE_S)
    assert 3 == trouble.details["dropped"]
    assert "3 events were dropped" in trouble.message


def test_the_daemon_waits_at_most_two_seconds_for_a_program_that_hangs(tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = Notifier(NotifySettings((script(tmp_path, 'echo $$ > "$1"; sleep 300'), str(out))), lambda _: None)
    told.event(event())
    eventually(lambda: out.exists() and bool(out.read_text()))
    began_s = time.monotonic()
    told.close()
    assert time.monotonic() - began_s < 2.5
    eventually(lambda: gone(int(out.read_text())))
    told.event(event("too late"))


def test_what_waits_when_the_daemon_ends_is_still_told(tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = Notifier(NotifySettings((script(tmp_path, 'cat >> "$1"'), str(out))), lambda _: None)
    told.event(event("last words"))
    told.close()
    assert ["last words"] == [line["message"] for line in lines(out)]


def test_telling_never_waits_for_the_program(tmp_path: Path) -> None:
    with notifier(NotifySettings((script(tmp_path, "sleep 300"),))) as told:
        began_s = time.monotonic()
        for _ in range(1000):
            told.event(event())
        assert time.monotonic() - began_s < 1
