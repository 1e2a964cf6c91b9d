"""Serve health and metrics on a thread of their own, for as long as the daemon runs.

Owns the listening socket. A caller gets a few seconds, a few kilobytes and one of a few connections; whoever takes more
is cut off. Nothing that a caller does can keep the daemon waiting.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time

from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.errors import SettingsError
from reconciler.loop.daemon.telling.observer import Health, Observer
from reconciler.loop.daemon.telling.signals import ListenAddress
from reconciler.web.health import Pulse
from reconciler.web.metrics import Metrics
from reconciler.web.pages import application

CONNECTION_S = 10.0
"""How long a connection may last, whatever it does: callers that dribble their request cost nothing for long."""
KEEP_ALIVE_S = 5
CONNECTIONS_MAX = 32
HEADER_BYTES_MAX = 8192
CLOSE_S = 2.0


class ShortConnection(H11Protocol):
    """One caller. uvicorn limits idle connections only, not those that are slow to ask or to read."""

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
            return
        self._limit = self.loop.call_later(CONNECTION_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._limit is not None:
            self._limit.cancel()
        super().connection_lost(exc)


class WebServer:
    """`open` it, have its `observers` told, `close` it."""

    def __init__(self, listen: ListenAddress, interval_s: float) -> None:
        self.listen = listen
        self.pulse = Pulse(Health("", time.time(), interval_s))
        self.metrics = Metrics()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def observers(self) -> tuple[Observer, ...]:
        """Who has to be told what the daemon does."""
        return self.pulse, self.metrics

    def open(self) -> ListenAddress:
        """Listen, and say where. Raises SettingsError."""
        _silence_uvicorn()
        listener = _listener(self.listen)
        host, port = listener.getsockname()[:2]
        config = Config(
            application(self.pulse, self.metrics),
            http=ShortConnection,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=HEADER_BYTES_MAX,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=1,
        )
        self._server = Server(config)
        self._thread = threading.Thread(target=self._serve, args=(self._server, listener), name="web", daemon=True)
        self._thread.start()
        return ListenAddress(host, port)

    def close(self) -> None:
        """Serve nobody any more, within two seconds."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(CLOSE_S)

    @staticmethod
    def _serve(server: Server, listener: socket.socket) -> None:
        with listener:
            server.run(sockets=[listener])


def _listener(listen: ListenAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        return socket.create_server((listen.host, listen.port), family=family, backlog=CONNECTIONS_MAX)
    except OSError as error:
        number = error.errno or 0
        why = os.strerror(number) if number > 0 else error.strerror  # create_server adds its arguments to the text
        raise SettingsError(
            f'[web] listen = "{listen}": {why or error}',
            hint="another program may have the port: `ss -ltnp` shows it; or name another address of this machine",
        ) from error


def _silence_uvicorn() -> None:
    """The daemon's log is lines of our own; a bad request from anybody is none of them."""
    logger = logging.getLogger("uvicorn")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.propagate = False
