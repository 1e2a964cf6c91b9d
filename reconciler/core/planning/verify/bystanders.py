"""Guests in their place: moved only where their documents let them step aside for others, online, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.desired import Guest
from reconciler.core.model import Method, StepKind
from reconciler.core.planning.plan import Step
from reconciler.core.planning.verify.ground import Fault


def faults(way: Sequence[Step], number: int, guest: Guest) -> Iterator[Fault]:
    """What a step may be of a guest that was in its place, or had come there, and has left it since. That it ends there
    again is asked of every guest."""
    step = way[number]
    if step.aside and not (step.hop and _leaves(step, guest)):
        yield Fault.of(step, f"calls it stepping aside, and {step.guest} does not leave its place for others")
    if not any(_leaves(before, guest) for before in way[: number + 1]):
        return
    if _leaves(step, guest) and not guest.migration.step_aside:
        yield Fault.of(step, f"{step.guest} is where it is declared, and may not step aside")
    if guest.drifted:
        yield Fault.of(step, f"{step.guest} has drifted, and does not step aside then")
    if step.kind in (StepKind.START, StepKind.STOP):
        yield Fault.of(step, f"{step.guest} steps aside, and may not be started or stopped after that")
    if step.kind is StepKind.MIGRATE and step.method is not Method.ONLINE:
        yield Fault.of(step, f"{step.guest} steps aside, which it may do online only")


def _leaves(step: Step, guest: Guest) -> bool:
    """Whether the step takes the guest from where it is declared."""
    return step.kind is StepKind.MIGRATE and step.source == guest.host
