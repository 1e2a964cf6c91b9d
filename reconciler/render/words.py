"""The phrases that text, markdown and JSON share, so that a plan reads the same on a terminal and in a review.

Called by the rest of render/. Holds sentences of our own and numbers only: nothing here needs escaping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from reconciler.core.desired import Commit
from reconciler.core.model import SETTING_WORDS, Method, StepKind, changes
from reconciler.core.planning.plan import Plan, Step
from reconciler.core.quantities import format_duration

COMMIT_CHARACTERS = 10
NONE = "-"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 guest`, `2 guests`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listed(parts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def when(seconds: float) -> str:
    """A moment as people and programs read it: `2026-11-23T20:15:04Z`."""
    try:
        return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return "unknown"


def minute(moment: str) -> str:
    """`2026-11-23 20:15`: as precise as people need it, from what `when` gave; nothing from nothing."""
    return moment[:16].replace("T", " ")


def person(author: str) -> str:
    """`Ann Lee` of `Ann Lee <ann@example.org>`; the address where there is no name."""
    name, mark, address = author.partition("<")
    return name.strip() or (address.removesuffix(">") if mark else "")


UNCOMMITTED = "a draft (not committed)"
"""Stands where the commit of documents would."""


def short_commit(commit: Commit | None) -> str:
    """The id as people quote it; a plan of documents that were never committed has none."""
    return commit.id[:COMMIT_CHARACTERS] if commit is not None else UNCOMMITTED


def how(step: Step) -> str:
    """The word in the HOW column."""
    return str(step.method or step.kind)


def change(step: Step) -> str:
    """`memory 8192 → 4096 MiB`: what a set step changes; nothing for others."""
    return changes(step.settings, step.settings_before)


def changed(step: Step) -> str:
    """`memory +2`: what a set step changes, in a word; the step's reason has it all."""
    names = [SETTING_WORDS.get(name, (name, ""))[0] for name, _ in step.settings]
    return f"{names[0]} +{len(names) - 1}" if len(names) > 1 else "".join(names)


def numbers(plan: Plan) -> Mapping[str, int]:
    """Step id -> its number in this plan, counted from 1: how reasons and waits refer to it."""
    return {step.id: number for number, step in enumerate(plan.steps, start=1)}


class AnyStep(Protocol):
    """What planned steps, those under way and those that ended have in common."""

    @property
    def kind(self) -> StepKind: ...
    @property
    def method(self) -> Method | None: ...
    @property
    def hop(self) -> bool: ...
    @property
    def aside(self) -> bool: ...


def marks(step: Step) -> list[str]:
    """What else to know of a step at a glance."""
    known = (detour(step), "1-way" if step.one_way else "")
    return [mark for mark in known if mark]


def detour(step: AnyStep) -> str:
    """What kind of detour it is: `hop` over a third host, `aside` for others; empty for neither."""
    return "aside" if step.aside else "hop" if step.hop else ""


def way(step: AnyStep) -> str:
    """How it goes, in a column or a line: `online`, `offline hop`, `start`."""
    return f"{step.method or step.kind} {detour(step)}".rstrip()


def waits(step: Step, numbered: Mapping[str, int]) -> str:
    """`after 1 and 3`; nothing where it waits for no step of this plan."""
    others = sorted(numbered[other] for other in step.after if other in numbered)
    return f"after {listed([str(number) for number in others])}" if others else ""


@dataclass(frozen=True)
class Figures:
    """A plan in numbers."""

    moves: int
    online: int
    offline: int
    starts: int
    sets: int
    """Guests whose settings are changed."""
    stops: int
    """Stops for their own sake; those of offline moves are not counted here."""
    hops: int
    one_way: int
    downtime_s: float
    guests_down: int
    blocked: int


def figures(plan: Plan) -> Figures:
    """Count."""
    moves = plan.moves
    online = sum(step.method is Method.ONLINE for step in moves)
    down = {step.uuid for step in plan.steps if step.downtime_s > 0 or step.stops_guest}
    return Figures(
        moves=len(moves),
        online=online,
        offline=len(moves) - online,
        starts=sum(step.kind is StepKind.START for step in plan.steps),
        stops=sum(step.kind is StepKind.STOP for step in plan.steps),
        sets=sum(step.kind is StepKind.SET for step in plan.steps),
        hops=sum(step.hop for step in moves),
        one_way=sum(bool(step.one_way) for step in moves),
        downtime_s=sum(step.downtime_s for step in plan.steps),
        guests_down=len(down),
        blocked=len(plan.blocked),
    )


