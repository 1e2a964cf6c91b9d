"""An allowed address to a socket with an SSH server at its other end. Called by link only; knows nothing of keys.

The greeting is looked at here, before the library gets the socket: it alone tells a host that is silent from one that
speaks something else, and the library would read an endless first line for ever.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence

from reconciler.core.names import printable
from reconciler.ssh.access import Access, Target
from reconciler.ssh.addresses import in_ranges, literal_address, name_fits
from reconciler.ssh.trouble import HostUnreachable, Trouble

ADDRESSES_MAX = 8
"""How many addresses of one DNS name are tried."""
GREETING = b"SSH-"
SILENCE_MAX_MS = 30_000
"""How long the kernel waits for a peer to confirm what we sent; then the connection is dead, and no send blocks."""

Address = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]  # as getaddrinfo gives and connect takes it


def dial(target: Target, access: Access) -> socket.socket:
    """A connected socket on which an SSH server has begun to speak; nothing of that is read yet."""
    deadline = time.monotonic() + access.connect_timeout_s
    connected = _connected(target, access, deadline)
    try:
        _await_greeting(connected, target, access, deadline)
    except BaseException:
        connected.close()
        raise
    return connected


def _connected(target: Target, access: Access, deadline: float) -> socket.socket:
    reasons: list[OSError] = []
    for family, address in _allowed(target, access):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_MAX_MS)
            sock.settimeout(_left_s(deadline))
            sock.connect(address)
        except OSError as error:
            sock.close()
            reasons.append(error)
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    # Refused is the one answer among them that proves that a host is there.
    reason = next((reason for reason in reasons if isinstance(reason, ConnectionRefusedError)), reasons[-1])
    if isinstance(reason, ConnectionRefusedError):
        raise HostUnreachable(
            target,
            Trouble.CONNECTION_REFUSED,
            "refuses the connection: nothing listens on this port",
            hint="start sshd on the host, or correct address and port in its Host document",
        ) from reason
    patience = f"no answer within {access.connect_timeout_s:g} s"
    raise HostUnreachable(
        target,
        Trouble.NO_ANSWER,
        patience if isinstance(reason, TimeoutError) else f"cannot be reached: {reason.strerror}",
        hint="see that the host is up, and that no firewall is in between",
    ) from reason


def _await_greeting(connected: socket.socket, target: Target, access: Access, deadline: float) -> None:
    try:
        connected.settimeout(_left_s(deadline))
        greeting = connected.recv(64, socket.MSG_PEEK)
    except TimeoutError as error:
        raise HostUnreachable(
            target,
            Trouble.NO_ANSWER,
            f"took the connection, but said nothing within {access.connect_timeout_s:g} s",
            hint="see whether sshd on the host hangs, or is short of memory or processes",
        ) from error
    except OSError:
        greeting = b""
    if not greeting:
        raise HostUnreachable(
            target,
            Trouble.NO_SSH_SERVER,
            "took the connection and closed it without a word",
            hint="look into the log of sshd on the host; it does this when MaxStartups is reached or a rule refuses us",
        )
    if greeting[: len(GREETING)] != GREETING[: len(greeting)]:
        said = printable(greeting.decode("utf-8", "backslashreplace"))
        raise HostUnreachable(
            target,
            Trouble.NO_SSH_SERVER,
            f'is not an SSH server: it begins with "{said}"',
            hint="correct address and port in the Host document",
        )


def _allowed(target: Target, access: Access) -> Sequence[tuple[socket.AddressFamily, Address]]:
    """Where the target may be dialled: what the settings allow of what its address stands for; never empty."""
    literal = literal_address(target.address)
    may = access.addresses
    by_name = not may or (literal is None and any(name_fits(target.address, pattern) for pattern in may))
    if literal is not None and not by_name and not in_ranges(target.address, may):
        raise _not_allowed(target, access)
    try:
        # Has no timeout of its own: the resolver's, in resolv.conf, is the limit.
        found = socket.getaddrinfo(target.address, target.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise HostUnreachable(
            target,
            Trouble.NAME_NOT_RESOLVED,
            "the name leads to no address",
            hint=f"see what `getent hosts {printable(target.address)}` says here, or put an IP address there",
        ) from error
    dialled = [(family, address) for family, *_, address in found if by_name or in_ranges(str(address[0]), may)]
    if not dialled:
        raise _not_allowed(target, access)
    return dialled[:ADDRESSES_MAX]


def _not_allowed(target: Target, access: Access) -> HostUnreachable:
    return HostUnreachable(
        target,
        Trouble.ADDRESS_NOT_ALLOWED,
        f"the settings allow other addresses only: {printable(', '.join(access.addresses))}",
        hint="correct the address in the Host document, or add its range to `addresses` in the settings",
    )


def _left_s(deadline: float) -> float:
    return max(0.001, deadline - time.monotonic())  # 0 would mean: do not wait, and that is another error
