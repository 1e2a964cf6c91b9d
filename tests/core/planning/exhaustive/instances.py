"""Small fleets as numbers, in a line of text each: full hosts whose guests change places, and roomy ones.

Made by the comparison from seeds, and by tests from text. Decides nothing.

A line: `h0=8000 h1=4000; a:4000:h0>h1 b:4000:h1>h0:straight c:2000:h0:aside; 4/1/1/1`. Hosts with their memory in MiB;
guests with theirs, from where to where (`straight`: may not rest on its way; `aside`: may step aside for others once it
is in its place; `apart`: no two of these on one host); moves under way at most in the fleet, into a host, out of it,
and in total.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.core.desired import Limits, PlacementRule, RuleKind
from tests.core.fleets import HERE, World, guest, host, registration, world

TICKS_S = 100
"""Ticks in a second. A move takes 5 s and a second for each 100 MiB: whole ticks."""
SETUP_TICKS = 5 * TICKS_S


@dataclass(frozen=True)
class Mover:
    """A guest, running, on a host by its number, and where it shall be; the same where it only stands in the way."""

    name: str
    memory_mib: int
    source: int
    target: int
    hop: bool = True
    aside: bool = False
    apart: bool = False

    @property
    def ticks(self) -> int:
        """How long any of its moves takes."""
        return SETUP_TICKS + self.memory_mib

    def __str__(self) -> str:
        way = f"h{self.source}" if self.source == self.target else f"h{self.source}>h{self.target}"
        words = {"straight": not self.hop, "aside": self.aside, "apart": self.apart}
        return ":".join([self.name, str(self.memory_mib), way, *(word for word, holds in words.items() if holds)])


@dataclass(frozen=True)
class Instance:
    """Hosts by their memory, guests, and what may be under way at once."""

    hosts_mib: tuple[int, ...]
    movers: tuple[Mover, ...]
    limits: Limits = Limits()

    def __str__(self) -> str:
        hosts = " ".join(f"h{number}={memory_mib}" for number, memory_mib in enumerate(self.hosts_mib))
        most = self.limits
        limits = f"{most.concurrent}/{most.concurrent_in}/{most.concurrent_out}/{most.concurrent_host}"
        return f"{hosts}; {' '.join(map(str, self.movers))}; {limits}"

    @staticmethod
    def read(line: str) -> Instance:
        """What the line says."""
        hosts, movers, limits = (part.split() for part in line.split(";"))
        return Instance(
            tuple(int(entry.partition("=")[2]) for entry in hosts),
            tuple(map(_mover, movers)),
            Limits(*map(int, limits[0].split("/"))),
        )

    def world(self) -> World:
        """The same as documents and facts."""
        looks = [
            host(
                f"h{number}",
                *(registration(entry.name, entry.memory_mib) for entry in self.movers if entry.source == number),
                memory_mib=memory_mib,
            )
            for number, memory_mib in enumerate(self.hosts_mib)
        ]
        guests = [guest(entry.name, f"h{entry.target}", hop=entry.hop, step_aside=entry.aside) for entry in self.movers]
        apart = tuple(entry.name for entry in self.movers if entry.apart)
        rules = {"apart": PlacementRule("apart", RuleKind.APART, HERE, names=apart)} if apart else {}
        there = world(looks, guests, limits=self.limits)
        return replace(there, desired=replace(there.desired, rules=rules))


def _mover(text: str) -> Mover:
    name, memory_mib, way, *words = text.split(":")
    source, _, target = way.partition(">")
    here, there = (int(host.removeprefix("h")) for host in (source, target or source))
    return Mover(name, int(memory_mib), here, there, "straight" not in words, "aside" in words, "apart" in words)


LIMITS = (Limits(), Limits(), Limits(2), Limits(2, 2, 2, 2), Limits(4, 1, 1, 2), Limits(4, 2, 1, 3))
SIZES_MIB = (1000, 2000, 2000, 4000, 4000, 8000)


def generate(seed: int) -> Instance:
    """The instance of this seed: of five, one loose, three tight, and one tight one with guests to be kept apart."""
    chance = random.Random(f"instance {seed}")
    kinds = (_loose, _rotation, _tight, _rotation, _apart)
    return kinds[seed % len(kinds)](chance)


def _loose(chance: random.Random) -> Instance:
    """Unequal hosts with room, guests here and there."""
    count = chance.randint(2, 5)
    movers = _movers(chance, [chance.randrange(count) for _ in range(chance.randint(2, 8))], count, still=0.3)
    return _instance(chance, movers, count, (2000, 4000, 8000, 16000))


def _tight(chance: random.Random) -> Instance:
    """Hosts with two guests each or so, hardly any room, and everybody wants to be elsewhere."""
    count = chance.randint(3, 5)
    sources = sorted(chance.randrange(count) for _ in range(chance.randint(4, 8)))
    movers = _movers(chance, sources, count, still=0.25)
    return _instance(chance, movers, count, (0, 0, 1000, 2000, 4000))


def _rotation(chance: random.Random) -> Instance:
    """Full hosts whose guests change places, mostly for others of the same size, and one host with a little room."""
    count = chance.randint(2, 4)
    movers: list[Mover] = []
    for _ in range(chance.randint(1, 8 // count)):
        memory_mib, turn = chance.choice(SIZES_MIB), chance.randrange(count)
        for source in range(count):
            size_mib = memory_mib if chance.random() < 0.8 else chance.choice(SIZES_MIB)
            movers.append(_mover_of(chance, len(movers), size_mib, source, (source + turn) % count))
    roomy = _instance(chance, movers, count, (0, 0, 0, 1000, 2000))
    return Instance((*roomy.hosts_mib, chance.choice((0, 2000, 4000, 4000, 8000))), roomy.movers, roomy.limits)


def _apart(chance: random.Random) -> Instance:
    """The same, and the first guest of each host is to be kept apart from those of others, now and in the end."""
    there = _rotation(chance)
    movers, sources, targets = [], set[int](), set[int]()
    for mover in there.movers:
        apart = mover.source not in sources and mover.target not in targets
        movers.append(replace(mover, apart=apart))
        sources |= {mover.source} if apart else set()
        targets |= {mover.target} if apart else set()
    more_mib = chance.choice((0, 0, 1000, 4000))
    return replace(
        there, movers=tuple(movers), hosts_mib=tuple(memory_mib + more_mib for memory_mib in there.hosts_mib)
    )


def _movers(chance: random.Random, sources: Sequence[int], count: int, still: float) -> list[Mover]:
    movers = []
    for number, source in enumerate(sources):
        target = source if chance.random() < still else chance.randrange(count)
        movers.append(_mover_of(chance, number, chance.choice(SIZES_MIB), source, target))
    return movers


def _mover_of(chance: random.Random, number: int, memory_mib: int, source: int, target: int) -> Mover:
    return Mover("abcdefgh"[number], memory_mib, source, target, chance.random() < 0.75, chance.random() < 0.4)


def _instance(chance: random.Random, movers: Sequence[Mover], count: int, slack_mib: Sequence[int]) -> Instance:
    """Hosts that hold what is on them, and mostly also what is declared on them, with so much room more."""
    hosts_mib = []
    for number in range(count):
        before = sum(mover.memory_mib for mover in movers if mover.source == number)
        after = sum(mover.memory_mib for mover in movers if mover.target == number)
        needed = max(before, after) if chance.random() < 0.9 else before
        hosts_mib.append(needed + chance.choice(slack_mib))
    return Instance(tuple(hosts_mib), tuple(movers), chance.choice(LIMITS))
