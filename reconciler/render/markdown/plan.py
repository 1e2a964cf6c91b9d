"""A plan as a comment on a pull request: the verdict first, then the table, then what opens on a click.

Called for `plan -o markdown`. Stays within the size that forges accept and says what it left out.
"""

from __future__ import annotations

from reconciler.core.diff import HostFinding
from reconciler.core.planning.plan import Blocked, Plan, Step
from reconciler.core.quantities import format_duration
from reconciler.render import words
from reconciler.render.escape import fenced, spelled
from reconciler.render.markdown.budget import Section, page
from reconciler.render.markdown.table import folded_section, head, row, said

CHARACTERS_MAX = 60_000
"""GitHub takes 65,536, GitLab and Gitea more."""
COMMAND_CHARACTERS = 2_000
MARKER = "<!-- reconciler:plan -->"
"""The first line: by it CI finds the comment to edit instead of adding another."""


def plan_markdown(plan: Plan, hosts: tuple[HostFinding, ...] = (), *, limit: int = CHARACTERS_MAX) -> str:
    """The plan as markdown, with the hosts in trouble: at most `limit` characters long (and never below what the
    verdict itself takes)."""
    sections = [
        _verdict(plan, len(hosts)),
        _hosts(hosts),
        _brakes(plan),
        _blocked(plan),
        _remedies(plan),
        _violations(plan),
        _doors(plan),
        _steps(plan),
        _details(plan),
        _verdicts(plan),
        _foot(plan),
    ]
    return page(sections, limit)


def _verdict(plan: Plan, in_trouble: int) -> Section:
    trouble = f" {words.counted(in_trouble, 'host is', 'hosts are')} in trouble." if in_trouble else ""
    lines = [MARKER, f"**{words.verdict(plan)}{trouble}**"]
    if plan.brakes:
        lines.append("It is held: shown, not run, until what holds it is released.")
    if plan.steps:
        lines.append(words.sentence(words.takes(plan)))
    return Section(head="\n".join([lines[0], " ".join(lines[1:])]))


def _hosts(hosts: tuple[HostFinding, ...]) -> Section:
    entries = tuple(f"- {said(found.host)}: **{said(found.reason)}**: {said(found.text)}" for found in hosts)
    return Section("### Hosts in trouble: nothing is done there\n" if entries else "", entries, "hosts", 0.1)


def _brakes(plan: Plan) -> Section:
    entries = tuple(
        f"- **{said(brake.reason)}**: {said(brake.text)}"
        + (f"<br>Release: {said(brake.release)}" if brake.release else "")
        for brake in plan.brakes
    )
    return Section("### Held\n" if entries else "", entries, "brakes", 0.1)


def _blocked(plan: Plan) -> Section:
    rows = tuple(_blocked_row(entry) for entry in plan.blocked)
    return Section(
        head("Blocked", "Guest", "Is on", "Declared on", "Why", "What would help") if rows else "",
        rows,
        "blocked guests",
        0.2,
    )


def _blocked_row(entry: Blocked) -> str:
    why = f"**{said(entry.reason)}**: {said(entry.text)}"
    return row(
        [
            said(entry.guest),
            said(entry.place) or words.NONE,
            said(entry.wanted) or words.NONE,
            why,
            said(entry.fix) or words.NONE,
        ]
    )


def _remedies(plan: Plan) -> Section:
    """What would free all of those together that wait on each other."""
    entries = tuple(f"- {said(each.text)}" for each in plan.remedies)
    return Section("### What would free them\n" if entries else "", entries, "remedies", 0.05)


def _violations(plan: Plan) -> Section:
    entries = tuple(
        f"- **{said(each.code)}**{'' if each.required else ' (warning)'}: {said(each.text)}; {said(each.fix)}"
        f" ({said(str(each.location))})"
        for each in plan.violations
    )
    return Section("### The declared placement\n" if entries else "", entries, "findings", 0.1)


def _doors(plan: Plan) -> Section:
    numbered = words.numbers(plan)
    entries = tuple(
        f"- {numbered[step.id]} {said(step.guest)} to {said(step.target)}: {said(step.one_way)}"
        for step in plan.steps
        if step.one_way
    )
    return Section("### One-way: no lasting online way back\n" if entries else "", entries, "one-way moves", 0.1)


def _steps(plan: Plan) -> Section:
    numbered = words.numbers(plan)
    rows = tuple(
        row(
            [
                str(numbered[step.id]),
                said(step.guest),
                _route(step),
                " ".join(
                    [words.how(step), *(f"({mark})" for mark in words.marks(step)), said(words.change(step))]
                ).rstrip(),
                format_duration(step.start_s),
                format_duration(step.duration_s),
                f"**{format_duration(step.downtime_s)}**" if step.downtime_s else words.NONE,
                ", ".join(str(numbered[other]) for other in step.after if other in numbered) or words.NONE,
            ]
        )
        for step in plan.steps
    )
    columns = ("#:", "Guest", "From → to", "How", "Start:", "Time:", "Down:", "After")
    return Section(head("Steps", *columns) if rows else "", rows, "steps", 0.3)


def _route(step: Step) -> str:
    return said(step.source) if step.source == step.target else f"{said(step.source)} → {said(step.target)}"


def _details(plan: Plan) -> Section:
    numbered = words.numbers(plan)
    blocks = tuple(_step_details(numbered[step.id], step) for step in plan.steps)
    return folded_section("Why, and with which commands", blocks, "reasons", 0.15)


def _verdicts(plan: Plan) -> Section:
    blocks = tuple(_blocked_details(entry) for entry in plan.blocked if entry.verdicts)
    return folded_section("Every rule that was asked, for the blocked guests", blocks, "blocked guests", 0.1)


def _step_details(number: int, step: Step) -> str:
    attempt = f" (attempt {step.attempt} of {step.attempts_max})" if step.attempt > 1 else ""
    lines = [f"{host}$ {spelled(argv)}"[:COMMAND_CHARACTERS] for host, argv in step.commands]
    commands = f"\n{fenced(lines)}\n" if lines else ""
    return f"**{number} {said(step.guest)}**: {said(step.reason)}{attempt}\n{commands}"


def _blocked_details(entry: Blocked) -> str:
    lines = [
        f"- {'✓' if verdict.allowed else '✗'} {verdict.method} {said(verdict.rule)}: {said(verdict.reason)} "
        f"({said(verdict.source)})"
        for verdict in entry.verdicts
    ]
    return "\n".join([f"**{said(entry.guest)}**\n", *lines, ""])


def _foot(plan: Plan) -> Section:
    digest = f", digest {said(plan.digest)}" if plan.digest else ""
    return Section(f"Fleet {said(plan.fleet)} at {said(words.short_commit(plan.commit))}{digest}.")
