"""A plan as people read it in a terminal: what happens when, why, what is refused, what holds it, and a line to sum up.

Called by the command line for `plan` and `verify`, and before `apply` asks. Never more than 80 columns wide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from reconciler.core.diff import HostFinding
from reconciler.core.model import Method
from reconciler.core.planning.plan import Blocked, Brake, Plan, Reason, Step
from reconciler.core.planning.verify import Fault
from reconciler.core.quantities import format_duration
from reconciler.render import words
from reconciler.render.escape import terminal
from reconciler.render.layout import Cell, Column, Paint, no_paint, table, wrap
from reconciler.render.text.difference import host_lines
from reconciler.render.text.documents import violation_blocks
from reconciler.render.text.names import command, name, route

COLUMNS = (
    Column("#", right=True),
    Column("GUEST", flexible=True),
    Column("FROM", flexible=True),
    Column("→ TO", flexible=True),
    Column("HOW"),
    Column("START", right=True),
    Column("TIME", right=True),
    Column("DOWN", right=True),
    Column("NOTE"),
)
STYLES = {"online": "good", "offline": "warn", "start": "good", "stop": "warn"}
UNSEEN = frozenset({Reason.MISSING, Reason.OWNER_UNKNOWN})
"""Reasons of guests that were seen nowhere, if they are in no one place."""
PLAIN_SHOWN = 8
"""More online moves of which there is nothing else to know are told together."""
WAITING_SHOWN = 10
"""Guests that wait for the same are named up to so many."""
NAMES_SHOWN = 3
"""Steps that share a reason name so many guests."""


def plan_text(
    plan: Plan,
    hosts: tuple[HostFinding, ...] = (),
    *,
    commands: bool = False,
    proposed: bool = False,
    paint: Paint = no_paint,
) -> str:
    """The plan, hosts in trouble first. With `commands`, also what each step sends to which host. `proposed` is one for
    documents as they would be, on top of the plan's commit."""
    sections = [
        _title(plan, paint, proposed),
        host_lines(hosts, paint),
        _schedule(plan, paint),
        [*_reasons(plan, paint), *_waits(plan), *_attempts(plan)],
        _commands(plan) if commands else [],
        _doors(plan, paint),
        [*blocked_lines(plan.blocked, paint), *_remedies(plan)],
        brake_lines(plan.brakes, paint),
        *violation_blocks(plan.violations, paint),
        _last_line(plan, hosts, paint),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _title(plan: Plan, paint: Paint, proposed: bool) -> list[str]:
    if proposed:
        line = f"Plan with this proposal, on top of {terminal(words.short_commit(plan.commit))}"
        return [paint("strong", line) for line in wrap(line)]
    lines = wrap(f"Plan for fleet {name(plan.fleet)} at {terminal(words.short_commit(plan.commit))}")
    if plan.commit is not None and (plan.commit.subject or plan.commit.author):
        by = f" ({terminal(plan.commit.author)})" if plan.commit.author else ""
        lines += wrap(f"{terminal(plan.commit.subject)}{by}", first="  ")
    return lines


def _schedule(plan: Plan, paint: Paint) -> list[str]:
    numbered = words.numbers(plan)
    rows = [
        (
            str(numbered[step.id]),
            Cell(terminal(step.guest), "strong"),
            terminal(step.source),
            f"→ {terminal(step.target)}" if step.target != step.source else "",
            Cell(words.how(step), STYLES.get(words.how(step), "")),
            format_duration(step.start_s),
            format_duration(step.duration_s),
            Cell(format_duration(step.downtime_s), "warn") if step.downtime_s else words.NONE,
            Cell(" ".join(words.marks(step)) or terminal(words.changed(step)), "warn" if step.one_way else ""),
        )
        for step in plan.steps
    ]
    return table(COLUMNS, rows, paint=paint, indent=" ") if rows else []


def _reasons(plan: Plan, paint: Paint) -> list[str]:
    """One entry for all steps that share their reason, and one for plain moves where there are many."""
    numbered = words.numbers(plan)
    plain = _plain(plan)
    grouped: dict[str, list[Step]] = {}
    for step in plan.steps:
        if step.id not in plain:
            grouped.setdefault(step.reason, []).append(step)
    lines = [paint("strong", "Why")] if plan.steps else []
    for reason, steps in grouped.items():
        names = [name(step.guest) for step in steps[:NAMES_SHOWN]]
        names += [f"{len(steps) - NAMES_SHOWN} more"] if len(steps) > NAMES_SHOWN else []
        lines += wrap(f"{words.listed(names)}: {terminal(reason)}", first=f" {numbered[steps[0].id]:>2}  ")
    if plain:
        whom = words.counted(len(plain), "other guest" if grouped else "guest")
        why = "declared where they go; every rule allows it online (`reconciler explain GUEST` names them)"
        lines += wrap(f"{whom}: {why}", first="     ")
    return lines


def _plain(plan: Plan) -> frozenset[str]:
    """The ids of steps that are told together: online moves of which there is nothing else to know. None where they
    are few enough to be told one by one."""
    steps_of = Counter(step.guest for step in plan.steps)
    plain = frozenset(
        step.id
        for step in plan.steps
        if step.method is Method.ONLINE
        and steps_of[step.guest] == 1
        and not (words.marks(step) or step.copies or step.converge or step.attempt > 1)
    )
    return plain if len(plain) > PLAIN_SHOWN else frozenset()


def _waits(plan: Plan) -> list[str]:
    """What waits for which steps, and what begins later than that because slots are taken."""
    numbered = words.numbers(plan)
    ends = {step.id: step.end_s for step in plan.steps}
    waiting, for_slots = [], []
    for step in plan.steps:
        number, after = str(numbered[step.id]), words.waits(step, numbered)
        slot = step.start_s > max((ends[other] for other in step.after if other in ends), default=0) + 1
        if after:
            waiting.append(f"{number} {after}{' and for a free slot' if slot else ''}")
        elif slot:
            for_slots.append(number)
    if len(for_slots) > NAMES_SHOWN:
        for_slots = [*for_slots[:NAMES_SHOWN], f"{len(for_slots) - NAMES_SHOWN} more"]
    waiting += [f"{words.listed(for_slots)} for a free slot"] if for_slots else []
    return wrap("; ".join(waiting), first="  Waits: ") if waiting else []


def _attempts(plan: Plan) -> list[str]:
    again = [step for step in plan.steps if step.attempt > 1]
    numbered = words.numbers(plan)
    tries = [f"{numbered[step.id]} is attempt {step.attempt} of {step.attempts_max}" for step in again]
    return wrap("; ".join(tries), first="  Tried before: ") if tries else []


def _commands(plan: Plan) -> list[str]:
    known = [(number, step) for number, step in enumerate(plan.steps, start=1) if step.commands]
    if not plan.steps or not known:
        return ["The commands are not known: they are made where a driver is at hand."] if plan.steps else []
    lines = ["Commands, as they would be sent"]
    for number, step in known:
        lines += wrap(name(step.guest), first=f" {number:>2}  ")
        for host, argv in step.commands:
            lines += wrap(command(host, argv), first="     ", rest="       ")
    return lines


def _doors(plan: Plan, paint: Paint) -> list[str]:
    steps = [step for step in plan.steps if step.one_way]
    if not steps:
        return []
    numbered = words.numbers(plan)
    lines = [paint("warn", "One-way: no lasting online way back after these")]
    for step in steps:
        lines += wrap(f"{name(step.guest)}: {terminal(step.one_way)}", first=f" {numbered[step.id]:>2}  ")
    return lines


def blocked_lines(blocked: tuple[Blocked, ...], paint: Paint = no_paint) -> list[str]:
    """Who stays where it is, why, and what would change that; then who only waits, all for one thing together."""
    stay = [entry for entry in blocked if not entry.waits]
    lines = [paint("bad", f"Blocked: {words.counted(len(stay), 'guest')}")] if stay else []
    for entry in stay:
        lines += wrap(_where(entry), first="  ") + _why(entry)
    waiting: dict[tuple[str, str, str], list[Blocked]] = {}
    for entry in blocked:
        if entry.waits:
            waiting.setdefault((entry.reason, entry.text, entry.fix), []).append(entry)
    lines += [paint("warn", f"Waiting: {words.counted(len(blocked) - len(stay), 'guest')}")] if waiting else []
    for entries in waiting.values():
        names = [name(entry.guest) for entry in entries[:WAITING_SHOWN]]
        names += [f"{len(entries) - WAITING_SHOWN} more"] if len(entries) > WAITING_SHOWN else []
        lines += wrap(words.listed(names) if len(entries) > 1 else _where(entries[0]), first="  ") + _why(entries[0])
    return lines


def _where(entry: Blocked) -> str:
    """`web01: on vmhost-a, declared on vmhost-b`."""
    nowhere = ["nowhere to be seen"] if entry.reason in UNSEEN else []  # else the text says where copies are
    where = [f"on {name(entry.place)}"] if entry.place else nowhere
    where += [f"declared on {name(entry.wanted)}"] if entry.wanted and entry.wanted != entry.place else []
    return f"{name(entry.guest)}: {', '.join(where)}" if where else name(entry.guest)


def _why(entry: Blocked) -> list[str]:
    lines = wrap(f"{terminal(entry.reason)}: {terminal(entry.text)}", first="    ", rest="      ")
    return lines + (wrap(terminal(entry.fix), first="    fix: ") if entry.fix else [])


def _remedies(plan: Plan) -> list[str]:
    """What would free all of those together that wait on each other."""
    return [line for each in plan.remedies for line in wrap(terminal(each.text), first="  ⇒ ", rest="    ")]


def brake_lines(brakes: tuple[Brake, ...], paint: Paint = no_paint) -> list[str]:
    """Why nothing of the plan is run, and what would release it."""
    if not brakes:
        return []
    lines = [paint("warn", "Held: this plan is shown, not run")]
    for brake in brakes:
        lines += wrap(f"{terminal(brake.reason)}: {terminal(brake.text)}", first="  ", rest="    ")
        if brake.release:
            lines += wrap(terminal(brake.release), first="    release: ")
    return lines


def _last_line(plan: Plan, hosts: tuple[HostFinding, ...], paint: Paint) -> list[str]:
    style = "good" if plan.empty and not hosts else "strong"
    trouble = f", {words.counted(len(hosts), 'host')} in trouble" if hosts else ""
    return [paint(style, line) for line in wrap(words.sentence(f"{words.plan_line(plan)}{trouble}"))]


def proof_text(plan: Plan, faults: Sequence[Fault], *, paint: Paint = no_paint) -> str:
    """That the plan is proven, or each thing that is wrong, below the step or the guest that it is about."""
    if not faults:
        steps = words.counted(len(plan.steps), "step")
        text = f"Proven: {steps}. Room, limits, permissions and where each guest ends hold, at whatever speed they run."
        return "\n".join(paint("good", line) for line in wrap(text)) + "\n"
    steps_by_id = {step.id: step for step in plan.steps}
    lines = [paint("bad", f"Not proven: {words.counted(len(faults), 'thing is', 'things are')} wrong."), ""]
    for (step_id, guest), found in groupby(faults, key=lambda fault: (fault.step, fault.guest)):
        step = steps_by_id.get(step_id)
        way = f": {name(guest)} {route(step.source, step.target)}" if step is not None else ""
        lines += wrap(f"{name(step_id or guest) or 'the plan'}{way}")
        lines += [line for fault in found for line in wrap(terminal(fault.text), first="  ")]
    return "\n".join(lines) + "\n"
