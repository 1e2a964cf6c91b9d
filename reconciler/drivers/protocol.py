"""What every driver offers to the loop.

A driver turns a `Verb` and a move record into a `Command` (pure: the same function serves dry run and real run), sends
it, and looks at a host. It decides nothing: what to do next is core/execution's, what is allowed is the rule book's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from reconciler.core.commands import Answer, Command, Guard, Verb
from reconciler.core.desired import Host, Network
from reconciler.core.observed import Look
from reconciler.core.records import MoveRecord
from reconciler.core.reports.checks import CheckReport


@dataclass(frozen=True)
class Attestation:
    """An operator's word, in the settings: the present boot of this guest (uuid) began on this version, as of this day
    (`2026-11-20`)."""

    guest: str
    version: str
    seen: str
    by: str


@runtime_checkable
class Examiner(Protocol):
    """A driver that can say what stands in the way of moves, before the first one."""

    def examine(
        self,
        hosts: Sequence[Host],
        peers: Sequence[Host],
        networks: Sequence[Network],
        connections_max: int,
        note: Callable[[str], None],
    ) -> tuple[CheckReport, Mapping[str, Look]]:
        """Findings about these hosts and the ways between them and all of `peers`, over the migration networks that
        moves would take; and a look at each peer. Changes nothing. `note` is told of each part that is done, from any
        thread."""
        ...


class Driver(Protocol):
    """A platform. Everything but `look` and `send` is pure; these two block, and may be called from several threads,
    for different hosts at once."""

    name: str

    def look(self, host: Host) -> Look:
        """Everything about the host in one round trip. Never raises for a host's fault: `Unreachable` says why."""
        ...

    def command(self, verb: Verb, host: str, record: MoveRecord, guard: Guard | None) -> Command:
        """The one way a command is made, for showing and for sending."""
        ...

    def send(self, host: Host, command: Command) -> Answer:
        """Run the command on the host. Never raises for a host's fault: `LOST` says that nothing is known."""
        ...

    def close(self) -> None:
        """End what is open to the hosts. What runs there on its own goes on; nothing more can be asked."""
        ...
