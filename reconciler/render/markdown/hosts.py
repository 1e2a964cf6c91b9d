"""The hosts of a fleet as bars of their memory, for README.md of the status branch.

Called by readme. A large fleet is shown by platform and version, with its fullest hosts and those in trouble.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from reconciler.core.quantities import format_memory
from reconciler.render import words
from reconciler.render.fleet_status import HostUse
from reconciler.render.layout import bar
from reconciler.render.markdown.budget import Section
from reconciler.render.markdown.codes import Links, code
from reconciler.render.markdown.table import rows_section, said

BAR_CHARACTERS = 20
HOSTS_MAX = 40
"""A fleet of more hosts is shown in groups."""
FULLEST_MAX = 15

Row = tuple[str, ...]
KEPT = "Kept:"
COLUMNS = ("Host", "Memory for guests", "Used:", KEPT, "Free:", "Of:", "Running:", "Registered:", "Version")
GROUP_COLUMNS = ("Platform", "Hosts:", "Memory for guests", "Used:", KEPT, "Free:", "Of:", "Running:", "Registered:")
LEGEND = "█ used · ▒ kept for guests on their way · ░ free"


def host_sections(hosts: Sequence[HostUse], links: Links) -> list[Section]:
    """Every host of a small fleet; of a large one the groups and what stands out."""
    if len(hosts) <= HOSTS_MAX:
        return [_hosts("Hosts", hosts, 0.15, links)]
    known = [host for host in hosts if host.known]
    fullest = sorted(known, key=lambda host: (-_share(host), host.name))[:FULLEST_MAX]
    return [
        _hosts("Hosts in trouble", [host for host in hosts if host.trouble or not host.known], 0.1, links),
        _groups(known),
        _hosts("The fullest hosts", fullest, 0.1, links, legend=False),
    ]


def _share(host: HostUse) -> float:
    return host.memory_used_mib / host.memory_capacity_mib if host.memory_capacity_mib > 0 else float("inf")


def _hosts(title: str, hosts: Sequence[HostUse], share: float, links: Links, *, legend: bool = True) -> Section:
    about = LEGEND if legend and any(host.known for host in hosts) else ""
    columns, rows = _without_empty(COLUMNS, [_host(host, links) for host in hosts])
    return rows_section(title, columns, rows, "hosts", share, about=about)


def _without_empty(columns: Sequence[str], rows: Sequence[Row]) -> tuple[Sequence[str], Sequence[Row]]:
    """Nothing is kept most of the time: no column for it then."""
    at = columns.index(KEPT)
    if any(row[at] != words.NONE for row in rows):
        return columns, rows
    return [*columns[:at], *columns[at + 1 :]], [(*row[:at], *row[at + 1 :]) for row in rows]


def _host(host: HostUse, links: Links) -> Row:
    name = said(host.name)
    if not host.known:
        return (name, f"{code(host.trouble, links)}: {said(host.text)}", *[words.NONE] * 7)
    trouble = f"<br>{code(host.trouble, links)}: {said(host.text)}" if host.trouble else ""
    figures = _memory(host.memory_used_mib, host.memory_kept_mib, host.memory_capacity_mib)
    version = f"{said(host.platform)} {said(host.version)}"
    return (name, f"{figures[0]}{trouble}", *figures[1:], str(host.running), str(host.guests), version)


def _groups(hosts: Sequence[HostUse]) -> Section:
    groups: dict[tuple[str, str], list[HostUse]] = defaultdict(list)
    for host in hosts:
        groups[host.platform, host.version].append(host)
    rows = [
        (
            f"{said(platform)} {said(version)}",
            str(len(group)),
            *_memory(
                sum(host.memory_used_mib for host in group),
                sum(host.memory_kept_mib for host in group),
                sum(host.memory_capacity_mib for host in group),
            ),
            str(sum(host.running for host in group)),
            str(sum(host.guests for host in group)),
        )
        for (platform, version), group in sorted(groups.items())
    ]
    columns, shown = _without_empty(GROUP_COLUMNS, rows)
    return rows_section("Hosts by platform", columns, shown, "platforms", 0.1, about=LEGEND)


def _memory(used_mib: int, kept_mib: int, capacity_mib: int) -> tuple[str, str, str, str, str]:
    """Bar, used, kept, free, whole. A host that is over has nothing free, and says so in bold."""
    running_mib = used_mib - kept_mib
    over = used_mib > capacity_mib
    used = format_memory(running_mib)
    return (
        f"`{bar(running_mib, capacity_mib, BAR_CHARACTERS, kept=kept_mib)}`",
        f"**{used}**" if over else used,
        format_memory(kept_mib) if kept_mib else words.NONE,
        "**over**" if over else format_memory(capacity_mib - used_mib),
        format_memory(capacity_mib),
    )
