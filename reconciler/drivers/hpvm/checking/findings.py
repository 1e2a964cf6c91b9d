"""One look at each host, and the ways between them, as findings: what is missing, and what mends it.

Called by examine. Pure: what hosts said comes in, findings go out. Judges nothing that only a plan can: room and order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.names import printable
from reconciler.core.observed import HostFacts, Registration
from reconciler.core.reports.checks import CheckFinding, Level
from reconciler.drivers.hpvm.parse.sections import NOTHING, Section, Unreadable
from reconciler.drivers.hpvm.reading import Note, Reading
from reconciler.drivers.hpvm.rulebook.data import VERSIONS, known

CLOCK_SKEW_MAX_S = 60.0
NAMES_MAX = 6
NOT_FOUND = 127
SSH_FAILED = 255
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
        text = f"move records cannot be written: {printable(lines[0].removeprefix('closed '))} is not ours to write"
        yield _problem(host, "records-unwritable", text, "see to its rights, or name another: record_folder")
    for line in lines[1:]:
        kept = printable(line.split(" -> ")[0].rpartition(" ")[2])
        text = f"{kept} lies there: a command is at work just now, or was killed in the middle"
        yield CheckFinding(host, "lock-left", Level.WARNING, text, f"if it stays for minutes: rm -rf {kept}")


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
        text = f"nothing tells whether the guest kit is installed in {_names(kitless)}: they do not move online"
        yield CheckFinding(host, "kit-unknown", Level.WARNING, text, _kit())


def _version(host: str) -> str:
    return FIXES["version"].format(host=host)


def _kit() -> str:
    return 'once you know that all guests have it: [drivers.hpvm] guest_kit = "everywhere"'


# ------------------------------------------------------------------------------------------------- what hosts share


def of_guests(all_facts: Iterable[HostFacts], chosen: Collection[str]) -> Iterator[CheckFinding]:
    """What guests need that the chosen hosts lack: they might go to any host that was read."""
    hosts = {facts.name: facts for facts in all_facts}
    asked = sorted(hosts.keys() & set(chosen))
    luns: dict[str, set[str]] = defaultdict(set)
    switches: dict[str, set[str]] = defaultdict(set)
    for facts in hosts.values():
        for entry in facts.registrations:
            if entry.startable:
                for disk in entry.disks:
                    luns[disk.id].update([entry.name] if disk.kind.shared else [])
                for network in entry.networks:
                    switches[network].add(entry.name)
    for lun, guests in sorted(luns.items()):
        lacking = [name for name in asked if guests and lun not in hosts[name].presented]
        if lacking:
            text = f"LUN {lun} of {_names(guests)} is not presented to {_names(lacking)}"
            fix = "present it there, then `ioscan -fnC disk` and `insf -e` on each"
            yield _problem(_names(lacking), "lun-missing", text, fix)
    for network, guests in sorted(switches.items()):
        lacking = [name for name in asked if network not in hosts[name].networks]
        if lacking:
            text = f"virtual switch {network} of {_names(guests)} is not there, or not up, on {_names(lacking)}"
            fix = f"hpvmnet -c -S {network} -n LAN on each, then hpvmnet -b -S {network}"
            yield _problem(_names(lacking), "switch-missing", text, fix)
    for facts in hosts.values():
        yield from _too_large(facts.registrations, hosts, asked)


def _too_large(
    registrations: Iterable[Registration], hosts: Mapping[str, HostFacts], asked: Iterable[str]
) -> Iterator[CheckFinding]:
    for entry in registrations:
        small = [
            name
            for name in asked
            if entry.startable
            and entry.load(hosts[name].memory_overhead_percent).memory_mib > hosts[name].memory_mib > 0
        ]
        if small:
            text = f"{entry.name} ({entry.memory_mib} MiB) is larger than all the memory for guests on {_names(small)}"
            fix = "nothing to mend: it can run only elsewhere"
            yield CheckFinding(_names(small), "host-too-small", Level.WARNING, text, fix)


# ---------------------------------------------------------------------------------------------------- between hosts


def of_way(source: str, target: str, address: str, section: Section | None) -> CheckFinding | None:
    """What came of the platform's own call from one host to another; None where it works."""
    subject = f"{source} → {target}"
    if section is None or section is NOTHING or section.status is None:
        text = f"trying ssh to {address} did not end in time"
        return _problem(subject, "way-silent", text, f"on {source}: ssh {address} date")
    if section.status == 0:
        return None
    said = printable(" ".join(section.text.split())[-400:])
    if section.status == NOT_FOUND:
        text = f"ssh to {address} works, but a command given to it does not find hpvmmigrate"
        fix = f"put /opt/hpvm/bin on the path of root's non-login shell on {target} (/etc/PATH, ~/.profile is not read)"
        return _problem(subject, "way-without-platform", text, fix, said)
    if section.status == SSH_FAILED:
        text = f"{source} does not get through to {address} by ssh without a question asked"
        fix = (
            f"on {source}: ssh {address} date; a name that is not found belongs into /etc/hosts, a key that is asked "
            f"about is compared and accepted once, a refused login wants secsetup"
        )
        return _problem(subject, "way-blocked", text, fix, said)
    text = f"hpvmmigrate on {target} answers with exit status {section.status}"
    return _problem(subject, "way-without-platform", text, f"on {target}: hpvmmigrate -v", said)


def _problem(subject: str, code: str, text: str, fix: str, excerpt: str = "") -> CheckFinding:
    return CheckFinding(subject, code, Level.PROBLEM, text, fix, excerpt)


def _names(names: Iterable[str]) -> str:
    ordered = sorted(set(names))
    rest = len(ordered) - NAMES_MAX
    return ", ".join(ordered[:NAMES_MAX]) + (f" and {rest} more" if rest > 0 else "")
