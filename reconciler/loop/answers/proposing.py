"""What documents could say instead, as a branch for people to merge: asked of the core, written into the documents'
text, committed beside the branch that is followed.

Called by `propose`. Looks at hosts at most; commits nothing but a branch of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.core.desired import DesiredFleet, Guest, Host
from reconciler.core.planning.situation import Situation
from reconciler.core.proposing.balance import MOVES_MAX, balance
from reconciler.core.proposing.board import Board
from reconciler.core.proposing.drain import drain
from reconciler.core.proposing.park import park
from reconciler.core.proposing.proposal import SCHEDULABLE, Action, Proposal, applied
from reconciler.core.proposing.rules import Ruled
from reconciler.documents.authoring.editing import Edit, edited
from reconciler.documents.loading import load
from reconciler.documents.schemas import Kind
from reconciler.drivers import registry
from reconciler.errors import InvariantBroken, Location
from reconciler.git.committing import proposal as branches
from reconciler.git.desired import read_desired
from reconciler.loop.answers.naming import refuse_undeclared
from reconciler.loop.once import Planned
from reconciler.loop.wiring import Fleet, full_ref
from reconciler.render.proposed import Branch, asked
from reconciler.render.text.proposal import proposal_message


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line."""

    action: Action
    names: tuple[str, ...] = ()
    """The hosts to drain, or the label to park."""
    onto: tuple[str, ...] = ()
    """Hosts to park on."""
    moves_max: int = MOVES_MAX
    """So many moves a balance may propose."""
    downtime: bool = False
    """Whether balancing and parking may take guests down, where their documents allow it."""


def found_proposal(desired: DesiredFleet, planned: Planned, wish: Wish, lost_hosts: frozenset[str]) -> Proposal:
    """What the core proposes, on one look at the hosts. Raises UsageError for a name nobody knows."""
    named = (*(wish.names if wish.action is Action.DRAIN else ()), *wish.onto)
    refuse_undeclared("Host", named, desired.hosts)
    situation = Situation.of(desired, planned.observed, planned.difference, planned.rulebooks, "", lost_hosts)
    board = Board(situation, planned.difference, Ruled(situation.placement))
    if wish.action is Action.DRAIN:
        return drain(board, *wish.names)
    if wish.action is Action.PARK:
        [label] = wish.names
        return park(board, label, onto=wish.onto, downtime=wish.downtime)
    return balance(board, moves_max=wish.moves_max, downtime=wish.downtime)


def changed_files(fleet: Fleet, proposal: Proposal) -> Mapping[str, bytes]:
    """The files of the commit that was read, as far as the proposal changes them. Raises DesiredStateError where a
    document cannot be changed; InvariantBroken where it would come out as something else than what was proposed."""
    commit = fleet.written.commit
    if commit is None:
        raise InvariantBroken("propose", "documents that were never committed cannot be proposed to")
    read = read_desired(fleet.repository, commit.id, fleet.settings.folder)
    files = dict(read.files)
    for change in proposal.changes:
        location = fleet.written.guests[change.guest].location
        edit = Edit(change.guest, location, {entry.field: entry.after for entry in change.fields})
        files[location.file] = edited(files[location.file], edit)
    for host in proposal.closed:
        location = fleet.written.hosts[host].location
        edit = Edit(host, location, {SCHEDULABLE: False}, Kind.HOST)
        files[location.file] = edited(files[location.file], edit)
    loaded = load(files, problems=read.problems, drivers=tuple(registry.OPENERS), commit=read.commit).require()
    wanted = applied(fleet.written, proposal)
    if _placeless(loaded) != _placeless(wanted):
        raise InvariantBroken("propose", "the changed documents do not say what was proposed")
    return {path: content for path, content in files.items() if content != read.files[path]}


def branch_of(fleet: Fleet, proposal: Proposal, planned: Planned, *, push: bool) -> Branch:
    """The proposal as a branch with one commit; on the server as well with `push`. Raises GitError."""
    commit = fleet.written.commit
    files = changed_files(fleet, proposal)
    remote = fleet.settings.remote or (branches.origin(fleet.repository) if push else None)
    made = branches.propose(
        fleet.repository,
        commit.id if commit is not None else "",
        files,
        what=asked(proposal),
        message=proposal_message(proposal, planned.plan),
        tracked=full_ref(fleet.settings.ref),
    )
    if push and remote is not None:
        made = branches.push(fleet.repository, made, remote)
    return Branch(made.name, made.commit, made.existed, push)


def home_of(fleet: Fleet) -> str:
    """The branch that a proposal is merged into on this machine; empty where that is done on a server."""
    if fleet.settings.remote is not None or branches.origin_url(fleet.repository):
        return ""
    return full_ref(fleet.settings.ref).removeprefix(branches.HEADS)


def _placeless(desired: DesiredFleet) -> tuple[Mapping[str, Guest], Mapping[str, Host]]:
    """What documents say, wherever that stands: a line that was added moves all below it."""
    nowhere = Location("")
    guests = {name: replace(guest, location=nowhere) for name, guest in desired.guests.items()}
    return guests, {name: replace(host, location=nowhere) for name, host in desired.hosts.items()}
