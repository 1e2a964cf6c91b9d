"""Make room on a third host first, where a guest that has to leave a full one fits nowhere.

Called by drafts for what nothing simpler helps. Of the guests that would have to leave, the large ones get their place
by others leaving that: the room of many hosts, put together on one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.planning.order.clearing import Candidate, Clearer, cover
from reconciler.core.planning.order.leaving import send
from reconciler.core.planning.order.places import largest_mib, spare
from reconciler.core.planning.order.sequence import Piece

HOSTS_TRIED = 6
"""How many third hosts are tried for a large guest, those with the most room first."""
STEPS_MAX = 12
"""How many large guests may be given their place so that one that waits can go."""


def widen(clearer: Clearer) -> bool:
    """Help one guest that waits to its place; whether any could be helped."""
    for number in clearer.in_turn():
        for _ in range(STEPS_MAX):
            if clearer.clear_for(number):
                return True
            if not _place_large(clearer, number):
                break
    return False


def _place_large(clearer: Clearer, number: int) -> bool:
    """Let one guest rest that is too large for any third host as it is."""
    workings = clearer.workings
    item = workings.next(number)
    lacking = workings.lacking(item)
    if not lacking:
        return False
    there = spare(workings)
    most_mib = largest_mib(workings, there, without=item.target)
    candidates = clearer.candidates(number, item.target, lacking)
    account, amount = lacking[0]
    while True:
        chosen = cover(candidates, account, amount)
        if not chosen:
            return False
        large = [entry for entry in chosen if entry.memory_mib > most_mib] or clearer.without_place(item.target, chosen)
        if not large:
            return False
        for candidate in sorted(large, key=lambda entry: (entry.memory_mib, entry.name)):
            if _sweep(clearer, number, candidate):
                return True
        candidates = [entry for entry in candidates if entry not in large]


def _sweep(clearer: Clearer, number: int, candidate: Candidate) -> bool:
    """Give the guest a place by others leaving it."""
    workings = clearer.workings
    name = workings.journeys[number].name
    for host in list(_roomiest(clearer, candidate.host))[:HOSTS_TRIED]:
        pieces = _swept(clearer, number, candidate, host)
        if pieces is not None and send(workings, pieces, name, clearer.patience.bears) is None:
            return True
    return False


def _roomiest(clearer: Clearer, without: int) -> Iterator[int]:
    """Hosts to rest on, those with the most room first."""
    workings = clearer.workings
    free, memory = workings.free, workings.accounts.memory
    hosts = [host for _, host in spare(workings) if host != without]
    return iter(sorted(hosts, key=lambda host: (-free[memory(host)], host)))


def _swept(clearer: Clearer, number: int, candidate: Candidate, host: int) -> Sequence[Piece] | None:
    """Who leaves that host so that the guest can rest there, and then the guest."""
    workings = clearer.workings
    takes = clearer.takes(candidate, host)
    if takes is None:
        return None
    lacking = [
        (account, amount - workings.free[account]) for account, amount in takes if workings.free[account] < amount
    ]
    if not lacking:
        return [Piece(candidate.who, host)]
    leavers = [entry for entry in clearer.candidates(number, host, lacking) if entry.who != candidate.who]
    there = [entry for entry in spare(workings) if entry[1] not in (candidate.host, workings.next(number).target)]
    pieces = clearer.pieces(host, lacking, leavers, there)
    return [*pieces, Piece(candidate.who, host)] if pieces is not None else None
