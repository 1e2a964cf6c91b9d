"""Run histories by hand: `python -m tests.simulation --seeds 1000`, `--seed 42 --trace`, `--bugs`."""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation import planted
from tests.simulation.history import History
from tests.simulation.many import coverage_table, run_many, thin


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many histories (default 200)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--seed", type=int, help="replay one history")
    parser.add_argument("--trace", action="store_true", help="with --seed: a line an event")
    parser.add_argument("--bug", choices=sorted(planted.BUGS), help="plant this bug first")
    parser.add_argument("--bugs", action="store_true", help="plant each bug in turn: each must be caught")
    args = parser.parse_args()
    if args.bugs:
        return _bugs()
    if args.seed is not None:
        return _one(args.seed, args.trace, args.bug)
    print(f"simulation: {args.seeds} histories of the real loop, faults at every stage", flush=True)
    started_s = time.monotonic()
    ended = run_many(range(args.first, args.first + args.seeds), args.bug)
    seconds = time.monotonic() - started_s
    print(coverage_table(ended))
    moves, events = sum(end.moves for end in ended), sum(end.events for end in ended)
    print(f"{len(ended)} histories, {moves} migrations, {events} events in {seconds:.1f} s: ", end="")
    print(f"{len(ended) / seconds:.1f} histories a second")
    bad = [end for end in ended if end.violations]
    for end in bad[:10]:
        print(f"seed {end.seed}: {end.violations[0]}")
    few = thin(ended) if args.seeds >= 600 else []
    for cell, hits in few:
        print(f"hit only {hits} times: {cell.fault} at {cell.stage} of {cell.method}")
    print(f"{len(bad)} histories broke a promise" if bad else "no promise was broken")
    return 1 if bad or few else 0


def _one(seed: int, trace: bool, bug: str | None) -> int:
    with planted.bug(bug):
        end = History(seed, trace=trace).run()
    print("\n".join(end.trace))
    print(f"seed {seed}: {end.moves} migrations, {end.events} events")
    for violation in end.violations:
        print(f"broken: {violation}")
    return 1 if end.violations else 0


def _bugs() -> int:
    missed = 0
    for name in sorted(planted.BUGS):
        found = planted.caught(name)
        missed += found is None
        print(f"{name:32} {'not caught' if found is None else f'caught by seed {found.seed}: {found.violations[0]}'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
