"""What `check` found, as people read it in a terminal. Called for `check`. Never more than 80 columns wide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import groupby

from reconciler.core.reports.checks import AssumptionCheck, CheckFinding, CheckReport, Holds, Level, Scope
from reconciler.render import words
from reconciler.render.escape import terminal
from reconciler.render.layout import Paint, no_paint, wrap

WORDS = {Holds.YES: "holds", Holds.NO: "does not hold", Holds.UNTOLD: "not told by looking"}
HEADS = {Scope.HOST: "host ", Scope.BETWEEN: "way ", Scope.GUESTS: "needed by "}
WAYS_SHOWN_MAX = 8
"""Of one code."""
STYLES = {Level.PROBLEM: "bad", Level.WARNING: "warn"}


def check_text(report: CheckReport, *, assumptions: bool = False, paint: Paint = no_paint) -> str:
    """The findings, hosts first, then the ways between them, then what guests need, each with what mends it; the
    assumptions where they are asked for; and what it adds up to."""
    shown = _shown(report.findings)
    sections = [
        _subject(scope, subject, list(found), paint)
        for (scope, subject), found in groupby(shown, key=lambda finding: (finding.scope, finding.subject))
    ]
    left_out = len(report.findings) - len(shown)
    if left_out:
        sections.append(wrap(f"And {left_out} more of the same between hosts; -o json has them all."))
    if report.assumptions:
        sections.append(_assumptions(report.assumptions, in_full=assumptions))
    sections.append(wrap(_last_line(report)))
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _shown(findings: Iterable[CheckFinding]) -> list[CheckFinding]:
    """Hosts that nobody has introduced to each other give one finding a pair: the first of a kind are enough."""
    counts: Counter[str] = Counter()
    shown = []
    for finding in findings:
        counts[finding.code] += finding.scope is Scope.BETWEEN
        if counts[finding.code] <= WAYS_SHOWN_MAX:
            shown.append(finding)
    return shown


def _subject(scope: Scope, subject: str, findings: list[CheckFinding], paint: Paint) -> list[str]:
    lines = [paint("strong", line) for line in wrap(terminal(subject), first=HEADS[scope], rest="  ")]
    for finding in findings:
        first, *rest = wrap(f"{finding.code}: {terminal(finding.text)}", first=f"  {finding.level}: ", rest="    ")
        lines += [paint(STYLES[finding.level], first), *rest]
        if finding.excerpt:
            lines += wrap(terminal(finding.excerpt), first="    said: ", rest="      ")
        lines += wrap(terminal(finding.fix), first="    fix: ", rest="      ")
    return lines


def _assumptions(entries: tuple[AssumptionCheck, ...], *, in_full: bool) -> list[str]:
    """In one line what can be told, and by name what does not hold; or all of them."""
    if in_full:
        lines = ["Assumptions about the platform"]
        for entry in entries:
            lines += wrap(f"{entry.id}: {_told(entry)}", first="  ", rest="    ")
        return lines
    told = [entry for entry in entries if any(holds is not Holds.UNTOLD for _, holds in entry.hosts)]
    broken = [entry for entry in told if any(holds is Holds.NO for _, holds in entry.hosts)]
    untold = len(entries) - len(told)
    parts = [f"{len(told) - len(broken)} hold", *([f"{untold} only a move would tell"] if untold else [])]
    lines = wrap(f"Assumptions about the platform: {', '.join(parts)} (--assumptions lists them).")
    for entry in broken:
        hosts = ", ".join(terminal(host) for host, holds in entry.hosts if holds is Holds.NO)
        lines += wrap(f"{entry.id} does not hold on {hosts}: {entry.assumed}", first="  ", rest="    ")
    return lines


def _told(entry: AssumptionCheck) -> str:
    by_word = {holds: [terminal(host) for host, found in entry.hosts if found is holds] for holds in Holds}
    parts = [
        WORDS[holds] if len(hosts) == len(entry.hosts) else f"{WORDS[holds]} on {', '.join(hosts)}"
        for holds, hosts in by_word.items()
        if hosts
    ]
    return "; ".join(parts)


def _last_line(report: CheckReport) -> str:
    problems = sum(finding.level is Level.PROBLEM for finding in report.findings)
    warnings = len(report.findings) - problems
    looked = [words.counted(len(report.hosts), "host"), words.counted(report.guests, "guest")]
    looked += [words.counted(report.pairs, "way between two hosts", "ways between two hosts")] if report.pairs else []
    found = [words.counted(problems, "problem")] if problems else []
    found += [words.counted(warnings, "warning")] if warnings else []
    return f"Checked {', '.join(looked)}: {' and '.join(found) or 'nothing stands in the way'}."
