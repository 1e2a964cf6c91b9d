"""The files of one commit to the fleet they declare, or to the reasons why nothing may start from them.

Called by loop/ for a commit, and by the command line for a folder. Reads no file itself: what it is given, others read.
"""

from __future__ import annotations

import gc
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from reconciler.core.desired import Commit, DesiredFleet, Guest, Host, MigrationPolicy, PlacementRule
from reconciler.documents.codes import Code
from reconciler.documents.declare import (
    NONE,
    Fields,
    make_fleet,
    make_guest,
    make_host,
    make_migration,
    make_rule,
    migration_defaults,
)
from reconciler.documents.explain import closest, did_you_mean, one_of
from reconciler.documents.limits import READ_LIMITS, ReadLimits
from reconciler.documents.names import path_trouble, quoted
from reconciler.documents.reading import Document, File, read_file
from reconciler.documents.schemas import Kind
from reconciler.errors import DesiredStateError, Location, Problem

DRIVERS = frozenset(["hpvm", "libvirt", "simulated"])
_SHOWN_HOSTS_MAX = 10
_COMPARED_HOSTS_MAX = 50
"""Unknown host names that are compared with the known ones; in a fleet of thousands each takes milliseconds."""


@dataclass(frozen=True)
class Loaded:
    """What a commit declares, and everything that is wrong with it, in the order of files and lines.

    `desired` is None where the commit is held; `holding` are the problems that hold it. All other problems concern
    single guests, which are in `desired.quarantined`.
    """

    desired: DesiredFleet | None
    problems: tuple[Problem, ...] = ()
    holding: tuple[Problem, ...] = ()
    defaults: Fields = field(default_factory=dict)
    """What the Fleet document says for guests that say nothing, as it stands there."""

    @property
    def held(self) -> bool:
        """Whether nothing may start from this commit."""
        return self.desired is None

    def require(self) -> DesiredFleet:
        """The fleet. Raises DesiredStateError with the problems of a commit that is held."""
        if self.desired is None:
            raise DesiredStateError(self.problems)
        return self.desired


@dataclass
class FileCache:
    """The files of the last load, for whoever loads one commit after the other: only what changed is read again."""

    files: dict[str, tuple[bytes, File]] = field(default_factory=dict)


def load(
    files: Mapping[str, bytes],
    *,
    problems: Iterable[Problem] = (),
    drivers: Collection[str] = DRIVERS,
    commit: Commit | None = None,
    folder: str = "",
    cache: FileCache | None = None,
    limits: ReadLimits = READ_LIMITS,
) -> Loaded:
    """Everything the files declare. Never raises for what they contain.

    `files` maps paths to contents. `problems` are those of whoever read the files (symbolic links and the like): they
    hold the commit. `drivers` are the platforms there are. `folder` is put before each path that people see.
    """
    top = Location(folder or ".")
    holding = list(problems)
    if too_much := list(_size_problems(files, top, limits)):
        return _held([], [*holding, *too_much])
    with _gc_paused():
        gathered = _Gathered.sort(_read(files, folder, cache, limits, holding))
        loaded = _assemble(gathered, holding, frozenset(drivers), commit, top)
        del gathered  # while nobody looks for cycles in it: half of the whole load otherwise
    return loaded


def _size_problems(files: Mapping[str, bytes], top: Location, limits: ReadLimits) -> Iterator[Problem]:
    hint = "name a smaller folder, or split the fleet"
    if len(files) > limits.files:
        what = f"there are {len(files)} files, and {limits.files} are read at most"
        yield Problem(Code.TOO_MANY_DOCUMENTS, top, what, hint)
    if (total_bytes := sum(map(len, files.values()))) > limits.total_bytes:
        what = f"all files together have {total_bytes} bytes, and {limits.total_bytes} are read at most"
        yield Problem(Code.DESIRED_STATE_TOO_LARGE, top, what, hint)


