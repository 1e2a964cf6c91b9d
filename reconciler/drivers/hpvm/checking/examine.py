"""Ask hosts what stands in the way of moves, side by side. Called through the driver; read only."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from reconciler.core.desired import Host
from reconciler.core.observed import Look, Unreachable
from reconciler.core.reports.checks import AssumptionCheck, CheckFinding, CheckReport, Holds, Level, sorted_findings
from reconciler.drivers.hpvm.assumptions import ASSUMPTIONS
from reconciler.drivers.hpvm.checking.assumed import assumed
from reconciler.drivers.hpvm.checking.findings import Examined, of_guests, of_host, of_way
from reconciler.drivers.hpvm.facts import facts
from reconciler.drivers.hpvm.parse.sections import Section, Unreadable, split
from reconciler.ssh.access import Target
from reconciler.ssh.programs import program
from reconciler.ssh.trouble import ConnectionLost, HostUnreachable

if TYPE_CHECKING:
    from reconciler.drivers.hpvm.driver import HpvmDriver

WAY_S = 15.0
"""How long one way between two hosts may take to try."""


def examine(
    driver: HpvmDriver, hosts: Sequence[Host], peers: Sequence[Host], connections_max: int
) -> tuple[CheckReport, Mapping[str, Look]]:
    """Examine these hosts, and the ways from and to them among all of `peers`; and the looks that rests on."""
    chosen = {host.name for host in hosts}
    with ThreadPoolExecutor(connections_max, thread_name_prefix="check") as pool:
        seen = dict(zip((host.name for host in peers), pool.map(lambda host: _one(driver, host), peers), strict=True))
        read = {name: found for name, found in seen.items() if isinstance(found, Examined)}
        sources = [host for host in peers if host.name in read]
        tried = list(pool.map(lambda host: _ways(driver, host, [to for to in peers if to.name in read]), sources))
    findings = [found for found in seen.values() if isinstance(found, CheckFinding) and found.subject in chosen]
    for name, examined in read.items():
        findings += of_host(examined) if name in chosen else ()
    addresses = {host.name: host.reached_as for host in peers}
    ways = [
        (source.name, name, addresses[name], said)
        for source, answers in zip(sources, tried, strict=True)
        for name, said in answers.items()
        if source.name in chosen or name in chosen
    ]
    findings += [found for found in (of_way(*way) for way in ways) if found is not None]
    all_facts = [examined.facts for examined in read.values() if examined.facts is not None]
    findings += of_guests(all_facts, chosen)
    guests = {entry.uuid for found in all_facts if found.name in chosen for entry in found.registrations}
    report = CheckReport(
        tuple(sorted(chosen)), len(ways), len(guests), sorted_findings(findings), _assumptions(read, chosen)
    )
    return report, {name: _look(name, found) for name, found in seen.items()}


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


def _ways(driver: HpvmDriver, source: Host, targets: Sequence[Host]) -> Mapping[str, Section | None]:
    """Each other host, and what came of the platform's call to it."""
    others = [target for target in targets if target.name != source.name]
    if not others:
        return {}
    token = f"@{secrets.token_hex(12)}"
    text = program("reconciler.drivers.hpvm.checking", "between.sh")
    argv = ("sh", "-c", text, "reconciler", token, *(target.reached_as for target in others))
    to = Target(source.name, source.dialled, source.port)
    try:
        said = driver.connections.run(to, argv, timeout_s=WAY_S * len(others))
    except (HostUnreachable, ConnectionLost):
        return dict.fromkeys(target.name for target in others)
    sections = split(said.stdout.decode("utf-8", "replace"), token)
    return {target.name: sections.get(f"to {target.reached_as}") for target in others}


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
