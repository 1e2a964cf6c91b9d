"""One look at a host as findings, whatever its platform: rights, what could not be read, move records, the clock.

Called by each driver's checking. Pure: what a host said comes in, findings go out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconciler.core.names import printable
from reconciler.core.observed import HostFacts, Registration
from reconciler.core.reports.checks import CheckFinding, Level, Scope
from reconciler.ssh.looks.reading import Note, Reading
from reconciler.ssh.looks.sections import Unreadable

CLOCK_SKEW_MAX_S = 60.0
NAMES_MAX = 6
ESSENTIAL = ("version", "processor", "memory", "cpus")
"""What nothing moves without."""

Stated = TypeVar("Stated")


@dataclass(frozen=True)
class Examined(Generic[Stated]):
    """What one host said. `facts` is None where that leaves doubts, which `doubt` names."""

    reading: Reading[Stated]
    facts: HostFacts | None
    doubt: Unreadable | None
    asked_s: float
    """Our clock when the host was asked."""

    def knows(self, about: str) -> bool:
        """Whether what a note of this name would be about could be read."""
        return all(note.about != about for note in self.reading.notes)


def of_look(examined: Examined[Stated], fixes: Mapping[str, str]) -> Iterator[CheckFinding]:
    """What is wrong with one host by itself. `fixes`: what mends an output that could not be read, by what it is about;
    {host} is the host's name."""
    host, reading = examined.reading.host, examined.reading
    user = reading.text("user").strip()
    if user != "0":
        said = f"`id -u` says {printable(user) or 'nothing'}"
        yield problem(host, "not-root", f"we are not root there: {said}", "[ssh] user: a user with root's rights")
    if examined.doubt is not None:
        excerpt = printable(examined.doubt.excerpt.strip()[:400])
        yield problem(host, "host-unreadable", examined.doubt.what, f"see what it says on {host}", excerpt)
    yield from (_unread(host, note, fixes) for note in reading.notes)
    yield from _book(host, reading.text("book"))
    if examined.facts is not None:
        yield from _clock(examined.facts, examined.asked_s)


def _unread(host: str, note: Note, fixes: Mapping[str, str]) -> CheckFinding:
    fix = fixes.get(note.about, "see what it says on {host}").format(host=host)
    level = Level.PROBLEM if note.about in ESSENTIAL else Level.WARNING
    return CheckFinding(host, "output-unread", level, f"{note.about}: {note.text}", fix, note.excerpt)


def _book(host: str, text: str) -> Iterator[CheckFinding]:
    """Whether move records can be written there."""
    lines = [line for line in text.strip().split("\n") if line]
    if lines and lines[0].startswith("closed "):
        place = printable(lines[0].removeprefix("closed "))
        text = f"move records cannot be written: {place} is no folder that we may write in"
        yield problem(host, "records-unwritable", text, "see to its rights, or name another: record_folder")
    for line in lines[1:]:
        kept = printable(line.split(" -> ")[0].rpartition(" ")[2])
        text = f"{kept} lies there: a command is at work just now, or was killed in the middle"
        fix = f"if it stays for minutes, on {host}: rm -rf {kept}"
        yield warning(host, "lock-left", text, fix)


def _clock(facts: HostFacts, asked_s: float) -> Iterator[CheckFinding]:
    skew_s = facts.clock_s - asked_s
    if abs(skew_s) > CLOCK_SKEW_MAX_S:
        text = f"its clock is {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} ours"
        yield warning(facts.name, "clock-skew", text, "let NTP set the clocks of both")


def users(registrations: Iterable[Registration], what: str) -> Mapping[str, set[str]]:
    """Disks or networks -> the guests that use them. Shared disks only, by the store that they lie on."""
    found: dict[str, set[str]] = defaultdict(set)
    for entry in registrations:
        shared = (disk.store or disk.id for disk in entry.disks if disk.kind.shared)
        for used in entry.networks if what == "networks" else shared:
            found[used].add(entry.name)
    return dict(sorted(found.items()))


def too_large(registrations: Iterable[Registration], hosts: Mapping[str, HostFacts]) -> Iterator[CheckFinding]:
    """Guests that would not fit on a host that holds nothing else. Only what is known of the host counts."""
    together: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for entry in registrations:
        small = tuple(name for name, facts in hosts.items() if _is_larger(entry, facts))
        if small:
            together[small].add(entry.name)
    for small, guests in sorted(together.items()):
        text = f"larger than all the memory for guests, or all the CPU, of {listed(small)}"
        yield of_guests(guests, "host-too-small", text, "nothing, if they are to run elsewhere", Level.WARNING)


def _is_larger(entry: Registration, facts: HostFacts) -> bool:
    load = entry.load(facts.memory_overhead_percent)
    return load.memory_mib > facts.memory_mib > 0 or load.cpu_percent > facts.cpus * 100 > 0


def problem(subject: str, code: str, text: str, fix: str, excerpt: str = "") -> CheckFinding:
    """One that makes moves fail."""
    return CheckFinding(subject, code, Level.PROBLEM, text, fix, excerpt)


def warning(subject: str, code: str, text: str, fix: str, excerpt: str = "") -> CheckFinding:
    """One that does not, or not all."""
    return CheckFinding(subject, code, Level.WARNING, text, fix, excerpt)


def of_guests(guests: Iterable[str], code: str, text: str, fix: str, level: Level = Level.PROBLEM) -> CheckFinding:
    """What these guests need that hosts lack."""
    return CheckFinding(listed(guests), code, level, text, fix, scope=Scope.GUESTS)


def listed(names: Iterable[str]) -> str:
    """The first of these names, and how many more there are."""
    ordered = sorted(set(names))
    rest = len(ordered) - NAMES_MAX
    return ", ".join(ordered[:NAMES_MAX]) + (f" and {rest} more" if rest > 0 else "")


def facts_of(read: Mapping[str, Examined[Stated]]) -> Mapping[str, HostFacts]:
    """What is known of the hosts that could be read, in order of their names."""
    return {name: examined.facts for name, examined in sorted(read.items()) if examined.facts is not None}
