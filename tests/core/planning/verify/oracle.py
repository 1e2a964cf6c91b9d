"""What makes a plan unsafe, in the plainest way there is: try every order in which its steps can begin and end.

Small and slow on purpose, and the opposite of the proof: it walks through states instead of reasoning about them, takes
loads from registrations only, and knows nothing of predicted times. For plans of a few steps. Used by tests only.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.model import Load, StepKind
from reconciler.core.observed import HostFacts, Registration
from reconciler.core.planning.plan import Plan, Step
from tests.core.fleets import World

State = tuple[frozenset[int], frozenset[int]]
"""The steps under way, and the steps that are done."""


def unsafe(fleet: World, plan: Plan) -> str:
    """The first thing that could go wrong, in some order that `after` allows; empty where nothing can."""
    numbers = {step.id: number for number, step in enumerate(plan.steps)}
    if len(numbers) < len(plan.steps):
        return "two steps of one id"
    if any(name not in numbers for step in plan.steps for name in step.after):
        return "waits for what is not there"
    waits = [{numbers[name] for name in step.after} for step in plan.steps]
    seen: set[State] = {(frozenset(), frozenset())}
    todo = list(seen)
    while todo:
        under_way, done = todo.pop()
        wrong = _wrong_now(fleet, plan, under_way, done)
        if wrong:
            return wrong
        begun = under_way | done
        ready = [n for n in range(len(plan.steps)) if n not in begun and waits[n] <= done]
        if not ready and not under_way and len(done) < len(plan.steps):
            return "waits for ever"
        nexts = [(under_way | {n}, done) for n in ready] + [(under_way - {n}, done | {n}) for n in under_way]
        fresh = [state for state in nexts if state not in seen]
        seen.update(fresh)
        todo += fresh
    return _wrong_at_the_end(fleet, plan)


def _wrong_now(fleet: World, plan: Plan, under_way: frozenset[int], done: frozenset[int]) -> str:
    """Guests in two places, steps from where the guest is not, hosts that hold too much."""
    moving = [plan.steps[number] for number in under_way]
    if len({step.uuid for step in moving}) < len(moving):
        return "a guest in two steps at once"
    at = _places(fleet, [plan.steps[number] for number in sorted(done, key=lambda n: plan.steps[n].start_s)])
    for step in moving:
        host, runs = at.get(step.uuid, ("", False))
        if host != step.source or runs is not step.running:
            return f"{step.guest} is not on {step.source} as the step takes it"
    for facts in fleet.observed.reachable():
        arriving = [step for step in moving if step.target == facts.name]
        copied = [plan.steps[n] for n in done | under_way if plan.steps[n].target == facts.name]
        held = Load.total(
            [entry.load(facts.memory_overhead_percent) for entry in _there(fleet, at, facts)]
            + [_entry(fleet, step.uuid).load(facts.memory_overhead_percent) for step in arriving if _runs(step)]
        )
        disk_mib = sum(_entry(fleet, step.uuid).copied_mib() for step in copied if step.kind is StepKind.MIGRATE)
        most = Load(facts.memory_mib, 100 * facts.cpus, facts.disk_free_mib)
        before = Load.total(e.load(facts.memory_overhead_percent) for e in facts.registrations if e.running)
        for name, now, limit, first in (
            ("memory", held.memory_mib, most.memory_mib, before.memory_mib),
            ("cpu", held.cpu_percent, most.cpu_percent, before.cpu_percent),
            ("disk", disk_mib, most.disk_mib, 0),
        ):
            relieved = now <= first and not any(_takes(fleet, step, name) for step in arriving)
            if now > limit and not relieved:
                return f"{facts.name} holds too much {name}"
    return _too_close(fleet, at, moving)


def _too_close(fleet: World, at: dict[str, tuple[str, bool]], moving: list[Step]) -> str:
    """Guests that a rule keeps apart and that meet, one of them just coming."""
    for rule in fleet.desired.rules.values():
        where: dict[str, set[str | None]] = {}
        coming: set[str | None] = set()
        for name, guest in fleet.desired.guests.items():
            if rule.labels.items() <= guest.labels.items():
                where[f"uuid-{name}"] = {rule.domain(fleet.desired.hosts[at[f"uuid-{name}"][0]])}
        for step in moving:
            if step.uuid in where and step.kind is StepKind.MIGRATE:
                into = rule.domain(fleet.desired.hosts[step.target])
                coming |= {into} - where[step.uuid]
                where[step.uuid] = where[step.uuid] | {into}
        for domain in coming:
            if sum(domain in domains for domains in where.values()) > (rule.most if domain is not None else 0):
                return f"too many of rule {rule.name} in {domain}"
    return ""


def _takes(fleet: World, step: Step, name: str) -> bool:
    """Whether the arrival takes any of this. A host that is over already may go on holding what it holds."""
    entry = _entry(fleet, step.uuid)
    load = entry.load()
    return bool({"memory": load.memory_mib * _runs(step), "cpu": load.cpu_percent * _runs(step)}.get(name, 1))


def _runs(step: Step) -> bool:
    """Whether the guest runs at the target once the step is done."""
    return step.kind is StepKind.START or (step.kind is StepKind.MIGRATE and step.running)


def _places(fleet: World, done: list[Step]) -> dict[str, tuple[str, bool]]:
    """Guest -> where it is, and whether it runs, once these are done."""
    at = {
        entry.uuid: (facts.name, entry.running) for facts in fleet.observed.reachable() for entry in facts.registrations
    }
    for step in done:
        runs = at[step.uuid][1]
        at[step.uuid] = (step.target, _runs(step) if step.kind in (StepKind.START, StepKind.STOP) else runs)
    return at


def _there(fleet: World, at: dict[str, tuple[str, bool]], facts: HostFacts) -> Iterator[Registration]:
    """Guests that run on the host; one under way counts here until it has gone."""
    return (_entry(fleet, uuid) for uuid, (host, runs) in at.items() if host == facts.name and runs)


def _entry(fleet: World, uuid: str) -> Registration:
    return next(entry for facts in fleet.observed.reachable() for entry in facts.registrations if entry.uuid == uuid)


def _wrong_at_the_end(fleet: World, plan: Plan) -> str:
    """Guests elsewhere than declared that nobody speaks of, or that were brought there."""
    at = _places(fleet, sorted(plan.steps, key=lambda step: step.start_s))
    blocked = {entry.guest for entry in plan.blocked}
    begun = {step.guest for step in plan.steps}
    for name, guest in fleet.desired.guests.items():
        there = [place for uuid, place in at.items() if uuid == f"uuid-{name}"]
        if there and there[0][0] != guest.host and (name in begun or name not in blocked):
            return f"{name} ends on {there[0][0]}"
    return ""
