"""Where it ends: each guest of a step where and as it is declared; no guest both moved and blocked, or forgotten."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.desired import Autostart, Guest, PowerWish
from reconciler.core.model import RunState, Setting, StepKind
from reconciler.core.observed import Registration
from reconciler.core.planning.plan import Step
from reconciler.core.planning.verify.ground import Fault, Ground

SLACK_S = 0.001
"""Sums of seconds may differ by so much with the order of adding up."""


def faults(ground: Ground) -> Iterator[Fault]:
    """The last step of each guest, and guests without any."""
    blocked = {entry.guest for entry in ground.plan.blocked}
    last: dict[str, Step] = {}
    for step in sorted(ground.plan.steps, key=lambda step: (step.end_s, step.id)):
        last[step.guest] = step
        if step.guest in blocked:
            yield Fault.of(step, f"{step.guest} is both moved and blocked")
    for name, step in last.items():
        guest = ground.desired.guests.get(name)
        if guest is not None and step.target != guest.host:
            yield Fault("", name, f"ends on {step.target}, declared is {guest.host}")
        if guest is not None and guest.power is not PowerWish.KEEP:
            runs = _runs_after(step)
            if runs is not (guest.power is PowerWish.RUNNING):
                text = f"ends {'running' if runs else 'stopped'}, declared is {guest.power}"
                yield Fault("", name, text)
    yield from _forgotten(ground, {*blocked, *last})
    yield from _length(ground)
    if ground.plan.fleet != ground.desired.fleet.name:
        text = f"the plan is for fleet {ground.plan.fleet}, the documents are of {ground.desired.fleet.name}"
        yield Fault("", "", text)


def _runs_after(step: Step) -> bool:
    return step.kind is StepKind.START if step.kind in (StepKind.START, StepKind.STOP) else step.running


def _forgotten(ground: Ground, told: set[str]) -> Iterator[Fault]:
    """A guest that is seen otherwise than declared, or not at all, has steps or is blocked."""
    for name, guest in sorted(ground.desired.guests.items()):
        if name in told or name in ground.desired.quarantined:
            continue
        meant = sorted(ground.meant(guest))
        if not any(ground.copies.get(uuid) for uuid in meant):
            yield Fault("", name, f"was not seen, declared is {guest.host}; neither moved nor blocked")
        for uuid in meant:
            copies = ground.copies.get(uuid, [])
            if any(facts.name != guest.host for facts, _ in copies):
                text = f"is on {copies[0][0].name}, declared is {guest.host}; neither moved nor blocked"
                yield Fault("", name, text)
            elif len(copies) == 1:
                for text in _differs(guest, copies[0][1]):
                    yield Fault("", name, f"{text}; neither changed nor blocked")


def _differs(guest: Guest, entry: Registration) -> Iterator[str]:
    """What is otherwise than declared of a guest that is in its place."""
    wish = {RunState.RUNNING: PowerWish.STOPPED, RunState.STOPPED: PowerWish.RUNNING}.get(entry.state)
    if wish is not None and guest.power is wish:
        yield f"is {entry.state}, declared is {guest.power}"
    memory_mib = guest.memory_mib if guest.power is not PowerWish.STOPPED else None
    for setting, wanted in (
        (Setting.MEMORY, memory_mib),
        (Setting.ENTITLEMENT, guest.cpu_entitlement_percent),
        (Setting.CAP, guest.cpu_cap_percent),
        (Setting.AUTOSTART, None if guest.autostart is Autostart.KEEP else guest.autostart),
    ):
        if wanted is not None and not entry.shows(setting, str(wanted)):
            yield f"has {setting} {entry.setting(setting) or 'unknown'}, declared is {wanted}"


def _length(ground: Ground) -> Iterator[Fault]:
    """What the plan says of its own length."""
    plan = ground.plan
    last_s = max((step.end_s for step in plan.steps), default=0.0)
    if not abs(plan.makespan_s - last_s) <= SLACK_S:
        yield Fault("", "", f"the plan says it takes {plan.makespan_s:g} s, its last step ends after {last_s:g} s")
    if not 0 <= plan.bound_s <= plan.makespan_s + SLACK_S:
        text = f"the plan says that none is shorter than {plan.bound_s:g} s, and takes {plan.makespan_s:g} s itself"
        yield Fault("", "", text)
