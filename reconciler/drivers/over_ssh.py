"""What drivers of hosts behind SSH do alike: where a host is, how it is asked, how a deed is sent to it.

Called by these drivers and by their checks. Knows no platform: which script asks, and what is done, is theirs to say.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence

from reconciler.core.commands import Answer, AnswerKind, Command
from reconciler.core.desired import Host
from reconciler.core.observed import HostFacts, Look, Unreachable
from reconciler.core.planning.ways.networks import addresses
from reconciler.ssh import hostbook
from reconciler.ssh.access import Target
from reconciler.ssh.addresses import allowed
from reconciler.ssh.connections import Connections
from reconciler.ssh.looks.sections import Section, Unreadable, split
from reconciler.ssh.programs import program
from reconciler.ssh.trouble import ConnectionLost, HostUnreachable


def looking(package: str, name: str) -> str:
    """The text of a script of this package that looks at a host, with what all such begin with."""
    return program("reconciler.ssh.looks", "look.sh") + program(package, name)


def ask(
    connections: Connections,
    host: Host,
    script: str,
    words: Sequence[str],
    *,
    timeout_s: float | None = None,
    fresh: bool = False,
) -> tuple[Mapping[str, Section], str]:
    """The answers of a script that parts them by its first word, which is new each time; and what was printed beside
    them. Raises HostUnreachable and ConnectionLost."""
    token = f"@{secrets.token_hex(12)}"
    argv = ("sh", "-c", script, "reconciler", token, *words)
    said = connections.run(_target(host), argv, timeout_s=timeout_s, fresh=fresh)
    return split(_text(said.stdout), token), _text(said.stderr)


def looked(host: Host, look: Callable[[Host], HostFacts]) -> Look:
    """What the look came to. A host that cannot be read, or not beyond doubt, is `Unreachable`."""
    try:
        return look(host)
    except (HostUnreachable, ConnectionLost) as error:
        return Unreachable(host.name, error.what)
    except Unreadable as error:
        return error.look(host.name)


def check_receiver(host: Host, migration_addresses: Sequence[str]) -> None:
    """Raises Unreadable where the settings do not let guests be sent to an address that the host's document gives, on
    whichever network."""
    given = addresses(host) if host.migration_address else addresses(host)[1:]
    for address in given:
        if not allowed(address, migration_addresses):
            raise Unreadable(f"its migration address {address} is not among those of the settings")


def carry_out(
    connections: Connections, host: Host, command: Command, deed: hostbook.Deed, folder: str, slots: int
) -> Answer:
    """Do it on the host, behind the command's guard. No answer means that nothing is known."""
    if command.host != host.name:
        return Answer(AnswerKind.FAILED, 2, f"a command for {command.host} was sent to {host.name}")
    argv = hostbook.invocation(folder, command.verb, command.record, command.guard, deed, slots=slots)
    try:
        said = connections.run(_target(host), argv, timeout_s=command.timeout_s)
    except (HostUnreachable, ConnectionLost) as error:
        return Answer(AnswerKind.LOST, None, error.what)
    return hostbook.answer(said.status, _text(said.stdout), _text(said.stderr))


def _target(host: Host) -> Target:
    """Where a host's document says it is."""
    return Target(host.name, host.dialled, host.port)


def _text(raw: bytes) -> str:
    """What a host printed. Bytes that are no text become a sign that no name and no number contains."""
    return raw.decode("utf-8", "replace")
