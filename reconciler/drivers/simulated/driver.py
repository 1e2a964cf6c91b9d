"""The driver of simulated hosts: the protocol, over a world in memory or in a state file.

Opened by the registry, or by tests with a world of their own. Holds a lock and nothing else: it decides nothing.
"""

from __future__ import annotations

import threading
from typing import Protocol

from reconciler.core.commands import Answer, AnswerKind, Command, Guard, Verb
from reconciler.core.desired import Host
from reconciler.core.observed import Look, Unreachable
from reconciler.core.records import MoveRecord
from reconciler.drivers.simulated import commands
from reconciler.drivers.simulated.statefile import StateFileError


class Simulation(Protocol):
    """What `World` and `StateFile` have in common."""

    def look(self, host: str) -> Look:
        """Everything about the host."""
        ...

    def execute(self, command: Command) -> Answer:
        """Do what the command says."""
        ...


class SimulatedDriver:
    """Drives the hosts of one simulated fleet; a host's document name is its name there."""

    name = "simulated"

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self._one_at_a_time = threading.Lock()

    def look(self, host: Host) -> Look:
        """Everything about the host; a fleet that cannot be read is a host that does not answer."""
        try:
            with self._one_at_a_time:
                return self.simulation.look(host.name)
        except StateFileError as error:
            return Unreachable(host.name, error.what)

    def command(self, verb: Verb, host: str, record: MoveRecord, guard: Guard | None) -> Command:
        """The one way a command is made. Raises UnsafeWord for a name that must not become part of one."""
        return commands.command(verb, host, record, guard)

    def send(self, host: Host, command: Command) -> Answer:
        """Execute it. A fleet that cannot be read or saved gives no answer."""
        if command.host != host.name:
            return Answer(AnswerKind.FAILED, 2, f"simctl: a command for {command.host} was sent to {host.name}")
        try:
            with self._one_at_a_time:
                return self.simulation.execute(command)
        except StateFileError as error:
            return Answer(AnswerKind.LOST, None, error.what)

    def close(self) -> None:
        """Nothing is open: the fleet is read anew each time."""
