"""Whether storage that two hosts call the same is the same: one image of each store, seen from every host that has the
store. Called by examine. Pure.

A file is the same where its number and its time of birth are; a block device where its size and its own name are. What
a host does not say is not compared, so that silence proves nothing: two hosts that tell no more than a number may still
look at two file systems that happen to be alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.names import printable
from reconciler.core.observed import HostFacts
from reconciler.core.reports.checks import CheckFinding
from reconciler.drivers.libvirt.checking.findings import Tried
from reconciler.ssh.looks.examined import listed, of_guests
from reconciler.ssh.looks.sections import NOTHING

UNSTABLE = ("cifs ", "smb3 ", "smbfs ")
"""File systems whose numbers of files are each client's own."""
UNKNOWN = frozenset({"-", "0", "?"})


@dataclass(frozen=True)
class Sample:
    """An image on shared storage, and the guest that uses it."""

    path: str
    store: str
    guest: str
    host: str


def samples(hosts: Mapping[str, HostFacts]) -> tuple[Sample, ...]:
    """For each store of each host, the image of one guest there."""
    found: dict[tuple[str, str], Sample] = {}
    for name, facts in sorted(hosts.items()):
        for entry in sorted(facts.registrations, key=lambda each: each.name):
            for disk in sorted(entry.disks, key=lambda each: each.id):
                if disk.kind.shared and disk.store and disk.id.startswith("/") and "\n" not in disk.id:
                    found.setdefault((name, disk.store), Sample(disk.id, disk.store, entry.name, name))
    return tuple(found.values())


def of_images(
    hosts: Mapping[str, HostFacts], tried: Mapping[str, Tried], chosen: Collection[str]
) -> Iterator[CheckFinding]:
    """Images that another host, which says that it has their store, does not see, or sees others in their place."""
    seen = {name: _seen(said) for name, said in tried.items()}
    for sample in samples(hosts):
        own = seen.get(sample.host, {}).get(sample.path)
        by_code: dict[str, list[str]] = defaultdict(list)
        for name, facts in sorted(hosts.items()):
            there = seen.get(name, {}).get(sample.path)
            asked = name != sample.host and (name in chosen or sample.host in chosen)
            if asked and sample.store in facts.presented and there is not None and own is not None:
                code = _differs(own, there, sample.store)
                if code:
                    by_code[code].append(name)
        for code, names in sorted(by_code.items()):
            yield _finding(sample, code, names)


def _seen(said: Tried) -> Mapping[str, tuple[str, str, str]]:
    """Path -> kind and two words that tell it from others."""
    found = {}
    for line in said.get("images", NOTHING).text.split("\n"):
        words = line.split(" ", 3)
        if len(words) == 4 and words[3].startswith("/"):
            found[words[3]] = (words[0], words[1], words[2])
    return found


def _differs(own: tuple[str, str, str], there: tuple[str, str, str], store: str) -> str:
    if there[0] == "none":
        return "image-missing" if own[0] != "none" else ""
    if own[0] == "none":
        return ""
    unstable = own[0] == "file" and store.startswith(UNSTABLE)
    pairs = () if unstable else zip(own[1:], there[1:], strict=True)
    told = [mine != other for mine, other in pairs if not {mine, other} & UNKNOWN]
    return "image-differs" if own[0] != there[0] or any(told) else ""


def _finding(sample: Sample, code: str, names: list[str]) -> CheckFinding:
    path, where = printable(sample.path), listed(names)
    if code == "image-missing":
        text = f"{path} on {sample.host} is not there on {where}, which should have the same storage"
    else:
        text = f"{path} is another one on {where} than on {sample.host}: that is not the same storage"
    vouched = sample.store.startswith("settings: ")
    fix = "take the path out of shared_paths, or mount" if vouched else "mount"
    return of_guests([sample.guest], code, text, f"{fix} the same there (compare `findmnt -T {path}` on both)")
