"""Documents as people would write them, and new files in a folder that never replace others.

Called for `import`. Spells what was decided elsewhere; reads no host and changes no document that is there.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from reconciler.core.desired import Host, PowerWish
from reconciler.core.proposing.adoption import UUID, Adopted, Adoption, Draft, Names
from reconciler.core.quantities import format_memory
from reconciler.documents.schemas import API_VERSION, Kind, satisfies
from reconciler.documents.yaml_text import read_yaml

FLEET_FILE, HOSTS, GUESTS = "fleet.yaml", "hosts", "guests"
NONE: frozenset[str] = frozenset()
MIGRATION_SUFFIXES: Mapping[str, str] = {"hpvm": "-hpvm-migr", "libvirt": ""}
"""Driver -> what its platform by custom puts behind a host's name on the migration network."""
_NOT_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""Words that some reader of YAML or other takes for something else."""


def drafts(adoption: Adoption, fleet: str) -> tuple[Draft, ...]:
    """A file for everything that is described: the fleet (none where the name is empty), hosts, guests. Written in this
    order, what an interruption leaves is valid, and the next import adds the rest."""
    first = [fleet_draft(fleet)] if fleet else []
    hosts = [Draft(f"{HOSTS}/{host.name}.yaml", Kind.HOST, host.name, host_text(host)) for host in adoption.hosts]
    guests = [
        Draft(f"{GUESTS}/{guest.name}.yaml", Kind.GUEST, guest.name, guest_text(guest)) for guest in adoption.guests
    ]
    return (*first, *hosts, *guests)


def fleet_draft(name: str) -> Draft:
    """The file of a new fleet."""
    return Draft(FLEET_FILE, Kind.FLEET, name, fleet_text(name))


def fleet_text(name: str) -> str:
    """A Fleet document that changes nothing yet."""
    return (
        "# Written by `reconciler import`.\n"
        "# Nothing is changed on any host as long as `mode` is report. To let the reconciler act, write: mode: apply\n"
        f"{_head(Kind.FLEET, name)}  mode: report\n"
    )


def host_text(host: Host) -> str:
    """A Host document."""
    lines = [f"  driver: {scalar(host.driver)}"]
    if host.address:
        lines.append(f"  address: {scalar(host.address)}")
    if host.port != Host.port:
        lines.append(f"  port: {host.port}")
    suffix = MIGRATION_SUFFIXES.get(host.driver)
    if suffix or (suffix is not None and host.address):
        lines.append("  # What the other hosts call it on the migration network. If that is the name, uncomment it:")
        lines.append(f"  # migrationAddress: {scalar(f'{host.name}{suffix}')}")
    return "# Written by `reconciler import`.\n" + _head(Kind.HOST, host.name) + "\n".join(lines) + "\n"


def valid_host(host: Host) -> bool:
    """Whether a document can say this of a host."""
    read = read_yaml("host.yaml", host_text(host).encode())
    return read.problem is None and all(satisfies(Kind.HOST, document.value) for document in read.documents)


def guest_text(guest: Adopted) -> str:
    """A Guest document that says what is."""
    lines = [f"  host: {scalar(guest.host)}", f"  uuid: {scalar(guest.registration.uuid)}"]
    lines += _POWER_LINES[guest.power]
    if (autostart := guest.registration.autostart) is not None:
        lines.append(f"  autostart: {'on' if autostart else 'off'}  # whether its host starts it at boot")
    return (
        "# Written by `reconciler import`, from a look at its host.\n"
        f"# It had {_size(guest)}.\n"
        f"{_head(Kind.GUEST, guest.name)}" + "\n".join(lines) + "\n"
    )


_POWER_LINES: Mapping[PowerWish, tuple[str, ...]] = {
    PowerWish.RUNNING: ("  power: running  # started when found stopped; keep: left as it is found",),
    PowerWish.STOPPED: ("  power: stopped  # stopped when found running; keep: left as it is found",),
    PowerWish.KEEP: (),
}


def scalar(text: str) -> str:
    """A name, address or uuid, in quotes where any reader of YAML might take it for something else than text."""
    plain = UUID.fullmatch(text) or (text[:1].isalpha() and text.lower() not in _NOT_TEXT and ":" not in text)
    return text if plain else f'"{text}"'


def _head(kind: Kind, name: str) -> str:
    return f"apiVersion: {API_VERSION}\nkind: {kind}\nmetadata: {{name: {scalar(name)}}}\nspec:\n"


def _size(guest: Adopted) -> str:
    """`8 GiB of memory, 2 vCPUs, 2 disks (1 file, 1 san)`."""
    found = guest.registration
    kinds = Counter(str(disk.kind) for disk in found.disks)
    disks = f"{len(found.disks)} disk{'s' * (len(found.disks) != 1)}" if found.disks else "no disks"
    listed = f" ({', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))})" if kinds else ""
    vcpus = f"{found.vcpus} vCPU{'s' * (found.vcpus != 1)}"
    return f"{format_memory(found.memory_mib)} of memory, {vcpus}, {disks}{listed}"


def taken(folder: Path) -> Names:
    """The names whose files are in the folder already, whatever they hold."""

    def names(below: str) -> frozenset[str]:
        there = folder / below
        return (
            frozenset(path.name.lower().removesuffix(".yaml") for path in there.iterdir()) if there.is_dir() else NONE
        )

    return Names(names(HOSTS), names(GUESTS))


def write_new(folder: Path, files: Sequence[Draft]) -> None:
    """Write each file whole or not at all, in this order, and none over another. Raises OSError, and FileExistsError
    where somebody else was quicker; files before that one are written then."""
    for draft in files:
        target = folder / draft.path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            with part.open("x", encoding="utf-8") as file:
                file.write(draft.text)
                file.flush()
                os.fsync(file.fileno())
            target.hardlink_to(part)  # unlike a rename, refuses where the name is taken
        finally:
            part.unlink(missing_ok=True)
