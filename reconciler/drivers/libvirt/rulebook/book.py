"""The rule book of libvirt: which rules speak on online and offline migration, and whether there is a way back.

Handed to `core.compatibility.decide` by the planner and by whoever explains a decision. Never looks at a host and never
judges room: memory, CPU and disk are the planner's.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.compatibility import Question, Rulebook
from reconciler.core.observed import HostFacts
from reconciler.drivers.libvirt.rulebook import cpu, offline
from reconciler.drivers.libvirt.rulebook.attributes import (
    FEATURES_OF_MODEL,
    MACHINES,
    OCCUPIED,
    STORED_MACHINE,
    host_list,
)
from reconciler.drivers.libvirt.rulebook.offline import OFFLINE_RULES
from reconciler.drivers.libvirt.rulebook.online import CPU_COMPATIBLE, MACHINE_OFFERED, ONLINE_RULES

__all__ = ["PLATFORM", "RULEBOOK"]

PLATFORM = "libvirt"
TELLING = frozenset({MACHINE_OFFERED.rule, CPU_COMPATIBLE.rule, "storage-presented", "disks-copyable"})


def _one_way(question: Question) -> str:
    """Why the online move asked about leaves no *lasting* online way back, or "". Meant for moves that are allowed
    online; the same rules are asked once more, as things will be after the move. What the guest boots with next is not
    what it has now: a way back that ends with the next boot, which nobody here controls, is named, too."""
    source, guest = question.source, question.guest
    back = _back(question)
    refusal = next((verdict for verdict in (rule(back) for _, rule in ONLINE_RULES) if not verdict.allowed), None)
    if refusal is not None:
        return f"there is no online way back to {source.name}: {refusal.reason}"
    ends = _ends_with_the_next_boot(back)
    return f"the online way back to {source.name} lasts only until {guest.name} next boots: {ends}" if ends else ""


def _ends_with_the_next_boot(back: Question) -> str:
    """What the guest may boot with on the target that its old host does not have, or ""."""
    home, there = back.target, back.source
    machine = STORED_MACHINE.of(back)
    if not machine:
        return "what it boots with then is not known"
    if machine not in (host_list(home, MACHINES) or ()):
        return f"{home.name} does not offer {machine}"
    described = cpu.stored(back)
    if described is None:
        return "what it boots with then is not known"
    at_home, beyond = cpu.possible(back, home) or frozenset(), cpu.possible(back, there) or frozenset()
    if described.mode == cpu.CUSTOM:
        verdict = offline.cpu_startable(back)
        return "" if verdict.allowed else verdict.reason
    return f"it may then see CPU features that {home.name} lacks" if beyond - at_home else ""


def _back(question: Question) -> Question:
    """The question of the way back, as it will be right after the move."""
    guest, source = question.guest, question.source
    # The guest uses its shared storage and networks on the source at this moment, so the source has them. What its CPU
    # model stands for goes along with it. The paths of what was copied are free again: a proven move puts the originals
    # aside, or deletes them.
    used = tuple(disk.store or disk.id for disk in guest.disks if disk.kind.shared)
    copied = {disk.id for disk in guest.local_disks}
    occupied = host_list(source, OCCUPIED)
    free = {OCCUPIED: ",".join(path for path in occupied if path not in copied)} if occupied is not None else {}
    home = replace(
        source,
        presented=(*source.presented, *used),
        networks=(*source.networks, *guest.networks),
        attributes={**source.attributes, **free},
    )
    return Question(guest, source=_with_models_of(question.target, source), target=home)


def _with_models_of(host: HostFacts, other: HostFacts) -> HostFacts:
    models = {key: value for key, value in other.attributes.items() if key.startswith(FEATURES_OF_MODEL)}
    return replace(host, attributes={**host.attributes, **models})


RULEBOOK = Rulebook(
    PLATFORM,
    online=tuple(rule for _, rule in ONLINE_RULES),
    offline=tuple(rule for _, rule in OFFLINE_RULES),
    one_way=_one_way,
    telling=TELLING,
)
"""All of it."""
