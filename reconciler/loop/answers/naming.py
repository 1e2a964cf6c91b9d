"""Names that people give, held against what documents declare: a slip of the pen must not pass for protection.

Called by the commands that take the name of a host or a guest. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from reconciler.core.names import is_name
from reconciler.errors import DesiredStateError, ReconcilerError, UsageError
from reconciler.loop.daemon.suspensions import FLEET, GUEST, HOST
from reconciler.loop.journal import StateFolder
from reconciler.loop.settings import Settings
from reconciler.loop.shell import Clock
from reconciler.loop.wiring import Fleet, WallClock, open_fleet

NAMES_SHOWN = 20
KINDS = {HOST: "Host", GUEST: "Guest"}
NOT_YET = "What is still to be declared is suspended in its own document."


def near_to(name: str, names: Collection[str]) -> str:
    """`did you mean db02?`; empty where no name is near."""
    near = get_close_matches(name, names, 3)
    return f"did you mean {' or '.join(near)}?" if near else ""


def refuse_undeclared(kind: str, given: Iterable[str], declared: Collection[str], more: str = "") -> None:
    """Raises UsageError for the first of these names that no document of this kind declares. `more` to say in the
    hint."""
    for name in given:
        if name not in declared:
            hint = f"{near_to(name, declared) or _listed(declared)} {more}".rstrip()
            raise UsageError(f"no {kind} document declares {name!r}", hint=hint)


def guests_of(fleet: Fleet) -> frozenset[str]:
    """All guests that documents name, those whose own document is set aside included."""
    return frozenset(fleet.written.guests) | frozenset(fleet.written.quarantined)


@dataclass(frozen=True)
class Subject:
    """Something to suspend."""

    clock: Clock
    """By which suspensions of this fleet end."""
    doubt: str = ""
    """Why nobody knows whether it is declared; empty where it is."""


def subject(settings: Settings, what: str, name: str) -> Subject:
    """What is to be suspended. Raises UsageError where the documents do not declare it.

    Suspending works when nothing else does: where documents cannot be read, those that were acted on last will do, and
    a name that these do not have is in doubt and not refused. A repository elsewhere is asked only about a name that
    is not known here.
    """
    clock, doubt, declared = None, "", frozenset[str]()
    for fetch in (False, True) if settings.remote is not None and what != FLEET else (False,):
        try:
            fleet = open_fleet(settings, fetch=fetch)
        except ReconcilerError as error:
            doubt = _why(error)
            continue
        clock, doubt, declared = fleet.clock, "", _declared(fleet, what)
        if name in declared:
            return Subject(clock)
    if not doubt:
        refuse_undeclared(KINDS[what], [name], declared, NOT_YET)
    acted = _acted_on(settings)
    if acted is not None and name in _declared(acted, what):
        return Subject(acted.clock)
    if name and not is_name(name):
        raise UsageError(f"{name!r} is no name of a {what}")
    return Subject(clock or (acted.clock if acted is not None else WallClock()), doubt if name else "")


def _acted_on(settings: Settings) -> Fleet | None:
    """The fleet at the commit that was acted on last."""
    acted = StateFolder(settings.state_folder).acted()
    try:
        return open_fleet(settings, acted, fetch=False) if acted else None
    except ReconcilerError:
        return None


def _declared(fleet: Fleet, what: str) -> frozenset[str]:
    """The names that can be suspended; the fleet goes without."""
    if what == FLEET:
        return frozenset({""})
    return frozenset(fleet.written.hosts) if what == HOST else guests_of(fleet)


def _listed(declared: Collection[str]) -> str:
    shown = ", ".join(sorted(declared)[:NAMES_SHOWN])
    return f"Declared are: {shown}{', …' if len(declared) > NAMES_SHOWN else '.'}" if declared else ""


def _why(error: ReconcilerError) -> str:
    """What is wrong, on one line."""
    if isinstance(error, DesiredStateError):
        return f"{error.problems[0].location}: {error.problems[0].what}"
    return error.what.splitlines()[0]
