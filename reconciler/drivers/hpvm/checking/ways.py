"""What came of trying the ways between hosts, as findings. Called by examine. Pure.

Exit statuses and files of the source tell the troubles apart; what ssh printed is shown, never matched.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.names import printable
from reconciler.core.reports.checks import CheckFinding, Level, Scope
from reconciler.ssh.looks.sections import NOTHING, Section

NO = 1
NOT_FOUND = 127
SSH_FAILED = 255
SAID = 400
"""How much is shown of what was printed: its end, where the reason stands."""


@dataclass(frozen=True)
class Way:
    """One way from a host to another: what the platform's own call to this address came to."""

    source: str
    target: str
    address: str
    answer: Section = NOTHING
    """Without a status where it did not end in time."""
    client: Section = NOTHING
    """Whether the source has an ssh at all."""
    named: Section = NOTHING
    """Whether /etc/hosts of the source has the address, where it is a name; asked only where ssh failed."""
    known: Section = NOTHING
    """Whether the source has a host key under it; likewise."""


def way(source: str, target: str, address: str, sections: Mapping[str, Section]) -> Way:
    """One of those that between.sh tried."""
    named, known = (sections.get(f"{asked} {address}", NOTHING) for asked in ("named", "known"))
    answer, client = sections.get(f"to {address}", NOTHING), sections.get("client", NOTHING)
    return Way(source, target, address, answer, client, named, known)


def of_way(tried: Way) -> CheckFinding | None:
    """What is wrong with it; None where it works."""
    source, target, address, status = tried.source, tried.target, tried.address, tried.answer.status
    if status == 0:
        return None
    if tried.client.status == NO:
        fix = f"on {source}: `swlist | grep -i shell` says whether HP-UX Secure Shell is there; the path wants its ssh"
        return _problem(tried, "way-without-ssh", f"{source} has no ssh on its path", fix)
    if status is None:
        text = f"trying ssh to {address} did not end in time"
        return _problem(tried, "way-silent", text, f"on {source}: ssh {address} date")
    if status == NOT_FOUND:
        text = f"ssh to {address} works, but a command given to it does not find hpvmmigrate"
        fix = f"put /opt/hpvm/bin on the path of root's non-login shell on {target} (/etc/PATH, ~/.profile is not read)"
        return _problem(tried, "way-without-platform", text, fix)
    if status == SSH_FAILED:
        return _blocked(tried)
    text = f"hpvmmigrate on {target} answers with exit status {status}"
    return _problem(tried, "way-without-platform", text, f"on {target}: hpvmmigrate -v")


def _blocked(tried: Way) -> CheckFinding:
    source, target, address = tried.source, tried.target, tried.address
    if tried.named.status == NO and not _is_number(address):
        text = f"{address} is not in /etc/hosts of {source}, and ssh to it fails"
        fix = f"on {source}: a line `ADDRESS {address}` in /etc/hosts, then ssh {address} date"
        return _problem(tried, "way-name-unknown", text, fix)
    if tried.known.status == NO:
        text = f"{source} has no host key under the name {address}, so ssh would ask a question"
        fix = f"on {source}: ssh {address} date once, compare the key it shows with that of {target}; or run secsetup"
        return _problem(tried, "way-key-unknown", text, fix)
    text = f"{source} does not get through to {address} by ssh without a question asked"
    fix = (
        f"on {source}: ssh {address} date. A refused login wants secsetup; a changed key, once you know why it did, "
        f"ssh-keygen -R {address} and secsetup; no answer, a look at the migration network"
    )
    return _problem(tried, "way-blocked", text, fix)


def _is_number(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def _problem(tried: Way, code: str, text: str, fix: str) -> CheckFinding:
    said = printable(" ".join(tried.answer.text.split())[-SAID:])
    return CheckFinding(f"{tried.source} → {tried.target}", code, Level.PROBLEM, text, fix, said, Scope.BETWEEN)
