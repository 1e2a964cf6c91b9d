"""The driver of libvirt hosts: the protocol, over SSH.

Opened by the registry. Thin: what to ask is observe.sh, how to read it is facts, how a deed is spelt is commands, how
it is guarded is the host book. Decides nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence

from reconciler.core.commands import Answer, AnswerKind, Command, Guard, Verb
from reconciler.core.desired import Host
from reconciler.core.observed import HostFacts, Look, Unreachable
from reconciler.core.records import MoveRecord
from reconciler.core.reports.checks import CheckReport
from reconciler.drivers.libvirt import commands
from reconciler.drivers.libvirt.checking.examine import examine
from reconciler.drivers.libvirt.looking.facts import Expansions, expanded, facts, versions, wanted
from reconciler.drivers.libvirt.looking.reading import Reading, Stated
from reconciler.drivers.libvirt.settings import LibvirtSettings
from reconciler.ssh import hostbook
from reconciler.ssh.access import Target
from reconciler.ssh.addresses import allowed
from reconciler.ssh.connections import Connections
from reconciler.ssh.looks.sections import Unreadable, split
from reconciler.ssh.programs import program
from reconciler.ssh.trouble import ConnectionLost, HostUnreachable


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
        try:
            return self.facts_of(host, self.read(host))
        except (HostUnreachable, ConnectionLost) as error:
            return Unreachable(host.name, error.what)
        except Unreadable as error:
            return error.look(host.name)

    def examine(
        self, hosts: Sequence[Host], peers: Sequence[Host], connections_max: int, note: Callable[[str], None]
    ) -> tuple[CheckReport, Mapping[str, Look]]:
        """What stands in the way of moves from and to these hosts, among all of `peers`; and the looks it rests on."""
        return examine(self, hosts, peers, connections_max, note)

    def read(self, host: Host, *, fresh: bool = False) -> Reading:
        """One look, not judged yet. Raises HostUnreachable, ConnectionLost, or Unreadable for an address that the
        settings do not allow."""
        if not self.may_receive(host):
            raise Unreadable(f"its migration address {host.reached_as} is not among those of the settings")
        token, stated = f"@{secrets.token_hex(12)}", self._stated(host)
        words = (token, self.settings.record_folder, stated.copy_folder, *stated.shared_paths)
        said = self.connections.run(target(host), ("sh", "-c", observer(), "reconciler", *words), fresh=fresh)
        reading = Reading(host.name, split(text(said.stdout), token), stated)
        reading.chatter = text(said.stderr)
        return reading

    def may_receive(self, host: Host) -> bool:
        """Whether the settings allow guests to be sent to the address that the host's document gives."""
        return not host.migration_address or allowed(host.migration_address, self.settings.migration_addresses)

    def command(self, verb: Verb, host: str, record: MoveRecord, guard: Guard | None) -> Command:
        """The one way a command is made. Raises UnsafeWord for a word that must not become part of one."""
        return commands.command(verb, host, record, guard)

    def send(self, host: Host, command: Command) -> Answer:
        """Run it on the host, behind its guard. No answer means that nothing is known."""
        if command.host != host.name:
            return Answer(AnswerKind.FAILED, 2, f"a command for {command.host} was sent to {host.name}")
        argv = hostbook.invocation(
            self.settings.record_folder,
            command.verb,
            command.record,
            command.guard,
            commands.deed(command, self.settings),
            slots=self.settings.slots,
        )
        try:
            said = self.connections.run(target(host), argv, timeout_s=command.timeout_s)
        except (HostUnreachable, ConnectionLost) as error:
            return Answer(AnswerKind.LOST, None, error.what)
        return hostbook.answer(said.status, text(said.stdout), text(said.stderr))

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
        token = f"@{secrets.token_hex(12)}"
        asks = program("reconciler.ssh.looks", "look.sh") + program("reconciler.drivers.libvirt.looking", "expand.sh")
        said = self.connections.run(target(host), ("sh", "-c", asks, "reconciler", token, *questions))
        found = expanded(text(said.stdout), token)
        return {question: found.get(question, frozenset()) for question in questions}

    def _stated(self, host: Host) -> Stated:
        return self.settings.stated.get(host.name, self.settings.usually)


def target(host: Host) -> Target:
    """Where a host's document says it is."""
    return Target(host.name, host.dialled, host.port)


def text(raw: bytes) -> str:
    """What a host printed. Bytes that are no text become a sign that no name and no number contains."""
    return raw.decode("utf-8", "replace")


def observer() -> str:
    """What runs on a host for one look: look.sh and observe.sh."""
    return program("reconciler.ssh.looks", "look.sh") + program("reconciler.drivers.libvirt.looking", "observe.sh")
