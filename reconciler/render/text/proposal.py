"""A proposal as people read it in a terminal, and as the commit that carries it says it.

Called for `propose`. Never more than 80 columns wide; the plan it leads to is plan's own page.
"""

from __future__ import annotations

from reconciler.core.planning.plan import Plan
from reconciler.core.proposing.proposal import HostFill, Proposal, Unplaced
from reconciler.core.quantities import format_duration, format_memory, format_percent
from reconciler.render import proposed, words
from reconciler.render.escape import terminal
from reconciler.render.layout import Cell, Column, Paint, no_paint, table, wrap
from reconciler.render.proposed import Branch, Proposed
from reconciler.render.text.names import name, route
from reconciler.render.text.plan import STYLES, plan_text

COLUMNS = (
    Column("GUEST", flexible=True),
    Column("FROM → TO", flexible=True),
    Column("HOW"),
    Column("DOWN", right=True),
    Column("BYTES", right=True),
    Column("SET", flexible=True),
    Column("NOTE"),
)
HOST_COLUMNS = (
    Column("HOST", flexible=True),
    Column("MEMORY", right=True),
    Column("", right=True),
    Column("CPU", right=True),
    Column(" ", right=True),
    Column("GUESTS", right=True),
    Column("  ", right=True),
)
OBSTACLES_SHOWN = 5
"""Hosts that a guest cannot go to are named up to here; JSON has all of them."""
MESSAGE_WIDTH = 72


def proposed_text(found: Proposed, *, paint: Paint = no_paint) -> str:
    """What is proposed, why, who could not be placed, how full hosts are then, the plan, and where it lies."""
    proposal = found.proposal
    commit = terminal(found.commit[: words.COMMIT_CHARACTERS] or words.UNCOMMITTED)
    sections = [
        [
            *wrap(f"Proposal for fleet {name(found.fleet)} at {commit}: {terminal(proposed.asked(proposal))}"),
            *wrap(words.sentence(terminal(proposal.text)), first="  "),
        ],
        _changes(proposal, paint),
        _reasons(proposal, paint),
        _unplaced(proposal.unplaced, paint),
        _hosts(proposal.hosts, paint),
        _notes(proposal, paint),
        [paint("strong", line) for line in wrap(words.sentence(proposed.cost(proposal)))],
    ]
    if found.plan is not None:
        sections.append([plan_text(found.plan, proposed=True, paint=paint).rstrip("\n")])
    if proposal.proposes:
        sections.append(_branch(found.branch, found.home, paint))
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def proposal_message(proposal: Proposal, plan: Plan) -> str:
    """The commit's message: what, then a line a guest with reason and gain, then the plan in a line."""
    lines = wrap(terminal(words.sentence(proposal.text)), width=MESSAGE_WIDTH)
    for change in proposal.changes:
        text = f"{change.guest}: {proposed.fields(change)}: {change.reason}; {change.gain}"
        lines += ["", *wrap(terminal(text), first="- ", width=MESSAGE_WIDTH)]
    for group in proposed.stuck(proposal.unplaced):
        text = f"{', '.join(group.names)} {'stays' if len(group.names) == 1 else 'stay'}: {group.text}"
        lines += ["", *wrap(terminal(text), first="- ", width=MESSAGE_WIDTH)]
    for note in _said(proposal):
        lines += ["", *wrap(terminal(note), width=MESSAGE_WIDTH)]
    lines += ["", *wrap(terminal(words.sentence(f"the plan: {words.plan_line(plan)}")), width=MESSAGE_WIDTH)]
    return "\n".join([terminal(proposed.subject(proposal)), "", *lines])


def _changes(proposal: Proposal, paint: Paint) -> list[str]:
    rows = [
        (
            Cell(terminal(change.guest), "strong"),
            route(change.source, change.target),
            Cell(change.method or "", STYLES.get(change.method or "", "")),
            Cell(format_duration(change.downtime_s), "warn") if change.downtime_s else words.NONE,
            format_memory(change.moved_mib) if change.moved_mib else words.NONE,
            terminal(proposed.sets(change)),
            Cell(proposed.NOTE, "warn") if change.room_for else "",
        )
        for change in proposal.changes
    ]
    return table(COLUMNS, rows, paint=paint, indent=" ") if rows else []


def _reasons(proposal: Proposal, paint: Paint) -> list[str]:
    lines = [paint("strong", "Why, and what is gained")] if proposal.changes else []
    for change in proposal.changes:
        text = f"{name(change.guest)}: {terminal(change.reason)}; {terminal(change.gain)}"
        lines += wrap(text, first="  ", rest="    ")
    return lines


def _unplaced(unplaced: tuple[Unplaced, ...], paint: Paint) -> list[str]:
    if not unplaced:
        return []
    lines = [paint("bad", f"Not placed: {words.counted(len(unplaced), 'guest')}")]
    for group in proposed.stuck(unplaced):
        entry = group.guests[0]
        if len(group.guests) == 1:
            lines += wrap(f"{name(entry.guest)}: on {name(entry.host)}", first="  ")
        else:
            lines += wrap(", ".join(map(name, group.names)), first="  ")
        lines += wrap(f"{terminal(entry.reason)}: {terminal(group.text)}", first="    ", rest="      ")
        for obstacle in group.obstacles[1:OBSTACLES_SHOWN]:
            lines += wrap(f"{name(obstacle.host)}: {terminal(obstacle.text)}", first="    ", rest="      ")
        left_out = len(group.obstacles) - OBSTACLES_SHOWN
        lines += [f"    and {words.counted(left_out, 'host')} more"] if left_out > 0 else []
        lines += wrap(terminal(entry.fix), first="    fix: ") if entry.fix else []
    return lines


def _hosts(hosts: tuple[HostFill, ...], paint: Paint) -> list[str]:
    if not hosts:
        return []
    rows = [
        (
            terminal(use.host),
            format_percent(use.memory_before),
            f"→ {format_percent(use.memory_after)}",
            format_percent(use.cpu_before),
            f"→ {format_percent(use.cpu_after)}",
            str(use.guests_before),
            f"→ {use.guests_after}",
        )
        for use in hosts
    ]
    return [paint("strong", "Hosts, of what guests may take"), *table(HOST_COLUMNS, rows, paint=paint, indent="  ")]


def _notes(proposal: Proposal, paint: Paint) -> list[str]:
    lines: list[str] = []
    if proposal.emptied:
        lines += [paint("good", line) for line in wrap(terminal(proposed.emptying(proposal)))]
    for note in _said(proposal):
        lines += wrap(terminal(note))
    return lines


def _said(proposal: Proposal) -> list[str]:
    """What else a reviewer should know, each in sentences."""
    closing = proposed.closing(proposal)
    return [*([closing] if closing else []), *proposal.notes]


def _branch(branch: Branch | None, home: str, paint: Paint) -> list[str]:
    """Where it lies, and what to do next."""
    if branch is None:
        return ["No branch was made."]
    if branch.existed:
        lines = wrap(f"Branch {terminal(branch.name)} is there already, with just this.")
    else:
        lines = wrap(f"Branch {terminal(branch.name)}: commit {terminal(branch.commit[:12])}.")
    push = "" if branch.pushed else f"git push origin {terminal(branch.name)}; then "
    following = f"merge {terminal(branch.name)} into {terminal(home)}" if home else f"{push}open a pull request"
    return [paint("strong", line) for line in lines] + wrap(following, first="next: ")
