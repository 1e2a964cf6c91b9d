"""`python -m tests.benchmarks.documents`: what loading a large fleet costs, cold and after one change.

Medians of several rounds in CPU seconds, with the C parser of the YAML library on the same text as the yardstick of the
same run. Prints a table, and JSON with --json. Asserts nothing: a busy machine is no failure.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from reconciler.core.diff import diff
from reconciler.core.model import Processor, RunState, StorageKind
from reconciler.core.observed import Disk, HostFacts, ObservedFleet, Registration
from reconciler.drivers import registry
from reconciler.git.plumbing import Repository
from reconciler.loop.daemon.reader import DesiredReader

HEAD = "apiVersion: reconciler/v1alpha1\nkind: "
FLEET = f"{HEAD}Fleet\nmetadata: {{name: large}}\nspec: {{mode: apply}}\n"
HOST = HEAD + "Host\nmetadata: {{name: host{0:04d}, labels: {{rack: r{1}}}}}\nspec: {{driver: simulated}}\n"
GUEST = """\
apiVersion: reconciler/v1alpha1
kind: Guest
metadata:
  name: guest{0:05d}
  labels: {{app: app{1}, tier: front}}
spec:
  host: host{2:04d}
  uuid: 00000000-0000-4000-8000-{0:012d}
  migration: {{downtime: allowed, stop: {{graceful: 5m, then: fail}}}}
"""


def documents(hosts: int, guests: int) -> dict[str, str]:
    """Every document of the fleet by its path, a file each."""
    files = {"fleet.yaml": FLEET}
    files |= {f"hosts/host{number:04d}.yaml": HOST.format(number, number % 40) for number in range(hosts)}
    for number in range(guests):
        path = f"guests/{number % 200:03d}/guest{number:05d}.yaml"
        files[path] = GUEST.format(number, number % 50, number % hosts)
    return files


class Site:
    """A bare repository with that fleet."""

    def __init__(self, folder: Path, hosts: int, guests: int) -> None:
        self.path = folder / "fleet.git"
        self.files = documents(hosts, guests)
        self.hosts = hosts
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(self.path), at=folder)
        self._import(self.files, "The fleet")
        self._git("gc", "--quiet")
        self._number = 0

    def change_one(self) -> None:
        """Commit that one guest shall be on another host."""
        self._number += 1
        path = f"guests/{self._number % 200:03d}/guest{self._number:05d}.yaml"
        text = GUEST.format(self._number, 1, (self._number * 7) % self.hosts)
        self._import({path: text}, f"Move guest {self._number}", onto=True)

    def _import(self, files: dict[str, str], message: str, *, onto: bool = False) -> None:
        lines = ["commit refs/heads/main", "committer Ada <ada@example.invalid> 1700000000 +0000"]
        lines += [f"data {len(message)}", message, *(["from refs/heads/main^0"] if onto else [])]
        stream = "\n".join(lines) + "\n"
        for path, text in files.items():
            stream += f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n"
        self._git("fast-import", "--quiet", "--force", stdin=stream)

    def _git(self, *arguments: str, at: Path | None = None, stdin: str = "") -> None:
        subprocess.run(
            ["git", *arguments], cwd=at or self.path, input=stdin, text=True, check=True, capture_output=True
        )


def seen(hosts: int, guests: int) -> ObservedFleet:
    """Every guest where it is declared, as its host would say it."""
    processor = Processor(32, 1, "Intel Itanium 2 9100")
    registrations: dict[int, list[Registration]] = {number: [] for number in range(hosts)}
    for number in range(guests):
        entry = Registration(
            uuid=f"00000000-0000-4000-8000-{number:012d}",
            name=f"guest{number:05d}",
            state=RunState.RUNNING,
            memory_mib=2048,
            vcpus=2,
            cpu_entitlement_percent=10,
            disks=(Disk(f"6001438012{number:022d}", StorageKind.SAN, 20480),),
            networks=("prod",),
            attributes={"os": "HPUX", "guest_kit": "yes"},
        )
        registrations[number % hosts].append(entry)
    looks = {
        f"host{number:04d}": HostFacts(
            name=f"host{number:04d}",
            machine_id=f"machine-{number}",
            platform="integrity-vm",
            version="4.2",
            processor=processor,
            cpus=16,
            memory_mib=1 << 18,
            registrations=tuple(entries),
        )
        for number, entries in registrations.items()
    }
    return ObservedFleet(dict(looks))


def cpu_s() -> float:
    """Of this process and the children it has waited for."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def measured(what: Callable[[], object], rounds: int, before: Callable[[], object] = lambda: None) -> dict[str, float]:
    """Median CPU and wall seconds."""
    cpu, wall = [], []
    for _ in range(rounds):
        before()
        gc.collect()
        began, wall_began = cpu_s(), time.perf_counter()
        what()
        cpu.append(cpu_s() - began)
        wall.append(time.perf_counter() - wall_began)
    return {"cpu_s": statistics.median(cpu), "wall_s": statistics.median(wall)}


