"""What the hosts say, as people read it in a terminal. Called for `observe`. Never more than 80 columns wide."""

from __future__ import annotations

from reconciler.core.desired import DesiredFleet
from reconciler.core.observed import HostFacts, ObservedFleet, Registration
from reconciler.core.quantities import format_memory
from reconciler.render import words
from reconciler.render.escape import terminal
from reconciler.render.fleet_status import host_use
from reconciler.render.layout import Cell, Column, Paint, no_paint, table, wrap
from reconciler.render.text.names import name, route
from reconciler.render.text.status import use_lines

GUESTS = (
    Column("GUEST", flexible=True),
    Column("HOST", flexible=True),
    Column("STATE"),
    Column("MEMORY", right=True),
    Column("VCPUS", right=True),
    Column("TO COPY", right=True),
    Column("NOTE", flexible=True),
)


def observed_text(fleet: ObservedFleet, desired: DesiredFleet | None = None, *, paint: Paint = no_paint) -> str:
    """Hosts as bars, then every guest on each of them. With the documents, capacities count what those take away."""
    documents = desired.hosts if desired else {}
    uses = [host_use(look, documents.get(host)) for host, look in sorted(fleet.hosts.items())]
    rows = [_guest(facts, entry) for facts in fleet.reachable() for entry in facts.registrations]
    rows.sort(key=lambda row: (str(row[0]), str(row[1])))
    sections = [
        use_lines(uses, paint),
        table(GUESTS, rows, paint=paint) if rows else [],
        _under_way(fleet),
        wrap(_last_line(fleet)),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _guest(facts: HostFacts, entry: Registration) -> tuple[str | Cell, ...]:
    return (
        terminal(entry.name),
        terminal(facts.name),
        str(entry.state),
        format_memory(entry.memory_mib),
        str(entry.vcpus),
        format_memory(entry.copied_mib()) if entry.copied_mib() else words.NONE,
        Cell("" if entry.runnable else "not runnable", "warn"),
    )


def _under_way(fleet: ObservedFleet) -> list[str]:
    """Moves that a record holds."""
    records = {record.id: record for facts in fleet.reachable() for record in facts.records if record.under_way}
    lines = ["Under way"] if records else []
    for _, record in sorted(records.items()):
        text = f"{name(record.guest_name)}: {route(record.source, record.target)}, {record.stage}"
        lines += wrap(f"{text}, by {name(record.controller)}", first="  ", rest="    ")
    return lines


def _last_line(fleet: ObservedFleet) -> str:
    reachable, away = list(fleet.reachable()), list(fleet.unreachable())
    entries = [entry for facts in reachable for entry in facts.registrations]
    parts = [words.counted(len({entry.uuid for entry in entries}), "guest")]
    parts += [f"{sum(entry.running for entry in entries)} running"]
    parts += [f"on {words.counted(len(reachable), 'host')}"]
    parts += [f"{words.counted(len(away), 'host')} not read"] if away else []
    return words.sentence(", ".join(parts))