def _read(
    files: Mapping[str, bytes], folder: str, cache: FileCache | None, limits: ReadLimits, holding: list[Problem]
) -> list[File]:
    """Reads each file that is new or changed, and notes in `holding` what keeps a file from being read."""
    before = cache.files if cache else {}
    after: dict[str, tuple[bytes, File]] = {}
    for path, content in sorted(files.items()):
        if trouble := path_trouble(path, limits.path_characters):
            where = Location(posixpath.join(folder, quoted(path)))
            hint = "name it with letters, digits, dots, dashes and underscores"
            holding.append(Problem(Code.BAD_PATH, where, f"the path {trouble}", hint))
            continue
        shown = posixpath.join(folder, path)
        known = before.get(shown)
        after[shown] = known if known and known[0] == content else (content, read_file(shown, content, limits))
    if cache is not None:
        cache.files = after
    read = [file for _, file in after.values()]
    holding.extend(file.problem for file in read if file.problem)
    return read


@dataclass
class _Gathered:
    """The documents of all files by what they are."""

    fleets: list[Document] = field(default_factory=list)
    hosts: dict[str, list[Document]] = field(default_factory=dict)
    guests: dict[str, list[Document]] = field(default_factory=dict)
    rules: dict[str, list[Document]] = field(default_factory=dict)
    nobodys: list[Document] = field(default_factory=list)
    """Documents whose kind or name cannot be read."""
    files: int = 0

    @staticmethod
    def sort(files: Iterable[File]) -> _Gathered:
        gathered = _Gathered()
        for file in files:
            gathered.files += 1
            for document in file.documents:
                if document.kind is Kind.FLEET:
                    gathered.fleets.append(document)
                elif document.kind is None or document.name is None:
                    gathered.nobodys.append(document)
                elif document.kind is Kind.HOST:
                    gathered.hosts.setdefault(document.name, []).append(document)
                elif document.kind is Kind.PLACEMENT_RULE:
                    gathered.rules.setdefault(document.name, []).append(document)
                else:
                    gathered.guests.setdefault(document.name, []).append(document)
        return gathered

    @property
    def commits(self) -> Iterator[Document]:
        """The documents whose problems hold the commit: all but those of guests."""
        yield from (*self.fleets, *self.nobodys)
        for same in (*self.hosts.values(), *self.rules.values()):
            yield from same


def _assemble(
    gathered: _Gathered, holding: list[Problem], drivers: Collection[str], commit: Commit | None, top: Location
) -> Loaded:
    for document in gathered.commits:
        holding.extend(document.problems)
    # what was not read may be the very thing that seems to be missing: no second complaint about it
    complete = not holding
    holding.extend(_driver_problems(gathered, drivers))
    holding.extend(_fleet_problems(gathered, top, complete))
    holding.extend(_network_problems(gathered))
    holding.extend(_duplicate_names("host", gathered.hosts))
    holding.extend(_duplicate_names("guest", gathered.guests))
    holding.extend(_duplicate_names("placement rule", gathered.rules))
    if complete:
        holding.extend(_unknown_guests(gathered))
    holding.extend(_duplicate_uuids(gathered))

    readable = [document.value for document in gathered.fleets if not document.problems]
    defaults = migration_defaults(readable[0]) if readable else NONE
    windows = frozenset(name for value in readable[:1] for name in _window_names(value))
    guests, quarantined = _guests(gathered, defaults, windows, known_hosts=gathered.hosts.keys() if complete else None)
    lasting = [problem for problems in quarantined.values() for problem in problems]
    if holding:
        return _held(lasting, holding)
    fleet = gathered.fleets[0]
    desired = DesiredFleet(
        fleet=make_fleet(fleet.value, fleet.location),
        hosts=dict(sorted(_hosts(gathered))),
        guests=dict(sorted(guests.items())),
        quarantined={name: problems[0] for name, problems in sorted(quarantined.items())},
        quarantined_labels={name: gathered.guests[name][0].labels for name in sorted(quarantined)},
        commit=commit,
        rules=dict(sorted(_rules(gathered))),
    )
    return Loaded(desired, _in_order(lasting), defaults=defaults)


def _hosts(gathered: _Gathered) -> Iterator[tuple[str, Host]]:
    for name, (document, *_) in gathered.hosts.items():
        yield name, make_host(document.value, document.location)


def _rules(gathered: _Gathered) -> Iterator[tuple[str, PlacementRule]]:
    for name, (document, *_) in gathered.rules.items():
        yield name, make_rule(document.value, document.location)


