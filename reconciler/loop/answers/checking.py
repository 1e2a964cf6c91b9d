"""What stands in the way of moves in a fleet: what its drivers find, and machines that are not who they should be.

Called by `check`. Changes nothing, on hosts or here.
"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from reconciler.core.diff import HostReason, diff
from reconciler.core.observed import Look, ObservedFleet, Unreachable
from reconciler.core.reports.checks import AssumptionCheck, CheckFinding, CheckReport, Level, sorted_findings
from reconciler.drivers.protocol import Examiner
from reconciler.errors import UsageError
from reconciler.loop.publishing import previous
from reconciler.loop.shell import CONNECTIONS_MAX
from reconciler.loop.wiring import Fleet

IDENTITY = {HostReason.SHARED_IDENTITY: "machine-shared", HostReason.CHANGED_IDENTITY: "machine-changed"}
IDENTITY_FIXES = {
    HostReason.SHARED_IDENTITY: "give each machine one Host document",
    HostReason.CHANGED_IDENTITY: "see which machine that is; if it is right: reconciler apply --accept-machine {host}",
}


def check(fleet: Fleet, names: Collection[str]) -> CheckReport:
    """Check these hosts, or all where none is named. Raises UsageError for a name that no Host document declares."""
    hosts = fleet.desired.hosts
    for name in names:
        if name not in hosts:
            near = get_close_matches(name, hosts, 3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"declared are: {', '.join(sorted(hosts))}"
            raise UsageError(f"no Host document declares {name!r}", hint=hint)
    chosen = set(names) or set(hosts)
    reports: list[CheckReport] = []
    looks: dict[str, Look] = {}
    for driver_name, driver in sorted(fleet.drivers.items()):
        peers = [host for _, host in sorted(hosts.items()) if host.driver == driver_name]
        asked = [host for host in peers if host.name in chosen]
        if isinstance(driver, Examiner) and asked:
            report, seen = driver.examine(asked, peers, CONNECTIONS_MAX)
        elif asked:
            seen = {host.name: driver.look(host) for host in peers}
            report = _looked(seen, chosen)
        else:
            continue
        reports.append(report)
        looks |= seen
    return _together(reports, _identities(fleet, looks, chosen))


def _looked(seen: dict[str, Look], chosen: set[str]) -> CheckReport:
    """What looks alone tell: hosts of a driver that examines nothing."""
    findings = [
        CheckFinding(name, "no-answer", Level.PROBLEM, look.reason, "see to the host")
        for name, look in seen.items()
        if isinstance(look, Unreachable) and name in chosen
    ]
    asked = {name: look for name, look in seen.items() if name in chosen}
    guests = {entry.uuid for facts in ObservedFleet(asked).reachable() for entry in facts.registrations}
    return CheckReport(tuple(sorted(asked)), 0, len(guests), tuple(findings))


def _identities(fleet: Fleet, looks: dict[str, Look], chosen: set[str]) -> list[CheckFinding]:
    difference = diff(fleet.desired, ObservedFleet(looks), previous(fleet.status()).machines)
    return [
        CheckFinding(
            found.host,
            IDENTITY[found.reason],
            Level.PROBLEM,
            found.text,
            IDENTITY_FIXES[found.reason].format(host=found.host),
        )
        for found in difference.hosts
        if found.reason in IDENTITY and found.host in chosen
    ]


def _together(reports: list[CheckReport], more: list[CheckFinding]) -> CheckReport:
    assumptions: tuple[AssumptionCheck, ...] = tuple(entry for report in reports for entry in report.assumptions)
    return CheckReport(
        hosts=tuple(sorted(name for report in reports for name in report.hosts)),
        pairs=sum(report.pairs for report in reports),
        guests=sum(report.guests for report in reports),
        findings=sorted_findings([*(found for report in reports for found in report.findings), *more]),
        assumptions=assumptions,
    )
