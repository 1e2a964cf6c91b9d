"""Changing settings of a guest where it is: told one by one, and done only when its host shows them.

Called by procedure: for a set step, and for the autostart that a move carries along. Never stops or starts a guest.
"""

from __future__ import annotations

from reconciler.core.commands import AnswerKind, Verb
from reconciler.core.execution.holding import TRIES_MAX
from reconciler.core.execution.move import Action, Move, Pause, Scene, Settle
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.execution.telling import tell
from reconciler.core.model import Setting, changes
from reconciler.core.observed import HostFacts, Registration
from reconciler.core.records import Stage


def set_here(move: Move, scene: Scene, facts: HostFacts) -> Action:
    """Tell the guest's host the first setting that it does not show; wait for it; give up when that takes too long."""
    record = move.record
    entry = facts.registration(record.guest_uuid)
    if entry is None or not entry.startable:
        return Settle(Outcome(OutcomeKind.UNKNOWN, "GuestVanished", f"no longer on {facts.name} while it was set"))
    missing = tuple(pair for pair in record.settings if not entry.shows(*pair))
    if not missing:
        return Settle(Outcome(OutcomeKind.DONE, "Set", f"{changes(record.settings)} on {facts.name}"))
    if not move.may_set:
        return Settle(Outcome(OutcomeKind.CHANGED, "WorldChanged", "its document no longer asks for these settings"))
    if entry.state is not record.was:
        text = f"{move.guest} was {record.was}, is now {entry.state}; not yet: {changes(missing)}"
        return Settle(Outcome(OutcomeKind.ABORTED, "SettingNotReached", text))
    since_s = record.stage_since_s if record.stage is Stage.SETTING else facts.clock_s
    if facts.clock_s - since_s > scene.timing.set_patience_s:
        return Settle(_not_reached(entry, missing, f"after {facts.clock_s - since_s:.0f} s"))
    unheard = move.last is not None and move.last[0] is Verb.SET and move.last[1].kind is not AnswerKind.DONE
    begun = record.stage is Stage.SETTING  # the stage is written before the deed: without it nothing was told
    if begun and move.tried(Verb.SET) and record.settings[0] == missing[0] and not unheard:
        return Pause(scene.timing.poll_s, f"{move.guest} is on its way to {changes(missing)}")
    if move.tried(Verb.SET) >= TRIES_MAX * len(record.settings):
        return Settle(_given_up(move, entry, missing))
    ordered = (*missing, *(pair for pair in record.settings if pair not in missing))
    return tell(move, Verb.SET, scene, facts, Stage.SETTING, since_s=since_s, settings=ordered)


def carry_autostart(move: Move, scene: Scene, target: HostFacts, arrived: Registration) -> Action | None:
    """Give the guest at the target the autostart that it had at the source; None where it has it, or nobody knows."""
    record = move.record
    if record.autostart is None or arrived.autostart in (None, record.autostart):
        return None
    if move.tried(Verb.SET) >= TRIES_MAX:
        text = f"it is on {target.name}, where its autostart could not be set as it was on {record.source}"
        return Settle(Outcome(OutcomeKind.FAILED, "AutostartNotCarried", text))
    wanted = ((Setting.AUTOSTART.value, "on" if record.autostart else "off"),)
    return tell(move, Verb.SET, scene, target, Stage.SETTING, settings=wanted)


def _given_up(move: Move, entry: Registration, missing: tuple[tuple[str, str], ...]) -> Outcome:
    """Told too often: without an answer it is harmless and tried again later, else the platform does not want to."""
    if move.last is not None and move.last[1].kind is not AnswerKind.FAILED:
        return Outcome(OutcomeKind.ABORTED, "NoAnswer", f"nothing came of setting {changes(missing)}")
    said = move.last[1].output.strip().splitlines()[-1:] if move.last is not None else []
    return _not_reached(entry, missing, f"the host says: {said[0]}" if said else "told three times")


def _not_reached(entry: Registration, missing: tuple[tuple[str, str], ...], why: str) -> Outcome:
    now = tuple((name, entry.setting(name)) for name, _ in missing)
    return Outcome(OutcomeKind.FAILED, "SettingNotReached", f"not reached: {changes(missing, now)} ({why})")