def _guests(
    gathered: _Gathered, defaults: Fields, windows: Collection[str], known_hosts: Collection[str] | None
) -> tuple[dict[str, Guest], dict[str, tuple[Problem, ...]]]:
    """The guests as declared, and the problems of those that are quarantined."""
    guests: dict[str, Guest] = {}
    quarantined: dict[str, tuple[Problem, ...]] = {}
    usual = make_migration(NONE, defaults)
    policies: dict[str, MigrationPolicy] = {}  # most guests of a fleet say the same
    hints: dict[str, str] = {}
    for name, (document, *_) in gathered.guests.items():
        if document.problems:
            quarantined[name] = document.problems
            continue
        host: str = document.value["spec"]["host"]
        if known_hosts is not None and host not in known_hosts:
            if host not in hints:
                hints[host] = _hosts_hint(host, known_hosts, compare=len(hints) < _COMPARED_HOSTS_MAX)
            quarantined[name] = (_unknown_host(document, host, hints[host]),)
            continue
        own: Fields = document.value["spec"].get("migration", NONE)
        spelt = repr(own)
        migration = usual if not own else policies.get(spelt) or make_migration(own, defaults)
        policies[spelt] = migration
        unknown = [window for window in migration.windows if window not in windows]
        if unknown and known_hosts is not None:
            quarantined[name] = (_unknown_window(document, unknown[0], windows),)
            continue
        guests[name] = make_guest(document.value, document.location, migration)
    return guests, quarantined


def _window_names(fleet: Fields) -> Iterator[str]:
    """The windows that guests may name: those that deny are everybody's."""
    for window in fleet.get("spec", NONE).get("windows", ()):
        if window.get("kind", "allow") == "allow":
            yield window["name"]


def _unknown_window(document: Document, window: str, windows: Collection[str]) -> Problem:
    what = f"guest {quoted(str(document.name))} names window {quoted(window)}, which the Fleet document does not have"
    hint = one_of(window, windows) if windows else "add it to spec.windows of the Fleet document"
    return Problem(Code.UNKNOWN_WINDOW, document.places.value("spec"), what, hint)


def guests_of(file: File, beside: Loaded) -> tuple[Guest, ...] | None:
    """The guests of a file, if they are all that it declares and each is in order beside the rest of what was loaded;
    None where that takes a look at the whole."""
    if file.problem is not None or beside.desired is None:
        return None
    known = _Gathered.sort([file])
    if next(known.commits, None) is not None or any(len(same) > 1 for same in known.guests.values()):
        return None
    windows = frozenset(window.name for window in beside.desired.fleet.windows if not window.deny)
    guests, quarantined = _guests(known, beside.defaults, windows, known_hosts=beside.desired.hosts.keys())
    return None if quarantined else tuple(guests.values())


def _unknown_host(document: Document, host: str, hint: str) -> Problem:
    what = f"guest {quoted(str(document.name))} wants host {quoted(host)}, which no Host document declares"
    return Problem(Code.GUEST_ON_UNKNOWN_HOST, document.places.value("spec", "host"), what, hint)


def _hosts_hint(host: str, known_hosts: Collection[str], *, compare: bool) -> str:
    if not known_hosts:
        return f"declare {host} in a Host document"
    names = closest(host, known_hosts) if compare else sorted(known_hosts)
    shown = ", ".join(names[:_SHOWN_HOSTS_MAX]) + (", …" if len(names) > _SHOWN_HOSTS_MAX else "")
    meant = did_you_mean(host, known_hosts) if compare else ""
    return f"{meant}{'else ' if meant else ''}declare {host}, or choose one of: {shown}"


def _unknown_guests(gathered: _Gathered) -> Iterator[Problem]:
    """Names in rules that no Guest document has. A guest that is quarantined is named as well as any other."""
    for same in gathered.rules.values():
        for document in same:
            names = document.value["spec"]["guests"].get("names", ())
            for number, guest in enumerate(names):
                if guest not in gathered.guests:
                    what = (
                        f"rule {quoted(str(document.name))} is about guest {quoted(guest)}, which no document declares"
                    )
                    near = closest(guest, gathered.guests)[:_SHOWN_HOSTS_MAX]
                    hint = f"take it out, or declare it; guests there are: {', '.join(near)}" if near else "take it out"
                    place = document.places.value("spec", "guests", "names", number)
                    yield Problem(Code.RULE_ON_UNKNOWN_GUEST, place, what, hint)


