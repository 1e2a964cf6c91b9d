"""Ganeti's balancer, `hbal`, on the same clusters: what it costs, and how long its job sets would take.

hbal chooses where guests go, and in job sets: moves of which no two touch one node, one set after the other. We do not
choose; we order. So hbal's end placement becomes what our documents declare, and both orders are timed by our model: a
set of jobs takes as long as its longest move. Guests all run, on storage that all nodes share, one move a host: what
hbal knows of. Where it moves a guest twice, our order does so only if it must.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.core.diff import diff
from reconciler.core.planning.scheduler import make_plan
from tests.benchmarks.ordering import instances, realistic
from tests.benchmarks.ordering.instances import Instance, guest_name, host_name
from tests.benchmarks.ordering.replay import faults

GROUP = "default|group-1|preferred||"
POLICY = "|1,1,0,1,1,1|1,1,0,0,0,0;1000000,64,1000000000,16,8,12|ext|1000.0|1000.0"
"""No limit that matters: sizes from 1 MiB to 1,000,000 MiB, and only disks that every node sees."""
DISK_MIB, CPUS = 1_000_000, 64
JOB_SET = re.compile(r"echo jobset (\d+),")
MOVE = re.compile(r"gnt-instance migrate -f -n (\S+) (\S+)")
FILLS = (0.6, 0.85)
ONE_HOSTS_MAX, TENTH_HOSTS_MAX, BALANCED_HOSTS_MAX = 500, 100, 20
"""hbal weighs every target of every guest that may move, at each step: on more hosts it takes minutes to hours."""


@dataclass(frozen=True)
class Beside:
    """hbal's answer for one cluster, and ours for the same end placement."""

    cluster: str
    moves: int
    job_sets: int
    left: int
    """Guests that hbal leaves on a node that is to be empty."""
    hbal_cpu_s: float
    hbal_s: float
    """The sum of the longest moves of its job sets."""
    ours_cpu_s: float
    ours_s: float
    bound_s: float
    """No order of our moves is shorter."""


def installed() -> bool:
    """Whether there is an hbal; INSTALL=1 installs it."""
    if shutil.which("hbal") is None and os.environ.get("INSTALL") == "1":
        command = ["apt-get", "install", "--yes", "--no-install-recommends", "ganeti-htools"]
        subprocess.run(command, check=True, capture_output=True)
    return shutil.which("hbal") is not None


def drained(hosts: int, guests: int, fill: float, count: int, seed: int) -> Beside:
    """Some hosts drained by hbal, `-O node --evac-mode`, and by us to the same targets."""
    instance = realistic.drain(hosts, guests, fill, count, seed, online=True)
    gone = realistic.drained_hosts(instance)
    options = ["--evac-mode", *(f"-O{host_name(host)}" for host in gone)]
    name = f"{hosts}x{guests} {fill:g} drain {count}"
    return _beside(replace(instance, name=name, concurrent=hosts), options, gone)


def balanced(hosts: int, guests: int, fill: float, seed: int) -> Beside:
    """A whole cluster balanced by hbal, and by us to the same end."""
    instance = realistic.drain(hosts, guests, fill, 0, seed, online=True)
    return _beside(replace(instance, name=f"{hosts}x{guests} {fill:g} balance", concurrent=hosts), [], [])


def cluster_text(instance: Instance) -> str:
    """The cluster in the text format of htools: groups, nodes, instances, tags, policies, an empty line between."""
    free_mib = instance.free_mib()
    nodes = [
        f"{host_name(host)}|{total}|0|{free_mib[host]}|{DISK_MIB}|{DISK_MIB}|{CPUS}|N|group-1|1||N|0|0|1.0"
        for host, total in enumerate(instance.capacities_mib)
    ]
    guests = [
        f"{guest_name(guest)}|{size_mib}|0|1|running|Y|{host_name(instance.source[guest])}||ext||1|0|N"
        for guest, size_mib in enumerate(instance.memory_mib)
    ]
    return "\n".join([GROUP, "", *nodes, "", *guests, "", "", POLICY, ""])


def job_sets(text: str) -> list[list[tuple[int, int]]]:
    """What `hbal -C` prints, as (guest, host it goes to), a list each job set."""
    found: list[list[tuple[int, int]]] = []
    for line in text.splitlines():
        if JOB_SET.search(line):
            found.append([])
        move = MOVE.search(line)
        if move:
            found[-1].append((int(move[2][1:]), int(move[1][1:])))
        elif "gnt-instance" in line:
            raise ValueError(f"no plain migration: {line.strip()}")
    return found


def _beside(instance: Instance, options: Sequence[str], gone: Sequence[int]) -> Beside:
    sets, hbal_cpu_s = _asked(instance, options)
    at = list(instance.source)
    hbal_s = 0.0
    for moves in sets:
        touched = [host for guest, target in moves for host in (at[guest], target)]
        if len(set(touched)) < len(touched):
            raise ValueError("two moves of a job set touch one node")
        hbal_s += max(instance.seconds(guest) for guest, _ in moves)
        for guest, target in moves:
            at[guest] = target
    ours = realistic.with_targets(instance, at, instance.name)
    desired, observed = instances.desired(ours, step_aside=False), instances.observed(ours)
    difference = diff(desired, observed)
    began_s = time.process_time()
    plan = make_plan(desired, observed, difference, instances.RULEBOOKS)
    ours_cpu_s = time.process_time() - began_s
    wrong = list(faults(ours, plan, step_aside=False))
    if wrong or plan.blocked:
        raise ValueError(f"{instance.name}: {wrong[:1] or plan.blocked[0].text}")
    return Beside(
        cluster=instance.name,
        moves=sum(len(moves) for moves in sets),
        job_sets=len(sets),
        left=sum(host in gone for host in at),
        hbal_cpu_s=hbal_cpu_s,
        hbal_s=hbal_s,
        ours_cpu_s=ours_cpu_s,
        ours_s=plan.makespan_s,
        bound_s=plan.bound_s,
    )


def _asked(instance: Instance, options: Sequence[str]) -> tuple[list[list[tuple[int, int]]], float]:
    """hbal's job sets, and its CPU seconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".data") as file:
        file.write(cluster_text(instance))
        file.flush()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = ["hbal", "-t", str(Path(file.name)), "-C", *options]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise ValueError(f"hbal: {(done.stderr or done.stdout)[-400:]}")
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return job_sets(done.stdout), spent_s


def clusters(sizes: Sequence[tuple[int, int]], seed: int) -> Iterator[Beside]:
    """Drains of one host and of a tenth of them, and the smallest clusters balanced."""
    for hosts, guests in sizes:
        for fill in FILLS:
            if hosts <= ONE_HOSTS_MAX:
                yield drained(hosts, guests, fill, 1, seed)
            if hosts <= TENTH_HOSTS_MAX:
                yield drained(hosts, guests, fill, max(1, hosts // 10), seed)
        if hosts <= BALANCED_HOSTS_MAX:
            yield balanced(hosts, guests, FILLS[0], seed)
