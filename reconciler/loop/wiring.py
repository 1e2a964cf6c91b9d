"""From settings to the parts that a pass needs: repository, desired state, drivers, clock, status branch.

Called by the commands. The only place that puts real edges together; decides nothing about guests.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.core.commands import Command, Guard, Verb
from reconciler.core.desired import DesiredFleet, Host
from reconciler.core.observed import Look, ObservedFleet, Unreachable
from reconciler.core.planning.stillness import as_of, laid_over
from reconciler.core.proposing.adoption import Draft
from reconciler.core.records import MoveRecord
from reconciler.documents.folder import read_folder
from reconciler.documents.loading import Loaded, load
from reconciler.drivers import registry
from reconciler.drivers.protocol import Driver
from reconciler.errors import Problem
from reconciler.git.desired import read_desired
from reconciler.git.heartbeat import ALIVE_REFS
from reconciler.git.mirror import branch_missing, open_mirror, synced
from reconciler.git.plumbing import Repository
from reconciler.git.status_branch import STATUS_REFS, StatusBranch, read_status
from reconciler.loop.daemon import suspensions
from reconciler.loop.settings import Settings
from reconciler.loop.shell import CONNECTIONS_MAX, Clock


class WallClock:
    """The time that real hosts live in."""

    def now_s(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def wall_s(self, seconds: float) -> float:
        """A second is a second."""
        return seconds


@dataclass(frozen=True)
class Declared:
    """What one commit declares, and what is wrong with single guests' documents."""

    desired: DesiredFleet
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Fleet:
    """Everything that one settings file and one commit lead to."""

    settings: Settings
    repository: Repository
    declared: Declared
    written: DesiredFleet
    """What the documents say by themselves, before settings and suspensions."""
    drivers: Mapping[str, Driver]
    clock: Clock
    follows: bool = False
    """Whether the documents are those of the settings' ref, and not of a revision or folder that somebody named."""
    reports: Repository | None = None
    """Where reports are built, if elsewhere than in the repository."""

    @property
    def desired(self) -> DesiredFleet:
        """The desired fleet under the settings' ceilings."""
        return self.declared.desired

    def declaring(self, desired: DesiredFleet) -> Fleet:
        """The same fleet with this in force in place of what is; what the documents say by themselves stays."""
        return replace(self, declared=replace(self.declared, desired=desired))

    @property
    def status_ref(self) -> str:
        """Where reports of this fleet are committed."""
        return f"refs/heads/reconciler/status/{self.desired.fleet.name}"

    def status(self) -> StatusBranch:
        """What was reported before, as far as it is known on this machine."""
        return read_status(self.reports or self.repository, self.status_ref, self.settings.signing)

    def driver(self, host: Host) -> Driver:
        """The driver of a host's document."""
        return self.drivers[host.driver]

    def make_command(self, verb: Verb, host: str, record: MoveRecord, guard: Guard | None) -> Command:
        """The one way a command for this host is made."""
        return self.driver(self.desired.hosts[host]).command(verb, host, record, guard)


Load = Callable[[Repository, str, str], Loaded]
"""The documents at a revision, in a folder."""


