"""Which guests that hosts have can be described such that nothing differs, and why the others cannot.

Called for `import`, with the documents there are and one look at the hosts. Writes no document:
documents/authoring does.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.core.desired import DesiredFleet, Host, PowerWish
from reconciler.core.diff import Place
from reconciler.core.model import RunState
from reconciler.core.names import is_name, printable
from reconciler.core.observed import UNUSABLE_NAME, HostFacts, ObservedFleet, Registration, Unreachable

UUID = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
"""As the schema of Guest documents has it."""


class Doubt(StrEnum):
    """Why something is not described; documented in the schema of `import -o json`."""

    NAME_UNUSABLE = "NameUnusable"
    IDENTITY_UNUSABLE = "IdentityUnusable"
    MACHINE_SHARED = "MachineShared"
    """Two of the hosts are one machine."""
    HOST_IN_DOUBT = "HostInDoubt"
    """It is on a host that is not described itself."""
    SEVERAL_COPIES = "SeveralCopies"
    NOT_RUNNABLE = "NotRunnable"
    IN_TRANSITION = "InTransition"
    UNDER_WAY = "UnderWay"
    """A move record says that it is being moved."""
    NAME_SHARED = "NameShared"
    NAME_TAKEN = "NameTaken"
    """A document of this name declares another guest."""
    NAMES_ALIKE = "NamesAlike"
    """Names that differ by case only, and would be one file on some systems."""
    FILE_TAKEN = "FileTaken"
    """The file that it would be written to is there and declares something else."""


class Noun(StrEnum):
    """What can be left out."""

    HOST = "host"
    GUEST = "guest"


@dataclass(frozen=True)
class Adopted:
    """A guest that can be described: one copy, at rest, under a name of its own."""

    name: str
    host: str
    power: PowerWish
    registration: Registration


@dataclass(frozen=True)
class LeftOut:
    """What cannot be described safely. `uuid` and `places` are empty for hosts."""

    noun: Noun
    name: str
    doubt: Doubt
    text: str
    uuid: str = ""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Names:
    """Names whose files are there already, in small letters."""

    hosts: frozenset[str] = frozenset()
    guests: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Adoption:
    """Everything that one look found, by what becomes of it. All in order of names."""

    hosts: tuple[Host, ...] = ()
    """New ones, those that could not be read among them: while nobody can look there, nothing must be started."""
    guests: tuple[Adopted, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    unread: tuple[Unreachable, ...] = ()
    declared_hosts: tuple[str, ...] = ()
    """Hosts that a document declares already."""
    declared_guests: tuple[str, ...] = ()
    """Guests that a document declares already, by uuid or by name; named as the document does."""


@dataclass(frozen=True)
class Draft:
    """A document that is not there yet: its file below the folder, what it declares, and its text."""

    path: str
    kind: str
    name: str
    text: str


@dataclass(frozen=True)
class Import:
    """What one import did, or would do."""

    fleet: str
    folder: str
    adoption: Adoption
    drafts: tuple[Draft, ...] = ()
    written: bool = False

    @property
    def looked_at(self) -> int:
        """How many hosts were asked."""
        doubtful = sum(entry.noun is Noun.HOST for entry in self.adoption.left_out)
        return len(self.adoption.hosts) + len(self.adoption.declared_hosts) + doubtful


def adopt(
    declared: DesiredFleet, given: Mapping[str, Host], observed: ObservedFleet, files: Names | None = None
) -> Adoption:
    """What to describe. `given` are the hosts to add to those of the documents; all of both were looked at."""
    files = files or Names()
    new = {name: host for name, host in given.items() if name not in declared.hosts}
    doubtful = tuple(_hosts_in_doubt(declared, new, observed, files))
    unread = tuple(observed.unreachable())
    unsafe = {entry.name for entry in doubtful} | _one_machine(observed).keys()
    looks = _Looks(declared, observed, unsafe, files)
    guests: list[Adopted] = []
    left_out = list(doubtful)
    known: list[str] = []
    for uuid in looks.copies:
        name = looks.declared_as(uuid)
        if name:
            known.append(name)
            continue
        refusal = next(looks.doubts(uuid), None)
        if refusal is not None:
            doubt, text = refusal
            left_out.append(LeftOut(Noun.GUEST, looks.name(uuid), doubt, text, uuid, looks.places(uuid)))
        else:
            guests.append(looks.adopted(uuid, certain=not unread))
    return Adoption(
        hosts=tuple(new[name] for name in sorted(new) if name not in {entry.name for entry in doubtful}),
        guests=tuple(sorted(guests, key=lambda guest: guest.name)),
        left_out=tuple(sorted(left_out, key=lambda entry: (entry.noun is Noun.GUEST, entry.name, entry.uuid))),
        unread=unread,
        declared_hosts=tuple(sorted(declared.hosts)),
        declared_guests=tuple(sorted(known)),
    )


def _hosts_in_doubt(
    declared: DesiredFleet, new: Mapping[str, Host], observed: ObservedFleet, files: Names
) -> Iterator[LeftOut]:
    """New hosts that no document is written for."""
    one_machine = _one_machine(observed)
    alike = _alike([*declared.hosts, *new])
    for name in sorted(new):
        if name in one_machine:
            text = f"the same machine answers as {', '.join(one_machine[name])}"
            yield LeftOut(Noun.HOST, name, Doubt.MACHINE_SHARED, text)
        elif name.lower() in alike:
            text = f"names that differ by case only: {', '.join(alike[name.lower()])}"
            yield LeftOut(Noun.HOST, name, Doubt.NAMES_ALIKE, text)
        elif name.lower() in files.hosts:
            yield LeftOut(Noun.HOST, name, Doubt.FILE_TAKEN, "its file is there already and declares something else")


def _one_machine(observed: ObservedFleet) -> Mapping[str, list[str]]:
    """Hosts that are the same machine as others -> those others."""
    names: dict[str, list[str]] = defaultdict(list)
    for facts in observed.reachable():
        names[facts.machine_id].append(facts.name)
    return {
        name: [other for other in same if other != name] for same in names.values() if len(same) > 1 for name in same
    }


def _alike(names: Iterable[str]) -> Mapping[str, list[str]]:
    """Names that are one in small letters, by that."""
    spelt: dict[str, set[str]] = defaultdict(set)
    for name in names:
        spelt[name.lower()].add(name)
    return {small: sorted(found) for small, found in spelt.items() if len(found) > 1}


@dataclass
class _Looks:
    """All registrations by identity and by name, beside the documents there are."""

    declared: DesiredFleet
    observed: ObservedFleet
    unsafe_hosts: Collection[str]
    files: Names
    copies: dict[str, list[tuple[HostFacts, Registration]]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        uuids: dict[str, set[str]] = defaultdict(set)
        for facts in self.observed.reachable():
            for entry in facts.registrations:
                self.copies[entry.uuid].append((facts, entry))
                uuids[entry.name].add(entry.uuid)
        self.copies = dict(sorted(self.copies.items()))
        self.uuids_by_name = uuids
        self.alike = _alike([*uuids, *self.declared.guests])
        self.by_uuid = {guest.uuid: guest.name for guest in self.declared.guests.values() if guest.uuid is not None}
        records = [record for facts in self.observed.reachable() for record in facts.records]
        self.under_way = frozenset(record.guest_uuid for record in records if record.under_way)

    def live(self, uuid: str) -> list[tuple[HostFacts, Registration]]:
        """The copies that run, may run, or could be started."""
        return [(facts, entry) for facts, entry in self.copies[uuid] if entry.startable]

    def name(self, uuid: str) -> str:
        """The name of its live copy, else the first of its names."""
        entries = [entry for _, entry in self.live(uuid) or self.copies[uuid]]
        return min(entry.name for entry in entries)

    def unusable(self, uuid: str) -> str:
        """The name that it really has, where its platform has one that no document can hold."""
        return max(entry.attributes.get(UNUSABLE_NAME, "") for _, entry in self.copies[uuid])

    def places(self, uuid: str) -> tuple[Place, ...]:
        """Where it is registered."""
        return tuple(sorted(Place(facts.name, entry.state, entry.runnable) for facts, entry in self.copies[uuid]))

    def declared_as(self, uuid: str) -> str:
        """The name of the document that declares it, if there is one: by uuid, else by a name only it has."""
        if uuid in self.by_uuid:
            return self.by_uuid[uuid]
        for name in sorted({entry.name for _, entry in self.copies[uuid]}):
            document = self.declared.guests.get(name)
            if document is not None and document.uuid is None and len(self.uuids_by_name[name]) == 1:
                return name
        return ""

    def doubts(self, uuid: str) -> Iterator[tuple[Doubt, str]]:
        """Everything that speaks against describing it, the plainest first."""
        name, live = self.name(uuid), self.live(uuid)
        hosts = sorted({facts.name for facts, _ in self.copies[uuid]})
        unusable = self.unusable(uuid)
        if unusable or not is_name(name):
            yield Doubt.NAME_UNUSABLE, f"documents cannot hold this name: {unusable or printable(name)}"
        if not UUID.fullmatch(uuid):
            yield Doubt.IDENTITY_UNUSABLE, f"its identity is no UUID: {printable(uuid)}"
        if unsafe := [host for host in hosts if host in self.unsafe_hosts]:
            yield Doubt.HOST_IN_DOUBT, f"it is registered on {', '.join(unsafe)}, which cannot be described itself"
        if len(live) > 1:
            yield Doubt.SEVERAL_COPIES, "more than one copy runs or could be started: remove all but the right one"
        if not live:
            yield Doubt.NOT_RUNNABLE, "no copy of it could be started"
        if any(entry.state is RunState.TRANSITION for _, entry in live):
            yield Doubt.IN_TRANSITION, "it is neither running nor stopped now: import again when it is"
        if uuid in self.under_way:
            yield Doubt.UNDER_WAY, "a move of it is under way: import again when that is over"
        yield from self._doubts_of_name(uuid, name)

    def _doubts_of_name(self, uuid: str, name: str) -> Iterator[tuple[Doubt, str]]:
        if others := sorted(self.uuids_by_name[name] - {uuid}):
            yield Doubt.NAME_SHARED, f"another guest has the same name: {', '.join(map(printable, others))}"
        if name in self.declared.guests:
            yield Doubt.NAME_TAKEN, f"the document in {self.declared.guests[name].location.file} is about another guest"
        if name.lower() in self.alike:
            spelt = ", ".join(map(printable, self.alike[name.lower()]))
            yield Doubt.NAMES_ALIKE, f"names that differ by case only: {spelt}"
        if name.lower() in self.files.guests:
            yield Doubt.FILE_TAKEN, "its file is there already and declares something else"

    def adopted(self, uuid: str, *, certain: bool) -> Adopted:
        """A guest without doubts. Only where every host was read is it certain that a stopped one runs nowhere."""
        [(facts, entry)] = self.live(uuid)
        power = PowerWish.RUNNING if entry.state is RunState.RUNNING else PowerWish.STOPPED
        if power is PowerWish.STOPPED and not certain:
            power = PowerWish.KEEP
        return Adopted(entry.name, facts.name, power, entry)
