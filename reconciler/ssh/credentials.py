"""known_hosts and our own key, read again when they change. Used by link and connections; never written to.

A name may have several keys, also of one kind: that is how a host's key is rotated without a gap. paramiko's own lookup
compares the first of a kind only, so what a line means is paramiko's here and what it allows is ours.
"""

from __future__ import annotations

import shlex
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from paramiko import ECDSAKey, Ed25519Key, PasswordRequiredException, PKey, RSAKey, SSHException
from paramiko.hostkeys import HostKeyEntry, HostKeys

from reconciler.core.names import printable
from reconciler.ssh.access import Access, Target
from reconciler.ssh.trouble import HostUnreachable, Trouble

Value = TypeVar("Value")
Stamp = tuple[int, int, int]


class ReadAgain(Generic[Value]):
    """What a file says, parsed once per version of the file. Errors are the caller's, each time."""

    def __init__(self, path: Path, parse: Callable[[Path], Value]) -> None:
        self._path = path
        self._parse = parse
        self._lock = threading.Lock()
        self._kept: tuple[Stamp, Value] | None = None

    def stamp(self) -> Stamp | None:
        """Which version of the file is there; none if it cannot be seen."""
        try:
            seen = self._path.stat()
        except OSError:
            return None
        return seen.st_mtime_ns, seen.st_size, seen.st_ino

    def value(self) -> Value:
        with self._lock:
            stamp = self.stamp()  # taken before reading: a change in between is read once more, not missed
            if self._kept is None or stamp is None or self._kept[0] != stamp:
                value = self._parse(self._path)
                self._kept = None if stamp is None else (stamp, value)
                return value
            return self._kept[1]


@dataclass(frozen=True)
class KnownHosts:
    """Which keys a host may show."""

    by_name: Mapping[str, tuple[PKey, ...]]
    hashed: tuple[tuple[str, PKey], ...]
    """Names that were stored as a hash (`HashKnownHosts yes`)."""
    revoked: frozenset[bytes]
    _found: dict[str, tuple[PKey, ...]] = field(default_factory=dict, compare=False)

    def keys_of(self, name: str) -> tuple[PKey, ...]:
        if name not in self._found:  # asked before each command; hashing every stored name each time would add up
            hashed = [key for stored, key in self.hashed if HostKeys.hash_host(name, stored) == stored]
            keys = (*self.by_name.get(name, ()), *hashed)
            self._found[name] = tuple(key for key in keys if key.asbytes() not in self.revoked)
        return self._found[name]


def read_known_hosts(path: Path) -> KnownHosts:
    """The file in OpenSSH's format. A line that makes no sense allows nothing; certificate authorities are not used."""
    by_name: defaultdict[str, list[PKey]] = defaultdict(list)
    hashed = []
    revoked = set()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        marker, _, rest = line.strip().partition(" ")
        entry = _entry(rest.strip() if marker == "@revoked" else line.strip())
        if entry is None or entry.key is None:
            continue
        if marker == "@revoked":
            revoked.add(entry.key.asbytes())
            continue
        for name in entry.hostnames or ():
            if name.startswith("|1|"):
                hashed.append((name, entry.key))
            else:
                by_name[name].append(entry.key)
    return KnownHosts({name: tuple(keys) for name, keys in by_name.items()}, tuple(hashed), frozenset(revoked))


def _entry(line: str) -> HostKeyEntry | None:
    if not line or line.startswith(("#", "@")):
        return None
    try:
        return HostKeyEntry.from_line(" ".join(line.split()))
    except (SSHException, ValueError, IndexError):
        return None


class KeyUnusable(Exception):
    """Our own key cannot be used, and why."""


def read_key(path: Path) -> PKey:
    """Our own key. It must not be encrypted: nobody is there to type a passphrase."""
    for kind in (Ed25519Key, ECDSAKey, RSAKey):
        try:
            return kind.from_private_key_file(str(path))
        except OSError as error:
            raise KeyUnusable(f"cannot be read: {error.strerror}") from error
        except PasswordRequiredException as error:
            raise KeyUnusable("is encrypted") from error
        except (SSHException, ValueError):
            continue  # of another kind
    raise KeyUnusable("is no private key of a kind that can be used (ed25519, ecdsa, rsa, as ssh-keygen writes them)")


class Credentials:
    """The files that say whom we trust and who we are, in their present version."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._known_hosts: ReadAgain[KnownHosts] = ReadAgain(access.known_hosts_file, read_known_hosts)
        self._key: ReadAgain[PKey] | None = ReadAgain(access.key_file, read_key) if access.key_file else None

    def version(self) -> tuple[Stamp | None, Stamp | None]:
        """Differs when one of the files does."""
        return self._known_hosts.stamp(), self._key.stamp() if self._key else None

    def keys_of(self, target: Target) -> tuple[PKey, ...]:
        try:
            return self._known_hosts.value().keys_of(target.name)
        except OSError as error:
            file = self._access.known_hosts_file
            raise HostUnreachable(
                target,
                Trouble.HOST_KEY_UNKNOWN,
                f"the known hosts file {printable(str(file))} cannot be read: {error.strerror}",
                hint="create it, or correct `known_hosts` in the settings",
            ) from error

    def key(self, target: Target) -> PKey:
        if self._key is None:
            raise HostUnreachable(
                target,
                Trouble.KEY_FILE,
                "the settings name no key to sign in with",
                hint="set `key` under [ssh] in the settings",
            )
        try:
            return self._key.value()
        except KeyUnusable as error:
            file = printable(str(self._access.key_file))
            raise HostUnreachable(
                target,
                Trouble.KEY_FILE,
                f"our key {file} {error}",
                hint=f"set `key` under [ssh] in the settings to a readable private key without passphrase; "
                f"`ssh-keygen -y -P '' -f {shlex.quote(file)}` says whether this one is",
            ) from error
