"""The log: one line an event, for programs or for people, and never a reason for the daemon to wait or to fail."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import time
from typing import Any

import pytest

from reconciler.core.reports.events import Event, EventKind, Severity
from reconciler.loop.daemon.telling.log import LINE_BYTES_MAX, EventLog
from reconciler.loop.daemon.telling.signals import LogFormat, LogSettings


def event(message: str = "web01: no room", severity: Severity = Severity.WARNING, **details: object) -> Event:
    return Event(EventKind.GUEST_STALLED, severity, 1763928904.25, "prod", message, "r1", details)


def logged(*events: Event, settings: LogSettings | None = None) -> str:
    stream = io.StringIO()
    log = EventLog(stream, settings)
    for entry in events:
        log.event(entry)
    return stream.getvalue()


def test_a_line_is_a_json_object_with_the_fields_of_the_event_beside_the_usual_ones() -> None:
    assert {
        "time": "2025-11-23T20:15:04.250+00:00",
        "level": "warning",
        "kind": "guest-stalled",
        "fleet": "prod",
        "run": "r1",
        "message": "web01: no room",
        "guest": "web01",
    } == json.loads(logged(event(guest="web01")))


def test_a_field_cannot_take_the_place_of_a_usual_one() -> None:
    line: Any = json.loads(logged(event(time="never", kind="nice")))
    assert ("guest-stalled", "2025-11-23T20:15:04.250+00:00") == (line["kind"], line["time"])


@pytest.mark.parametrize("format", [LogFormat.JSON, LogFormat.TEXT])
def test_hostile_text_stays_on_its_line_and_secrets_stay_inside(format: LogFormat) -> None:
    text = logged(event("\x1b[2J\nforged https://ada:hunter2@forge", x="\u202e\r\n"), settings=LogSettings(format))
    assert 1 == len(text.splitlines())
    assert text[:-1].isprintable()
    assert "hunter2" not in text


@pytest.mark.parametrize("format", [LogFormat.JSON, LogFormat.TEXT])
def test_a_line_is_never_longer_than_a_pipe_takes_at_once(format: LogFormat) -> None:
    long: dict[str, Any] = {f"field{number}": "x" * 900 for number in range(20)}
    text = logged(event("\u65e5" * 5000, **long), event("\x01" * 5000), settings=LogSettings(format))
    assert 2 == len(text.splitlines())
    assert all(len(line.encode()) < LINE_BYTES_MAX for line in text.splitlines())


def test_the_level_leaves_out_what_is_less_severe() -> None:
    told = [event(severity=severity) for severity in Severity]
    assert ["warning", "error"] == [
        json.loads(line)["level"] for line in logged(*told, settings=LogSettings(level=Severity.WARNING)).splitlines()
    ]


def test_people_at_a_terminal_read_text_and_a_pipe_gets_json() -> None:
    controller, terminal = pty.openpty()
    with open(terminal, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor has no path
        EventLog(stream).event(event())
        shown = os.read(controller, 4096).decode()
    os.close(controller)
    assert shown.startswith("2025-11-23T20:15:04.250+00:00  warning  guest-stalled     web01: no room  (r1)")


def test_a_closed_stream_harms_nobody() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = open(writer, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - a descriptor has no path; closed below
    log = EventLog(stream)
    log.event(event())
    with contextlib.suppress(BrokenPipeError):
        stream.close()
    log.event(event())


def test_a_pipe_that_nobody_reads_loses_lines_says_so_and_never_makes_the_daemon_wait() -> None:
    reader, writer = os.pipe()
    with open(writer, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor has no path
        log = EventLog(stream)
        began_s = time.monotonic()
        for _ in range(100):
            log.event(event("x" * 900))
        assert time.monotonic() - began_s < 5
        full = os.read(reader, 10**6)
        log.event(event("after"))
        rest = [json.loads(line) for line in os.read(reader, 10**6).splitlines()]
    os.close(reader)
    assert 100 == len(full.splitlines()) + rest[0]["lost"]
    assert ["log-lost", "guest-stalled"] == [line["kind"] for line in rest]


def test_a_full_disk_harms_nobody() -> None:
    with open("/dev/full", "w", encoding="utf-8") as stream:  # noqa: PTH123 - a device, not a file of ours
        EventLog(stream).event(event())
        with pytest.raises(OSError, match="No space"):
            stream.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # so that closing it does not fail