def resident_mib() -> float:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


def started_s(code: str, rounds: int = 15) -> float:
    """Median wall time of a Python that runs this."""
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def run(hosts: int, guests: int, rounds: int) -> dict[str, Any]:
    """All figures for one size."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), hosts, guests)
        repository = Repository.open(site.path)
        drivers = tuple(registry.OPENERS)
        text = "---\n".join(site.files.values())
        yardstick = measured(lambda: sum(1 for _ in yaml.load_all(text, Loader=yaml.CSafeLoader)), max(1, rounds // 2))
        cold = measured(lambda: DesiredReader(repository, ".", drivers).at("main"), rounds)
        before_mib = resident_mib()
        reader = DesiredReader(repository, ".", drivers)
        loaded = reader.at("main")
        assert loaded.desired is not None, loaded.problems[:3]
        held_mib = resident_mib() - before_mib
        observed = seen(hosts, guests)
        difference = diff(loaded.desired, observed)
        assert difference.converged
        whole_mib = resident_mib() - before_mib
        warm = measured(lambda: reader.at("main"), rounds, site.change_one)
        same = measured(lambda: reader.at("main"), rounds)
    return {
        "hosts": hosts,
        "guests": guests,
        "yaml_c_parser": yardstick,
        "cold": cold,
        "one_guest_changed": warm,
        "nothing_changed": same,
        "held_mib": held_mib,
        "whole_mib": whole_mib,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--guests", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sizes = [(max(1, options.hosts // 10), options.guests // 10), (options.hosts, options.guests)]
    found = [run(hosts, guests, options.rounds) for hosts, guests in sizes]
    bare_s, click_s = started_s("pass"), started_s("import click")
    help_s = started_s("from reconciler.cli import run; run(['--help'])")
    result = {"sizes": found, "help_s": help_s, "import_click_s": click_s, "python_s": bare_s}
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{'':28}" + "".join(f"{size['hosts']:>8} x {size['guests']:<8}" for size in found))
    rows: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
        ("YAML C parser, CPU", lambda size: f"{size['yaml_c_parser']['cpu_s']:.2f} s"),
        ("cold load, CPU", lambda size: f"{size['cold']['cpu_s']:.2f} s"),
        ("  of the parser's", lambda size: f"{size['cold']['cpu_s'] / size['yaml_c_parser']['cpu_s']:.2f} x"),
        ("one guest changed, CPU", lambda size: f"{1000 * size['one_guest_changed']['cpu_s']:.1f} ms"),
        ("one guest changed, wall", lambda size: f"{1000 * size['one_guest_changed']['wall_s']:.1f} ms"),
        ("nothing changed, CPU", lambda size: f"{1000 * size['nothing_changed']['cpu_s']:.1f} ms"),
        ("documents in memory", lambda size: f"{size['held_mib']:.0f} MiB"),
        ("and all hosts, and the diff", lambda size: f"{size['whole_mib']:.0f} MiB"),
        ("peak memory", lambda size: f"{size['peak_mib']:.0f} MiB"),
    )
    for name, cell in rows:
        print(f"{name:28}" + "".join(f"{cell(size):>19}" for size in found))
    times = (("reconciler --help", help_s), ("import click", click_s), ("python", bare_s))
    print("\n" + "; ".join(f"{name}: {1000 * taken_s:.0f} ms" for name, taken_s in times))


if __name__ == "__main__":
    main()
