"""What came of trying the ways between hosts, as findings. Called by examine. Pure.

Exit statuses and files of the source tell the troubles apart; what was printed is shown, never matched.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.core.names import printable
from reconciler.core.reports.checks import CheckFinding, Level, Scope
from reconciler.drivers.libvirt.checking.findings import PACKAGES, Tried
from reconciler.drivers.libvirt.looking.parse.figures import UUID
from reconciler.ssh.looks.examined import listed
from reconciler.ssh.looks.sections import NOTHING, Section, numbered

NO = 1
NOT_FOUND = 127
SSH_FAILED = 255
SAID = 400
"""How much is shown of what was printed: its end, where the reason stands."""


@dataclass(frozen=True)
class Way:
    """One way from a host to another: a login as moves log in, libvirt as a migration asks it, and its ports."""

    source: str
    target: str
    address: str
    uuid: str
    """Of the machine that it should lead to."""
    ssh: Section = NOTHING
    """Without a status where it did not come to an end."""
    named: Section = NOTHING
    """Whether the source can resolve the address; asked only where ssh failed."""
    known: Section = NOTHING
    """Whether the source has a host key under it; likewise."""
    libvirt: Section = NOTHING
    """Asked only where ssh succeeded."""
    ports: Mapping[str, str] = field(default_factory=dict)
    """Port -> what came of connecting to it."""

    def told(self, word: str) -> list[str]:
        """What the login told under this word."""
        lines = self.ssh.text.split("\n")
        return [line.removeprefix(f"@{word}").strip() for line in lines if line.split(" ")[0] == f"@{word}"]


def way(source: str, target: str, address: str, uuid: str, tried: Tried) -> Way:
    """One of those that try.sh tried."""
    ssh, named, known, libvirt = (tried.get(f"{asked} {address}", NOTHING) for asked in ASKED)
    ports = {name: section.text.strip() for name, section in numbered(tried, f"port {address}").items()}
    return Way(source, target, address, uuid, ssh, named, known, libvirt, ports)


ASKED = ("ssh", "named", "known", "libvirt")


def of_way(tried: Way) -> Iterator[CheckFinding]:
    """What is wrong with it; nothing where it works."""
    source, target, address, status = tried.source, tried.target, tried.address, tried.ssh.status
    if status == NOT_FOUND:
        yield _problem(tried, "way-without-ssh", f"{source} has no ssh on its path", f"install {PACKAGES['ssh']} there")
    elif tried.ssh.unfinished:
        text = f"trying ssh to {address} did not end in time"
        yield _problem(tried, "way-silent", text, f"on {source}: ssh root@{address} date")
    elif status != 0:
        yield _blocked(tried)
    else:
        lacking = tried.told("lacks")
        if lacking:
            text = f"a login there does not find {listed(map(printable, lacking))}"
            fix = f"install them on {target}, on the path that sshd gives (`ssh root@{address} 'echo $PATH'`)"
            yield _problem(tried, "way-without-tools", text, fix)
        if "virsh" not in lacking:
            yield from _libvirt(tried)
        yield from _ports(tried)


def _blocked(tried: Way) -> CheckFinding:
    source, target, address = tried.source, tried.target, tried.address
    said = tried.ssh.text
    if tried.named.status not in (0, None) and not _is_number(address):
        text = f"{source} cannot resolve {address}, and ssh to it fails"
        fix = f"on {source}: a line `ADDRESS {address}` in /etc/hosts, then ssh root@{address} date"
        return _problem(tried, "way-name-unknown", text, fix, said)
    if tried.known.status == NO:
        text = f"root of {source} has no host key under the name {address}, so ssh would ask a question"
        fix = f"on {source}: ssh root@{address} date once, and compare the key it shows with that of {target}"
        return _problem(tried, "way-key-unknown", text, fix, said)
    text = f"root of {source} does not get through to root@{address} by ssh without a question asked"
    fix = (
        f"on {source}: ssh root@{address} date. A refused login wants the public key of root on {source} among the "
        f"authorized_keys of root on {target}; a changed key, once you know why it did, ssh-keygen -R {address}; no "
        "answer, a look at the network"
    )
    return _problem(tried, "way-blocked", text, fix, said)


def _libvirt(tried: Way) -> Iterator[CheckFinding]:
    """Whether libvirt answers there as a peer-to-peer migration asks it, and whether it is the right one."""
    source, target, status = tried.source, tried.target, tried.libvirt.status
    uri = f"qemu+ssh://root@{tried.address}/system"
    if status != 0:
        ended = "does not come to an end" if tried.libvirt.unfinished else f"fails with {status}"
        text = f"ssh works, but virsh -c {uri} {ended}"
        fix = f"on {source}: virsh -c {uri} uri"
        if tried.told("helperless"):
            text += f": {target} has neither virt-ssh-helper nor nc"
            fix = f"on {target}: install libvirt's client package (virt-ssh-helper), or netcat-openbsd"
        yield _problem(tried, "way-without-libvirt", text, fix, tried.libvirt.text)
        return
    found = tried.libvirt.text.strip()
    if found != tried.uuid:
        shown = found if UUID.fullmatch(found) else "another machine"
        text = f"{tried.address} leads {source} to {shown}, and {target} is {tried.uuid}"
        fix = f"see which address {tried.address} has on {source} (`getent hosts {tried.address}`), and who has it"
        yield _problem(tried, "way-elsewhere", text, fix)


def _ports(tried: Way) -> Iterator[CheckFinding]:
    """Whether memory and disks of guests would get there: nothing listens before a migration begins, but what is only
    not listened to says so at once."""
    shut = [port for port, came in tried.ports.items() if came not in ("open", "refused")]
    if shut:
        said = "; ".join(f"{port}: {tried.ports[port]}" for port in shut)
        text = f"migrations to {tried.target} come in on ports that {tried.source} cannot connect to: {', '.join(shut)}"
        fix = (
            f"let {tried.source} through to these ports, and all between, on {tried.target} (migration_port_min, _max)"
        )
        yield _problem(tried, "way-ports-shut", text, fix, said)


def _is_number(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def _problem(tried: Way, code: str, text: str, fix: str, said: str = "") -> CheckFinding:
    subject = f"{tried.source} → {tried.target}"
    return CheckFinding(subject, code, Level.PROBLEM, text, fix, printable(_end(said)), Scope.BETWEEN)


def _end(said: str) -> str:
    """The last words of what was printed."""
    words = " ".join(said.split())
    return words if len(words) <= SAID else f"… {words[-SAID:].partition(' ')[2]}"
