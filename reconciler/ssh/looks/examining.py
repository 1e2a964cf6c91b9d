"""Look at hosts and try the ways between them, side by side. Called by each driver's checking; knows no command."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconciler.core.desired import Host
from reconciler.core.observed import HostFacts, Look, Unreachable
from reconciler.core.reports.checks import CheckFinding, Level
from reconciler.ssh.looks.examined import Examined
from reconciler.ssh.looks.reading import Reading
from reconciler.ssh.looks.sections import Unreadable
from reconciler.ssh.trouble import ConnectionLost, HostUnreachable

Stated = TypeVar("Stated")
Tried = TypeVar("Tried")


@dataclass(frozen=True)
class Asked(Generic[Stated]):
    """How a driver looks. Both raise HostUnreachable, ConnectionLost and Unreadable; reading raises that for an address
    that the settings do not allow."""

    read: Callable[[Host], Reading[Stated]]
    facts_of: Callable[[Host, Reading[Stated]], HostFacts]


@dataclass(frozen=True)
class Fleet(Generic[Stated, Tried]):
    """What came of it. `read`: the hosts that answered; `unread`: why the others could not be asked; `tried`: what came
    of trying the ways from each host that answered."""

    read: Mapping[str, Examined[Stated]]
    unread: Mapping[str, CheckFinding]
    tried: Mapping[str, Tried]

    def looks(self) -> Mapping[str, Look]:
        """As the rest of the program sees these hosts."""
        unreachable = {name: Unreachable(name, found.text) for name, found in self.unread.items()}
        return {**unreachable, **{name: _look(name, examined) for name, examined in self.read.items()}}

    def guests(self, chosen: Collection[str]) -> int:
        """How many guests these hosts have."""
        uuids = {
            entry.uuid
            for name, examined in self.read.items()
            if name in chosen and examined.facts is not None
            for entry in examined.facts.registrations
        }
        return len(uuids)


def examine_all(
    asked: Asked[Stated],
    peers: Sequence[Host],
    chosen: Collection[str],
    try_from: Callable[[Host, Sequence[Host], Mapping[str, Examined[Stated]]], Tried],
    connections_max: int,
    note: Callable[[str], None],
) -> Fleet[Stated, Tried]:
    """Look at all of `peers`, then try the ways from each that answers to those others that answer, where either end is
    `chosen`. Each peer that answers is noted twice: looked at, and tried from."""

    def look(host: Host) -> Examined[Stated] | CheckFinding:
        try:
            return _one(asked, host)
        finally:
            note(f"looked at {host.name}")

    def leave(source: Host) -> Tried:
        try:
            return try_from(source, _targets(source, answering, chosen), read)
        finally:
            note(f"tried the ways from {source.name}")

    with ThreadPoolExecutor(connections_max, thread_name_prefix="check") as pool:
        seen = dict(zip((host.name for host in peers), pool.map(look, peers), strict=True))
        read = {name: found for name, found in seen.items() if isinstance(found, Examined)}
        unread = {name: found for name, found in seen.items() if isinstance(found, CheckFinding)}
        answering = [host for host in peers if host.name in read]
        tried = dict(zip((host.name for host in answering), pool.map(leave, answering), strict=True))
    return Fleet(read, unread, tried)


def _targets(source: Host, hosts: Sequence[Host], chosen: Collection[str]) -> Sequence[Host]:
    """Where to from this host, where either end is asked about. Each source begins with the one after itself: a server
    drops connections when all others log in at once, and would look broken."""
    place = [host.name for host in hosts].index(source.name)
    others = [*hosts[place + 1 :], *hosts[:place]]
    return [host for host in others if source.name in chosen or host.name in chosen]


def _look(host: str, found: Examined[Stated]) -> Look:
    return found.facts or (found.doubt or Unreadable("nothing is known of it")).look(host)


def _one(asked: Asked[Stated], host: Host) -> Examined[Stated] | CheckFinding:
    asked_s = time.time()
    try:
        reading = asked.read(host)
    except (HostUnreachable, ConnectionLost) as error:
        return _silent(host, error)
    except Unreadable as error:
        fix = "[network] migration_addresses in the settings, or the migration addresses in its document"
        return CheckFinding(host.name, "address-not-allowed", Level.PROBLEM, error.what, fix)
    answered_s = (asked_s + time.time()) / 2
    try:
        return Examined(reading, asked.facts_of(host, reading), None, answered_s)
    except (HostUnreachable, ConnectionLost) as error:
        return _silent(host, error)
    except Unreadable as doubt:
        return Examined(reading, None, doubt, asked_s)


def _silent(host: Host, error: HostUnreachable | ConnectionLost) -> CheckFinding:
    code = error.code if isinstance(error, HostUnreachable) else "no-answer"
    return CheckFinding(host.name, code, Level.PROBLEM, error.what, error.hint)
