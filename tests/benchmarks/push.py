"""`python -m tests.benchmarks.push`: from a push to the first mutating command, and a race for one branch.

The daemon is a real process, the hosts are simulated. Watching: the repository is on this machine. Polling: it is
behind a URL, asked every second. The same commits through `git push` alone are the yardstick of the same run. Prints a
table, and JSON with --json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.cli.bench import Bench
from tests.daemon.running import daemon, eventually
from tests.git.repositories import git, make_repository

HOSTS = ("h2", "h3", "h1")
WRITER = """
import json, sys, time
from pathlib import Path
from reconciler.git import remote as remotes
from reconciler.git.mirror import open_mirror
from reconciler.git.status_branch import publish
from reconciler.git.committing.status_commit import Identity
served, number, reports = sys.argv[1:]
remote = remotes.Remote(f"file://{served}")
mirror = open_mirror(Path(served).parent / f"writer-{number}.git", remote)
pushes = []
push = remotes.Remote.push
remotes.Remote.push = lambda *arguments: pushes.append(1) or push(*arguments)
tries = []
for each in range(int(reports)):
    pushes.clear()
    files = {"index.json": f"{number}-{each}".encode(), f"runs/{number}-{each}.json": b"{}"}
    publish(mirror, "refs/heads/reconciler/status/prod", files, "Report", [("Reconcile-Id", f"{number}-{each}")],
            Identity("reconciler", "reconciler@example.org"), 1700000000, remote)
    tries.append(len(pushes))
print(json.dumps(tries))
"""


def reaction_s(rounds: int, *, watching: bool) -> list[float]:
    """Seconds from the push to the moment at which the first command that changes anything is sent."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder)).build(speed=2000.0)
        served = Path(folder) / "served.git"
        if not watching:
            git(Path(folder), "init", "-q", "--bare", "-b", "main", str(served))
            text = bench.settings.read_text().replace('path = "fleet"', f'url = "file://{served}"\npoll_s = 1')
            bench.settings.write_text(text)
            bench.git("push", "--quiet", str(served), "main")
        found = []
        with daemon(bench.settings) as running:
            running.hears("published")
            for number in range(rounds):
                before = bench.sent().count("claim")
                time.sleep(0.3 + 0.37 * (number % 3))  # not in step with the poll
                began = time.time()
                bench.commit(web=HOSTS[number % 3])
                if not watching:
                    bench.git("push", "--quiet", str(served), "main")
                eventually(lambda seen=before: bench.sent().count("claim") > seen)  # type: ignore[misc]  # the default binds the loop variable
                found.append(time.time() - began)
                running.hears("pass-ended", result="converged")
        return found


def push_s(rounds: int) -> list[float]:
    """Seconds that a commit and a push take by themselves."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder)).build()
        served = Path(folder) / "served.git"
        git(Path(folder), "init", "-q", "--bare", "-b", "main", str(served))
        found = []
        for number in range(rounds):
            began = time.time()
            bench.commit(web=HOSTS[number % 3])
            bench.git("push", "--quiet", str(served), "main")
            found.append(time.time() - began)
        return found


def race(writers: int, reports: int) -> dict[str, Any]:
    """So many writers, each with so many reports, onto one branch."""
    with tempfile.TemporaryDirectory() as folder:
        served = make_repository(Path(folder) / "served.git")
        began = time.time()
        command = [sys.executable, "-c", WRITER, str(served)]
        processes = [
            subprocess.Popen([*command, str(number), str(reports)], stdout=subprocess.PIPE, text=True)
            for number in range(writers)
        ]
        tries = sorted(each for process in processes for each in json.loads(process.communicate()[0]))
        took_s = time.time() - began
        landed = int(git(served, "rev-list", "--count", "refs/heads/reconciler/status/prod"))
        damage = git(served, "fsck", "--no-dangling", "--no-progress")
    return {
        "writers": writers,
        "reports": writers * reports,
        "landed": landed,
        "fsck": damage or "clean",
        "tries_mean": statistics.mean(tries),
        "tries_p95": tries[int(0.95 * (len(tries) - 1))],
        "tries_max": tries[-1],
        "took_s": took_s,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--reports", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    watching, polling = (reaction_s(options.rounds, watching=each) for each in (True, False))
    alone = push_s(options.rounds)
    result = {"watching_s": watching, "polling_s": polling, "push_alone_s": alone, "race": race(8, options.reports)}
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{'push to first mutating command':34}{'median':>9}{'worst':>9}")
    for name, found in (("watching", watching), ("polling every second", polling), ("commit and push alone", alone)):
        print(f"  {name:32}{statistics.median(found):7.2f} s{max(found):7.2f} s")
    print()
    for name, value in result["race"].items():  # type: ignore[attr-defined]  # a dict of several kinds
        print(f"  {name:14}{value:.2f}" if isinstance(value, float) else f"  {name:14}{value}")


if __name__ == "__main__":
    main()
