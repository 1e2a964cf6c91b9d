"""What lies behind guests' disks on one host: shared or not, how large, who else uses it.

Called by registrations and facts. Pure. What cannot be read of a file leaves the disk a local one of unknown size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.core.model import StorageKind
from reconciler.core.names import printable
from reconciler.core.observed import Disk
from reconciler.drivers.libvirt.looking.parse import files as parse_files
from reconciler.drivers.libvirt.looking.parse.domain import Device, Domain
from reconciler.drivers.libvirt.looking.parse.figures import mib
from reconciler.drivers.libvirt.looking.reading import Reading

VOUCHED = "settings: "


@dataclass(frozen=True)
class Storage:
    """All that was asked about files, once for a look."""

    mounts: tuple[parse_files.Mount, ...]
    places: Mapping[str, str]
    """Path -> where it leads to without symbolic links."""
    files: Mapping[str, parse_files.File]
    sizes: Mapping[str, tuple[int, bool]]
    headers: Mapping[str, parse_files.Header]
    rules: tuple[str, ...]
    """Paths that the settings call shared, those that exist here."""

    def certain(self, path: str) -> bool:
        """Whether it is known which file system it lies on. Where it is not, it may be shared or not."""
        return bool(self.rule(path)) or (path in self.places and bool(self.mounts))

    def store(self, path: str) -> str:
        """What of `presented` it lies on; "" for what only this host can see. A file that nobody finds, or may look at,
        counts with its folder."""
        rule = self.rule(path)
        if rule:
            return f"{VOUCHED}{rule}"
        mount = parse_files.mount_of(self.mounts, self.places[path]) if path in self.places else None
        found = self.files.get(path)
        return "" if mount is None or (found is not None and not found.regular) else printable(mount.store)

    def rule(self, path: str) -> str:
        """The longest path of the settings that it lies at."""
        names = (path, self.places.get(path, path))
        fitting = [rule for rule in self.rules if any(parse_files.within(rule, name) for name in names)]
        return max(fitting, key=len, default="")

    def presented(self) -> tuple[str, ...]:
        """The stores of shared storage that this host can see."""
        last = {mount.point: mount for mount in self.mounts}
        stores = {mount.store for mount in last.values()} | {f"{VOUCHED}{rule}" for rule in self.rules}
        return tuple(sorted(map(printable, stores - {""})))

    def disk(self, device: Device, others: Iterable[str]) -> Disk:
        """A guest's disk."""
        found = self.files.get(device.path)
        rule, store = self.rule(device.path), self.store(device.path)
        size_mib, is_volume = self.sizes.get(device.path, (0, False))
        if found is not None and found.regular and self.certain(device.path):
            size_mib = mib(found.size)
        block = device.type == "block" if found is None else found.block
        if store:
            kind = StorageKind.SAN if block else StorageKind.SHARED_FILE
        elif block:
            kind = StorageKind.LOGICAL_VOLUME if is_volume else StorageKind.LOCAL_DISK
        else:
            kind = StorageKind.FILE
        return Disk(device.path, kind, size_mib, tuple(sorted(others)), device.target, store, bool(rule))

    def users(self, domains: Iterable[Domain]) -> Mapping[str, frozenset[str]]:
        """File or device, by its identity -> the guests (uuids) that use it."""
        users: dict[str, set[str]] = defaultdict(set)
        for domain in domains:
            for device in domain.devices:
                if device.path and not device.drive:
                    users[self.identity(device.path)].add(domain.uuid)
        return {identity: frozenset(uuids) for identity, uuids in users.items()}

    def identity(self, path: str) -> str:
        """The same for two names of one file or device."""
        found = self.files.get(path)
        return found.identity if found is not None else self.places.get(path, path)


def storage(reading: Reading) -> Storage:
    """What the look says of files. What cannot be read is noted, and nothing is shared then that the settings do not
    vouch for."""
    nothing: Mapping[str, str] = {}
    no_files: Mapping[str, parse_files.File] = {}
    text = reading.text
    rules = set(text("vouched").split("\n")) & set(reading.stated.shared_paths)
    return Storage(
        mounts=reading.or_else("mounts", lambda: parse_files.mounts(text("mounts")), ()),
        places=reading.or_else("paths", lambda: parse_files.resolved(text("paths"), text("resolved")), nothing),
        files=reading.or_else("files", lambda: parse_files.files(text("files")), no_files),
        sizes=parse_files.sizes(text("devices")),
        headers=parse_files.headers(text("headers")),
        rules=tuple(sorted(rules)),
    )
