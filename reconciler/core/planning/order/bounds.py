"""What no schedule can beat: how long the same steps take at least. Called by the scheduler; knows nothing of orders.

Three bounds, the largest counts. Link: the work of the busiest host over its slots. Fleet: all work over all slots.
Chain: a guest whose target is full cannot arrive before enough others have left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from reconciler.core.desired import Limits
from reconciler.core.model import Load, StepKind
from reconciler.core.planning.journey import Journey, Leg


def bound_s(journeys: Sequence[Journey], room: Mapping[str, Load], limits: Limits) -> float:
    """The least number of seconds in which these journeys, without any hop, can be made."""
    legs = [leg for journey in journeys for leg in journey.legs]
    return max(_link_s(legs, limits), _fleet_s(legs, limits), _chain_s(journeys, room, limits), 0.0)


def _link_s(legs: Sequence[Leg], limits: Limits) -> float:
    """The busiest host: out, in, and both together with its starts and stops."""
    out_s: dict[str, float] = defaultdict(float)
    in_s: dict[str, float] = defaultdict(float)
    all_s: dict[str, float] = defaultdict(float)
    for leg in legs:
        seconds = leg.duration.total_s
        for host in {leg.source, leg.target}:
            all_s[host] += seconds
        if leg.kind is StepKind.MIGRATE:
            out_s[leg.source] += seconds
            in_s[leg.target] += seconds
    return max(
        max(out_s.values(), default=0.0) / max(1, limits.concurrent_out),
        max(in_s.values(), default=0.0) / max(1, limits.concurrent_in),
        max(all_s.values(), default=0.0) / max(1, limits.concurrent_host),
    )


def _fleet_s(legs: Sequence[Leg], limits: Limits) -> float:
    moves_s = sum(leg.duration.total_s for leg in legs if leg.kind is StepKind.MIGRATE)
    return moves_s / max(1, limits.concurrent)


def _chain_s(journeys: Sequence[Journey], room: Mapping[str, Load], limits: Limits) -> float:
    """The longest wait of one guest: for room in memory where its target is full, then for its own legs."""
    leavers: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for journey in journeys:
        for leg in journey.legs:
            if leg.frees.memory_mib > 0:
                leavers[leg.source].append((leg.frees.memory_mib, leg.duration.total_s))
    longest_s = 0.0
    for journey in journeys:
        own_s = 0.0
        for leg in reversed(journey.legs):
            own_s += leg.duration.total_s
            lacking_mib = leg.takes.memory_mib - room[leg.target].memory_mib if leg.takes.memory_mib > 0 else 0
            wait_s = _freeing_s(leavers[leg.target], lacking_mib, max(1, limits.concurrent_host))
            longest_s = max(longest_s, wait_s + own_s)
    return longest_s


def _freeing_s(leavers: Sequence[tuple[int, float]], lacking_mib: int, slots: int) -> float:
    """The least time in which so much can leave a host: the quickest leavers for their size, the last one in part."""
    if lacking_mib <= 0 or not leavers:
        return 0.0
    work_s = 0.0
    for size_mib, seconds in sorted(leavers, key=lambda leaver: (leaver[1] / leaver[0], leaver)):
        part = min(1.0, lacking_mib / size_mib)
        work_s += part * seconds
        lacking_mib -= size_mib
        if lacking_mib <= 0:
            break
    return max(work_s / slots, min(seconds for _, seconds in leavers))
