"""Windows: what is taken down is up again before its window closes, and nothing runs into one that denies.

Only the calendar is shared with the planner: how long windows are open from the start of the plan on stands in the
documents as they were given. Whether a step fits is asked here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.desired import WINDOW_MARGIN_S, WINDOW_SHARE, Guest
from reconciler.core.planning.plan import Step
from reconciler.core.planning.verify.ground import Fault, Ground, stops


def faults(ground: Ground, step: Step, guest: Guest) -> Iterator[Fault]:
    """Predictions are no promises: more time than is predicted must be left."""
    policy, quiet_in_s = guest.migration, ground.desired.fleet.quiet_in_s
    over_s = step.end_s * WINDOW_SHARE + WINDOW_MARGIN_S
    if stops(step) and policy.windows and policy.open_s is None:
        yield Fault.of(step, f"window {' or '.join(policy.windows)}: nobody has said when that is open")
    if stops(step) and policy.open_s is not None and over_s > policy.open_s:
        how = "is closed" if policy.open_s <= 0 else "closes too early"
        yield Fault.of(step, f"window {' or '.join(policy.windows)} {how}")
    if quiet_in_s is not None and over_s > quiet_in_s:
        yield Fault.of(step, "runs into a window that denies")