def _driver_problems(gathered: _Gathered, drivers: Collection[str]) -> Iterator[Problem]:
    """The schema lists the drivers that this version has; the caller says which of them it can use."""
    for same in gathered.hosts.values():
        for document in same:
            if not document.problems and (driver := document.value["spec"]["driver"]) not in drivers:
                what = f"host {quoted(str(document.name))} has driver {quoted(driver)}, which is not there"
                place = document.places.value("spec", "driver")
                yield Problem(Code.UNKNOWN_DRIVER, place, what, one_of(driver, drivers))


def _fleet_problems(gathered: _Gathered, top: Location, complete: bool) -> Iterator[Problem]:
    if not gathered.fleets and complete:
        what = "no document of kind Fleet is here, and exactly one is needed"
        if not gathered.files:
            what = f"no file named *.yaml or *.yml is here: {what}"
        yield Problem(Code.NO_FLEET, top, what, "add a document with kind: Fleet, metadata: {name: …}")
    for document in gathered.fleets[1:]:
        what = f"this is another Fleet document; the first one is {gathered.fleets[0].location}"
        yield Problem(Code.SEVERAL_FLEETS, document.places.value("kind"), what, "keep one of them")


def _network_problems(gathered: _Gathered) -> Iterator[Problem]:
    """Each migration network is declared once, and hosts have addresses on declared ones only."""
    fleets = [document for document in gathered.fleets if not document.problems]
    if not fleets:
        return
    names: list[str] = []
    for number, network in enumerate(fleets[0].value.get("spec", NONE).get("networks", ())):
        if network["name"] in names:
            place = fleets[0].places.value("spec", "networks", number, "name")
            what = f"network {quoted(network['name'])} is declared twice"
            yield Problem(Code.DUPLICATE_NETWORK, place, what, "keep one of the two, or give one another name")
        names.append(network["name"])
    for same in gathered.hosts.values():
        for document in same:
            if document.problems:
                continue
            for name in document.value["spec"].get("migrationAddresses", NONE):
                if name not in names:
                    what = f"host {quoted(str(document.name))} has an address on network {quoted(name)}, "
                    what += "which the Fleet document does not have"
                    hint = one_of(name, names) if names else "add it to spec.networks of the Fleet document"
                    place = document.places.value("spec", "migrationAddresses", name)
                    yield Problem(Code.UNKNOWN_NETWORK, place, what, hint)


def _duplicate_names(noun: str, by_name: Mapping[str, list[Document]]) -> Iterator[Problem]:
    for name, (first, *others) in by_name.items():
        for document in others:
            what = f"{noun} {quoted(name)} is declared twice, first in {first.location}"
            place = document.places.value("metadata", "name")
            yield Problem(Code.DUPLICATE_NAME, place, what, "keep one of the two, or give one another name")


def _duplicate_uuids(gathered: _Gathered) -> Iterator[Problem]:
    """Also among quarantined guests: one machine must not be wanted in two places."""
    first: dict[str, Document] = {}
    for same in gathered.guests.values():
        for document in same:
            spec = document.value.get("spec")
            uuid = spec.get("uuid") if isinstance(spec, dict) else None
            if not isinstance(uuid, str):
                continue
            other = first.setdefault(uuid.lower(), document)
            if other.name != document.name:
                place = document.places.value("spec", "uuid")
                what = f"guest {quoted(str(document.name))} has the uuid of guest {quoted(str(other.name))}"
                hint = f"that one is declared in {other.location}; a uuid belongs to one guest"
                yield Problem(Code.DUPLICATE_UUID, place, what, hint)


def _held(lasting: Iterable[Problem], holding: Iterable[Problem]) -> Loaded:
    holding = _in_order(holding)
    return Loaded(None, _in_order([*lasting, *holding]), holding)


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: (problem.location, problem.code, problem.what)))


@contextmanager
def _gc_paused() -> Iterator[None]:
    """Reading makes many small objects and no cycles; looking for cycles meanwhile takes three times as long."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
