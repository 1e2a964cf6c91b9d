"""What the settings say of log, notify program and web pages. Read by loop/settings, used by those three."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reconciler.core.reports.events import EventKind, Severity

ADDRESS = re.compile(r"^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$")
PORT_MAX = 65535


class LogFormat(StrEnum):
    """How events are logged."""

    AUTO = "auto"
    """Text on a terminal, JSON elsewhere."""
    JSON = "json"
    TEXT = "text"


@dataclass(frozen=True)
class LogSettings:
    """[log]"""

    format: LogFormat = LogFormat.AUTO
    level: Severity = Severity.INFO

    def wants(self, severity: Severity) -> bool:
        """Whether an event of this severity is logged."""
        return at_least(severity, self.level)


@dataclass(frozen=True)
class NotifySettings:
    """[notify]"""

    program: tuple[str, ...]
    """With its arguments."""
    kinds: frozenset[EventKind] = frozenset()
    """Empty: all."""
    min_severity: Severity = Severity.WARNING
    timeout_s: float = 30.0

    def wants(self, kind: EventKind, severity: Severity) -> bool:
        """Whether the program is told of such an event."""
        return at_least(severity, self.min_severity) and (not self.kinds or kind in self.kinds)


@dataclass(frozen=True)
class ListenAddress:
    """[web] listen"""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def at_least(severity: Severity, least: Severity) -> bool:
    """Whether it is as severe as that."""
    order = list(Severity)
    return order.index(severity) >= order.index(least)


def log_settings(table: Mapping[str, Any]) -> LogSettings:
    """The table [log], once its schema has passed it."""
    return LogSettings(
        LogFormat(table.get("format", LogSettings.format)), Severity(table.get("level", LogSettings.level))
    )


def notify_settings(table: Mapping[str, Any]) -> NotifySettings:
    """The table [notify], once its schema has passed it."""
    return NotifySettings(
        tuple(table["program"]),
        frozenset(map(EventKind, table.get("kinds", ()))),
        Severity(table.get("min_severity", NotifySettings.min_severity)),
        float(table.get("timeout_s", NotifySettings.timeout_s)),
    )


def listen_address(text: str) -> ListenAddress:
    """`127.0.0.1:9477`, `[::1]:9477` or `name:9477`. Raises ValueError for anything else."""
    found = ADDRESS.match(text)
    if found is None or int(found[3]) > PORT_MAX:
        raise ValueError(f"{text!r} is no address and port such as 127.0.0.1:9477 or [::1]:9477")
    return ListenAddress(found[1] or found[2], int(found[3]))
