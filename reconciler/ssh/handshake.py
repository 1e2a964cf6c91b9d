"""A link to a host: dialled, its key checked, signed in; or the reason why not. Called by connections only.

Never asks an agent, never reads a settings file of ssh or fabric, and never accepts a key because it is new.
"""

from __future__ import annotations

import logging
import shlex
import socket
import time
from dataclasses import dataclass

from fabric import Config, Connection
from paramiko import MissingHostKeyPolicy, PKey, SSHClient, SSHException, Transport
from paramiko.ssh_exception import IncompatiblePeer

from reconciler.core.names import printable
from reconciler.ssh.access import Access, Target
from reconciler.ssh.credentials import Credentials
from reconciler.ssh.dialling import dial
from reconciler.ssh.link import Link, close
from reconciler.ssh.trouble import HostUnreachable, Trouble

# Without a handler of its own the library's warnings would reach stderr; whoever sets up logging still gets them.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

WEAK = {
    "kex": ["diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"],
    "keys": ["ssh-rsa"],
    "pubkeys": ["ssh-rsa"],
    "ciphers": ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
    "macs": ["hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96"],
}
TOO_NEW = {"pubkeys": ["rsa-sha2-512", "rsa-sha2-256"]}
"""An sshd of 2010 does not say what it can verify, so our RSA key must be tried with what it surely can."""

RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")


class _StrangeKey(SSHException):
    """The host showed a key that is not one of its known ones."""

    def __init__(self, key: PKey) -> None:
        super().__init__()
        self.key = key


class _OnlyKnown(MissingHostKeyPolicy):
    """Accepts the known keys and no other. paramiko's own check would look at the first known key of a kind only."""

    def __init__(self, known: tuple[PKey, ...]) -> None:
        self._known = {key.asbytes() for key in known}
        self.accepted_at: float | None = None

    def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> None:
        if key.asbytes() not in self._known:
            raise _StrangeKey(key)
        self.accepted_at = time.monotonic()


@dataclass
class _Attempt:
    """One try to open a connection, and what to make of it when it fails."""

    target: Target
    access: Access
    known: tuple[PKey, ...]
    key: PKey
    policy: _OnlyKnown
    begun_at: float

    def why(self, error: Exception, transport: Transport | None) -> HostUnreachable:
        """The trouble, by what happened when; the library's texts are not looked at."""
        if isinstance(error, _StrangeKey):
            return self._strange(error.key)
        if isinstance(error, IncompatiblePeer):
            return self._incompatible()
        now, patience_s = time.monotonic(), self.access.connect_timeout_s
        accepted_at = self.policy.accepted_at
        if now - (accepted_at or self.begun_at) >= patience_s:
            doing = "signing in" if accepted_at else "agreeing on keys"
            return self._trouble(
                Trouble.NO_ANSWER,
                f"no answer within {patience_s:g} s while {doing}",
                "see whether sshd on the host hangs, or raise `connect_timeout` in the settings",
            )
        if accepted_at is None or transport is None or not transport.is_active():
            return self._trouble(
                Trouble.NO_SSH_SERVER,
                "ended the connection while " + ("signing in" if accepted_at else "agreeing on keys"),
                "look into the log of sshd on the host",
            )
        return self._refused()

    def _trouble(self, trouble: Trouble, cause: str, hint: str) -> HostUnreachable:
        return HostUnreachable(self.target, trouble, cause, hint=hint)

    def _refused(self) -> HostUnreachable:
        user, file = printable(self.access.user), printable(str(self.access.key_file))
        hint = (
            f"put the public half into ~{user}/.ssh/authorized_keys on the host: "
            f"`ssh-keygen -y -f {shlex.quote(file)}` prints it"
        )
        if self.key.get_name() == "ssh-rsa" and self.target.name not in self.access.legacy:
            hint += f"; if it is there, sshd may be too old for the way we sign with it: {self._legacy()}"
        return self._trouble(Trouble.KEY_REFUSED, f'refuses our key {file} for the user "{user}"', hint)

    def _legacy(self) -> str:
        return f'[ssh] legacy = ["{printable(self.target.name)}"] in the settings'

    def _strange(self, key: PKey) -> HostUnreachable:
        name, file = self.target.name, printable(str(self.access.known_hosts_file))
        shown = f"{key.get_name()} {key.fingerprint}"
        # keyscan knows no host by our name for it, so its first word is replaced.
        scan = (
            f"ssh-keyscan -p {self.target.port} {shlex.quote(printable(self.target.address))} 2>/dev/null"
            f" | sed 's/^[^ ]*/{printable(name)}/' >> {shlex.quote(file)}"
        )
        compare = "compare this fingerprint with the host's own (`ssh-keygen -lf` of its key file, at its console)"
        if not self.known:
            return self._trouble(
                Trouble.HOST_KEY_UNKNOWN,
                f'shows the key {shown}; {file} has none under the name "{printable(name)}"',
                f"{compare}; if they are the same: {scan}",
            )
        return self._trouble(
            Trouble.HOST_KEY_CHANGED,
            f'shows the key {shown}; {file} has another one under the name "{printable(name)}":'
            " the host was installed anew, or something else answers in its place",
            f"{compare}; if they are the same, remove the old key: ssh-keygen -R {printable(name)} -f "
            f"{shlex.quote(file)}, and store the new one: {scan}",
        )

    def _incompatible(self) -> HostUnreachable:
        if self.target.name in self.access.legacy:
            return self._trouble(
                Trouble.OLD_ALGORITHMS,
                "shares no algorithm with us, although it is listed as legacy",
                "update sshd on the host, or see with `ssh -vv` which algorithms it offers",
            )
        return self._trouble(
            Trouble.OLD_ALGORITHMS,
            "shares no algorithm with us that is still considered safe",
            f"update sshd on the host; where that cannot be: {self._legacy()}",
        )


