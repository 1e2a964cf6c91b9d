"""The whole behaviour of a pass: `advance(state, event, now_s) -> (state, effects)`.

Called by the shell, with threads and a real clock around it, and by the deterministic simulation, with neither.
Never does anything itself: what shall be done are the effects, in this order; what came of it are the next events.
"""

from __future__ import annotations

from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.planning.windows import refusal_now
from reconciler.errors import InvariantBroken
from reconciler.loop import deciding, moving
from reconciler.loop.effects import (
    Answered,
    Begin,
    Decided,
    DesiredChanged,
    Effect,
    Event,
    Interrupted,
    JournalFailed,
    Looked,
    Woke,
)
from reconciler.loop.state import Pass, Phase, State
from reconciler.loop.turn import Turn


def advance(state: State, event: Event, now_s: float) -> tuple[State, tuple[Effect, ...]]:
    """Take in one event. Pure: the same state, event and time give the same state and effects."""
    turn = Turn(state, max(now_s, state.now_s))
    _take(turn, event)
    while turn.current is not None and _go_on(turn):
        pass
    if turn.current is not None:
        moving.keep_watch(turn)
    return turn.frozen(), tuple(turn.effects)


def _take(turn: Turn, event: Event) -> None:
    """Write down what happened."""
    match event:
        case Begin():
            _begin(turn, event)
        case Looked(effect_id, look):
            waiting = turn.waiting.pop(effect_id, None)
            if waiting is not None:
                turn.saw(waiting.host, look, waiting.asked_s)
                moving.looked(turn, waiting.owner)
        case Answered(effect_id, answer):
            waiting = turn.waiting.pop(effect_id, None)
            if waiting is not None and waiting.command is not None:
                moving.answered(turn, waiting, answer)
        case Woke(effect_id):
            waiting = turn.waiting.pop(effect_id, None)
            if waiting is not None and waiting.owner in turn.moves:
                moving.look_again(turn, waiting.owner)
            elif waiting is not None and waiting.owner == moving.WATCH and turn.current is not None:
                moving.look_at_watched(turn)
        case Decided(run):
            if turn.current is not None and turn.the_pass.phase is Phase.ASKING:
                deciding.decided(turn, run)
        case DesiredChanged(desired):
            if turn.current is not None:
                turn.change(superseded=desired)
                moving.superseded(turn, desired)
                turn.note("superseded", commit=desired.commit.id if desired.commit else "")
        case Interrupted():
            if turn.current is not None:
                turn.change(stopping=True)
        case JournalFailed(text):
            _freeze(turn, text)


def _begin(turn: Turn, event: Begin) -> None:
    if turn.current is not None:
        raise InvariantBroken("loop", "a pass was begun while another is under way")
    turn.current = Pass(event, event.desired, turn.now_s)
    turn.seen, turn.moves, turn.log, turn.doing, turn.steps = {}, {}, {}, {}, {}
    commit = event.desired.commit
    turn.note("pass", id=event.pass_id, commit=commit.id if commit else "", controller=turn.config.controller)
    deciding.look_at_all(turn)


def _freeze(turn: Turn, text: str) -> None:
    """The journal is not to be had: forget what is under way, its records stay on the hosts for the next pass."""
    if turn.current is None:
        return
    turn.change(stopping=True, frozen=True)
    turn.moves, turn.waiting, turn.doing = {}, {}, {}
    if turn.the_pass.run is not None:
        turn.change(run=moving.leave_all(turn.the_pass.run, text, turn.now_s))


def _go_on(turn: Turn) -> bool:
    """Whatever is next for the pass as a whole; False when there is nothing more before the next event."""
    current = turn.the_pass
    if current.frozen:
        deciding.report(turn)
    elif current.phase is Phase.LOOKING and not turn.waits("", "look"):
        deciding.looked_at_all(turn)
    elif current.phase is Phase.SETTLING and not moving.pressing(turn):
        deciding.look_at_all(turn)  # what waited for a host of these is taken over then
    elif current.phase is Phase.ASKING and (current.stopping or current.superseded is not None):
        deciding.decided(turn, run=False)
    elif current.phase is Phase.RUNNING:
        return _run(turn)
    else:
        return False
    return turn.current is not None and turn.the_pass.phase is not current.phase


def _run(turn: Turn) -> bool:
    """Begin what is ready; when all has ended, go on. Returns whether it has."""
    run = turn.the_pass.run
    if run is None:
        raise InvariantBroken("loop", "a pass is running without a run")
    if turn.the_pass.stopping or turn.the_pass.superseded is not None:
        run = run.stop()
    else:
        for step in run.ready(turn.now_s, moving.foreign(turn)):
            late = refusal_now(turn.the_pass.desired, step, turn.now_s)
            if late:
                run = run.skip(step.id, Outcome(OutcomeKind.CHANGED, "OutsideWindow", late), turn.now_s)
            else:
                run = moving.begin(turn, run, step)
        if not turn.moves and not run.ended:
            next_s = run.next_attempt_s()
            if next_s is None or next_s <= turn.now_s:
                run = run.stop()
            elif not turn.waits("", "wake"):
                turn.wake(next_s)
    turn.change(run=run)
    left = turn.the_pass.superseded is not None and not moving.pressing(turn)
    if turn.waits("", "tidy") or (not left and (turn.moves or not run.ended)):
        return False
    moving.hand_over(turn)
    deciding.run_ended(turn)
    return True
