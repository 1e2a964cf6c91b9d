"""Guests that are where they shall be: moved only where their documents let them step aside, online, and back."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.desired import Guest
from reconciler.core.model import Method, StepKind
from reconciler.core.planning.plan import Step
from reconciler.core.planning.verify.ground import Ground, Violation


def violations(ground: Ground, step: Step, guest: Guest) -> Iterator[Violation]:
    """What a step of a guest in its place may be. That it ends there again is asked of every guest."""
    way = ground.ways[step.uuid]
    if not any(entry.kind is StepKind.MIGRATE for entry in way):
        return  # power and settings of it, which are no one else's business
    if not guest.migration.step_aside:
        yield Violation.of(step, f"{step.guest} is where it is declared, and may not step aside")
    if guest.drifted:
        yield Violation.of(step, f"{step.guest} has drifted, and does not step aside then")
    if step.kind in (StepKind.START, StepKind.STOP):
        yield Violation.of(step, f"{step.guest} steps aside, and may not be started or stopped on the way")
    if step.kind is StepKind.MIGRATE and step.method is not Method.ONLINE:
        yield Violation.of(step, f"{step.guest} steps aside, which it may do online only")
    rests = [entry for entry in way if entry.kind is StepKind.MIGRATE and entry.hop]
    if step.hop and len(rests) > 1 and not guest.migration.hop:
        yield Violation.of(step, "the document forbids a hop on the way back")
