"""The one guest that a step is about: the one its document means, seen once, in nobody's hands, called by its name."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.desired import Guest
from reconciler.core.model import RunState, StepKind
from reconciler.core.planning.plan import Step
from reconciler.core.planning.verify.ground import Fault, Ground


def faults(ground: Ground, step: Step, guest: Guest) -> Iterator[Fault]:
    """Which guest is touched, and whether anybody may touch it now."""
    if ground.meant(guest) != {step.uuid}:
        yield Fault.of(step, f"{step.uuid} is not the guest that the document means")
        return
    copies = ground.copies.get(step.uuid, [])
    if len(copies) != 1:
        text = f"{step.guest} has {len(copies)} copies that run or could be started, not one"
        yield Fault.of(step, text)
        return
    if step.uuid in ground.last_seen:
        text = f"{step.guest} could also run on {ground.last_seen[step.uuid]}, which was not read"
        yield Fault.of(step, text)
    entry = copies[0][1]
    if entry.state is RunState.TRANSITION:
        yield Fault.of(step, f"{step.guest} is neither running nor stopped")
    if step.uuid in ground.held:
        yield Fault.of(step, f"a move of {step.guest} is under way already")
    if (step.known_as or step.guest) != entry.name:
        text = f"is addressed to {step.known_as or step.guest}, its hosts know {step.guest} as {entry.name}"
        yield Fault.of(step, text)
    if step.kind is StepKind.MIGRATE and ground.named.get((step.target, entry.name), {step.uuid}) != {step.uuid}:
        yield Fault.of(step, f"another guest is named {entry.name} on {step.target}")
    if step.kind is StepKind.MIGRATE and not ground.coming.get((step.target, entry.name), set()) <= {step.uuid}:
        yield Fault.of(step, f"another guest named {entry.name} comes to {step.target} as well")
    if not step.running and step.kind is not StepKind.STOP and not ground.full_look:
        yield Fault.of(step, f"{step.guest} is stopped, and not every host was read")
