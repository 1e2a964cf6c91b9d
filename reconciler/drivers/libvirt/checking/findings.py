"""One look at a host, and what it was tried for, as findings: what is wrong with it by itself, and what mends that.

Called by examine. Pure: what a host said comes in, findings go out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from reconciler.core.execution.halfway import aside
from reconciler.core.model import RunState
from reconciler.core.names import printable
from reconciler.core.observed import HostFacts
from reconciler.core.reports.checks import CheckFinding
from reconciler.drivers.libvirt.looking.parse.files import room_mib
from reconciler.drivers.libvirt.looking.reading import Stated
from reconciler.drivers.libvirt.rulebook.attributes import OCCUPIED, host_list
from reconciler.ssh.looks import examined as looks
from reconciler.ssh.looks.examined import listed, of_look, problem, warning
from reconciler.ssh.looks.sections import NOTHING, Section, Unreadable

RECORD_ROOM_MIN_MIB = 16
"""Records and saved definitions are small; a full file system takes none."""
ASIDE = re.compile(re.escape(aside("")) + r"([A-Za-z0-9._-]+)\Z", re.ASCII)
"""What the name of a disk ends with that a move has put aside."""
FIXES: Mapping[str, str] = {
    "version": "on {host}: virsh version --daemon",
    "processor": "state it: [drivers.libvirt.hosts.{host}] processor_family = 25, processor_model = 17",
    "memory": "state it: [drivers.libvirt.hosts.{host}] memory_mib = 65536",
    "cpus": "state it: [drivers.libvirt.hosts.{host}] cpus = 16",
    "room": "name a folder that exists there: [drivers.libvirt] copy_folder",
    "mounts": "on {host}: cat /proc/self/mountinfo; until it can be read, only shared_paths count as shared there",
    "pools": "on {host}: virsh pool-list, virsh pool-dumpxml",
}
"""What mends an output that could not be read, by what it is about."""
PACKAGES: Mapping[str, str] = {
    "qemu-img": "qemu-utils or qemu-img",
    "ssh": "openssh-client or openssh-clients",
    "virsh": "libvirt-clients or libvirt-client",
    "flock": "util-linux",
}
"""What brings a program, as Debian and as Red Hat call it."""

Examined = looks.Examined[Stated]
Tried = Mapping[str, Section]
"""What try.sh said; empty where it did not come to an end."""


def of_host(examined: Examined, tried: Tried) -> Iterator[CheckFinding]:
    """What is wrong with one host by itself."""
    host, stated = examined.reading.host, examined.reading.stated
    silent = _silent(examined)
    for found in of_look(examined, FIXES):
        yield silent if silent is not None and found.code == "host-unreadable" else found
    yield from _tools(host, tried)
    yield from _folders(host, stated.copy_folder, tried)
    if examined.facts is not None:
        yield from _memory(examined.facts)
        yield from _kept(examined.facts)


def _silent(examined: Examined) -> CheckFinding | None:
    """Where libvirtd itself is what does not answer."""
    host, begun = examined.reading.host, examined.reading.sections.get("host begun", NOTHING)
    if begun.status == 0 or not examined.reading.sections:
        return None
    text = "libvirtd takes the connection and does not answer" if begun.unfinished else "virsh cannot ask libvirt"
    fix = f"on {host}: virsh -c qemu:///system uri; restarting libvirtd (or virtqemud) leaves guests alone"
    return problem(host, "libvirt-silent", text, fix, printable(begun.text.strip()[-400:]))


def _tools(host: str, tried: Tried) -> Iterator[CheckFinding]:
    lacking = [line.strip() for line in tried.get("tools", NOTHING).text.split("\n") if line.strip()]
    options = [tool for tool in lacking if tool.startswith("virsh ")]
    programs = [tool for tool in lacking if tool not in options]
    if programs:
        packages = sorted({PACKAGES.get(tool, "coreutils, gawk or mawk") for tool in programs})
        text = f"it lacks programs that moves need: {listed(map(printable, programs))}"
        yield problem(host, "tool-missing", text, f"install {', '.join(packages)} there")
    if options:
        text = f"its virsh is too old, it does not know: {listed(map(printable, options))}"
        yield problem(host, "virsh-too-old", text, "update libvirt there; moves are tested with libvirt 9.0")


def _folders(host: str, copy_folder: str, tried: Tried) -> Iterator[CheckFinding]:
    """Whether there is room for move records, and a folder for copies."""
    room = _room_mib(tried.get("record room", NOTHING))
    if room is not None and room < RECORD_ROOM_MIN_MIB:
        text = f"{room} MiB are free where move records are written: no move can begin"
        yield problem(host, "records-full", text, "make room, or name another folder: record_folder")
    state = tried.get("copies", NOTHING).text.strip()
    fix = f"on {host}: mkdir -p {printable(copy_folder)}; or name another: [drivers.libvirt] copy_folder"
    if state == "missing":
        text = f"{printable(copy_folder)}, where copies of local disks go, is not there"
        yield warning(host, "copy-folder-unusable", text, fix)
    elif state == "closed":
        text = f"{printable(copy_folder)}, where copies of local disks go, cannot be written"
        yield warning(host, "copy-folder-unusable", text, fix)


def _room_mib(said: Section) -> int | None:
    try:
        return room_mib(said.text) if said.status == 0 else None
    except Unreadable:
        return None


def _memory(facts: HostFacts) -> Iterator[CheckFinding]:
    """Whether what it has can hold what runs there."""
    running = [entry for entry in facts.registrations if entry.state is RunState.RUNNING]
    used_mib = sum(entry.memory_current_mib or entry.memory_mib for entry in running)
    if used_mib > facts.memory_mib > 0:
        text = f"its running guests have {used_mib} MiB of memory, it has {facts.memory_mib} MiB for guests"
        fix = f"if that is wrong, state it: [drivers.libvirt.hosts.{facts.name}] memory_mib, host_reserve_mib"
        yield warning(facts.name, "memory-overrun", text, fix)


def _kept(facts: HostFacts) -> Iterator[CheckFinding]:
    """Disks that moves have put aside, in the folders for copies; nobody but a person takes them away."""
    records = {record.id for record in facts.records}
    aside = [(path, ASIDE.search(path)) for path in host_list(facts, OCCUPIED) or ()]
    kept = [path for path, found in aside if found is not None and found[1] not in records]
    if kept:
        text = f"disks are kept of guests that have moved away: {listed(map(printable, kept))}"
        yield warning(facts.name, "disks-kept", text, f"once nobody wants them back, remove them on {facts.name}")


def of_identities(read: Mapping[str, Examined], tried: Mapping[str, Tried]) -> Iterator[CheckFinding]:
    """Machines that are not one and have one UUID: libvirt takes them for one."""
    hosts: dict[str, list[str]] = defaultdict(list)
    for name, facts in looks.facts_of(read).items():
        hosts[facts.machine_id].append(name)
    for uuid, names in sorted(hosts.items()):
        boots = {tried.get(name, {}).get("boot", NOTHING).text.strip() for name in names} - {""}
        if len(names) > 1 and len(boots) > 1:
            for name in names:
                others = listed(other for other in names if other != name)
                text = f"it is another machine than {others}, and both say that they are {uuid}"
                fix = f"on {name}: host_uuid in /etc/libvirt/libvirtd.conf (`uuidgen` makes one), restart libvirtd"
                yield problem(name, "host-uuid-twice", text, fix)
