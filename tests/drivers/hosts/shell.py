"""A person's ssh into a host of the fleet: the real client, strict about host keys. Used by the tests next to this."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from tests.drivers.hosts.fleet import SshdFleet

TIMEOUT_S = 60
CONNECT_TIMEOUT_S = 30
"""Long: a host that is slow because the machine is busy is not a host that does not answer."""
LEGACY = (
    *("-o", "KexAlgorithms=+diffie-hellman-group14-sha1", "-o", "HostKeyAlgorithms=+ssh-rsa"),
    *("-o", "PubkeyAcceptedAlgorithms=ssh-rsa", "-o", "MACs=+hmac-sha1"),
)


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str


def argv(
    fleet: SshdFleet, host: str, command: str, *, legacy: bool = False, connect_s: int = CONNECT_TIMEOUT_S
) -> list[str]:
    """The client's command line."""
    options = (
        *("-F", "none", "-i", str(fleet.key_file), "-p", str(fleet.port(host))),
        *("-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={fleet.known_hosts_file}", "-o", f"HostKeyAlias={host}"),
        *("-o", "StrictHostKeyChecking=yes", "-o", f"ConnectTimeout={connect_s}", *(LEGACY if legacy else ())),
    )
    return ["ssh", *options, f"root@{fleet.address(host)}", command]


def say(fleet: SshdFleet, host: str, command: str, *, legacy: bool = False) -> Said:
    """Run a command there, and wait for it."""
    line = argv(fleet, host, command, legacy=legacy)
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    return Said(done.returncode, done.stdout, done.stderr)


def begin(fleet: SshdFleet, host: str, command: str, *, connect_s: int = CONNECT_TIMEOUT_S) -> subprocess.Popen[str]:
    """Run a command there, and do not wait."""
    line = argv(fleet, host, command, connect_s=connect_s)
    return subprocess.Popen(
        line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    )
