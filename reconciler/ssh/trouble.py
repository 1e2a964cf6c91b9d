"""Why a host could not be reached, or why nothing more is known of a command. Raised all over ssh/, decides nothing.

The two types are the one question that callers have: was something sent?
"""

from __future__ import annotations

from enum import StrEnum

from reconciler.core.names import printable
from reconciler.errors import HostError
from reconciler.ssh.access import Target


class Trouble(StrEnum):
    """Why nothing was sent; also the code of the error."""

    ADDRESS_NOT_ALLOWED = "address-not-allowed"
    NAME_NOT_RESOLVED = "name-not-resolved"
    NO_ANSWER = "no-answer"
    CONNECTION_REFUSED = "connection-refused"
    NO_SSH_SERVER = "no-ssh-server"
    OLD_ALGORITHMS = "old-algorithms"
    HOST_KEY_UNKNOWN = "host-key-unknown"
    HOST_KEY_CHANGED = "host-key-changed"
    KEY_REFUSED = "key-refused"
    KEY_FILE = "key-file"
    CLOSING = "closing"


class Loss(StrEnum):
    """Why nothing more is known of a command that was sent."""

    TIMED_OUT = "timed-out"
    CUT = "cut"
    TOO_MUCH_OUTPUT = "too-much-output"


def place(target: Target) -> str:
    """The host and where it was looked for, fit to be shown."""
    address = f"[{target.address}]" if ":" in target.address else target.address
    return f'host "{printable(target.name)}" at {printable(address)}:{target.port}'


class HostUnreachable(HostError):
    """Nothing was sent to the host: asking again does no harm."""

    def __init__(self, target: Target, trouble: Trouble, cause: str, *, hint: str) -> None:
        super().__init__(f"{place(target)}: {cause}", hint=hint)
        self.code = trouble.value
        self.target = target
        self.trouble = trouble
        self.cause = cause

    def copied(self, remark: str = "") -> HostUnreachable:
        """The same error anew, for a caller who comes later; with a remark that says so."""
        return HostUnreachable(self.target, self.trouble, self.cause + remark, hint=self.hint)


class ConnectionLost(HostError):
    """The command was sent, or may have been, and nothing more is known: it may have run, and may still be running."""

    code = "connection-lost"

    def __init__(self, target: Target, reason: Loss, cause: str, *, hint: str) -> None:
        super().__init__(f"{place(target)}: {cause}", hint=hint)
        self.target = target
        self.reason = reason
