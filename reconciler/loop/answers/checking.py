"""What stands in the way of moves in a fleet: what its drivers find, and machines that are not who they should be.

Called by `check`. Changes nothing, on hosts or here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

from reconciler.core.desired import Host
from reconciler.core.diff import HostReason, diff
from reconciler.core.observed import Look, ObservedFleet, Unreachable
from reconciler.core.reports.checks import AssumptionCheck, CheckFinding, CheckReport, Level, sorted_findings
from reconciler.drivers.protocol import Driver, Examiner
from reconciler.loop.answers.naming import near_to, refuse_undeclared
from reconciler.loop.publishing import previous
from reconciler.loop.shell import CONNECTIONS_MAX
from reconciler.loop.wiring import Fleet

IDENTITY = {HostReason.SHARED_IDENTITY: "machine-shared", HostReason.CHANGED_IDENTITY: "machine-changed"}
IDENTITY_FIXES = {
    HostReason.SHARED_IDENTITY: "give each machine one Host document",
    HostReason.CHANGED_IDENTITY: "see which machine that is; if it is right: reconciler apply --accept-machine {host}",
}


Watch = Callable[[int, int, str], None]
"""Told what was done last: (parts done, parts in all, what), one call at a time."""


def unwatched(done: int, total: int, doing: str) -> None:
    """Nobody wants to know."""


def check(fleet: Fleet, names: Collection[str], watch: Watch = unwatched) -> CheckReport:
    """Check these hosts, or all where none is named. Raises UsageError for a name that no Host document declares."""
    hosts, lost = fleet.desired.hosts, fleet.settings.lost_hosts
    refuse_undeclared("Host", names, hosts)
    chosen = set(names) or set(hosts)
    by_driver = {
        driver: [host for name, host in sorted(hosts.items()) if host.driver == driver and name not in lost]
        for driver in sorted(fleet.drivers)
    }
    asked = {driver: [host for host in peers if host.name in chosen] for driver, peers in by_driver.items()}
    by_driver = {driver: peers for driver, peers in by_driver.items() if asked[driver]}
    parts = {driver: 2 if isinstance(fleet.drivers[driver], Examiner) else 1 for driver in by_driver}
    note = _counter(sum(parts[driver] * len(peers) for driver, peers in by_driver.items()), watch)
    reports: list[CheckReport] = []
    looks: dict[str, Look] = {name: Unreachable(name, f"declared lost {lost[name]}") for name in hosts if name in lost}
    for name, peers in by_driver.items():
        driver = fleet.drivers[name]
        if isinstance(driver, Examiner):
            report, seen = driver.examine(asked[name], peers, fleet.desired.fleet.networks, CONNECTIONS_MAX, note)
        else:
            seen = _look(driver, peers, note)
            report = _looked(seen, chosen)
        reports.append(report)
        looks |= seen
    left_out = [_lost(name, lost[name]) for name in sorted(chosen) if name in lost]
    misnamed = _misnamed(fleet) if not names else []
    return _together(reports, [*left_out, *misnamed, *_identities(fleet, looks, chosen)])


def _counter(total: int, watch: Watch) -> Callable[[str], None]:
    lock, done = threading.Lock(), 0

    def note(doing: str) -> None:
        nonlocal done
        with lock:
            done += 1
            watch(done, total, doing)

    return note


def _look(driver: Driver, peers: list[Host], note: Callable[[str], None]) -> dict[str, Look]:
    def look(host: Host) -> Look:
        found = driver.look(host)
        note(f"looked at {host.name}")
        return found

    with ThreadPoolExecutor(CONNECTIONS_MAX, thread_name_prefix="check") as pool:
        return dict(zip((host.name for host in peers), pool.map(look, peers), strict=True))


def _lost(host: str, why: str) -> CheckFinding:
    """A host that the operator declared lost is not dialled: that it does not answer is known."""
    text = f"the settings declare it lost {why}; it was not asked"
    return CheckFinding(host, "host-lost", Level.WARNING, text, "take it out of [[lost_hosts]] once it is back")


def _misnamed(fleet: Fleet) -> list[CheckFinding]:
    """Lost hosts that are none: no document declares them, and the last report saw no guest there that could run."""
    hosts, lost = fleet.desired.hosts, fleet.settings.lost_hosts
    unknown = sorted(lost.keys() - hosts.keys())
    seen = previous(fleet.status()).startable if unknown else {}
    text = "the settings declare it lost, and no Host document declares it"
    return [
        CheckFinding(
            name, "host-misnamed", Level.WARNING, text, near_to(name, hosts) or "take it out of [[lost_hosts]]"
        )
        for name in unknown
        if not seen.get(name)
    ]


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
