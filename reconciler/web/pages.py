"""What can be asked for, and what every answer has in common. Knows nothing of sockets; never changes anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reconciler.core.reports.json_values import canonical
from reconciler.web.health import Pulse
from reconciler.web.metrics import CONTENT_TYPE, Metrics

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
"""On every answer: there is nothing here for a browser to run, frame, keep or guess at."""
METHODS = ("GET", "HEAD")
PATH_BYTES_MAX = 1024


def application(pulse: Pulse, metrics: Metrics) -> App:
    """`/healthz` and `/metrics`."""

    async def healthz(request: Request) -> Response:
        healthy, document = pulse.answer()
        return Response(canonical(document), 200 if healthy else 503, media_type="application/json")

    async def metrics_text(request: Request) -> Response:
        return Response(metrics.text(), headers={"content-type": CONTENT_TYPE})

    routes = [Route("/healthz", healthz, methods=["GET"]), Route("/metrics", metrics_text, methods=["GET"])]
    return guarded(Starlette(routes=routes))


def guarded(app: App) -> App:
    """The same, for requests that only read and bring nothing along."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        refusal = _refusal(scope)
        await (refusal or app)(scope, receive, send_with_headers)

    return guard


def _refusal(scope: Scope) -> Response | None:
    if scope["method"] not in METHODS:
        return _refused(405, "only GET and HEAD", allow=", ".join(METHODS))
    if len(scope["raw_path"]) + len(scope["query_string"]) > PATH_BYTES_MAX:
        return _refused(414, "the address is too long")
    headers = dict(scope["headers"])
    if headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers:
        return _refused(413, "nothing is to be sent here")
    return None


def _refused(status: int, text: str, **headers: str) -> Response:
    return PlainTextResponse(f"{text}\n", status, {"connection": "close", **headers})
