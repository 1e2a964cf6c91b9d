"""States and memory of all guests, and a guest's migration under way, as virsh prints them. Called by registrations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.model import RunState
from reconciler.drivers.libvirt.looking.parse.figures import NUMBER
from reconciler.ssh.looks.sections import Unreadable

RUNNING, PAUSED, SHUT_OFF, CRASHED = 1, 3, 5, 6
"""virDomainState, as `domstats` counts it."""
PAUSED_ARRIVING = (2, 11)
"""virDomainPausedReason: by a migration, starting up."""
SHUT_OFF_MIGRATED, SHUT_OFF_FAILED = 4, 6
"""virDomainShutoffReason: gone by a migration; failed to start, or to arrive."""
HEAD = re.compile(r"Domain: '(.*)'")
FIGURE = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,6}))? ([KMGT]?i?B)(?:/s)?", re.ASCII)
UNITS = {"B": 1 / (1024 * 1024), "KiB": 1 / 1024, "MiB": 1.0, "GiB": 1024.0, "TiB": 1024.0 * 1024}


@dataclass(frozen=True)
class State:
    """What `domstats` says of a guest."""

    state: int
    reason: int = -1
    current_kib: int = 0
    maximum_kib: int = 0
    told_s: int = 0
    """When the guest's balloon driver last said how its memory is used; 0: never."""

    @property
    def run_state(self) -> RunState:
        """Whether it runs. Paused, being shut down and all that is neither: hands off."""
        if self.state == RUNNING:
            return RunState.RUNNING
        return RunState.STOPPED if self.state in (SHUT_OFF, CRASHED) else RunState.TRANSITION

    @property
    def went_by_migration(self) -> bool:
        """Whether it is stopped because a migration took it elsewhere."""
        return (self.state, self.reason) == (SHUT_OFF, SHUT_OFF_MIGRATED)

    @property
    def failed(self) -> bool:
        """Whether it is stopped because it failed to start, or to arrive."""
        return (self.state, self.reason) == (SHUT_OFF, SHUT_OFF_FAILED)

    @property
    def may_arrive(self) -> bool:
        """Whether it is paused as the arriving side of a migration is."""
        return self.state == PAUSED and self.reason in PAUSED_ARRIVING


UNKNOWN = State(0)


@dataclass(frozen=True)
class Migration:
    """`domjobinfo` of a guest that is being moved away."""

    moved_mib: int | None = None
    remaining_mib: int | None = None
    rate_mib_s: float | None = None

    @property
    def progress_percent(self) -> int | None:
        """How much of what is known to be carried has been. Falls where the guest rewrites its memory."""
        if self.moved_mib is None or self.remaining_mib is None or self.moved_mib + self.remaining_mib == 0:
            return None
        return min(99, 100 * self.moved_mib // (self.moved_mib + self.remaining_mib))


def states(text: str) -> Mapping[str, State]:
    """`domstats --raw --state --balloon`: by name. Raises Unreadable where a guest has no state."""
    found: dict[str, State] = {}
    name, figures = "", dict[str, int]()
    for line in [*text.split("\n"), "Domain: ''"]:
        head = HEAD.fullmatch(line)
        if head is not None:
            if name and name in found:
                raise Unreadable(f"domstats: the guest {name} is in it twice", text)
            if name:
                found[name] = _state(name, figures, text)
            name, figures = head[1], {}
            continue
        key, sign, amount = line.strip().partition("=")
        if sign and NUMBER.fullmatch(amount):
            figures.setdefault(key, int(amount))
    return found


def _state(name: str, figures: Mapping[str, int], text: str) -> State:
    if "state.state" not in figures:
        raise Unreadable(f"domstats: no state of guest {name}", text)
    return State(
        state=figures["state.state"],
        reason=figures.get("state.reason", -1),
        current_kib=figures.get("balloon.current", 0),
        maximum_kib=figures.get("balloon.maximum", 0),
        told_s=figures.get("balloon.last-update", 0) if "balloon.available" in figures else 0,
    )


def job(text: str) -> str:
    """`domjobinfo`: the operation under way, `none`, or `unknown`."""
    labels = _labels(text)
    if labels.get("Job type") == "None":
        return "none"
    return labels.get("Operation", "unknown").lower() or "unknown"


def migration(text: str) -> Migration | None:
    """`domjobinfo`: how far the migration away from here is; None where none is under way. Raises Unreadable where it
    does not say of any job whether there is one."""
    labels = _labels(text)
    if "Job type" not in labels:
        raise Unreadable("domjobinfo: no word on any job", text)
    if labels.get("Operation") != "Outgoing migration" or labels.get("Job type") not in ("Bounded", "Unbounded"):
        return None
    moved, remaining = _mib(labels.get("Data processed")), _mib(labels.get("Data remaining"))
    rate = _mib(labels.get("Memory bandwidth"))
    return Migration(
        moved_mib=None if moved is None else int(moved),
        remaining_mib=None if remaining is None else int(remaining),
        rate_mib_s=rate,
    )


def _labels(text: str) -> Mapping[str, str]:
    labels: dict[str, str] = {}
    for line in text.split("\n"):
        key, sign, words = line.partition(":")
        if sign:
            labels.setdefault(key.strip(), words.strip())
    return labels


def _mib(text: str | None) -> float | None:
    found = FIGURE.fullmatch(text or "")
    if found is None or found[3] not in UNITS:
        return None
    return float(f"{found[1]}.{found[2] or 0}") * UNITS[found[3]]
