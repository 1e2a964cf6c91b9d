"""A whole daemon with everything that listens to it: log, notify program, health, metrics."""

from __future__ import annotations

import http.client
import json
import signal
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.cli.bench import Bench
from tests.daemon.running import daemon, eventually


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def page(port: int, path: str) -> tuple[int, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def value(port: int, name: str, **labels: str) -> float | None:
    families = text_string_to_metric_families(page(port, "/metrics")[1])
    samples = [sample for family in families for sample in family.samples]
    found = [sample.value for sample in samples if (sample.name, sample.labels) == (f"reconciler_{name}", labels)]
    return found[0] if found else None


def settings(bench: Bench, text: str) -> None:
    with bench.settings.open("a") as file:
        file.write(text)


def notify(folder: Path) -> str:
    program = folder / "page-me"
    program.write_text('#!/bin/sh\ncat >> "$1"\n')
    program.chmod(0o755)
    return f'[notify]\nprogram = ["{program}", "{folder}/paged"]\nmin_severity = "info"\nkinds = ["step-ended"]\n'


def paged(folder: Path) -> list[Any]:
    path = folder / "paged"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_move_is_logged_paged_and_counted(bench: Bench, tmp_path: Path) -> None:
    port = free_port()
    settings(bench, f'[web]\nlisten = "127.0.0.1:{port}"\n' + notify(tmp_path))
    with daemon(bench.settings) as running:
        assert 200 == page(port, "/healthz")[0]
        bench.commit(web="h2")
        planned = running.hears("plan-made")
        begun = running.hears("step-begun")
        ended = running.hears("step-ended")
        over = running.hears("pass-ended")
        assert (1, "web", "done") == (planned["moves"], begun["guest"], ended["outcome"])
        assert {over["run"]} == {planned["run"], begun["run"], ended["run"]}
        eventually(lambda: bool(paged(tmp_path)))
        assert [("step-ended", "web", over["run"])] == [
            (event["event"], event["details"]["guest"], event["run"]) for event in paged(tmp_path)
        ]
        assert 1 == value(port, "moves_total", method="online", outcome="done")
        assert (3, 0) == (value(port, "hosts_declared"), value(port, "hosts_unreachable"))
        assert [] == running.odd
        assert 0 == running.stop()


def test_a_stalled_guest_is_told_once_and_again_when_it_has_recovered(bench: Bench) -> None:
    bench.commit(db="h2")
    with daemon(bench.settings, settled=False) as running:
        stalled = running.hears("guest-stalled")
        assert ("db", "DowntimeForbidden", "warning") == (stalled["guest"], stalled["reason"], stalled["level"])
        running.hears("pass-ended")
        bench.executable("refresh")
        bench.commit(db="h1")
        recovered = running.hears("guest-recovered")
        assert "db" == recovered["guest"]
        assert 1 == sum(line["kind"] == "guest-stalled" for line in running.said)


def test_log_and_notify_follow_the_settings_and_the_address_needs_a_restart(bench: Bench, tmp_path: Path) -> None:
    with daemon(bench.settings) as running:
        settings(bench, '[log]\nlevel = "error"\n' + notify(tmp_path))
        running.signal(signal.SIGHUP)
        bench.commit(web="h2")
        eventually(lambda: bool(paged(tmp_path)))
        settings(bench, '[web]\nlisten = "127.0.0.1:9477"\n')
        running.signal(signal.SIGHUP)
        refused = running.hears("settings-refused")
        assert "[web] listen cannot change while the daemon runs" in refused["message"]
        assert "step-ended" not in {line["kind"] for line in running.said}


def test_a_port_in_use_ends_it_before_it_touches_anything(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings(bench, f'[web]\nlisten = "127.0.0.1:{port}"\n')
        found = bench.executable("run")
    assert 2 == found.code
    assert f'[web] listen = "127.0.0.1:{port}": Address already in use' in found.err
    assert "hint:" in found.err
    assert [] == bench.journal