def takes(plan: Plan) -> str:
    """`12 min, at best 11 min`: how long, and the proof of how much of that could be saved."""
    whole, bound = _about(plan.makespan_s), _about(plan.bound_s)
    if whole == bound:
        return f"{whole}, the shortest possible"
    return f"{whole}, at best {bound}"


def _about(seconds: float) -> str:
    """As precise as a prediction is: seconds below two minutes, minutes below two hours."""
    if seconds < 120:
        return f"{round(seconds)} s"
    return f"{round(seconds / 60)} min" if seconds < 7200 else format_duration(60 * round(seconds / 60))


def work(plan: Plan) -> list[str]:
    """`7 moves (5 online, 2 offline)`, `1 start`: what a plan does."""
    counts = figures(plan)
    ways = [f"{number} {way}" for number, way in ((counts.online, "online"), (counts.offline, "offline")) if number]
    if len(ways) == 1 and counts.moves > 1:
        ways = ["all " + ways[0].split()[1]]
    elif len(ways) == 1:
        ways = [ways[0].split()[1]]
    parts = [f"{counted(counts.moves, 'move')} ({', '.join(ways)})"] if counts.moves else []
    parts += [counted(counts.starts, "start")] if counts.starts else []
    parts += [counted(counts.stops, "stop")] if counts.stops else []
    parts += [counted(counts.sets, "set")] if counts.sets else []
    return parts


def downtime(plan: Plan) -> str:
    """`4m12s downtime for 2 guests`."""
    counts = figures(plan)
    if not counts.guests_down:
        return "no downtime"
    if counts.downtime_s <= 0:
        return f"{counted(counts.guests_down, 'guest')} stopped"
    return f"{format_duration(counts.downtime_s)} downtime for {counted(counts.guests_down, 'guest')}"


def plan_line(plan: Plan) -> str:
    """The whole plan on one line: `12 min, at best 11 min · 7 moves (5 online, 2 offline), no downtime, 1 blocked`."""
    waiting = sum(entry.waits for entry in plan.blocked)
    counts = ((len(plan.blocked) - waiting, "blocked"), (waiting, "waiting"))
    blocked = [f"{number} {what}" for number, what in counts if number]
    if not plan.steps:
        yet = " yet" if waiting == len(plan.blocked) else ""
        return ", ".join(["nothing to do" if not blocked else f"nothing can be done{yet}", *blocked])
    return f"{takes(plan)} · {', '.join([*work(plan), downtime(plan), *blocked])}"


def verdict(plan: Plan) -> str:
    """The plan as a sentence: what a reviewer needs to know before reading on."""
    counts = figures(plan)
    if not plan.steps and not plan.blocked:
        return "Nothing to do: every guest that was seen is where and as its document says."
    if not plan.steps and all(entry.waits for entry in plan.blocked):
        return f"Nothing can be done yet: {counted(counts.blocked, 'guest waits', 'guests wait')}."
    if not plan.steps:
        return f"Nothing can be done: {counted(counts.blocked, 'guest is', 'guests are')} blocked."
    moved = len({step.uuid for step in plan.moves})
    ways = listed(_ways(counts))
    hops = f"in {counted(counts.moves, 'move')}, " if counts.moves != moved else ""
    parts = [f"moves {counted(moved, 'guest')} ({hops}{ways})"] if moved else []
    parts += [f"starts {counted(counts.starts, 'guest')}"] if counts.starts else []
    parts += [f"stops {counted(counts.stops, 'guest')}"] if counts.stops else []
    parts += [f"changes settings of {counted(counts.sets, 'guest')}"] if counts.sets else []
    sentences = [f"This {listed(parts)}, with {downtime(plan)}."]
    if counts.one_way:
        sentences.append(f"{counted(counts.one_way, 'move has', 'moves have')} no lasting online way back.")
    if counts.blocked:
        sentences.append(f"{counted(counts.blocked, 'guest stays', 'guests stay')} where it is: blocked.")
    return " ".join(sentences).replace("guests stay where it is", "guests stay where they are")


def _ways(counts: Figures) -> list[str]:
    return [f"{number} {way}" for number, way in ((counts.online, "online"), (counts.offline, "offline")) if number]
