"""An event as a JSON document: what the `notify` program gets on stdin. Bounded, and without what must not leak.

Called by the daemon's log and its notifier. Decides nothing about who is told.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from reconciler.core.reports.events import Event
from reconciler.core.reports.json_values import Json, headed
from reconciler.render.escape import terminal

KIND = "Event"
CHARACTERS_MAX = 1000
"""Of a message or a field; what is cut off is in the report."""
ENTRIES_MAX = 20
"""Of a list among the fields, and of the fields themselves."""
DEPTH_MAX = 3
CUT = "…"
HIDDEN = "***"

SECRETS = (
    (re.compile(r"(?<=://)[^/@\s]+@"), f"{HIDDEN}@"),
    (re.compile(r"(?i)\b(authorization\s*[:=]\s*)(\w+\s+)?[^\s,;]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(\w*(?:password|passwd|passphrase|secret|token|api_?key)\s*[=:]\s*)[^\s,;&]+"), rf"\1{HIDDEN}"),
)
"""What git, ssh or a proxy may say that nobody is to read: users with passwords in addresses, headers, `token=…`."""
SECRET_NAMES = re.compile(r"(?i)(password|passwd|passphrase|secret|token|authorization|private_key)")


def event_json(event: Event) -> Json:
    """The event as a document."""
    return headed(
        KIND,
        {
            "event": event.kind.value,
            "severity": event.severity.value,
            "time": event_time(event),
            "fleet": harmless(event.fleet),
            "run": harmless(event.run),
            "message": harmless(event.message),
            "details": event_fields(event),
        },
    )


def event_time(event: Event) -> str:
    """ISO 8601 with its zone, to the millisecond."""
    return datetime.fromtimestamp(event.at_s, UTC).isoformat(timespec="milliseconds")


def event_fields(event: Event) -> dict[str, object]:
    """Its further fields, each of them plain and bounded."""
    return _mapping(event.details, DEPTH_MAX)


def harmless(text: str) -> str:
    """On one line, no control characters, no secrets, not endless."""
    shown = terminal(text[: 4 * CHARACTERS_MAX])
    for secret, instead in SECRETS:
        shown = secret.sub(instead, shown)
    return shown if len(shown) <= CHARACTERS_MAX else shown[: CHARACTERS_MAX - 1] + CUT


def _mapping(found: Mapping[str, object], depth: int) -> dict[str, object]:
    return {
        harmless(str(name)): HIDDEN if SECRET_NAMES.search(str(name)) else _plain(value, depth)
        for name, value in list(found.items())[:ENTRIES_MAX]
    }


def _plain(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping) and depth > 0:
        return _mapping(value, depth - 1)
    if isinstance(value, list | tuple | set | frozenset) and depth > 0:
        entries = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
        return [_plain(entry, depth - 1) for entry in entries[:ENTRIES_MAX]]
    return harmless(str(value))
