"""The sign of life: a ref of one commit, replaced every quarter of an hour. Called by the daemon and by `status`.

A commit on the status branch for each would bury what matters; this ref has no history. How old the last report may be
trusted to be is how old this is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.names import is_name
from reconciler.git.commits import read_commits
from reconciler.git.committing.status_commit import Identity, author_variables, build_commit
from reconciler.git.mirror import synced
from reconciler.git.plumbing import Repository
from reconciler.git.quarantine import quarantine
from reconciler.git.remote import Remote
from reconciler.git.signatures import SigningKey
from reconciler.git.trouble import GitTrouble, printable

ALIVE_REFS = "refs/heads/reconciler/alive/"
FILE = "heartbeat.json"
BYTES_MAX = 1 << 16


@dataclass(frozen=True)
class Heartbeat:
    """The last one: when, in seconds since the epoch by the daemon's clock, and what it said."""

    when: int
    said: Mapping[str, object]


def alive_ref(fleet: str) -> str:
    """Where the fleet's daemon shows that it is alive."""
    if not is_name(fleet):
        raise GitTrouble("status-ref-invalid", f'"{printable(fleet)}" is not the name of a fleet')
    return f"{ALIVE_REFS}{fleet}"


def beat(
    repository: Repository,
    fleet: str,
    said: Mapping[str, object],
    identity: Identity,
    when: int,
    remote: Remote | None = None,
    signing: SigningKey | None = None,
) -> str:
    """Replace the heartbeat: the new commit. Raises GitTrouble where that does not come to be."""
    ref = alive_ref(fleet)
    content = (json.dumps(said, indent=2, sort_keys=True) + "\n").encode()
    with quarantine(repository) as aside:
        commit = build_commit(
            aside, None, {FILE: content}, f"{fleet}: alive\n", author_variables(identity, when), signing
        )
    if remote is None:
        repository.run(["update-ref", "--no-deref", "-m", "reconciler: alive", "--end-of-options", ref, commit])
        return commit
    tip = synced(repository, remote, ref).get(ref)
    said_there = remote.push(repository, commit, ref, tip)
    now = synced(repository, remote, ref).get(ref)
    if now != commit and tip is not None:
        # Some servers take no branch back, whoever asks (receive.denyNonFastForwards): then it goes, and comes anew.
        remote.delete(repository, ref, tip)
        said_there = remote.push(repository, commit, ref, None)
        now = synced(repository, remote, ref).get(ref)
    if now != commit:
        raise GitTrouble(
            "heartbeat-refused",
            f"{remote.shown} does not take {printable(ref)}: {said_there or 'no reason given'}",
            hint=f"allow the key to create, replace and delete {ALIVE_REFS}* there",
        )
    return commit


def read_heartbeat(repository: Repository, fleet: str) -> Heartbeat | None:
    """The last one, as far as it is known here."""
    commit = repository.commit_id(alive_ref(fleet))
    if commit is None:
        return None
    entry = next((entry for entry in repository.entries(commit, FILE) if (entry.size or 0) <= BYTES_MAX), None)
    try:
        said = json.loads(repository.blobs([entry])[entry.id]) if entry is not None else {}
    except (ValueError, RecursionError):
        said = {}
    return Heartbeat(read_commits(repository, commit, 1)[0].when, said if isinstance(said, dict) else {})
