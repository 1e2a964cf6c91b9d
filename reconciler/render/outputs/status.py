"""The state of a fleet as a JSON document: index.json of the status branch, and what `status -o json` prints.

Called by status_tree and the command line. What is read back is shown, never acted on.
"""

from __future__ import annotations

from reconciler.core.reports.json_values import Json, body, headed, plain_fields, typed
from reconciler.render.fleet_status import FleetStatus

KIND = "Status"


def status_json(status: FleetStatus) -> Json:
    """The state of the fleet as a document."""
    return headed(KIND, plain_fields(status))


def status_from_json(raw: object) -> FleetStatus:
    """Read back what `status_json` wrote. Raises ValueError, naming the path, for anything else."""
    return typed(FleetStatus, body(raw, KIND, set(FleetStatus.__dataclass_fields__)), "")
