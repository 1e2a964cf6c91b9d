"""The driver of libvirt hosts: the protocol, over SSH.

Opened by the registry. Thin: what to ask is observe.sh, how to read it is facts, how a deed is spelt is commands, how
it is guarded is the host book. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reconciler.core.commands import Answer, Command, Guard, Verb
from reconciler.core.desired import Host, Network
from reconciler.core.observed import HostFacts, Look
from reconciler.core.records import MoveRecord
from reconciler.core.reports.checks import CheckReport
from reconciler.drivers import over_ssh
from reconciler.drivers.libvirt import commands
from reconciler.drivers.libvirt.checking.examine import examine
from reconciler.drivers.libvirt.looking.facts import Expansions, expanded, facts, versions, wanted
from reconciler.drivers.libvirt.looking.reading import Reading
from reconciler.drivers.libvirt.settings import LibvirtSettings
from reconciler.ssh.connections import Connections


class LibvirtDriver:
    """Drives libvirt hosts. Used by several threads, for different hosts at once."""

    name = "libvirt"

    def __init__(self, connections: Connections, settings: LibvirtSettings) -> None:
        self.connections = connections
        self.settings = settings
        self._expansions: dict[tuple[str, str], Expansions] = {}
        """Host and versions -> what is known of CPUs there."""

    def look(self, host: Host) -> Look:
        """Everything about the host. One that cannot be read, or not beyond doubt, is `Unreachable`."""
        return over_ssh.looked(host, lambda host: self.facts_of(host, self.read(host)))

    def examine(
        self,
        hosts: Sequence[Host],
        peers: Sequence[Host],
        networks: Sequence[Network],
        connections_max: int,
        note: Callable[[str], None],
    ) -> tuple[CheckReport, Mapping[str, Look]]:
        """What stands in the way of moves from and to these hosts, among all of `peers`; and the looks it rests on."""
        return examine(self, hosts, peers, networks, connections_max, note)

    def read(self, host: Host, *, fresh: bool = False) -> Reading:
        """One look, not judged yet. Raises HostUnreachable, ConnectionLost, or Unreadable for an address that the
        settings do not allow."""
        over_ssh.check_receiver(host, self.settings.migration_addresses)
        stated = self.settings.stated.get(host.name, self.settings.usually)
        words = (self.settings.record_folder, stated.copy_folder, *stated.shared_paths)
        said, chatter = over_ssh.ask(self.connections, host, observer(), words, fresh=fresh)
        return Reading(host.name, said, stated, chatter)

    def command(self, verb: Verb, host: str, record: MoveRecord, guard: Guard | None) -> Command:
        """The one way a command is made. Raises UnsafeWord for a word that must not become part of one."""
        return commands.command(verb, host, record, guard)

    def send(self, host: Host, command: Command) -> Answer:
        """Run it on the host, behind its guard. No answer means that nothing is known."""
        deed, settings = commands.deed(command, self.settings), self.settings
        return over_ssh.carry_out(self.connections, host, command, deed, settings.record_folder, settings.slots)

    def close(self) -> None:
        """Hang up on all hosts."""
        self.connections.close()

    def facts_of(self, host: Host, reading: Reading) -> HostFacts:
        """What the host said; it is asked once more where it has CPUs that were not met before. Raises Unreadable, and
        as `read` does."""
        key = (host.name, versions(reading))
        known = self._expansions.get(key, {})
        missing = wanted(reading, known)
        if missing:
            known = {**known, **self._expand(host, missing)}
            self._expansions[key] = known
        return facts(reading, known)

    def _expand(self, host: Host, questions: tuple[str, ...]) -> Expansions:
        script = over_ssh.looking("reconciler.drivers.libvirt.looking", "expand.sh")
        said, _ = over_ssh.ask(self.connections, host, script, questions)
        return expanded(said)


def observer() -> str:
    """What runs on a host for one look: look.sh and observe.sh."""
    return over_ssh.looking("reconciler.drivers.libvirt.looking", "observe.sh")
