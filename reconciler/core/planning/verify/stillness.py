"""What is kept still on purpose: suspended guests and hosts, hosts under maintenance, drift that is only reported."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.desired import Downtime, Drift, Guest
from reconciler.core.model import StepKind
from reconciler.core.planning.plan import Step
from reconciler.core.planning.verify.ground import Fault, Ground, stops


def faults(ground: Ground, step: Step, guest: Guest) -> Iterator[Fault]:
    """What is suspended is left alone, nothing comes to a host under maintenance, no drift is undone unasked."""
    fleet, hosts = ground.desired.fleet, ground.desired.hosts
    if guest.suspend is not None or guest.fought:
        yield Fault.of(step, f"{step.guest} is suspended, or somebody undoes what is corrected")
    if guest.drifted and fleet.drift is not Drift.CORRECT:
        yield Fault.of(step, f"{step.guest} has drifted, and drift is only reported")
    if guest.drifted and fleet.drift_downtime is not Downtime.ALLOWED and stops(step):
        yield Fault.of(step, f"stops {step.guest} to undo a drift, which may cost no downtime")
    if step.hop and step.target in hosts and not hosts[step.target].schedulable:
        yield Fault.of(step, f"rests on {step.target}, which nobody may choose for a guest")
    for host in step.hosts:
        if host in hosts and hosts[host].suspend is not None:
            yield Fault.of(step, f"has to do with {host}, which is suspended")
    comes = step.kind is StepKind.START or step.source != step.target
    if comes and step.target in hosts and hosts[step.target].maintenance is not None:
        yield Fault.of(step, f"comes to {step.target}, which is under maintenance")
