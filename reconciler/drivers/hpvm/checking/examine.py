"""Ask hosts what stands in the way of moves, side by side. Called through the driver; read only."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from reconciler.core.desired import Host
from reconciler.core.observed import Look, Unreachable
from reconciler.core.reports.checks import AssumptionCheck, CheckFinding, CheckReport, Holds, Level, sorted_findings
from reconciler.drivers.hpvm.assumptions import ASSUMPTIONS
from reconciler.drivers.hpvm.checking.assumed import assumed
from reconciler.drivers.hpvm.checking.findings import Examined, of_host
from reconciler.drivers.hpvm.checking.needs import of_guests
from reconciler.drivers.hpvm.checking.ways import Way, of_way, way
from reconciler.drivers.hpvm.facts import facts
from reconciler.ssh.access import Target
from reconciler.ssh.looks.sections import Unreadable, split
from reconciler.ssh.programs import program
from reconciler.ssh.trouble import ConnectionLost, HostUnreachable

if TYPE_CHECKING:
    from reconciler.drivers.hpvm.driver import HpvmDriver

WAY_S = 15
"""How long one way between two hosts may take to try."""
MARGIN_S = 5.0
"""What the host may need besides."""


def examine(
    driver: HpvmDriver, hosts: Sequence[Host], peers: Sequence[Host], connections_max: int, note: Callable[[str], None]
) -> tuple[CheckReport, Mapping[str, Look]]:
    """Examine these hosts, and the ways from and to them among all of `peers`; and the looks that rests on. Each peer
    that answers is noted twice: looked at, and tried from."""
    chosen = {host.name for host in hosts}

    def look(host: Host) -> Examined | CheckFinding:
        try:
            return _one(driver, host)
        finally:
            note(f"looked at {host.name}")

    def leave(source: Host) -> list[Way]:
        try:
            return _ways(driver, source, _targets(source, answering, chosen))
        finally:
            note(f"tried the ways from {source.name}")

    with ThreadPoolExecutor(connections_max, thread_name_prefix="check") as pool:
        seen = dict(zip((host.name for host in peers), pool.map(look, peers), strict=True))
        answering = [host for host in peers if isinstance(seen[host.name], Examined)]
        ways = [tried for found in pool.map(leave, answering) for tried in found]
    read = {name: found for name, found in seen.items() if isinstance(found, Examined)}
    findings = [found for found in seen.values() if isinstance(found, CheckFinding) and found.subject in chosen]
    for name, examined in read.items():
        findings += of_host(examined) if name in chosen else ()
    findings += [found for found in map(of_way, ways) if found is not None]
    findings += of_guests(read.values(), chosen)
    guests = {
        entry.uuid
        for name, examined in read.items()
        if name in chosen and examined.facts is not None
        for entry in examined.facts.registrations
    }
    report = CheckReport(
        tuple(sorted(chosen)), len(ways), len(guests), sorted_findings(findings), _assumptions(read, chosen)
    )
    return report, {name: _look(name, found) for name, found in seen.items()}


def _targets(source: Host, hosts: Sequence[Host], chosen: Collection[str]) -> Sequence[Host]:
    """Where to from this host, where either end is asked about. Each source begins with the one after itself: a server
    drops connections when all others log in at once, and would look broken."""
    place = [host.name for host in hosts].index(source.name)
    others = [*hosts[place + 1 :], *hosts[:place]]
    return [host for host in others if source.name in chosen or host.name in chosen]


def _look(host: str, found: Examined | CheckFinding) -> Look:
    if isinstance(found, CheckFinding):
        return Unreachable(host, found.text)
    return found.facts or (found.doubt or Unreadable("nothing is known of it")).look(host)


def _one(driver: HpvmDriver, host: Host) -> Examined | CheckFinding:
    asked_s = time.time()
    try:
        reading = driver.read(host, fresh=True)
    except (HostUnreachable, ConnectionLost) as error:
        code = error.code if isinstance(error, HostUnreachable) else "no-answer"
        return CheckFinding(host.name, code, Level.PROBLEM, error.what, error.hint)
    except Unreadable as error:
        fix = "[network] migration_addresses in the settings, or spec.migrationAddress in its document"
        return CheckFinding(host.name, "address-not-allowed", Level.PROBLEM, error.what, fix)
    try:
        return Examined(reading, facts(reading), None, (asked_s + time.time()) / 2)
    except Unreadable as doubt:
        return Examined(reading, None, doubt, asked_s)


def _ways(driver: HpvmDriver, source: Host, targets: Sequence[Host]) -> list[Way]:
    """What came of the platform's call to each of these hosts."""
    if not targets:
        return []
    token = f"@{secrets.token_hex(12)}"
    text = program("reconciler.drivers.hpvm.checking", "between.sh")
    addresses = [target.reached_as for target in targets]
    argv = ("sh", "-c", text, "reconciler", token, str(WAY_S), *addresses)
    to = Target(source.name, source.dialled, source.port)
    try:
        said = driver.connections.run(to, argv, timeout_s=(WAY_S + MARGIN_S) * len(targets) + MARGIN_S)
    except (HostUnreachable, ConnectionLost):
        return [Way(source.name, target.name, target.reached_as) for target in targets]
    sections = split(said.stdout.decode("utf-8", "replace"), token)
    return [way(source.name, target.name, target.reached_as, sections) for target in targets]


def _assumptions(read: Mapping[str, Examined], chosen: set[str]) -> tuple[AssumptionCheck, ...]:
    judged = {name: assumed(examined.reading) for name, examined in sorted(read.items()) if name in chosen}
    return tuple(
        AssumptionCheck(
            entry.id,
            f"{entry.about}: {entry.assumed}",
            tuple((name, found.get(entry.id, Holds.UNTOLD)) for name, found in judged.items()),
        )
        for entry in ASSUMPTIONS
    )
