"""Make an instance smaller for as long as its plan falls short in the same way. Called by the command, for readers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.core.desired import Limits
from tests.core.planning.exhaustive.comparison import Compared, compare
from tests.core.planning.exhaustive.instances import Instance

STATES_MAX = 50_000


def shrink(found: Compared) -> Compared:
    """The smallest that is reached by leaving out one thing at a time."""
    smaller = True
    while smaller:
        smaller = False
        for instance in _simpler(found.instance):
            tried = compare(instance, STATES_MAX)
            if tried.faults and _kind(found) == _kind(tried):
                found, smaller = tried, True
                break
    return found


def _kind(found: Compared) -> tuple[bool, bool]:
    """How it falls short; where more can be served, nothing else counts."""
    return found.serves_fewer, not found.serves_fewer and found.bound_wrong


def _simpler(instance: Instance) -> Iterator[Instance]:
    movers, hosts_mib = instance.movers, instance.hosts_mib
    for number, mover in enumerate(movers):
        rest = (*movers[:number], *movers[number + 1 :])
        yield replace(instance, movers=rest)
        if mover.source == mover.target and not mover.aside:
            less = (mib - mover.memory_mib * (host == mover.source) for host, mib in enumerate(hosts_mib))
            yield replace(instance, movers=rest, hosts_mib=tuple(less))
    for number in range(len(hosts_mib)):
        if all(number not in (mover.source, mover.target) for mover in movers):
            less_one = tuple(
                replace(mover, source=_without(mover.source, number), target=_without(mover.target, number))
                for mover in movers
            )
            yield replace(instance, hosts_mib=(*hosts_mib[:number], *hosts_mib[number + 1 :]), movers=less_one)
    for number, mover in enumerate(movers):
        for simple in (replace(mover, aside=False), replace(mover, hop=True)):
            if simple != mover:
                yield replace(instance, movers=(*movers[:number], simple, *movers[number + 1 :]))
    if instance.limits != Limits():
        yield replace(instance, limits=Limits())


def _without(host: int, gone: int) -> int:
    return host - (host > gone)
