"""Over which migration network a guest goes from one host to another, and what it calls its target there.

Called by the planner, and by the checks that try the ways between hosts. Whether a network has a slot is others' to
say; which addresses may be used at all, the drivers ask their settings.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.desired import Host, Network
from reconciler.core.model import Way


def way(networks: Sequence[Network], source: Host, target: Host) -> Way:
    """The first of the Fleet's networks on which both hosts have an address; else the one without a name."""
    for network in networks:
        if network.name in source.migration_addresses and network.name in target.migration_addresses:
            return Way(network.name, target.migration_addresses[network.name], network.bandwidth_mib_s)
    return Way(address=target.reached_as)


def addresses(host: Host) -> tuple[str, ...]:
    """Everything that other hosts may call it when they send a guest there."""
    return (host.reached_as, *(address for _, address in sorted(host.migration_addresses.items())))