class OpenDrivers:
    """Drivers that stay open from pass to pass, with their connections, for as long as the settings they were opened
    with hold."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[registry.Means, Driver]] = {}

    def of(self, settings: Settings, hosts: Mapping[str, Host]) -> Mapping[str, Driver]:
        """The drivers of these hosts. Raises SettingsError where one cannot be opened."""
        names = sorted({host.driver for host in hosts.values()})
        return {name: self._driver(name, means(settings, name)) for name in names}

    def close(self) -> None:
        """End all connections. Commands under way are lost; what they began on the hosts goes on."""
        for _, driver in self._open.values():
            driver.close()
        self._open = {}

    def _driver(self, name: str, wanted: registry.Means) -> Driver:
        kept = self._open.get(name)
        if kept is not None and kept[0] == wanted:
            return kept[1]
        driver = registry.open_driver(name, wanted)
        if kept is not None:
            kept[1].close()
        self._open[name] = (wanted, driver)
        return driver


def open_fleet(
    settings: Settings,
    rev: str = "",
    *,
    declared: Declared | None = None,
    drivers: OpenDrivers | None = None,
    fetch: bool = True,
    load: Load | None = None,
) -> Fleet:
    """Read the desired state at a revision (the settings' ref where empty) and open the drivers it names. `declared`
    takes the place of a commit's documents, for commands that only read; `drivers` are those that are open already.
    Without `fetch`, a repository elsewhere is not asked: what is known of it here counts. `load` reads the documents of
    a commit, for callers that read one after the other.

    Raises GitError, DesiredStateError (the commit is held) or SettingsError.
    """
    repository = desired_repository(settings, fetch=fetch)
    reports = reports_repository(settings, repository, fetch=fetch)
    follows = declared is None and not rev
    if declared is None:
        loaded = (load or loaded_at)(repository, rev or settings.ref, settings.folder)
        declared = Declared(loaded.require(), loaded.problems)
    opened = (drivers or OpenDrivers()).of(settings, declared.desired.hosts)
    clocks = [clock for clock in map(registry.simulated_clock, opened.values()) if clock is not None]
    clock = clocks[0] if clocks else WallClock()
    in_force = Declared(_in_force(declared.desired, settings, clock), declared.problems)
    return Fleet(settings, repository, in_force, declared.desired, opened, clock, follows, reports)


def renewed(fleet: Fleet, settings: Settings, drivers: OpenDrivers) -> Fleet:
    """The same commit under the settings and suspensions of now. Raises SettingsError like `open_fleet`."""
    in_force = fleet.declaring(_in_force(fleet.written, settings, fleet.clock))
    return replace(in_force, settings=settings, drivers=drivers.of(settings, fleet.written.hosts))


def _in_force(written: DesiredFleet, settings: Settings, clock: Clock) -> DesiredFleet:
    """What documents say, as far as the operator lets it hold at this moment."""
    return as_of(laid_over(settings.restrained(written), suspensions.orders(settings.state_folder)), clock.now_s())


_fetching: Mapping[Path, threading.Lock] = defaultdict(threading.Lock)
"""Two threads of ours that fetch into one mirror would stand in each other's way."""


def desired_repository(settings: Settings, *, fetch: bool = True) -> Repository:
    """The repository that documents are read from. One that is elsewhere is asked, and its mirror brought up to date
    first, unless told otherwise.

    Raises GitTrouble: `git-unreachable`, or `branch-missing` where the server has no such branch (any more).
    """
    if settings.remote is None:
        return Repository.open(settings.repository)
    repository = open_mirror(settings.repository, settings.remote)
    if fetch:
        ref = full_ref(settings.ref)
        families = (f"{STATUS_REFS}*", f"{ALIVE_REFS}*") if settings.reports is None else ()
        with _fetching[settings.repository]:
            tips = synced(repository, settings.remote, ref, *families)
        if ref not in tips:
            raise branch_missing(settings.remote, settings.ref)
    return repository


def reports_repository(settings: Settings, desired: Repository, *, fetch: bool = True) -> Repository:
    """The repository that reports are read from and built in, likewise."""
    if settings.reports is None or settings.reports_remote is None:
        return desired
    repository = open_mirror(settings.reports, settings.reports_remote)
    if fetch:
        with _fetching[settings.reports]:
            synced(repository, settings.reports_remote, f"{ALIVE_REFS}*", f"{STATUS_REFS}*")
    return repository


def full_ref(ref: str) -> str:
    """A branch by its full name."""
    return ref if ref.startswith("refs/") else f"refs/heads/{ref}"


def means(settings: Settings, driver: str) -> registry.Means:
    """What the settings give this driver."""
    return registry.Means(
        settings.drivers.get(driver, {}), settings.ssh, settings.migration_addresses, settings.attestations
    )


def declared_at(repository: Repository, rev: str, folder: str) -> Declared:
    """The documents of a commit. Raises DesiredStateError where the commit as a whole is held."""
    loaded = loaded_at(repository, rev, folder)
    return Declared(loaded.require(), loaded.problems)


def loaded_at(repository: Repository, rev: str, folder: str) -> Loaded:
    """The documents of a commit with all that is wrong with them, also where that holds the commit."""
    found = read_desired(repository, rev, folder)
    return load(found.files, problems=found.problems, drivers=tuple(registry.OPENERS), commit=found.commit)


def loaded_in(folder: Path, more: Sequence[Draft] = ()) -> Loaded:
    """The documents of a folder on disk, likewise, and of files that are not there yet. They are a draft: only what is
    committed is ever acted on. With such files the folder itself need not be there."""
    files, problems = read_folder(folder) if folder.exists() or not more else ({}, [])
    files |= {draft.path: draft.text.encode() for draft in more}
    return load(files, problems=problems, drivers=tuple(registry.OPENERS), folder=str(folder))


def declared_in(folder: Path) -> Declared:
    """The documents of a folder on disk. Raises DesiredStateError where they would hold a commit."""
    loaded = loaded_in(folder)
    return Declared(loaded.require(), loaded.problems)


def command_maker(desired: DesiredFleet) -> Callable[[Verb, str, MoveRecord, Guard | None], Command]:
    """The one way commands for these hosts are made, where no driver is open."""

    def make(verb: Verb, host: str, record: MoveRecord, guard: Guard | None) -> Command:
        return registry.COMMANDS[desired.hosts[host].driver](verb, host, record, guard)

    return make


def look_at_all(fleet: Fleet) -> ObservedFleet:
    """One look at every declared host, side by side. A host that fails is a value, never an error."""
    return _look(fleet.desired.hosts, fleet.drivers, fleet.settings)


def look_at(settings: Settings, hosts: Mapping[str, Host]) -> ObservedFleet:
    """The same for hosts that need not be declared yet. Raises SettingsError where a driver cannot be opened."""
    return _look(hosts, OpenDrivers().of(settings, hosts), settings)


def _look(declared: Mapping[str, Host], drivers: Mapping[str, Driver], settings: Settings) -> ObservedFleet:
    hosts = sorted(declared.items())

    def look(host: Host) -> Look:
        if host.name in settings.lost_hosts:
            return Unreachable(host.name, f"declared lost {settings.lost_hosts[host.name]}")
        return drivers[host.driver].look(host)

    with ThreadPoolExecutor(CONNECTIONS_MAX, thread_name_prefix="look") as pool:
        looks = pool.map(look, [host for _, host in hosts])
    return ObservedFleet({name: found for (name, _), found in zip(hosts, looks, strict=True)})
