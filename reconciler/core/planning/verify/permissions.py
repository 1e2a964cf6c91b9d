"""How a guest may be moved, started and stopped: what its document says, and what of the step would be sent to hosts.

Whether the platform itself can move it so is for the platform's rules, which the proof does not ask.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.desired import Autostart, Cleanup, Downtime, Guest, PowerWish, StorageCopy
from reconciler.core.model import Method, StepKind
from reconciler.core.observed import Registration
from reconciler.core.planning.plan import Step
from reconciler.core.planning.verify.ground import Fault, Ground


def faults(ground: Ground, step: Step, guest: Guest, entry: Registration) -> Iterator[Fault]:
    """What the guest's document permits."""
    if step.source != step.target and step.kind is not StepKind.MIGRATE:
        yield Fault.of(step, f"a {step.kind} that moves its guest")
    if step.kind is not StepKind.MIGRATE and (step.method is not None or step.network):
        yield Fault.of(step, f"a {step.kind} with a method or a network of migration")
    if step.stop != guest.migration.stop:
        yield Fault.of(step, f"would stop {step.guest} otherwise than its document says")
    if step.kind is StepKind.MIGRATE:
        yield from _direction(ground, step, guest)
        yield from _method(step, guest, entry)
        yield from _disks(ground, step, guest, entry)
    elif step.kind is not StepKind.SET:
        wish = PowerWish.RUNNING if step.kind is StepKind.START else PowerWish.STOPPED
        if guest.power is not wish:
            yield Fault.of(step, f"the document does not ask for this {step.kind}")


def _direction(ground: Ground, step: Step, guest: Guest) -> Iterator[Fault]:
    """Where to."""
    aside = step.source == guest.host  # a permission of its own, see bystanders
    if step.hop and not guest.migration.hop and not aside:
        yield Fault.of(step, "the document forbids a hop")
    if step.hop and step.target == guest.host:
        yield Fault.of(step, f"calls {step.target} a resting place, where {step.guest} is declared")
    if not step.hop and step.target != guest.host:
        yield Fault.of(step, f"goes to {step.target}, declared is {guest.host}")
    if step.source == step.target:
        yield Fault.of(step, "a move that goes nowhere")
    elif ground.fit[step.source].platform != ground.fit[step.target].platform:
        yield Fault.of(step, f"{step.source} and {step.target} are of different platforms")
    yield from _network(ground, step)


def _network(ground: Ground, step: Step) -> Iterator[Fault]:
    """Over which network, and what the target is called there: the first one on which both hosts have an address."""
    source, target = ground.desired.hosts[step.source], ground.desired.hosts[step.target]
    shared = source.migration_addresses.keys() & target.migration_addresses.keys()
    first = next((network.name for network in ground.desired.fleet.networks if network.name in shared), "")
    called = target.migration_addresses[first] if first else target.reached_as
    if step.network != first:
        over = f"network {step.network}" if step.network else "the network without a name"
        shall = f"{first} is the first that both hosts are on" if first else "there is none that both hosts are on"
        yield Fault.of(step, f"goes over {over}, {shall}")
    if step.via != called:
        yield Fault.of(step, f"goes by way of {step.via or 'no address'}, {step.target} is called {called}")


def _method(step: Step, guest: Guest, entry: Registration) -> Iterator[Fault]:
    """How."""
    policy = guest.migration
    if step.method is None:
        yield Fault.of(step, "a move without a method")
    if policy.method is not None and step.method is not policy.method:
        yield Fault.of(step, f"{step.method}, the document asks for {policy.method}")
    if step.method is Method.ONLINE and not step.running:
        yield Fault.of(step, "online, but the guest does not run")
    if step.method is Method.OFFLINE and step.running and policy.downtime is not Downtime.ALLOWED:
        yield Fault.of(step, "stops the running guest, which its document does not allow")
    if step.converge and not policy.auto_converge:
        yield Fault.of(step, "may slow the guest down, which its document does not allow")
    carried = None if guest.autostart is not Autostart.KEEP else entry.autostart
    if step.autostart is not None and step.autostart is not carried:
        yield Fault.of(step, f"would carry an autostart along that {step.guest} does not have")


def _disks(ground: Ground, step: Step, guest: Guest, entry: Registration) -> Iterator[Fault]:
    """Which disks are copied, and what becomes of the originals."""
    policy = guest.migration
    local = [disk for disk in entry.disks if not disk.kind.shared]
    enough = {StorageCopy.ONLINE} if step.method is Method.ONLINE else {StorageCopy.ONLINE, StorageCopy.OFFLINE}
    if any(disk.size_mib for disk in local) and policy.storage_copy not in enough:
        yield Fault.of(step, "copies disks, which its document does not allow")
    if step.copies != tuple(disk.resource for disk in local):
        yield Fault.of(step, f"does not copy the disks of {step.guest}, or others")
    if step.vouched is not any(disk.vouched for disk in entry.disks):
        yield Fault.of(step, "its disks are not shared on the word that it gives")
    if step.delete_source and (policy.cleanup is not Cleanup.DELETE or not local):
        yield Fault.of(step, f"deletes disks of {step.guest}, which its document does not ask for")
    if step.delete_source and ground.fit[step.source].keeps_copies:
        yield Fault.of(step, f"deletes disks on {step.source}, which keeps what a migration leaves")