def open_link(target: Target, access: Access, credentials: Credentials) -> Link:
    """Dial, check the host's key, sign in; or HostUnreachable with the reason."""
    known, key = credentials.keys_of(target), credentials.key(target)
    sock = dial(target, access)
    policy = _OnlyKnown(known)
    connection = _connection(target, access, known, key, sock)
    connection.client.set_missing_host_key_policy(policy)  # fabric's own accepts any key
    attempt = _Attempt(target, access, known, key, policy, time.monotonic())
    try:
        connection.open()
        transport: Transport = connection.transport
        host_key = transport.get_remote_server_key()
    except Exception as error:  # we are handed whatever the library's thread died of
        trouble = attempt.why(error, connection.client.get_transport())
        close(connection, sock)
        raise trouble from error
    except BaseException:
        close(connection, sock)
        raise
    return Link(target, connection, sock, host_key)


def _connection(target: Target, access: Access, known: tuple[PKey, ...], key: PKey, sock: socket.socket) -> Connection:
    def transport(socket: socket.socket, **options: object) -> Transport:
        made = Transport(socket, **options)  # type: ignore[arg-type] # handed through from the client as they are
        _prefer(made, known)
        return made

    return Connection(
        host=target.name,
        user=access.user,
        port=22,
        config=Config(lazy=True),  # reads no file: neither fabric's own settings nor ssh's
        forward_agent=False,
        connect_kwargs={
            "sock": sock,
            "pkey": key,
            "allow_agent": False,
            "look_for_keys": False,
            "timeout": access.connect_timeout_s,
            "banner_timeout": access.connect_timeout_s,
            "auth_timeout": access.connect_timeout_s,
            "channel_timeout": access.connect_timeout_s,
            "disabled_algorithms": TOO_NEW if target.name in access.legacy else WEAK,
            "transport_factory": transport,
        },
    )


def _prefer(transport: Transport, known: tuple[PKey, ...]) -> None:
    """Reorder what is offered; what may be offered at all is WEAK's and TOO_NEW's to say.

    A kind of key that we know comes first: a host with several would show another one, and look changed. So do ciphers
    that authenticate by themselves: the library compares other packets' checksums in Python, byte by byte, which made
    a third of what a command costs.
    """
    kinds = {key.get_name() for key in known}
    if "ssh-rsa" in kinds:  # one kind of key, three kinds of signature
        kinds.update(RSA_SIGNATURES)
    options = transport.get_security_options()
    options.ciphers = sorted(options.ciphers, key=lambda name: "gcm" not in name)
    options.key_types = sorted(options.key_types, key=lambda kind: kind not in kinds)
