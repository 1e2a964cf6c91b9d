"""One guest as a JSON document: guests/<aa>/<name>.json on the status branch, and part of a run record.

Called by status_tree and run. Never holds a time or an id that changes while the guest stays as it is.
"""

from __future__ import annotations

from reconciler.core.reports.json_values import Json, headed, plain, plain_fields, typed
from reconciler.core.reports.report import GuestStatus
from reconciler.render.run_summary import MoveSummary

KIND = "GuestStatus"


def guest_json(guest: GuestStatus, last_move: MoveSummary | None, last_run: str) -> Json:
    """The guest as a document of its own. `last_run` is the path of the run that the last move was part of."""
    return headed(KIND, {**guest_body(guest), "last_move": plain(last_move), "last_run": last_run})


def guest_body(guest: GuestStatus) -> Json:
    """The guest as part of another document."""
    return {**plain_fields(guest.diff), "conditions": plain(guest.conditions)}


def last_move_from_json(raw: object) -> tuple[MoveSummary, str] | None:
    """The last move of a guest, and its run, where there is one. Raises ValueError for what is no such document."""
    if not isinstance(raw, dict) or raw.get("kind") != KIND or not isinstance(raw.get("last_run"), str):
        raise ValueError(f"the document: expected kind {KIND}")
    if raw.get("last_move") is None:
        return None
    return typed(MoveSummary, raw["last_move"], "last_move"), raw["last_run"]
