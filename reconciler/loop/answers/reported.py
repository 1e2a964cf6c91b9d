"""What was reported before, read back from the status branch for people and for plans without access to hosts.

Called by the commands that only read. What is read here is shown, or planned on; it never allows anything (I10).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from reconciler.core.observed import ObservedFleet, Unreachable
from reconciler.core.reports.json_values import parsed
from reconciler.errors import DesiredStateError
from reconciler.git.status_branch import STATUS_REFS, StatusBranch, read_status
from reconciler.git.trouble import GitTrouble
from reconciler.loop.publishing import observed_looks
from reconciler.loop.settings import Settings
from reconciler.loop.wiring import Fleet, declared_at, desired_repository, reports_repository
from reconciler.render.fleet_status import FleetStatus
from reconciler.render.outputs.run import run_summary_from_json
from reconciler.render.outputs.status import status_from_json
from reconciler.render.paths import INDEX, RUNS
from reconciler.render.run_summary import RunSummary

NOT_YET_HINT = "the first `reconciler apply` writes it"


def status_branch(settings: Settings) -> StatusBranch:
    """The status branch of the fleet that the settings lead to. Where its documents are invalid just now, the only
    status branch there is: what was reported can still be read then. Raises GitError, or DesiredStateError where that
    is unclear.
    """
    desired = desired_repository(settings)
    repository = reports_repository(settings, desired)
    try:
        fleet = declared_at(desired, settings.ref, settings.folder).desired.fleet.name
    except DesiredStateError:
        refs = repository.run(["for-each-ref", "--format=%(refname)", "--", STATUS_REFS]).stdout.decode().split()
        if len(refs) != 1:
            raise
        return read_status(repository, refs[0])
    return read_status(repository, f"{STATUS_REFS}{fleet}")


def last_status(branch: StatusBranch) -> FleetStatus:
    """The state of the fleet as the last report left it. Raises GitTrouble where there is none that can be read."""
    content = branch.read(INDEX)
    if content is None:
        raise GitTrouble("status-missing", f"{branch.ref} holds no report", hint=NOT_YET_HINT)
    try:
        return status_from_json(parsed(content))
    except ValueError as error:
        hint = "the next report of this version writes it anew"
        raise GitTrouble("status-unreadable", f"{INDEX} on {branch.ref}: {error}", hint=hint) from error


def runs(branch: StatusBranch) -> Iterator[RunSummary]:
    """The run records, newest first, read one by one. One that cannot be read is left out: it is history, not state."""
    for path in sorted((path for path in branch.files(RUNS) if path.endswith(".json")), reverse=True):
        try:
            yield run_summary_from_json(parsed(branch.read(path) or b""))
        except ValueError:
            continue


def last_observed(fleet: Fleet) -> tuple[ObservedFleet, str]:
    """The snapshot that was reported last, and when. A host that it lacks, or of which it cannot be read, is not known.

    Raises GitTrouble where nothing was reported.
    """
    branch = fleet.status()
    newest = next(iter(branch.log(1)), None)
    if newest is None:
        raise GitTrouble("status-missing", f"{branch.ref} holds no report", hint=NOT_YET_HINT)
    found = {look.name: look for look in observed_looks(branch)}
    hosts = {name: found.get(name, Unreachable(name, "not in the last report")) for name in fleet.desired.hosts}
    return ObservedFleet(hosts), datetime.fromtimestamp(newest.when, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
