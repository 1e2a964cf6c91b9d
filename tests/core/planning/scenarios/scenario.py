"""A story about planning as text: why it is told, hosts with their guests, documents, the plan as a reviewer sees it.

    # The reason, in a sentence or two.

    vmhost-a 16GiB: db01 16GiB, web01 8GiB 4x20%
    vmhost-b 16GiB: -
    ----
    kind: Guest
    metadata: {name: db01}
    spec: {host: vmhost-b}
    ----
    the plan as text
    ----
    the same as Markdown, where the story has that

A host is of Integrity VM 4.2 with 8 CPUs unless its line says otherwise (`4.1`). A guest runs, on disks that every host
sees, with one virtual CPU that is guaranteed 10% unless its words say otherwise: `4x20%`, `local` (a disk of 20 GiB on
its host), `dynamic` (memory that can be set). Used by the test beside it, and by `rewrite`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import Disk, HostFacts, ObservedFleet
from reconciler.core.planning.plan import Plan
from reconciler.core.quantities import parse_memory_mib
from reconciler.documents import load
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.world import World
from reconciler.loop.once import plan_documents
from reconciler.render.markdown.plan import plan_markdown
from reconciler.render.text.plan import plan_text

FOLDER = Path(__file__).parent
CUT = "----\n"
API = "apiVersion: reconciler/v1alpha1\n"
FLEET = f"{API}kind: Fleet\nmetadata: {{name: example}}\nspec: {{mode: apply}}\n"
GUEST_KIT = {"os": "HPUX", "guest_kit": "yes", "inserted_media": "none"}
HOST_LINE = re.compile(r"(?P<name>[\w-]+) (?P<words>[^:]+): (?P<guests>.+)")


@dataclass(frozen=True)
class Scenario:
    """One file of this folder, taken apart."""

    told: str
    """Reason and hosts."""
    documents: str
    expected: tuple[str, ...]

    @staticmethod
    def read(path: Path) -> Scenario:
        """Take it apart. Raises ValueError for a file without documents."""
        told, documents, *expected = path.read_text(encoding="utf-8").split(CUT)
        return Scenario(told, documents, tuple(expected))

    def plan(self) -> Plan:
        """What is planned."""
        hosts = [line for line in self.told.splitlines() if line and not line.startswith("#")]
        texts = [FLEET, *(_host_document(line) for line in hosts)]
        texts += [API + document.lstrip("\n") for document in self.documents.split("---\n")]
        desired = load({f"{number}.yaml": text.encode() for number, text in enumerate(texts)}).require()
        return plan_documents(desired, _observed(hosts)).plan

    def outputs(self) -> tuple[str, ...]:
        """The plan as text, and as Markdown where the file has that."""
        plan = self.plan()
        bare = replace(plan, steps=tuple(replace(step, commands=()) for step in plan.steps))
        return (plan_text(plan), plan_markdown(bare))[: max(1, len(self.expected))]

    def text(self) -> str:
        """The file anew."""
        return CUT.join((self.told, self.documents, *self.outputs()))


def scenarios() -> Sequence[Path]:
    """All of them."""
    return sorted(FOLDER.glob("*.txt"))


def _parts(line: str) -> re.Match[str]:
    found = HOST_LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"not a host with its guests: {line!r}")
    return found


def _host_document(line: str) -> str:
    return f"{API}kind: Host\nmetadata: {{name: {_parts(line)['name']}}}\nspec: {{driver: simulated}}\n"


def _observed(lines: Sequence[str]) -> ObservedFleet:
    """What all these hosts say of themselves."""
    guests = [(line, words) for line in lines for words in _parts(line)["guests"].split(", ") if words != "-"]
    luns = tuple(f"lun-{words.split()[0]}" for _, words in guests)
    world = World.of([_host(line, luns) for line in lines], rules=refusal)
    for line, words in guests:
        guest, disk = _guest(words.split())
        world.place(guest, _parts(line)["name"], (disk,), RunState.RUNNING)
    looks = {_parts(line)["name"]: world.look(_parts(line)["name"]) for line in lines}
    assert all(isinstance(look, HostFacts) for look in looks.values())
    return ObservedFleet(looks)


def _host(line: str, luns: tuple[str, ...]) -> SimHost:
    memory, *version = _parts(line)["words"].split()
    return SimHost(
        _parts(line)["name"],
        version=version[0] if version else "4.2",
        memory_mib=parse_memory_mib(memory),
        memory_overhead_percent=0,
        networks=("lan0",),
        presented=luns,
    )


def _guest(words: Sequence[str]) -> tuple[SimGuest, Disk]:
    name, memory, *more = words
    guest = SimGuest(f"uuid-{name}", name, parse_memory_mib(memory), networks=("lan0",), attributes=GUEST_KIT)
    disk = Disk(f"lun-{name}", StorageKind.SAN, 20 * 1024)
    for word in more:
        if word == "local":
            disk = Disk(f"/guests/{name}.img", StorageKind.FILE, 20 * 1024)
        elif word == "dynamic":
            guest = replace(guest, memory_min_mib=512, memory_step_mib=64)
        else:
            vcpus, entitlement = word.rstrip("%").split("x")
            guest = replace(guest, vcpus=int(vcpus), cpu_entitlement_percent=int(entitlement))
    return guest, disk
