"""How good an order of moves is, and what finding it costs: `python -m tests.benchmarks.ordering`.

    --sizes 20x200,100x1000  --fills 0.6,0.85,0.95  --seeds 1-5  --quick  --parts uniform,realistic,hbal
    --json FILE     write the figures there, too, as they come; `--from FILE` prints their table again

Each fleet is planned in a process of its own, one seed after the other: stopped with Ctrl-C, it prints what it has.
docs/development/benchmarks.md says how to read the table. hbal is measured where it is installed (INSTALL=1 installs
it).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.benchmarks.ordering import hbal
from tests.benchmarks.ordering.goals import goals
from tests.benchmarks.ordering.hbal import Beside
from tests.benchmarks.ordering.measuring import Case, Row
from tests.benchmarks.ordering.tables import report

Size = tuple[int, int]

SIZES = "20x200,100x1000,500x5000,1000x20000"
FILLS = "0.6,0.85,0.95"
ROTATING = (0.0, 0.3, 0.8)
PARTS = "uniform,realistic,hbal"
DRAIN_FILLS = {1: (0.6, 0.75, 0.9), 10: (0.6, 0.75, 0.85)}
"""One host, or every tenth: how full the fleet is. Nine tenths cannot hold a fleet that fills nine tenths."""
DRAIN_HOSTS_MAX = 500
WORKER = "tests.benchmarks.ordering.measuring"


@dataclass
class Found:
    """Everything measured so far, and where it is kept."""

    file: Path | None = None
    rows: list[Row] = field(default_factory=list)
    loads: list[dict[str, float]] = field(default_factory=list)
    beside: list[Beside] = field(default_factory=list)

    @staticmethod
    def read(file: Path) -> Found:
        """What was kept."""
        told = json.loads(file.read_text())
        rows = [Row.of(row) for row in told["rows"]]
        return Found(None, rows, told["loading"], [Beside(**one) for one in told["hbal"]])

    def keep(self) -> None:
        """Write it down."""
        if self.file is None:
            return
        told = {
            "rows": [asdict(row) for row in self.rows],
            "loading": self.loads,
            "hbal": [asdict(one) for one in self.beside],
            "goals": [asdict(goal) for goal in goals(self.rows)],
        }
        self.file.write_text(json.dumps(told, indent=1) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", default=SIZES)
    parser.add_argument("--fills", default=FILLS, help="of the uniform fleets")
    parser.add_argument("--seeds", default="1-5", help="such as 1-5, or 3")
    parser.add_argument("--parts", default=PARTS)
    parser.add_argument("--quick", action="store_true", help="the smallest size, one seed")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    parser.add_argument("--from", type=Path, dest="kept", help="measure nothing, print what such a file holds")
    options = parser.parse_args(arguments)
    sizes = [_size(text) for text in options.sizes.split(",")]
    seeds = _seeds(options.seeds)
    if options.quick:
        sizes, seeds = sizes[:1], seeds[:1]
    found = Found(options.json) if options.kept is None else Found.read(options.kept)
    if options.kept is None:
        try:
            _measure(found, options.parts.split(","), sizes, [float(fill) for fill in options.fills.split(",")], seeds)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
    print("\n".join(report(found.rows, found.loads, found.beside)))


def cases(parts: Sequence[str], sizes: Sequence[Size], fills: Sequence[float], seeds: Sequence[int]) -> Iterator[Case]:
    """Every fleet of these parts, one seed after the other."""
    for seed in seeds:
        for hosts, guests in sizes:
            for aside in (True, False):
                if "uniform" in parts:
                    for fill in fills:
                        for rotating in ROTATING:
                            yield Case("uniform", hosts, guests, fill, seed, rotating=rotating, aside=aside)
                if "realistic" in parts and hosts <= DRAIN_HOSTS_MAX:
                    for share, full in DRAIN_FILLS.items():
                        drained = 1 if share == 1 else max(1, hosts // share)
                        for fill in full:
                            yield Case("drain", hosts, guests, fill, seed, drained=drained, aside=aside)


def _measure(
    found: Found, parts: Sequence[str], sizes: Sequence[Size], fills: Sequence[float], seeds: Sequence[int]
) -> None:
    if "hbal" in parts and hbal.installed():
        for one in hbal.clusters(sizes, seeds[0]):
            _tell(f"hbal {one.cluster}")
            found.beside.append(one)
            found.keep()
    for hosts, guests in sizes:
        found.loads.append(json.loads(_asked(Case("documents", hosts, guests, 0.6, seeds[0]))))
    for case in cases(parts, sizes, fills, seeds):
        _tell(str(case))
        found.rows.append(Row.of(json.loads(_asked(case))))
        found.keep()


def _asked(case: Case) -> str:
    """What a process of its own answers."""
    command = [sys.executable, "-m", WORKER, json.dumps(asdict(case))]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _size(text: str) -> Size:
    hosts, guests = text.split("x")
    return int(hosts), int(guests)


def _seeds(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


if __name__ == "__main__":
    main()
