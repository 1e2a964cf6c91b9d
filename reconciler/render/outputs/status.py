"""The state of a fleet as a JSON document: index.json of the status branch, and what `status -o json` prints.

Called by status_tree and the command line. What is read back is shown, never acted on.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.reports.json_values import Json, body, headed, plain, plain_fields, typed
from reconciler.render.fleet_status import FleetStatus
from reconciler.render.run_summary import RunSummary

KIND = "Status"


def status_json(status: FleetStatus) -> Json:
    """The state of the fleet as a document."""
    return headed(KIND, plain_fields(status))


def status_from_json(raw: object) -> FleetStatus:
    """Read back what `status_json` wrote. Raises ValueError, naming the path, for anything else."""
    return typed(FleetStatus, body(raw, KIND, set(FleetStatus.__dataclass_fields__)), "")


def history_json(fleet: str, runs: Sequence[RunSummary], guest: str = "") -> Json:
    """Passes, newest first; with a guest, those that did something to it, and only that."""
    shown = [run.of_guest(guest) for run in runs] if guest else list(runs)
    shown = [run for run in shown if run.moves] if guest else shown
    return headed("History", {"fleet": fleet, "guest": guest, "runs": plain(shown)})
