"""The rule book of Integrity VM: which rules speak on online and offline migration, and whether there is a way back.

Handed to `core.compatibility.decide` by the planner and by whoever explains a decision. Never looks at a host and never
judges room: memory, CPU and disk are the planner's.

The keys that the rules read in `Registration.attributes`, and what their absence means, are `ATTRIBUTES`:
os, guest_kit, online_migration, kind, serviceguard_node, inserted_media, direct_io.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from reconciler.core.compatibility import Question, Rule, Rulebook
from reconciler.core.observed import BootFloor
from reconciler.drivers.hpvm.rulebook.attributes import ATTRIBUTES
from reconciler.drivers.hpvm.rulebook.data import MIN_ONLINE_VERSION, VERSIONS, forward_pair, known, older
from reconciler.drivers.hpvm.rulebook.offline import OFFLINE_RULES
from reconciler.drivers.hpvm.rulebook.online import (
    ONLINE_RULES,
    PROCESSOR_COMPATIBLE,
    STORAGE_SHARED,
    VERSION_PAIR,
    version_pair,
)

__all__ = ["ATTRIBUTES", "PLATFORM", "RULEBOOK", "rulebook"]

PLATFORM = "integrity-vm"


def rulebook(min_online_version: str = MIN_ONLINE_VERSION) -> Rulebook:
    """The rule book. The 4.2 manual contradicts itself on 4.1 as an end of an online migration: by default the version
    tables win; "4.2" is the strict reading. Raises ValueError for a version that no table knows."""
    if not known(min_online_version):
        raise ValueError(f'unknown version "{min_online_version}"; known are {", ".join(VERSIONS)}')
    pair_rule = partial(version_pair, min_online_version=min_online_version)
    online: tuple[Rule, ...] = tuple(pair_rule if rule is version_pair else rule for _, rule in ONLINE_RULES)
    offline = tuple(rule for _, rule in OFFLINE_RULES)
    telling = frozenset(card.rule for card in (VERSION_PAIR, PROCESSOR_COMPATIBLE, STORAGE_SHARED))
    return Rulebook(PLATFORM, online, offline, one_way=partial(_one_way, online=online), telling=telling)


def _one_way(question: Question, online: tuple[Rule, ...]) -> str:
    """Why the online move asked about leaves no *lasting* online way back: "" only where a table lists the way back.
    A way back by the fallback rule ends with the guest's next boot, which nobody here controls, so it is named, too.
    Meant for moves that are allowed online; the same rules are asked once more, as things will be after the move."""
    source, guest = question.source, question.guest
    back = _back(question)
    refusal = next((verdict for verdict in (rule(back) for rule in online) if not verdict.allowed), None)
    if refusal is not None:
        return f"there is no online way back to {source.name}: {refusal.reason}"
    pair = forward_pair(back.source.version, back.target.version)
    if pair is not None and pair.stated:
        return ""
    return f"the online way back to {source.version} ({source.name}) lasts only until {guest.name} next boots"


def _back(question: Question) -> Question:
    """The question of the way back, as it will be right after the move."""
    guest, source = question.guest, question.source
    # Read on the source: what an absent key means depends on the host it is read on, and the guest stays what it is.
    attributes: Mapping[str, str] = {attribute.key: attribute.of(question) for attribute in ATTRIBUTES}
    arrived = replace(guest, attributes=attributes, boot_floor=_floor_after(question))
    # The guest uses its LUNs and networks on the source at this moment, so the source has them.
    used = tuple(disk.id for disk in guest.disks if disk.kind.shared)
    home = replace(source, presented=(*source.presented, *used), networks=(*source.networks, *guest.networks))
    return Question(arrived, source=question.target, target=home)


def _floor_after(question: Question) -> BootFloor | None:
    """The oldest version that this boot will be known to have run on. Our own move adds the source's version, but only
    where a boot marker will tell a later reboot."""
    guest, source = question.guest, question.source
    floor = guest.boot_floor
    if not guest.boot_marker or not known(source.version):
        return floor
    if floor is not None and known(floor.version) and older(floor.version, source.version):
        return floor
    return BootFloor(source.version, source.name, "where it was before this move")


RULEBOOK = rulebook()
"""The rule book as the version tables have it."""
