"""One guest as a JSON document: guests/<aa>/<name>.json on the status branch, and part of a run record.

Called by status_tree and run. Never holds a time or an id that changes while the guest stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.core.reports.conditions import Held
from reconciler.core.reports.json_values import Json, headed, plain, plain_fields, typed
from reconciler.core.reports.report import GuestStatus
from reconciler.render.paths import MOMENT
from reconciler.render.run_summary import MoveSummary

KIND = "GuestStatus"


@dataclass(frozen=True)
class GuestBefore:
    """What a guest's file said before, as far as the next one needs it."""

    since: Mapping[Held, str] = field(default_factory=dict)
    """Since when its conditions were what they were."""
    last_move: MoveSummary | None = None
    last_run: str = ""


def guest_json(guest: GuestStatus, last_move: MoveSummary | None, last_run: str) -> Json:
    """The guest as a document of its own. `last_run` is the path of the run that the last move was part of."""
    standing = {"conditions": plain(guest.conditions), "last_move": plain(last_move), "last_run": last_run}
    return headed(KIND, {**plain_fields(guest.diff), **standing})


def guest_body(guest: GuestStatus) -> Json:
    """The guest as part of a run record. That is written before anybody knows since when its conditions hold."""
    conditions = [
        {key: value for key, value in plain_fields(one).items() if key != "since"} for one in guest.conditions
    ]
    return {**plain_fields(guest.diff), "conditions": conditions}


def guest_from_json(raw: object) -> GuestBefore:
    """What the next file of this guest rests on. Raises ValueError for what is no such document."""
    if not isinstance(raw, dict) or raw.get("kind") != KIND or not isinstance(raw.get("last_run"), str):
        raise ValueError(f"the document: expected kind {KIND}")
    since = _since(raw.get("conditions"))
    if raw.get("last_move") is None:
        return GuestBefore(since)
    return GuestBefore(since, typed(MoveSummary, raw["last_move"], "last_move"), raw["last_run"])


def since_of(guest: GuestStatus) -> dict[Held, str]:
    """The same as it will be read back."""
    return {
        (one.type.value, one.status.value, one.reason): one.since
        for one in guest.conditions
        if MOMENT.fullmatch(one.since)
    }


def _since(conditions: object) -> dict[Held, str]:
    """A time that is none is as good as none: the condition counts from now on."""
    since: dict[Held, str] = {}
    for entry in conditions if isinstance(conditions, list) else ():
        if isinstance(entry, dict):
            type_, status, reason, moment = (entry.get(key) for key in ("type", "status", "reason", "since"))
            if isinstance(moment, str) and MOMENT.fullmatch(moment):
                since[str(type_), str(status), str(reason)] = moment
    return since
