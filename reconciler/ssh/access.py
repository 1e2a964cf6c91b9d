"""How hosts are reached, which host is meant, what it said: values, made and read by every caller of ssh/.

Never holds a secret: keys are named by their files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Access:
    """How hosts are reached: from the settings, never from the repository."""

    known_hosts_file: Path
    key_file: Path | None = None
    user: str = "root"
    legacy: frozenset[str] = frozenset()
    """Names of hosts whose sshd speaks only what a server of 2010 did."""
    connect_timeout_s: float = 10.0
    """For connecting, for the key exchange and for signing in, each."""
    command_timeout_s: float = 60.0
    output_bytes_max: int = 4 * 1024 * 1024
    connections_max: int = 32
    """Handshakes and commands under way at once."""
    retry_after_s: float = 15.0
    """A host that could not be reached is not dialled again before this; callers are answered from memory."""
    addresses: tuple[str, ...] = ()
    """CIDR ranges, or patterns of DNS names, that may be dialled; empty: any."""


@dataclass(frozen=True)
class Target:
    """A host. Its key is looked up by the name, so that a new address in a document does not change whom we trust."""

    name: str
    address: str
    port: int = 22


@dataclass(frozen=True)
class Said:
    """What a command left behind. No status: a signal ended it."""

    status: int | None
    stdout: bytes
    stderr: bytes
