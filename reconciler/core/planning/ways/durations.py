"""How long a step takes and how long its guest is down, in seconds, before it is done.

Called where journeys are made. A model, not a promise: the figures of run records tell how good it is, and learned
makes the best of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from reconciler.core.desired import StopPolicy
from reconciler.core.model import Method, RunState
from reconciler.core.observed import HostFacts, Registration

SETUP_S = 4.0
"""Connections and checks before anything is copied."""
FREEZE_S = 1.0
"""Pause of an online migration at its end."""
SHUTDOWN_S = 45.0
"""A clean shutdown: typically 30 to 60 s (Integrity VM Manager 4.1 user guide, p. 97)."""
BOOT_S = 60.0
CONFIGURATION_S = 6.0
"""Moving a configuration without any disk."""
SET_S = 10.0
"""Setting what takes effect at once."""
MEMORY_MIB_S = 64.0
"""How fast dynamic memory is taken from a guest or given to it."""
ROUNDS_MAX = 10.0
"""A guest that rewrites its memory faster than the link carries it is predicted at this many copies."""


@dataclass(frozen=True)
class Duration:
    """Seconds the step takes, and seconds of these the guest is down."""

    total_s: float
    downtime_s: float
    model_s: float | None = None
    """What the model says by itself, where something was learned. None: the same."""

    def paced(self, pace: float) -> Duration:
        """So many times as long."""
        return self if pace == 1.0 else Duration(self.total_s * pace, self.downtime_s * pace, self.total_s)

    @property
    def cautious_s(self) -> float:
        """What a permission rests on: what was learned never makes it shorter."""
        return self.total_s if self.model_s is None else max(self.total_s, self.model_s)


def migration(
    guest: Registration,
    source: HostFacts,
    target: HostFacts,
    method: Method,
    stop: StopPolicy,
    network_mib_s: float | None = None,
) -> Duration:
    """Predict one migration, over a network that carries so much."""
    bandwidth = max(1.0, min(source.bandwidth_mib_s, target.bandwidth_mib_s, network_mib_s or math.inf))
    if method is Method.ONLINE:
        share = min(guest.dirty_mib_s / bandwidth, 1 - 1 / ROUNDS_MAX)
        copied_s = (guest.memory_mib / (1 - share) + guest.copied_mib()) / bandwidth
        return Duration(SETUP_S + copied_s + FREEZE_S, 0.0)
    copying_s = CONFIGURATION_S + guest.copied_mib() / bandwidth
    if guest.state is RunState.STOPPED:
        return Duration(SETUP_S + copying_s, 0.0)
    down_s = stopping_s(stop) + copying_s + BOOT_S
    return Duration(SETUP_S + down_s, down_s)


def stopping_s(stop: StopPolicy) -> float:
    """Predict a graceful stop."""
    return min(SHUTDOWN_S, float(stop.graceful_s))


def setting_s(memory_mib: int) -> float:
    """Predict the change of settings, of which so much memory goes or comes."""
    return SET_S + memory_mib / MEMORY_MIB_S


def starting_s() -> float:
    """Predict a start."""
    return BOOT_S
