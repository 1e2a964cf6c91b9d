"""Ask hosts what stands in the way of moves, side by side. Called through the driver; read only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.core.desired import Host, Network
from reconciler.core.observed import Look
from reconciler.core.planning.ways import networks as migration_networks
from reconciler.core.reports.checks import AssumptionCheck, CheckReport, Holds, sorted_findings
from reconciler.drivers import over_ssh
from reconciler.drivers.hpvm.assumptions import ASSUMPTIONS
from reconciler.drivers.hpvm.checking.assumed import assumed
from reconciler.drivers.hpvm.checking.findings import Examined, of_host
from reconciler.drivers.hpvm.checking.needs import of_guests
from reconciler.drivers.hpvm.checking.ways import Way, of_way, way
from reconciler.drivers.hpvm.facts import facts
from reconciler.ssh.looks.examining import Asked, examine_all
from reconciler.ssh.programs import program
from reconciler.ssh.trouble import ConnectionLost, HostUnreachable

if TYPE_CHECKING:
    from reconciler.drivers.hpvm.driver import HpvmDriver

WAY_S = 15
"""How long one way between two hosts may take to try."""
MARGIN_S = 5.0
"""What the host may need besides."""


def examine(
    driver: HpvmDriver,
    hosts: Sequence[Host],
    peers: Sequence[Host],
    networks: Sequence[Network],
    connections_max: int,
    note: Callable[[str], None],
) -> tuple[CheckReport, Mapping[str, Look]]:
    """Examine these hosts, and the ways from and to them among all of `peers`; and the looks that rests on. Each peer
    that answers is noted twice: looked at, and tried from."""
    chosen = {host.name for host in hosts}

    def leave(source: Host, targets: Sequence[Host], _: object) -> list[Way]:
        called = {target.name: migration_networks.way(networks, source, target).address for target in targets}
        return _ways(driver, source, called)

    asked = Asked(lambda host: driver.read(host, fresh=True), lambda _, reading: facts(reading))
    fleet = examine_all(asked, peers, chosen, leave, connections_max, note)
    ways = [tried for found in fleet.tried.values() for tried in found]
    findings = [found for name, found in fleet.unread.items() if name in chosen]
    for name, examined in fleet.read.items():
        findings += of_host(examined) if name in chosen else ()
    findings += [found for found in map(of_way, ways) if found is not None]
    findings += of_guests(fleet.read.values(), chosen)
    report = CheckReport(
        tuple(sorted(chosen)),
        len(ways),
        fleet.guests(chosen),
        sorted_findings(findings),
        _assumptions(fleet.read, chosen),
    )
    return report, fleet.looks()


def _ways(driver: HpvmDriver, source: Host, targets: Mapping[str, str]) -> list[Way]:
    """What came of the platform's call to each of these hosts, by the address that moves take."""
    if not targets:
        return []
    script = program("reconciler.drivers.hpvm.checking", "between.sh")
    words = (str(WAY_S), *targets.values())
    timeout_s = (WAY_S + MARGIN_S) * len(targets) + MARGIN_S
    try:
        sections, _ = over_ssh.ask(driver.connections, source, script, words, timeout_s=timeout_s)
    except (HostUnreachable, ConnectionLost):
        return [Way(source.name, target, address) for target, address in targets.items()]
    return [way(source.name, target, address, sections) for target, address in targets.items()]


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
