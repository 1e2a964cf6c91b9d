"""Send chosen guests to rest elsewhere: every detour is asked for first, then all are made.

Called by clearing and widening. Makes none where one of them is not allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.core.planning.journey import Journey, Leg
from reconciler.core.planning.order.detours import Bystander
from reconciler.core.planning.order.sequence import Piece, Workings

Bears = Callable[[Leg, Sequence[Leg]], bool]
"""Whether legs over a third host may take the place of the direct one."""


@dataclass(frozen=True)
class Detour:
    """A piece with its legs: a journey of its own for a bystander."""

    piece: Piece
    legs: Sequence[Leg]
    aside: Journey | None = None


def send(workings: Workings, pieces: Sequence[Piece], for_whom: str, bears: Bears) -> Piece | None:
    """Make these detours next in the order; the piece that is not allowed to rest where it should, if there is one."""
    detours: list[Detour] = []
    for piece in pieces:
        detour = _detour(workings, piece, (for_whom,), bears)
        if detour is None:
            return piece
        detours.append(detour)
    for detour in detours:
        who = detour.piece.who
        if isinstance(who, Bystander):
            number = workings.step_aside(detour.aside) if detour.aside is not None else -1
        else:
            number = who
            if detour.aside is not None:
                workings.step_aside_again(who, detour.legs)
            else:
                workings.rest(who, detour.legs[0], detour.legs[1])
        workings.make(number)
    return None


def _detour(workings: Workings, piece: Piece, for_whom: Sequence[str], bears: Bears) -> Detour | None:
    """What the platform and the documents allow of it."""
    asked, host = workings.detours, workings.accounts.names[piece.host]
    bystander = piece.who if isinstance(piece.who, Bystander) else None
    if not isinstance(piece.who, Bystander) and piece.who not in workings.left:
        bystander = asked.as_bystander(workings.journeys[piece.who])  # it has come to its place, and stands there now
        if bystander is None:
            return None
    if bystander is not None:
        aside = asked.aside(bystander, host, for_whom)
        return Detour(piece, aside.legs, aside) if aside is not None else None
    if isinstance(piece.who, Bystander):
        return None
    direct = workings.next(piece.who).leg
    legs = asked.over(workings.journeys[piece.who], direct, host, for_whom)
    if legs is None or not bears(direct, legs):
        return None
    return Detour(piece, legs)
