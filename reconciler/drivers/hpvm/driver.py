"""The driver of Integrity VM hosts: the protocol, over SSH.

Opened by the registry. Thin: what to ask is observe.sh, how to read it is facts, how a deed is spelt is commands, how
it is guarded is the host book. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.core.commands import Answer, Command, Guard, Verb
from reconciler.core.desired import Host, Network
from reconciler.core.observed import BootFloor, HostFacts, Look
from reconciler.core.planning.ways.networks import addresses
from reconciler.core.records import MoveRecord
from reconciler.core.reports.checks import CheckReport
from reconciler.drivers import over_ssh
from reconciler.drivers.hpvm import commands
from reconciler.drivers.hpvm.checking.examine import examine
from reconciler.drivers.hpvm.facts import facts
from reconciler.drivers.hpvm.parse import machine
from reconciler.drivers.hpvm.reading import Reading, Stated
from reconciler.drivers.hpvm.settings import HpvmSettings
from reconciler.ssh.connections import Connections
from reconciler.ssh.looks.sections import Section

SLOTS = 1
"""One migration a host, in and out together (Integrity VM 4.2.5 release notes, p. 91)."""
ATTESTED_DAYS = 7
"""How long an operator's word for a guest's boot holds."""


class HpvmDriver:
    """Drives Integrity VM hosts. Used by several threads, for different hosts at once."""

    name = "hpvm"

    def __init__(
        self,
        connections: Connections,
        settings: HpvmSettings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.connections = connections
        self.settings = settings
        self._now = now
        self._aliases: dict[str, str] = {}
        """What hosts call each other on the migration network -> host name, of all hosts that were looked at."""
        self._last: dict[str, tuple[Mapping[str, Section], Stated, HostFacts]] = {}
        """By host: what it said at the last look but for its clock, what the settings said, and what that came to."""

    def look(self, host: Host) -> Look:
        """Everything about the host. One that cannot be read, or not beyond doubt, is `Unreachable`."""
        return over_ssh.looked(host, lambda host: self._facts(self.read(host)))

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
        self._aliases |= dict.fromkeys(addresses(host), host.name)
        words = (self.settings.record_folder, self.settings.copy_folder)
        said, chatter = over_ssh.ask(self.connections, host, observer(), words, fresh=fresh)
        return Reading(host.name, said, self._stated(host), chatter)

    def command(self, verb: Verb, host: str, record: MoveRecord, guard: Guard | None) -> Command:
        """The one way a command is made. Raises UnsafeWord for a word that must not become part of one."""
        return commands.command(verb, host, record, guard)

    def send(self, host: Host, command: Command) -> Answer:
        """Run it on the host, behind its guard. No answer means that nothing is known."""
        deed, folder = commands.deed(command), self.settings.record_folder
        return over_ssh.carry_out(self.connections, host, command, deed, folder, SLOTS)

    def close(self) -> None:
        """Hang up on all hosts."""
        self.connections.close()

    def _facts(self, reading: Reading) -> HostFacts:
        """What the host said. Word for word the same as last time is not made out anew: most looks at most hosts are.
        Where somebody's migration runs it is, as the records made of that hold by the clock."""
        said = {name: found for name, found in reading.sections.items() if name != "clock"}
        last = self._last.get(reading.host)
        if last is not None and last[:2] == (said, reading.stated) and not reading.text("migrations").strip():
            return replace(last[2], clock_s=machine.clock_s(reading.text("clock")))
        found = facts(reading)
        self._last[reading.host] = (said, reading.stated, found)
        return found

    def _stated(self, host: Host) -> Stated:
        today = self._now().date()
        attested = {
            entry.guest: BootFloor(entry.version, "settings", f"{entry.seen}, attested by {entry.by}")
            for entry in self.settings.attested
            if timedelta(0) <= today - datetime.fromisoformat(entry.seen).date() <= timedelta(days=ATTESTED_DAYS)
        }
        stated = self.settings.stated.get(host.name, self.settings.usually)
        return replace(stated, attested=attested, aliases=dict(self._aliases))


def observer() -> str:
    """What runs on a host for one look: look.sh and observe.sh."""
    return over_ssh.looking("reconciler.drivers.hpvm", "observe.sh")
