"""Ask hosts what stands in the way of moves, side by side. Called through the driver; read only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.core.desired import Host, Network
from reconciler.core.observed import Look
from reconciler.core.planning.ways import networks as migration_networks
from reconciler.core.reports.checks import CheckFinding, CheckReport, sorted_findings
from reconciler.drivers import over_ssh
from reconciler.drivers.libvirt.checking.findings import Examined, Tried, of_host, of_identities
from reconciler.drivers.libvirt.checking.images import of_images, samples
from reconciler.drivers.libvirt.checking.needs import of_guests
from reconciler.drivers.libvirt.checking.ways import Way, of_way, way
from reconciler.drivers.libvirt.commands import ADDRESS_CHARACTERS
from reconciler.ssh.looks.examined import facts_of, problem
from reconciler.ssh.looks.examining import Asked, examine_all
from reconciler.ssh.trouble import ConnectionLost, HostUnreachable

if TYPE_CHECKING:
    from reconciler.drivers.libvirt.driver import LibvirtDriver

CALL_S = 15
"""How long one call may take: a login, or a question to another libvirt."""
WAY_S = 3 * CALL_S
"""How long one way between two hosts may take to try."""
MARGIN_S = 60.0
"""What the host may need besides."""
IMAGES_MAX = 200
"""So many images are compared between hosts."""


def examine(
    driver: LibvirtDriver,
    hosts: Sequence[Host],
    peers: Sequence[Host],
    networks: Sequence[Network],
    connections_max: int,
    note: Callable[[str], None],
) -> tuple[CheckReport, Mapping[str, Look]]:
    """Examine these hosts, and the ways from and to them among all of `peers`; and the looks that rests on. Each peer
    that answers is noted twice: looked at, and tried from."""
    chosen = {host.name for host in hosts}

    def leave(source: Host, targets: Sequence[Host], read: Mapping[str, Examined]) -> tuple[Tried, list[Way]]:
        known = facts_of(read)
        to = [target for target in targets if source.name in known and target.name in known and not _unfit(target)]
        called = {target.name: migration_networks.way(networks, source, target).address for target in to}
        paths = sorted({sample.path for sample in samples(known)})[:IMAGES_MAX]
        tried = _tried(driver, source, tuple(called.values()), paths)
        return tried, [way(source.name, name, called[name], known[name].machine_id, tried) for name in called]

    asked = Asked(lambda host: driver.read(host, fresh=True), driver.facts_of)
    fleet = examine_all(asked, peers, chosen, leave, connections_max, note)
    tried = {name: said for name, (said, _) in fleet.tried.items()}
    ways = [each for _, found in fleet.tried.values() for each in found]
    findings = [found for name, found in fleet.unread.items() if name in chosen]
    findings += [_unsendable(host, address) for host in hosts for address in _unfit(host)]
    for name, examined in fleet.read.items():
        findings += of_host(examined, tried[name]) if name in chosen else ()
    findings += [found for found in of_identities(fleet.read, tried) if found.subject in chosen]
    findings += [found for each in ways for found in of_way(each)]
    findings += of_guests(fleet.read, chosen)
    findings += of_images(facts_of(fleet.read), tried, chosen)
    report = CheckReport(tuple(sorted(chosen)), len(ways), fleet.guests(chosen), sorted_findings(findings))
    return report, fleet.looks()


def _unfit(host: Host) -> list[str]:
    """What other hosts call it and what can be no part of a migration's address."""
    return [called for called in migration_networks.addresses(host) if not ADDRESS_CHARACTERS.issuperset(called)]


def _unsendable(host: Host, address: str) -> CheckFinding:
    text = f"other hosts cannot be sent to {address}: that takes a name, or an IPv4 address"
    fix = "spec.migrationAddress, spec.migrationAddresses: names that they all resolve"
    return problem(host.name, "address-not-allowed", text, fix)


def _tried(driver: LibvirtDriver, source: Host, targets: Sequence[str], paths: Sequence[str]) -> Tried:
    """What try.sh says on this host of these addresses; nothing where it does not come to an end."""
    script = over_ssh.looking("reconciler.drivers.libvirt.checking", "try.sh")
    folders = (driver.settings.record_folder, driver.settings.usually.copy_folder)
    words = (str(CALL_S), *folders, str(len(targets)), *targets, *paths)
    try:
        return over_ssh.ask(driver.connections, source, script, words, timeout_s=WAY_S * len(targets) + MARGIN_S)[0]
    except (HostUnreachable, ConnectionLost):
        return {}
