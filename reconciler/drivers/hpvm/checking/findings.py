"""One look at a host, as findings: what is wrong with it by itself, and what mends that.

Called by examine. Pure: what a host said comes in, findings go out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.core.observed import HostFacts
from reconciler.core.reports.checks import CheckFinding
from reconciler.drivers.hpvm.reading import Stated
from reconciler.drivers.hpvm.rulebook.data import VERSIONS, known
from reconciler.ssh.looks import examined as looks
from reconciler.ssh.looks.examined import listed, of_look, problem, warning

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

Examined = looks.Examined[Stated]


def of_host(examined: Examined) -> Iterator[CheckFinding]:
    """What is wrong with one host by itself."""
    yield from of_look(examined, FIXES)
    if examined.facts is not None:
        yield from _facts(examined.facts)


def _facts(facts: HostFacts) -> Iterator[CheckFinding]:
    host = facts.name
    if facts.version and not known(facts.version):
        text = f'it runs version "{facts.version}", which is in no table we have'
        yield problem(host, "version-unknown", text, f"known are {VERSIONS[0]} to {VERSIONS[-1]}; {_version(host)}")
    for entry in facts.registrations:
        if "unknown_devices" in entry.attributes:
            text = f"{entry.name} has what we do not know how to move: {entry.attributes['unknown_devices']}"
            fix = "remove it from the guest before it is to move"
            yield warning(host, "device-unknown", text, fix)
    kitless = [entry.name for entry in facts.registrations if "guest_kit" not in entry.attributes]
    if kitless:
        text = f"nothing tells whether the guest kit is installed in {listed(kitless)}: they do not move online"
        yield warning(host, "kit-unknown", text, _kit())


def _version(host: str) -> str:
    return FIXES["version"].format(host=host)


def _kit() -> str:
    return 'once you know that all guests have it: [drivers.hpvm] guest_kit = "everywhere"'
