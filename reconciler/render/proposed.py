"""A proposal with the plan it would lead to and the branch it lies on, and the phrases that all its pages share.

Made by loop/answers/proposing, shown by render/'s text, markdown and JSON. Escapes nothing: the pages do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.core.model import Method
from reconciler.core.planning.plan import Plan, Reason
from reconciler.core.proposing.proposal import HOST, Change, Obstacle, Proposal, Unplaced
from reconciler.core.quantities import format_duration, format_memory
from reconciler.render import words

NOTE = "makes room"
"""Of a guest that goes elsewhere for another's sake."""


@dataclass(frozen=True)
class Branch:
    """Where the proposal lies in git."""

    name: str
    commit: str
    existed: bool
    """It was there before, with just this."""
    pushed: bool
    """It is on the server, too."""


@dataclass(frozen=True)
class Proposed:
    """All that `propose` tells. Without changes there is neither plan nor branch."""

    fleet: str
    commit: str
    """The commit that was read; empty where documents were never committed."""
    proposal: Proposal
    plan: Plan | None = None
    branch: Branch | None = None
    home: str = ""
    """The branch to merge into, where the repository is nobody's clone and has no server to push to."""


@dataclass(frozen=True)
class Stuck:
    """Guests that the same hosts have no room for, or one guest; with the reason, and host by host."""

    guests: tuple[Unplaced, ...]
    text: str
    obstacles: tuple[Obstacle, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Who they are."""
        return tuple(entry.guest for entry in self.guests)


def stuck(unplaced: Iterable[Unplaced]) -> list[Stuck]:
    """Those that could not be placed; where the same hosts lack room for several, the reason comes once."""
    groups: dict[object, list[Unplaced]] = {}
    for number, entry in enumerate(unplaced):
        roomless = [against.host for against in entry.obstacles if against.short_mib > 0]
        others = [against for against in entry.obstacles if not against.short_mib]
        shared = entry.reason == Reason.NO_ROOM and entry.obstacles and not others
        groups.setdefault(tuple(sorted(roomless)) if shared else number, []).append(entry)
    return [_stuck(tuple(group)) for group in groups.values()]


def _stuck(group: tuple[Unplaced, ...]) -> Stuck:
    if len(group) == 1:
        return Stuck(group, group[0].text, group[0].obstacles)
    short: dict[str, list[int]] = {}
    for against in (against for entry in group for against in entry.obstacles):
        short.setdefault(against.host, []).append(against.short_mib)
    found = []
    for host, lacking in sorted(short.items(), key=lambda item: (min(item[1]), item[0])):
        least, most = format_memory(min(lacking)), format_memory(max(lacking))
        text = f"{least if least == most else f'{least} to {most}'} of memory short"
        found.append(Obstacle(host, Reason.NO_ROOM, text, min(lacking)))
    text = f"no host that may take them has room for any: {found[0].host} is {found[0].text}"
    return Stuck(group, text, tuple(found))


def asked(proposal: Proposal) -> str:
    """`drain vmhost-a`."""
    return f"{proposal.action} {proposal.subject}".rstrip()


def subject(proposal: Proposal) -> str:
    """The first line of a commit: `Drain vmhost-a: 3 moves`."""
    count = words.counted(len(proposal.moves), "move") if proposal.changes else "no moves"
    others = len(proposal.changes) - len(proposal.moves)
    more = f", {words.counted(others, 'document')} besides" if others else ""
    what = f"{asked(proposal)}: {count}{more}"
    return what[:1].upper() + what[1:]


def sets(change: Change) -> str:
    """`memory.size 4GiB → 2GiB`: what the document changes beside the host, and that where the guest does not move."""
    shown = [entry for entry in change.fields if entry.field != HOST or change.method is None]
    return ", ".join(f"{entry.field} {entry.before or '(none)'} → {entry.after}" for entry in shown)


def fields(change: Change) -> str:
    """All that the document changes."""
    return ", ".join(f"{entry.field} {entry.before or '(none)'} → {entry.after}" for entry in change.fields)


def emptying(proposal: Proposal) -> str:
    """What hosts become free for; empty where none is left without guests. One that is off and declared is missed."""
    if not proposal.emptied:
        return ""
    documents = "its Host document is" if len(proposal.emptied) == 1 else "their Host documents are"
    hosts = words.listed(list(proposal.emptied))
    return f"Empty then, and free to be switched off once {documents} removed: {hosts}"


def closing(proposal: Proposal) -> str:
    """In sentences, what keeps hosts as empty as they become; empty where none is closed."""
    if not proposal.closed:
        return ""
    hosts = words.listed(list(proposal.closed))
    return f"Closed by schedulable: false: {hosts}. Nothing is proposed to go there until that is taken out."


def cost(proposal: Proposal) -> str:
    """`3 moves (all online), 12 GiB to carry, no downtime; 1 guest not placed`."""
    moves = proposal.moves
    online = sum(change.method is Method.ONLINE for change in moves)
    ways = [f"{count} {way}" for count, way in ((online, "online"), (len(moves) - online, "offline")) if count]
    parts = [f"{words.counted(len(moves), 'move')} ({', '.join(ways)})"] if moves else []
    others = sum(any(entry.field != HOST for entry in change.fields) for change in proposal.changes)
    parts += [f"{words.counted(others, 'guest')} resized"] if others else []
    parts += [f"{format_memory(sum(change.moved_mib for change in moves))} to carry"] if moves else []
    downtime_s = sum(change.downtime_s for change in moves)
    parts += [f"{format_duration(downtime_s)} downtime" if downtime_s else "no downtime"] if moves else []
    text = ", ".join(parts) or ("no moves" if proposal.proposes else "nothing is proposed")
    unplaced = len(proposal.unplaced)
    return f"{text}; {words.counted(unplaced, 'guest')} not placed" if unplaced else text
