"""One fleet planned and measured, in a process of its own: `python -m tests.benchmarks.ordering.measuring CASE`.

CASE is a `Case` as JSON; the answer is a `Row` as JSON. CPU seconds of this process. Memory is what the kernel calls
VmHWM, the most that was resident so far, less what was resident once everything was imported. (Not `ru_maxrss`: a
process that was started by a larger one begins with that one's.)
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from reconciler.core.diff import diff
from reconciler.core.planning.plan import Plan
from reconciler.core.planning.scheduler import make_plan
from reconciler.core.planning.verify import verify
from reconciler.documents.loading import load
from tests.benchmarks.ordering import instances, realistic
from tests.benchmarks.ordering.any_way import AnyWay, any_way, simple_s
from tests.benchmarks.ordering.instances import Instance
from tests.benchmarks.ordering.replay import faults

T = TypeVar("T")


@dataclass(frozen=True)
class Case:
    """What is measured: `kind` is `uniform`, `drain` or `documents`. `rotating` is for the first, `drained` for the
    second; `aside`: whether guests in their place may step aside, online."""

    kind: str
    hosts: int
    guests: int
    fill: float
    seed: int
    rotating: float = 0.0
    drained: int = 0
    aside: bool = True

    def instance(self) -> Instance:
        """The fleet."""
        if self.kind == "drain":
            return realistic.drain(self.hosts, self.guests, self.fill, self.drained, self.seed)
        return instances.uniform(self.hosts, self.guests, self.fill, self.rotating, self.seed)


@dataclass(frozen=True)
class Score:
    """A plan beside its bounds, in seconds. `these_s` holds for its own moves, `any_s` for whatever moves there are,
    `simple_s` is the plainest of the latter kind."""

    makespan_s: float
    these_s: float
    any_s: float
    simple_s: float

    def ratio(self, bound_s: float) -> float:
        """How many times the bound."""
        return self.makespan_s / bound_s if bound_s else 1.0


@dataclass(frozen=True)
class Row:
    """Everything measured of one case. `cpu_s` and `peak_mib` go by phase: build, diff, first, improved, verify; the
    peaks include what the phases before hold."""

    case: Case
    moves: int
    first: Score
    improved: Score
    hops: int
    """Guests that rest on a third host on their way."""
    aside: int
    """Guests that were in their place and step aside."""
    blocked: dict[str, int]
    """Guests that are not brought to their place, by reason."""
    faults: tuple[str, ...]
    """What the replay and the proof say against the plans; nothing, or the planner is wrong."""
    certificate: tuple[str, ...]
    """Where the bound of any way comes from."""
    cpu_s: dict[str, float] = field(default_factory=dict)
    peak_mib: dict[str, float] = field(default_factory=dict)

    @property
    def stuck(self) -> int:
        """Guests that are not brought to their place."""
        return sum(self.blocked.values())

    @staticmethod
    def of(told: Mapping[str, Any]) -> Row:
        """From what JSON says."""
        parts = {
            "case": Case(**told["case"]),
            "first": Score(**told["first"]),
            "improved": Score(**told["improved"]),
            "faults": tuple(told["faults"]),
            "certificate": tuple(told["certificate"]),
        }
        return Row(**{**told, **parts})


class Meter:
    """CPU seconds and peaks, a phase after the other."""

    def __init__(self) -> None:
        gc.collect()
        self.base_mib = _resident_mib("VmRSS")
        self.cpu_s: dict[str, float] = {}
        self.peak_mib: dict[str, float] = {}

    def phase(self, name: str, what: Callable[[], T]) -> T:
        """Do it, and remember what it took."""
        gc.collect()
        began_s = time.process_time()
        done = what()
        self.cpu_s[name] = time.process_time() - began_s
        self.peak_mib[name] = max(0.0, _resident_mib("VmHWM") - self.base_mib)
        return done


def measured(case: Case) -> Row:
    """The case's fleet: planned without and with improvement, proven, replayed, and set beside its bounds."""
    meter = Meter()
    instance = case.instance()
    desired, observed = meter.phase(
        "build", lambda: (instances.desired(instance, step_aside=case.aside), instances.observed(instance))
    )
    difference = meter.phase("diff", lambda: diff(desired, observed))
    rules = instances.RULEBOOKS
    first = meter.phase("first", lambda: make_plan(desired, observed, difference, rules, improve=False))
    plan = meter.phase("improved", lambda: make_plan(desired, observed, difference, rules))
    found = list(meter.phase("verify", lambda: verify(desired, observed, plan)))
    for one in (first, plan):
        found += faults(instance, one, step_aside=case.aside)
    beyond = _any_way(instance, plan, case.aside)
    in_place = {guest for guest, host in enumerate(instance.source) if host == instance.target[guest]}
    moved = {int(step.guest[1:]) for step in plan.moves}
    resting = {int(step.guest[1:]) for step in plan.moves if step.hop}
    return Row(
        case,
        moves=len(plan.moves),
        first=_score(instance, first, _any_way(instance, first, case.aside)),
        improved=_score(instance, plan, beyond),
        hops=len(resting - in_place),
        aside=len(moved & in_place),
        blocked=dict(sorted(Counter(str(entry.reason) for entry in plan.blocked).items())),
        faults=tuple(found),
        certificate=beyond.certificate,
        cpu_s=meter.cpu_s,
        peak_mib=meter.peak_mib,
    )


def _served(instance: Instance, plan: Plan) -> list[int]:
    blocked = {int(entry.guest[1:]) for entry in plan.blocked}
    return [guest for guest in instance.movers if guest not in blocked]


def _any_way(instance: Instance, plan: Plan, aside: bool) -> AnyWay:
    return any_way(instance, _served(instance, plan), step_aside=aside)


def _score(instance: Instance, plan: Plan, beyond: AnyWay) -> Score:
    return Score(plan.makespan_s, plan.bound_s, beyond.best_s, simple_s(instance, _served(instance, plan)))


def _resident_mib(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


# --- documents --------------------------------------------------------------------------------------------------------

KIND = "apiVersion: reconciler/v1alpha1\nkind: "
GUEST = f"""{KIND}Guest
metadata: {{{{name: {{name}}}}}}
spec:
  host: {{host}}
  uuid: {{uuid}}
"""


def loading(case: Case) -> dict[str, float]:
    """What it costs to load as many documents, a file each."""
    instance = case.instance()
    files = {"fleet.yaml": f"{KIND}Fleet\nmetadata: {{name: bench}}\nspec: {{mode: apply}}\n".encode()}
    for name in map(instances.host_name, range(instance.hosts)):
        text = f"{KIND}Host\nmetadata: {{name: {name}}}\nspec: {{driver: simulated}}\n"
        files[f"hosts/{name}.yaml"] = text.encode()
    for number, host in enumerate(instance.target):
        name, uuid = instances.guest_name(number), f"00000000-0000-4000-8000-{number:012d}"
        text = GUEST.format(name=name, host=instances.host_name(host), uuid=uuid)
        files[f"guests/{name}.yaml"] = text.encode()
    meter = Meter()
    fleet = meter.phase("load", lambda: load(files).require())
    if len(fleet.guests) != case.guests:
        raise ValueError("documents were not read")
    return {
        "hosts": case.hosts,
        "guests": case.guests,
        "cpu_s": meter.cpu_s["load"],
        "peak_mib": meter.peak_mib["load"],
    }


if __name__ == "__main__":
    asked = Case(**json.loads(sys.argv[1]))
    print(json.dumps(loading(asked) if asked.kind == "documents" else asdict(measured(asked))))
