"""Health and metrics over real HTTP: what is answered, what is refused, and who is cut off."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from prometheus_client.parser import text_string_to_metric_families

from reconciler.errors import SettingsError
from reconciler.loop.daemon.telling.observer import Health
from reconciler.loop.daemon.telling.signals import ListenAddress
from reconciler.web import server
from reconciler.web.server import CONNECTIONS_MAX, HEADER_BYTES_MAX, WebServer
from tests.daemon.running import PATIENCE_S, eventually
from tests.render import example
from tests.render.rewrite import schemas

LOOPBACK = ListenAddress("127.0.0.1", 0)
Site = tuple[WebServer, ListenAddress]


@pytest.fixture
def site() -> Iterator[Site]:
    web = WebServer(LOOPBACK, 300.0)
    yield web, web.open()
    web.close()


def asked(
    at: ListenAddress, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(at.host, at.port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def said(connection: socket.socket) -> bytes:
    """All that comes until the other side ends it."""
    connection.settimeout(PATIENCE_S)
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            found += part
    return found


def test_health_is_200_while_the_daemon_works_and_503_with_the_reason_once_it_stops(site: Site) -> None:
    web, at = site
    now = time.time()
    health = Health("prod", now - 500, 300.0, pass_ended_s=now - 20, result="converged")
    web.pulse.beat(health)
    status, headers, body = asked(at, "/healthz")
    assert (200, "application/json") == (status, headers["content-type"])
    document: Any = json.loads(body)
    assert [] == list(Draft202012Validator(schemas()["health.schema.json"]).iter_errors(document))
    assert (True, "prod", "converged") == (document["healthy"], document["fleet"], document["result"])
    web.pulse.beat(replace(health, stopping=True))
    status, _, body = asked(at, "/healthz")
    assert (503, "stopping") == (status, json.loads(body)["reason"])


def test_metrics_are_what_a_prometheus_can_read(site: Site) -> None:
    web, at = site
    for observer in web.observers:
        observer.reported(example.REPORT, 905.0)
    status, headers, body = asked(at, "/metrics", Accept="application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1")
    assert (200, "text/plain; version=0.0.4; charset=utf-8") == (status, headers["content-type"])
    found = {family.name: family for family in text_string_to_metric_families(body.decode())}
    assert (
        905
        == {sample.name: sample.value for sample in found["reconciler_pass_duration_seconds"].samples}[
            "reconciler_pass_duration_seconds_sum"
        ]
    )
    assert found["process_resident_memory_bytes"].samples[0].value > 0


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_head_has_the_headers_and_no_body(site: Site, path: str) -> None:
    status, headers, body = asked(site[1], path, "HEAD")
    assert (200, b"") == (status, body)
    assert int(headers["content-length"]) > 100


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_but_reading_is_allowed(site: Site, method: str) -> None:
    status, headers, _ = asked(site[1], "/metrics", method)
    assert (405, "GET, HEAD") == (status, headers["allow"])


@pytest.mark.parametrize(
    ("path", "status"),
    [("/healthz", 200), ("/", 404), ("/metrics/../etc", 404), ("/docs", 404), ("/" + "a" * 2000, 414)],
)
def test_every_answer_has_the_security_headers_and_names_no_server(site: Site, path: str, status: int) -> None:
    found, headers, _ = asked(site[1], path)
    assert status == found
    assert headers["server"] is None
    assert "default-src 'none'; frame-ancestors 'none'" == headers["content-security-policy"]
    assert ("nosniff", "DENY", "no-store") == (
        headers["x-content-type-options"],
        headers["x-frame-options"],
        headers["cache-control"],
    )


def test_a_body_is_refused_and_the_connection_closed(site: Site) -> None:
    status, headers, _ = asked(site[1], "/metrics", body=b"x" * 10)
    assert (413, "close") == (status, headers["connection"])


def test_headers_without_end_are_refused(site: Site) -> None:
    at = site[1]
    with socket.create_connection((at.host, at.port)) as caller:
        caller.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Long: ")
        with contextlib.suppress(OSError):
            for _ in range(8 * HEADER_BYTES_MAX // 1024):
                caller.sendall(b"x" * 1024)
        assert b"200" not in said(caller)[:20]
    assert 200 == asked(at, "/metrics")[0]


def test_nonsense_is_refused_and_goes_nowhere_near_the_log(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    at = site[1]
    with socket.create_connection((at.host, at.port)) as caller:
        caller.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        assert said(caller).startswith(b"HTTP/1.1 400 ")
    asked(at, "/healthz", Upgrade="websocket", Connection="upgrade")
    assert ("", "") == capfd.readouterr()


def test_a_caller_who_dribbles_is_cut_off_and_keeps_nobody_from_being_served(
    monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    monkeypatch.setattr(server, "CONNECTION_S", 1.0)
    at = site[1]
    began_s = time.monotonic()
    with socket.create_connection((at.host, at.port)) as caller:
        caller.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert 200 == asked(at, "/healthz")[0]

        def dribble() -> None:
            with contextlib.suppress(OSError):
                while True:
                    caller.sendall(b"X: y\r\n")
                    time.sleep(0.1)

        threading.Thread(target=dribble, daemon=True).start()
        assert b"" == said(caller)
    assert 0.9 < time.monotonic() - began_s < PATIENCE_S / 2


def test_callers_beyond_the_limit_are_turned_away_and_served_once_others_have_left(site: Site) -> None:
    at = site[1]
    idle = [socket.create_connection((at.host, at.port)) for _ in range(CONNECTIONS_MAX)]
    eventually(lambda: len(turned_away(at)) == 0)
    for caller in idle:
        caller.close()

    def served() -> bool:
        try:
            return asked(at, "/healthz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    eventually(served)


def turned_away(at: ListenAddress) -> bytes:
    with socket.create_connection((at.host, at.port)) as caller:
        caller.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return said(caller)


def test_a_port_in_use_is_a_clear_error(site: Site) -> None:
    taken = site[1]
    with pytest.raises(SettingsError) as refusal:
        WebServer(taken, 300.0).open()
    assert f'[web] listen = "127.0.0.1:{taken.port}": Address already in use' == refusal.value.what


def test_an_address_of_another_machine_is_a_clear_error() -> None:
    with pytest.raises(SettingsError, match=r"\[web\] listen"):
        WebServer(ListenAddress("192.0.2.1", 9477), 300.0).open()


def test_closing_ends_it_within_two_seconds_also_with_callers_on_the_line() -> None:
    web = WebServer(LOOPBACK, 300.0)
    at = web.open()
    with socket.create_connection((at.host, at.port)) as caller:
        caller.sendall(b"GET /healthz HTTP/1.1\r\n")
        began_s = time.monotonic()
        web.close()
        assert time.monotonic() - began_s < 2.5
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((at.host, at.port))
