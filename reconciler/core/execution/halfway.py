"""What a migration leaves between its two ends: while it runs, when it ends in vain, and once it is proven.

Called by procedure. On some platforms a guest's definition and its disks are moved one by one, so there is more to take
away, or to put back, than a registration that cannot be started. Rests on fresh looks at both ends.
"""

from __future__ import annotations

from reconciler.core.commands import Verb
from reconciler.core.execution import safety
from reconciler.core.execution.holding import TRIES_MAX
from reconciler.core.execution.move import Action, LookEverywhere, Move, Pause, Scene, Settle
from reconciler.core.execution.outcome import Outcome, OutcomeKind
from reconciler.core.execution.telling import tell
from reconciler.core.model import RunState
from reconciler.core.observed import HostFacts, Job
from reconciler.core.records import MoveRecord, Stage

FOLLOW_SHARE = 0.05
FOLLOW_MIN_S = 1.0
"""Where a platform tells how far a migration has come, it is looked at after so much of the time it has taken so far:
what a look costs and what its end goes unseen stay small beside it."""


def follow(move: Move, scene: Scene, job: Job) -> Action:
    """Look again in a while; say how far it has come, where the platform says so."""
    if job.moved_mib is None:
        return Pause(scene.timing.poll_s, "migrating", job.progress_percent)
    text = f"migrating: {job.moved_mib} MiB carried"
    if job.remaining_mib is not None:
        text += f", {job.remaining_mib} MiB left"
    if job.rate_mib_s is not None:
        text += f", {job.rate_mib_s:.0f} MiB/s"
    takes_s = FOLLOW_SHARE * (scene.now_s - move.since_s)
    return Pause(min(scene.timing.poll_s, max(FOLLOW_MIN_S, takes_s)), text, job.progress_percent)


def discard_stale(move: Move, scene: Scene, source: HostFacts, target: HostFacts) -> Action | None:
    """Registered on both ends, and the platform says of one that it is not the guest's own: take that one away."""
    uuid = move.record.guest_uuid
    here, there = source.registration(uuid), target.registration(uuid)
    if here is None or there is None or here.left_over is there.left_over:
        return None
    stale, owner, entry = (source, target, there) if here.left_over else (target, source, here)
    if entry.state is not RunState.RUNNING and stale is target:
        return None  # a definition that never came alive is no matter only while the guest runs on, in plain sight
    if move.tried(Verb.DISCARD) >= 2 * TRIES_MAX:
        text = f"it is {entry.state} on {owner.name}; what is left on {stale.name} could not be taken away"
        return Settle(Outcome(OutcomeKind.BROKEN, "TwoCopies", text))
    return tell(move, Verb.DISCARD, scene, stale, Stage.MIGRATING, since_s=move.record.stage_since_s)


def discard_in_vain(move: Move, scene: Scene, target: HostFacts) -> Action | None:
    """The guest is on its source: take away what was copied or saved on the target in vain. None where nothing was."""
    if not _lies_in_vain(move.record, target) or move.tried(Verb.DISCARD) >= 2 * TRIES_MAX:
        return None  # what stays is in nobody's way but that of the next attempt, which will say so
    return tell(move, Verb.DISCARD, scene, target, Stage.MIGRATING, since_s=move.record.stage_since_s)


def _lies_in_vain(record: MoveRecord, target: HostFacts) -> bool:
    """Whether something of this move lies on the target, and the guest is not there."""
    lies = bool(target.left_by(record.id)) or record.id in target.saved
    return lies and target.registration(record.guest_uuid) is None


def put_back(move: Move, scene: Scene, source: HostFacts, target: HostFacts) -> Action:
    """It could be started on neither end: withdraw it from the target, so that no late word brings it there, then
    register it again where it was. Alarm where that cannot be done, or where somebody has brought it to a third host
    meanwhile. Two looks side by side prove nothing: the target's may be older than the end of the migration that the
    source's shows, and the guest has arrived since."""
    if not move.looked_everywhere:
        return LookEverywhere()
    record = move.record
    here, there = source.registration(record.guest_uuid), target.registration(record.guest_uuid)
    nowhere = here is None and there is None and record.id in source.saved
    elsewhere = safety.other_copies(record, {**scene.elsewhere, **scene.looks}, source.name)
    if nowhere and not elsewhere and not safety.owner_known(scene.looks):
        withdrawn = discard_in_vain(move, scene, target)
        if withdrawn is not None:
            return withdrawn
        if not _lies_in_vain(record, target) and move.tried(Verb.PUT_BACK) < TRIES_MAX:
            return tell(move, Verb.PUT_BACK, scene, source, Stage.MIGRATING, since_s=record.stage_since_s)
    text = f"no copy on {source.name} or {target.name} could be started"
    if nowhere:
        text += f"; its definition lies saved on {source.name}{f'; {elsewhere}' if elsewhere else ''}"
    return Settle(Outcome(OutcomeKind.BROKEN, "NotRunnableAnywhere", text))


def clean_source(move: Move, scene: Scene, source: HostFacts, target: HostFacts) -> Action | None:
    """The guest is at the target for good: what its source still has of its disks is deleted, where its document asks
    for that, or put aside; None where that is done, or was tried too often."""
    record = move.record
    here, left = source.registration(record.guest_uuid), source.left_by(record.id)
    deletes = record.delete_source and move.may_delete
    verb = Verb.DELETE_COPY if deletes else Verb.PUT_ASIDE
    if not left and not (deletes and here is not None and here.local_disks):
        return None
    if verb is Verb.PUT_ASIDE and all(path.endswith(aside(record.id)) for path in left):
        return None
    if move.tried(verb) >= TRIES_MAX or safety.copy_proven(record, source, target):
        return None
    return tell(move, verb, scene, source, Stage.CLEANING)


def aside(record_id: str) -> str:
    """What the name of a disk ends with that a proven move has put aside."""
    return f".moved-{record_id}"
