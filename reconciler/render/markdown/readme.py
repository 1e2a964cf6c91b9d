"""README.md of the status branch: the state of the fleet for whoever opens the branch on the forge.

Called by status_tree. Never holds a time or id of a pass that changed nothing, and never grows with the fleet: long
lists end with how many are left out, index.json has them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reconciler.core.reports.conditions import DELIBERATE
from reconciler.core.reports.report import Result
from reconciler.render import words
from reconciler.render.fleet_status import FleetStatus, Trouble
from reconciler.render.layout import bar
from reconciler.render.markdown.budget import Section, page
from reconciler.render.markdown.codes import NO_LINKS, Links, code
from reconciler.render.markdown.hosts import BAR_CHARACTERS, host_sections
from reconciler.render.markdown.runs import last_moves, last_runs, moving, still_to_do
from reconciler.render.markdown.table import rows_section, said

BYTES_MAX = 60_000
"""Forges show more only after a click, or not at all."""
REASONS_SHOWN_FROM = 10
"""With so many guests, a line says first how many there are of each reason."""

FOOT = (
    "Times are UTC. This page is written when something changed: an old one means a fleet at rest, or a reconciler "
    "that is not running, and cannot tell which. `index.json` is this page for programs, `guests/` has every guest, "
    "`observed/` what each host said, `runs/` every run with its commands."
)


def readme(status: FleetStatus, links: Links = NO_LINKS) -> str:
    """The page, at most BYTES_MAX long. Reason codes lead to where `links` say they are explained."""
    sections = [
        Section(f"# Fleet {said(status.fleet)}\n\n{state_sentence(status)}\n\n{_standing(status)}"),
        _brakes(status, links),
        moving(status),
        *_troubles(status, links),
        still_to_do(status),
        *host_sections(status.hosts, links),
        last_runs(status),
        last_moves(status, links),
        Section(f"---\n{FOOT}"),
    ]
    text = page(sections, BYTES_MAX)
    for limit in (BYTES_MAX * 2 // 3, BYTES_MAX // 2, BYTES_MAX // 4):  # bars, foreign scripts: bytes a character
        if len(text.encode()) > BYTES_MAX:
            text = page(sections, limit)
    return text


def state_sentence(status: FleetStatus) -> str:
    """How the fleet stands, in a sentence."""
    counts = status.counts
    away = counts.hosts_in_trouble
    trouble = f" {words.counted(away, 'host is', 'hosts are')} in trouble." if away else ""
    deliberate = counts.stalled == 0
    others = f"{counts.declared - counts.ready} of {words.counted(counts.declared, 'declared guest')}"
    text = {
        Result.RUNNING: f"{words.counted(len(status.moving), 'step')} under way; {others} are not as declared yet.",
        Result.CONVERGED: f"all {words.counted(counts.declared, 'declared guest')} are where and as declared.",
        Result.BLOCKED: f"{others} are left as they are on purpose."
        if deliberate
        else f"{others} cannot be brought to their place without a person.",
        Result.HELD: f"a brake keeps the plan from being run; {others} are not as declared.",
        Result.INCOMPLETE: f"{others} are not there yet; the next pass goes on.",
    }[status.result]
    return f"**{status.result.value.capitalize()}**: {text}{trouble}"


def _standing(status: FleetStatus) -> str:
    """The guests as one bar, what is not in it in words, and the commit."""
    counts = status.counts
    parts = [f"{counts.ready} of {words.counted(counts.declared, 'guest')} as declared"]
    parts += status.going
    parts += [f"{counts.stalled} {'needs' if counts.stalled == 1 else 'need'} a person"] if counts.stalled else []
    parts += [f"{counts.other} not settled"] if counts.other else []
    parts += [f"{counts.unmanaged} unmanaged"] if counts.unmanaged else []
    lines = [f"`{bar(counts.ready, counts.declared, BAR_CHARACTERS)}` {' · '.join(parts)}"] if counts.declared else []
    return "\n\n".join([*lines, _documents(status)])


def _documents(status: FleetStatus) -> str:
    if not status.commit:
        return "The documents were never committed."
    subject = f", {said(status.subject)}" if status.subject else ""
    author = f" ({said(status.author)})" if status.author else ""
    return f"Documents: {said(status.commit)}{subject}{author}"


def _brakes(status: FleetStatus, links: Links) -> Section:
    lines = []
    for brake in status.brakes:
        release = f"<br>Release: {said(brake.release)}" if brake.release else ""
        lines.append(f"- {code(brake.reason, links)}: {said(brake.text)}{release}")
    return Section("## Held\n", tuple(lines), "brakes", 0.1) if lines else Section("")


def _troubles(status: FleetStatus, links: Links) -> list[Section]:
    """Those that need a person first; among them, those that have waited longest."""
    troubles = sorted(status.troubles, key=lambda trouble: (trouble.since or "9", trouble.guest))
    stalled = [trouble for trouble in troubles if trouble.stalled]
    still = [trouble for trouble in troubles if not trouble.stalled and trouble.reason in DELIBERATE]
    others = [trouble for trouble in troubles if not trouble.stalled and trouble.reason not in DELIBERATE]
    return [
        _listed("Guests that need a person", stalled, 0.3, links),
        _listed("Guests that are left as they are on purpose", still, 0.1, links),
        _listed("Other guests that are not as declared", others, 0.1, links),
    ]


def _listed(title: str, troubles: Sequence[Trouble], share: float, links: Links) -> Section:
    about = ""
    if len(troubles) >= REASONS_SHOWN_FROM:
        reasons = Counter(trouble.reason for trouble in troubles)
        counts = sorted(reasons.items(), key=lambda entry: (-entry[1], entry[0]))
        about = " · ".join(f"{said(reason)}: {number}" for reason, number in counts[:REASONS_SHOWN_FROM])
    columns = ("Guest", "Is on", "Declared on", "Since", "Why")
    rows = [_trouble(trouble, links) for trouble in troubles]
    return rows_section(title, columns, rows, "guests", share, about=about)


def _trouble(trouble: Trouble, links: Links) -> tuple[str, ...]:
    fix = f"<br>*Helps:* {said(trouble.fix)}" if trouble.fix else ""
    return (
        said(trouble.guest),
        said(", ".join(trouble.places)) or "not seen",
        said(trouble.wanted) or words.NONE,
        said(words.minute(trouble.since)) or words.NONE,
        f"{code(trouble.reason, links)}: {said(trouble.message)}{fix}",
    )
