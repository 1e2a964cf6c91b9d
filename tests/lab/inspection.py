"""Look at hosts from outside: where a guest is, and what should not be there.

Called by the lab, after a test did something. Reads only; whether what it finds is in order is the caller's question.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.guests.guest import LOCAL, Guest
from tests.lab.hosts.machine import Machine
from tests.lab.switch import Switch

ANSWER_TIMEOUT_S = 20.0
ABSENT = "failed to get domain"


@dataclass(frozen=True)
class Sighting:
    """`known` is False when the host did not answer: then nothing else means anything."""

    known: bool = True
    defined: bool = False
    """It is there in any way: active or not."""
    persistent: bool = False
    state: str = ""
    """In virsh's words: running, paused, shut off."""
    reason: str = ""

    @property
    def active(self) -> bool:
        """Whether there is a process of it."""
        return self.defined and self.state != "shut off"

    @property
    def words(self) -> str:
        """For people."""
        if not self.known:
            return "does not answer"
        if not self.defined:
            return "not here"
        return f"{self.state} ({self.reason}){'' if self.persistent else ', transient'}"


def look(machine: Machine, name: str) -> Sighting:
    """Ask this host."""
    asked = ["virsh", "-q", f"dominfo {name}; domstate {name} --reason"]
    done = machine.run(asked, check=False, timeout=ANSWER_TIMEOUT_S)
    if done.returncode:
        return Sighting(known=ABSENT in done.stderr)
    lines = done.stdout.split("\n")
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    state, _, reason = next(line for line in reversed(lines) if line.endswith(")")).partition(" (")
    return Sighting(
        defined=True, persistent=facts["Persistent"].strip() == "yes", state=state, reason=reason.removesuffix(")")
    )


def leftovers(folder: Path, switch: Switch, machines: Mapping[str, Machine], guests: Mapping[str, Guest]) -> list[str]:
    """A line each, in order; empty when all is as it should be."""
    up = {host: machine for host, machine in machines.items() if machine.up}
    homes = _homes(up)
    found = [
        *_definitions(homes, guests),
        *_images(folder, switch, machines, guests, homes),
        *(line for host, machine in up.items() for line in _processes(host, machine, homes)),
    ]
    return sorted(found)


def _homes(machines: Mapping[str, Machine]) -> dict[str, dict[str, bool]]:
    """Guest, host: whether it is active there."""
    homes: dict[str, dict[str, bool]] = defaultdict(dict)
    for host, machine in machines.items():
        for name in machine.virsh("list", "--all", "--name").split():
            homes[name][host] = False
        for name in machine.virsh("list", "--name").split():
            homes[name][host] = True
    return homes


def _definitions(homes: Mapping[str, Mapping[str, bool]], guests: Mapping[str, Guest]) -> Iterator[str]:
    for name, hosts in homes.items():
        if name not in guests:
            yield from (f"{host}: guest {name}, which nobody made" for host in hosts)
        elif len(hosts) > 1:
            where = ", ".join(f"{host} ({'active' if active else 'shut off'})" for host, active in hosts.items())
            yield f"{where}: guest {name} more than once"


def _images(
    folder: Path,
    switch: Switch,
    machines: Mapping[str, Machine],
    guests: Mapping[str, Guest],
    homes: Mapping[str, Mapping[str, bool]],
) -> Iterator[str]:
    shared = {Path(guest.disk_path).name for guest in guests.values() if guest.disk_path and guest.disk != LOCAL}
    yield from (
        f"/srv/san/images/{file.name}" for file in (folder / "san" / "images").iterdir() if file.name not in shared
    )
    for host in machines:
        local = {
            Path(guest.disk_path).name
            for guest in guests.values()
            if guest.disk == LOCAL and host in homes.get(guest.name, {})
        }
        for file in switch.path(folder / host / "local").iterdir():
            if file.name not in local:
                yield f"{host}: /srv/local/{file.name}"


def _processes(host: str, machine: Machine, homes: Mapping[str, Mapping[str, bool]]) -> Iterator[str]:
    yield from (f"{host}: runs {line}" for line in machine.strangers())
    running = sum("qemu-system" in line for line in machine.processes().values())
    expected = sum(hosts.get(host, False) for hosts in homes.values())
    if running > expected:
        yield f"{host}: {running - expected} QEMU more than active guests"
