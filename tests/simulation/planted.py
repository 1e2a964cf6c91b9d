"""Bugs that must never be written, planted one at a time: a simulation that does not catch them proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

from reconciler.core import capacity
from reconciler.core.commands import Verb
from reconciler.core.desired import Host
from reconciler.core.execution import halfway, holding, procedure, safety, telling
from reconciler.core.execution.move import Action, Move, Scene
from reconciler.core.model import Load, RunState
from reconciler.core.observed import HostFacts, Look
from reconciler.core.planning.order.room import Account
from reconciler.core.records import Parked, Stage
from reconciler.loop import deciding
from reconciler.loop.turn import Turn

if TYPE_CHECKING:
    from tests.simulation.history import Ended

SEEDS_MAX = 400


def _start_without_looking(stack: ExitStack) -> None:
    """A guest is started, or its definition moved, though not every host was looked at."""
    stack.enter_context(patch.object(safety, "owner_known", lambda looks: ""))
    stack.enter_context(patch.object(safety, "may_start", lambda record, scene, host: ""))
    stack.enter_context(patch.object(procedure, "_needs_full_look", lambda record: False))
    stack.enter_context(patch.object(procedure, "_unexpected", lambda *args: ""))


def _delete_before_read_back(stack: ExitStack) -> None:
    """The source's disks go as soon as the migration has ended, before anybody has seen the guest at the target."""
    really = procedure.HANDLERS[Stage.MIGRATING]

    def hasty(move: Move, scene: Scene, source: HostFacts, target: HostFacts) -> Action:
        job = source.job(move.record.id, move.record.attempt)
        done = job is not None and job.ended and not move.tried(Verb.DELETE_COPY)
        if done and move.record.delete_source:
            return telling.tell(move, Verb.DELETE_COPY, scene, source, Stage.MIGRATING)
        return really(move, scene, source, target)

    stack.enter_context(patch.dict(procedure.HANDLERS, {Stage.MIGRATING: hasty}))


def _unreachable_is_absent(stack: ExitStack) -> None:
    """A host that does not answer is taken for an empty one."""
    last: dict[int, dict[str, HostFacts]] = {}
    really = Turn.saw

    def saw(turn: Turn, host: str, look: Look, asked_s: float) -> None:
        known = last.setdefault(id(turn.config), {})
        if isinstance(look, HostFacts):
            known[host] = look
        elif host in known:
            look = replace(known[host], registrations=(), records=(), jobs=())
        really(turn, host, look, asked_s)

    stack.enter_context(patch.object(Turn, "saw", saw))


def _arrivals_not_counted(stack: ExitStack) -> None:
    """A host counts what runs there and forgets what is on its way to it."""

    def used(facts: HostFacts, *, without_record: str = "") -> Load:
        entries = [entry for entry in facts.registrations if entry.state is RunState.RUNNING]
        return Load.total(entry.load(facts.memory_overhead_percent) for entry in entries)

    def room(facts: HostFacts, document: Host | None, *, without_record: str = "") -> Load:
        return capacity.capacity(facts, document) - used(facts)

    stack.enter_context(patch.object(capacity, "used", used))
    stack.enter_context(patch.object(capacity, "room", room))
    stack.enter_context(patch.object(safety, "has_room", lambda record, target, document: ""))
    stack.enter_context(patch.object(Account, "take", lambda account, amount: []))
    stack.enter_context(patch.object(deciding, "verify", lambda *args, **options: ()))


def _refused_step_retried(stack: ExitStack) -> None:
    """What the platform refused is forgotten, and asked for again in the next pass."""
    really = holding.parked

    def forgetful(record, outcome, move, clock_s):  # type: ignore[no-untyped-def]  # passed through
        kept = really(record, outcome, move, clock_s)
        return replace(kept, parked=Parked.ABORTED, attempt=0) if kept.parked is Parked.REFUSED else kept

    stack.enter_context(patch.object(holding, "parked", forgetful))


def _alarm_at_first_sight(stack: ExitStack) -> None:
    """A guest is given up by two looks side by side, though it arrived between the target's and the source's."""
    really = halfway.put_back

    def hasty(move: Move, scene: Scene, source: HostFacts, target: HostFacts) -> Action:
        return really(replace(move, looked_everywhere=True), scene, source, target)

    stack.enter_context(patch.object(procedure, "put_back", hasty))


class Bug(NamedTuple):
    """How it is planted, the promises of which it must break one to count as caught, and the seed that caught it last:
    looking for another takes up to a minute."""

    plant: Callable[[ExitStack], None]
    promises: tuple[str, ...]
    caught_by: int


BUGS = {
    "start-without-looking": Bug(_start_without_looking, ("I1",), 8),
    "delete-before-read-back": Bug(_delete_before_read_back, ("I2",), 3),
    "unreachable-is-absent": Bug(_unreachable_is_absent, ("unknown-is-not-absent", "I1"), 0),
    "arrivals-not-counted": Bug(_arrivals_not_counted, ("I3",), 215),
    "alarm-at-first-sight": Bug(_alarm_at_first_sight, ("no-false-alarm",), 36),
    "refused-step-retried": Bug(_refused_step_retried, ("refused-once",), 6),
}


@contextmanager
def bug(name: str | None) -> Iterator[None]:
    """Run with this bug planted; None: without any."""
    with ExitStack() as stack:
        if name is not None:
            BUGS[name].plant(stack)
        yield


def caught(name: str) -> Ended | None:
    """The first history in which the planted bug breaks the promise it should, the known one before those from seed 0
    on; None: it got away."""
    from tests.simulation.history import History

    with bug(name):
        for seed in (BUGS[name].caught_by, *range(SEEDS_MAX)):
            end = History(seed).run()
            if any(violation.startswith(BUGS[name].promises) for violation in end.violations):
                return end
    return None
