"""Compare plans with exhaustive search: `python -m tests.core.planning.exhaustive --instances 500 --seed 1`."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence

from tests.core.planning.exhaustive.comparison import NEAR, STATES_MAX, Compared, compare
from tests.core.planning.exhaustive.instances import Instance, generate
from tests.core.planning.exhaustive.shrinking import shrink


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.core.planning.exhaustive", description=__doc__)
    parser.add_argument("--instances", type=int, default=500, help="how many (default 500)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--shrink", action="store_true", help="make what falls short as small as it can be")
    parser.add_argument("--line", help="compare this one instance, as a line of text, and print its plan")
    parser.add_argument("--states", type=int, default=STATES_MAX, help=f"give up beyond (default {STATES_MAX})")
    args = parser.parse_args()
    if args.line:
        found = compare(Instance.read(args.line), args.states)
        for step in found.plan.steps:
            print(f"{step.start_s:7.2f} {step.end_s:7.2f}  {step.guest} {step.source} → {step.target}")
        print(table([found]))
        return 1 if found.faults else 0
    all_found: list[Compared] = []
    started_s = time.monotonic()
    for seed in range(args.seed, args.seed + args.instances):
        found = compare(generate(seed), args.states)
        all_found.append(found)
        for fault in found.faults:
            print(f"seed {seed}: {fault}\n    {found.instance}", flush=True)
        if found.faults and args.shrink:
            small = shrink(found)
            print(f"  smaller: {'; '.join(small.faults)}\n    {small.instance}", flush=True)
    print(table(all_found))
    print(f"{time.monotonic() - started_s:.0f} s")
    return 1 if any(found.faults for found in all_found) else 0


def table(all_found: Sequence[Compared]) -> str:
    """Everything in figures."""
    known = [found for found in all_found if found.most is not None]
    ratios = sorted(found.ratio for found in all_found if found.ratio is not None)
    far = sum(found.near is False for found in all_found)
    judged = sum(found.near is not None for found in all_found)
    short = sum(found.serves_fewer for found in known)
    over = sum(found.most is not None and len(found.served) > found.most.guests for found in known)
    detouring = [found for found in all_found if found.least_detours is not None and found.detours]
    more = sum(found.detours > (found.least_detours or 0) for found in detouring)
    rows = [
        ("instances", len(all_found)),
        ("searched to the end", len(known)),
        ("feasible by search", sum(found.feasible is True for found in known)),
        ("feasible by plan", sum(len(found.served) == found.wanting for found in known)),
        ("plans that serve fewer than can be", short),
        ("plans that serve more than can be", over),
        ("plans with detours", len(detouring)),
        ("  more than needed", more),
        ("makespan compared exactly", len(ratios)),
        ("  ratio, median", f"{statistics.median(ratios) if ratios else 0:.3f}"),
        ("  ratio, worst", f"{max(ratios, default=0):.3f}"),
        (f"judged within {NEAR} or not", judged),
        (f"  above {NEAR}", f"{far} ({100 * far / max(1, judged):.1f} %)"),
    ]
    return "\n".join(f"{name:36} {value}" for name, value in rows)


if __name__ == "__main__":
    sys.exit(main())
