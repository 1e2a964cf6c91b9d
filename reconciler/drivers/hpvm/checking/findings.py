"""One look at a host, as findings: what is wrong with it by itself, and what mends that.

Called by examine. Pure: what a host said comes in, findings go out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.names import printable
from reconciler.core.observed import HostFacts
from reconciler.core.reports.checks import CheckFinding, Level
from reconciler.drivers.hpvm.reading import Reading
from reconciler.drivers.hpvm.rulebook.data import VERSIONS, known
from reconciler.ssh.looks.reading import Note
from reconciler.ssh.looks.sections import Unreadable

CLOCK_SKEW_MAX_S = 60.0
NAMES_MAX = 6
FIXES: Mapping[str, str] = {
    "version": 'state it: [drivers.hpvm.hosts.{host}] version = "4.2"',
    "processor": "state it: [drivers.hpvm.hosts.{host}] processor_family = 32, processor_model = 1",
    "memory": "state it: [drivers.hpvm.hosts.{host}] memory_mib = 65536",
    "cpus": "state it: [drivers.hpvm.hosts.{host}] cpus = 8",
    "switches": "run `hpvmnet` on {host}; without it no guest with a network moves there",
    "storage": "run `scsimgr -p get_attr all_lun -a device_file -a wwid` on {host}",
    "room": "name a folder that exists there: [drivers.hpvm] copy_folder",
}
"""What mends an output that could not be read, by what it is about."""


@dataclass(frozen=True)
class Examined:
    """What one host said. `facts` is None where that leaves doubts, which `doubt` names."""

    reading: Reading
    facts: HostFacts | None
    doubt: Unreadable | None
    asked_s: float
    """Our clock when the host was asked."""

    def knows(self, about: str) -> bool:
        """Whether what a note of this name would be about could be read."""
        return all(note.about != about for note in self.reading.notes)


def of_host(examined: Examined) -> Iterator[CheckFinding]:
    """What is wrong with one host by itself."""
    host, reading = examined.reading.host, examined.reading
    user = reading.text("user").strip()
    if user != "0":
        said = f"`id -u` says {printable(user) or 'nothing'}"
        yield _problem(host, "not-root", f"we are not root there: {said}", "[ssh] user: a user with root's rights")
    if examined.doubt is not None:
        excerpt = printable(examined.doubt.excerpt.strip()[:400])
        yield _problem(host, "host-unreadable", examined.doubt.what, f"see what it says on {host}", excerpt)
    yield from (_unread(host, note) for note in reading.notes)
    yield from _book(host, reading.text("book"))
    if examined.facts is not None:
        yield from _facts(examined.facts, examined.asked_s)


def _unread(host: str, note: Note) -> CheckFinding:
    fix = FIXES.get(note.about, "see what it says on {host}").format(host=host)
    level = Level.PROBLEM if note.about in ("version", "processor", "memory", "cpus") else Level.WARNING
    return CheckFinding(host, "output-unread", level, f"{note.about}: {note.text}", fix, note.excerpt)


def _book(host: str, text: str) -> Iterator[CheckFinding]:
    """Whether move records can be written there."""
    lines = [line for line in text.strip().split("\n") if line]
    if lines and lines[0].startswith("closed "):
        place = printable(lines[0].removeprefix("closed "))
        text = f"move records cannot be written: {place} is no folder that we may write in"
        yield _problem(host, "records-unwritable", text, "see to its rights, or name another: record_folder")
    for line in lines[1:]:
        kept = printable(line.split(" -> ")[0].rpartition(" ")[2])
        text = f"{kept} lies there: a command is at work just now, or was killed in the middle"
        fix = f"if it stays for minutes, on {host}: rm -rf {kept}"
        yield CheckFinding(host, "lock-left", Level.WARNING, text, fix)


def _facts(facts: HostFacts, asked_s: float) -> Iterator[CheckFinding]:
    host = facts.name
    skew_s = facts.clock_s - asked_s
    if abs(skew_s) > CLOCK_SKEW_MAX_S:
        text = f"its clock is {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} ours"
        yield CheckFinding(host, "clock-skew", Level.WARNING, text, "let NTP set the clocks of both")
    if facts.version and not known(facts.version):
        text = f'it runs version "{facts.version}", which is in no table we have'
        yield _problem(host, "version-unknown", text, f"known are {VERSIONS[0]} to {VERSIONS[-1]}; {_version(host)}")
    for entry in facts.registrations:
        if "unknown_devices" in entry.attributes:
            text = f"{entry.name} has what we do not know how to move: {entry.attributes['unknown_devices']}"
            fix = "remove it from the guest before it is to move"
            yield CheckFinding(host, "device-unknown", Level.WARNING, text, fix)
    kitless = [entry.name for entry in facts.registrations if "guest_kit" not in entry.attributes]
    if kitless:
        text = f"nothing tells whether the guest kit is installed in {listed(kitless)}: they do not move online"
        yield CheckFinding(host, "kit-unknown", Level.WARNING, text, _kit())


def _version(host: str) -> str:
    return FIXES["version"].format(host=host)


def _kit() -> str:
    return 'once you know that all guests have it: [drivers.hpvm] guest_kit = "everywhere"'


def _problem(subject: str, code: str, text: str, fix: str, excerpt: str = "") -> CheckFinding:
    return CheckFinding(subject, code, Level.PROBLEM, text, fix, excerpt)


def listed(names: Iterable[str]) -> str:
    """The first of these names, and how many more there are."""
    ordered = sorted(set(names))
    rest = len(ordered) - NAMES_MAX
    return ", ".join(ordered[:NAMES_MAX]) + (f" and {rest} more" if rest > 0 else "")
