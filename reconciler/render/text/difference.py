"""What differs between documents and hosts, as people read it in a terminal. Called for `diff`.

Shows what differs only, unless asked for everything. Never more than 80 columns wide.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.desired import Commit
from reconciler.core.desired.violations import Violation
from reconciler.core.diff import HANDS_OFF, SETTLED, Diff, Finding, GuestDiff, HostFinding
from reconciler.core.records import MoveRecord
from reconciler.render import words
from reconciler.render.escape import terminal
from reconciler.render.layout import Cell, Column, Paint, no_paint, table, wrap
from reconciler.render.text.documents import violation_blocks
from reconciler.render.text.names import name, route

COLUMNS = (
    Column("GUEST", flexible=True),
    Column("FINDING"),
    Column("IS ON", flexible=True),
    Column("DECLARED ON", flexible=True),
    Column("POWER"),
)
EXPLAINED = HANDS_OFF | {Finding.RENAMED, Finding.SETTINGS_DIFFER}
"""Findings that a row of the table does not say enough about."""


def diff_text(
    difference: Diff,
    fleet: str,
    commit: Commit | None = None,
    violations: Sequence[Violation] = (),
    *,
    everything: bool = False,
    paint: Paint = no_paint,
) -> str:
    """The differences, hosts in trouble first, then what is wrong with the declared end state. With `everything`, also
    the guests that are as they shall be."""
    guests = [guest for guest in difference.guests if everything or differs(guest)]
    sections = [
        wrap(f"Fleet {name(fleet)} against {terminal(words.short_commit(commit))}"),
        host_lines(difference.hosts, paint),
        table(COLUMNS, [_row(guest) for guest in guests], paint=paint, indent=" ") if guests else [],
        _sentences(guests),
        _records(difference.records),
        *violation_blocks(violations, paint),
        [paint("good" if difference.converged else "strong", line) for line in wrap(_last_line(difference))],
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def differs(guest: GuestDiff) -> bool:
    """Whether the guest is other than its document says. Unmanaged ones have none."""
    return guest.finding not in SETTLED or guest.power is not None


def host_lines(hosts: tuple[HostFinding, ...], paint: Paint = no_paint) -> list[str]:
    """The hosts that nothing may be done with, and why."""
    lines = [paint("bad", f"{words.counted(len(hosts), 'host')} in trouble: nothing is done there")] if hosts else []
    for found in hosts:
        lines += wrap(f"{name(found.host)}: {terminal(found.reason)}: {terminal(found.text)}", first="  ", rest="    ")
    return lines


def _row(guest: GuestDiff) -> tuple[str | Cell, ...]:
    places = [guest.place] if guest.place is not None else list(guest.places)
    where = ", ".join(f"{terminal(place.host)}{'' if place.runnable else ' (not runnable)'}" for place in places)
    states = {str(place.state) for place in places}
    power = states.pop() if len(states) == 1 else ""
    return (
        Cell(terminal(guest.name), "strong"),
        Cell(str(guest.finding), "bad" if guest.finding in HANDS_OFF else "warn" if differs(guest) else ""),
        where or words.NONE,
        terminal(guest.wanted) if guest.wanted else words.NONE,
        f"{power} → {guest.power}" if guest.power is not None else power,
    )


def _sentences(guests: list[GuestDiff]) -> list[str]:
    lines = []
    for guest in guests:
        if guest.finding in EXPLAINED:
            lines += wrap(f"{name(guest.name)}: {terminal(guest.text)}", first="  ", rest="    ")
    return lines


def _records(records: tuple[MoveRecord, ...]) -> list[str]:
    """Moves under way, and what parked ones remember."""
    lines = []
    for record in records:
        parked = f" ({record.parked})" if record.parked else ""
        note = f": {terminal(record.note)}" if record.note else ""
        text = f"{record.stage}{parked}, attempt {record.attempt}{note}"
        lines += wrap(
            f"{name(record.guest_name)}: {route(record.source, record.target)}, {text}", first="  ", rest="    "
        )
    return ["Move records on the hosts", *lines] if lines else []


def _last_line(difference: Diff) -> str:
    declared = [guest for guest in difference.guests if guest.finding is not Finding.UNMANAGED]
    different = sum(differs(guest) for guest in declared)
    unmanaged = len(difference.guests) - len(declared)
    parts = [
        f"{different} of {words.counted(len(declared), 'declared guest')} differ" + ("s" if different == 1 else "")
    ]
    if not different and declared:
        parts = [f"all {words.counted(len(declared), 'declared guest')} as declared"]
    parts += [f"{unmanaged} unmanaged"] if unmanaged else []
    parts += [f"{words.counted(len(difference.hosts), 'host')} in trouble"] if difference.hosts else []
    return words.sentence(", ".join(parts))
