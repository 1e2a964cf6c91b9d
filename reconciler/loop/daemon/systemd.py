"""Tell systemd how the daemon is (`Type=notify`, `WatchdogSec`). Does nothing where no systemd listens.

The protocol is a datagram to the socket in $NOTIFY_SOCKET: sd_notify(3).
"""

from __future__ import annotations

import contextlib
import os
import socket


def notify(*lines: str) -> None:
    """Say `READY=1`, `STOPPING=1`, `WATCHDOG=1`, `STATUS=…`. Never fails: nobody's guests depend on it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.sendto("\n".join(lines).encode(), address.replace("@", "\0", 1))


def watchdog_s() -> float | None:
    """How often systemd wants to hear `WATCHDOG=1`, halved as its manual advises; None where it does not."""
    try:
        return int(os.environ["WATCHDOG_USEC"]) / 2e6
    except (KeyError, ValueError):
        return None
