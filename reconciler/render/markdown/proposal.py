"""A proposal as the text of a pull request: what it comes to, then guest by guest, then how full hosts are.

Called for `propose -o markdown`. The plan comes as a comment of its own from CI, as for every change.
"""

from __future__ import annotations

from reconciler.core.quantities import format_duration, format_memory, format_percent
from reconciler.render import proposed, words
from reconciler.render.markdown.budget import Section, page
from reconciler.render.markdown.plan import CHARACTERS_MAX
from reconciler.render.markdown.table import head, row, said
from reconciler.render.proposed import Proposed


def proposal_markdown(found: Proposed, *, limit: int = CHARACTERS_MAX) -> str:
    """The proposal as markdown, at most `limit` characters long."""
    sections = [_verdict(found), _unplaced(found), _changes(found), _hosts(found), _foot(found)]
    return page(sections, limit)


def _verdict(found: Proposed) -> Section:
    proposal = found.proposal
    lines = [f"**{said(proposed.asked(proposal))}**: {said(words.sentence(proposal.text))}"]
    lines.append(said(words.sentence(proposed.cost(proposal))))
    if proposal.emptied:
        lines.append(f"{said(proposed.emptying(proposal))}.")
    if closing := proposed.closing(proposal):
        lines.append(said(closing))
    return Section("\n\n".join([*lines, *map(said, proposal.notes)]))


def _changes(found: Proposed) -> Section:
    rows = tuple(
        row(
            [
                said(change.guest),
                f"{said(change.source)} → {said(change.target)}" if change.method is not None else said(change.target),
                str(change.method or words.NONE),
                f"**{format_duration(change.downtime_s)}**" if change.downtime_s else words.NONE,
                format_memory(change.moved_mib) if change.moved_mib else words.NONE,
                said(proposed.sets(change)) or words.NONE,
                f"{said(change.reason)}; {said(change.gain)}",
            ]
        )
        for change in found.proposal.changes
    )
    columns = ("Guest", "From → to", "How", "Down:", "Bytes:", "Set", "Why, and what is gained")
    return Section(head("Changes", *columns) if rows else "", rows, "changes", 0.5)


def _unplaced(found: Proposed) -> Section:
    rows = tuple(
        row(
            [
                said(", ".join(group.names)),
                said(", ".join(dict.fromkeys(entry.host for entry in group.guests))),
                f"{said(group.guests[0].reason)}: {said(group.text)}",
                said(group.guests[0].fix),
            ]
        )
        for group in proposed.stuck(found.proposal.unplaced)
    )
    columns = ("Guest", "On", "Why", "What would help")
    return Section(head("Not placed", *columns) if rows else "", rows, "guests", 0.2)


def _hosts(found: Proposed) -> Section:
    rows = tuple(
        row(
            [
                said(use.host),
                f"{format_percent(use.memory_before)} → {format_percent(use.memory_after)}",
                f"{format_percent(use.cpu_before)} → {format_percent(use.cpu_after)}",
                f"{use.guests_before} → {use.guests_after}",
            ]
        )
        for use in found.proposal.hosts
    )
    return Section(head("Hosts", "Host", "Memory:", "CPU:", "Guests:") if rows else "", rows, "hosts", 0.2)


def _foot(found: Proposed) -> Section:
    plan = f" Plan: {said(words.plan_line(found.plan))}." if found.plan is not None else ""
    commit = found.commit[: words.COMMIT_CHARACTERS] or words.UNCOMMITTED
    return Section(f"Fleet {said(found.fleet)} at {said(commit)}.{plan}")
