"""What goes wrong with commands and jobs: scripted one by one, or drawn from a seed.

Consulted by the world at each command and at the start of each migration. Same faults, same calls, same answers: never
asks a clock or a generator of the system.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reconciler.core.commands import Verb


class FaultKind(StrEnum):
    """All that can go wrong on purpose."""

    FAIL = "fail"
    """Exit status 1. The record was written, where the verb writes one before its deed; the deed was not done."""
    FAIL_AFTER = "fail-after"
    """Exit status 1, and all of it was done."""
    HANG = "hang"
    """No answer, and the command never arrived."""
    CUT = "cut"
    """No answer: the record was written, the deed not done."""
    LOST_ANSWER = "lost-answer"
    """No answer, and all of it was done."""
    DELAYED = "delayed"
    """No answer; guard and deed come `delay_s` later."""
    ABORT = "abort"
    """A migration ends with nothing changed, at `at_percent`."""
    JOB_FAIL = "job-fail"
    """The same, and an offline one leaves half a copy on the target where `leftover`."""
    JOB_HANG = "job-hang"
    """A migration never ends until one of its hosts goes down."""
    BOTH_NOT_RUNNABLE = "both-not-runnable"
    """An offline migration leaves both registrations Not Runnable; an online one aborts."""


COMMAND_FAULTS = frozenset(
    {FaultKind.FAIL, FaultKind.FAIL_AFTER, FaultKind.HANG, FaultKind.CUT, FaultKind.LOST_ANSWER, FaultKind.DELAYED}
)
JOB_FAULTS = frozenset(FaultKind) - COMMAND_FAULTS


@dataclass(frozen=True)
class Fault:
    """One thing that will go wrong, for the commands it matches; what is empty matches all."""

    kind: FaultKind
    verb: Verb | None = None
    host: str = ""
    guest: str = ""
    """UUID or name."""
    times: int = 1
    """How often it strikes."""
    skip: int = 0
    """How many matching commands pass before it strikes."""
    delay_s: float = 60.0
    at_percent: int = 50
    leftover: bool = False

    def matches(self, verb: Verb, host: str, uuid: str, name: str) -> bool:
        """Whether this command is meant."""
        return (self.verb is None or self.verb is verb) and self.host in ("", host) and (self.guest in ("", uuid, name))


@dataclass(slots=True)
class Faults:
    """The faults of one world. Scripted ones strike first; then each rate is drawn once, from seed and count alone."""

    planned: list[Fault] = field(default_factory=list)
    seed: int = 0
    rates: Mapping[FaultKind, float] = field(default_factory=dict)
    """Probability for each command, or each migration, to meet this fault."""
    drawn: int = 0
    revision: int = field(default=0, metadata={"saved": False})

    def add(self, *faults: Fault) -> None:
        """Script more of them, behind those that are scripted."""
        self.planned.extend(faults)
        self.revision += 1

    def take(self, kinds: Iterable[FaultKind], verb: Verb, host: str, uuid: str, name: str) -> Fault | None:
        """The fault that strikes now, used up by this."""
        if not self.planned and not self.rates:
            return None
        for index, fault in enumerate(self.planned):
            if fault.kind not in kinds or not fault.matches(verb, host, uuid, name):
                continue
            self.revision += 1
            if fault.skip:
                self.planned[index] = replace(fault, skip=fault.skip - 1)
                continue
            if fault.times > 1:
                self.planned[index] = replace(fault, times=fault.times - 1)
            else:
                del self.planned[index]
            return fault
        return self._draw(frozenset(kinds))

    def _draw(self, kinds: frozenset[FaultKind]) -> Fault | None:
        rates = [(kind, rate) for kind, rate in sorted(self.rates.items()) if kind in kinds and rate > 0]
        if not rates:
            return None
        self.drawn += 1
        self.revision += 1
        chance = random.Random(f"{self.seed}:{self.drawn}")  # noqa: S311 - a story that its seed repeats, no secret
        for kind, rate in rates:
            if chance.random() < rate:
                delay_s = float(chance.randint(5, 300))
                return Fault(kind, delay_s=delay_s, at_percent=chance.randint(5, 95), leftover=chance.random() < 0.5)
        return None
