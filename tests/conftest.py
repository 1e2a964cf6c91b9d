"""What holds for every test: no network, no settings of whoever runs it, random examples that can be repeated.

Called by pytest before the first test. Never holds fixtures of one topic: those live beside the tests that use them.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# What helpers assert says on failure what it found, as in the tests themselves.
pytest.register_assert_rewrite(*(f"tests.{path.name}" for path in Path(__file__).parent.iterdir() if path.is_dir()))

# The fast suite tries the same examples each time, so that a red build is about the change;
# `make prove` looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("prove", max_examples=5000, deadline=None, print_blob=True)
settings.load_profile("repeatable")


def _is_this_machine(host: object) -> bool:
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _refuse_the_network(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # anything else is a socket file on this machine
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not _is_this_machine(host):
        raise PermissionError(f"a test reached for the network: {host}")


def pytest_configure() -> None:
    """Close the network and forget the caller's git and reconciler settings, before anything is collected."""
    sys.addaudithook(_refuse_the_network)
    for name in [name for name in os.environ if name.startswith(("GIT_", "RECONCILER_"))]:
        del os.environ[name]
    os.environ |= {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
