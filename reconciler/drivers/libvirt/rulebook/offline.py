"""May the guest move while it is down? One pure function a rule; all must allow it.

Called through the rule book only. libvirt itself checks nothing when it moves a stopped guest: an unknown machine type
or a missing disk shows only at the start. So all that a start needs is asked here. Never asks whether the guest may
be stopped, which is its document's to say. Offline may cross processors: a guest that was stopped boots anew.
"""

from __future__ import annotations

from reconciler.core.compatibility import Question, Rule, Verdict
from reconciler.core.model import Method, RunState
from reconciler.drivers.libvirt.rulebook import cpu
from reconciler.drivers.libvirt.rulebook.answers import target_unknown, unknown
from reconciler.drivers.libvirt.rulebook.attributes import MACHINE, MACHINES, STORED_CPU_MODE, STORED_MACHINE, host_list
from reconciler.drivers.libvirt.rulebook.either import FIRST, REST, STORAGE, bound
from reconciler.drivers.libvirt.rulebook.sources import seen
from reconciler.drivers.rules import Basis, RuleCard

STATE_SETTLED = RuleCard("state-settled", Method.OFFLINE, seen("a paused guest is neither"))
MACHINE_OFFERED = RuleCard(
    "machine-offered", Method.OFFLINE, seen("--offline takes any machine type, the start then fails")
)
CPU_STARTABLE = RuleCard("cpu-startable", Method.OFFLINE, Basis("libvirt: Domain XML format, CPU model and topology"))


def state_settled(question: Question) -> Verdict:
    """Is the guest running or stopped? One that is paused, starting, stopping or in an unknown state is let be."""
    guest = question.guest
    if guest.state is not RunState.TRANSITION:
        return STATE_SETTLED.allows(f"{guest.name} is {guest.state}")
    return STATE_SETTLED.refuses(
        f"{guest.name} is neither running nor stopped (paused, starting, stopping or unknown)",
        "wait until it has settled; `virsh resume` it if a person paused it",
    )


def machine_offered(question: Question) -> Verdict:
    """Does the target's emulator offer the machine type that the guest boots with next?"""
    attribute = MACHINE if question.guest.state is RunState.STOPPED else STORED_MACHINE
    machine = attribute.of(question)
    if not machine:
        return unknown(MACHINE_OFFERED, question, attribute)
    return machine_at_target(MACHINE_OFFERED, question, machine)


def machine_at_target(card: RuleCard, question: Question, machine: str) -> Verdict:
    """Whether the target's emulator offers this machine type."""
    target = question.target
    offered = host_list(target, MACHINES)
    if offered is None:
        return target_unknown(card, target, "the machine types")
    if machine in offered:
        return card.allows(f"{target.name} offers {machine}")
    return card.refuses(
        f"QEMU {target.version} on {target.name} does not offer {machine}, which {question.guest.name} has",
        f"update QEMU on {target.name}; or choose a machine type that all hosts offer and boot the guest with it",
    )


def cpu_startable(question: Question) -> Verdict:
    """Can the guest be started on the target with the CPU of its stored definition? One that is modelled on its host
    can be started anywhere; a named model and features that are asked for must be there."""
    guest, target = question.guest, question.target
    described, there = cpu.stored(question), cpu.possible(question, target)
    if described is None:
        return unknown(CPU_STARTABLE, question, STORED_CPU_MODE)
    if there is None:
        return target_unknown(CPU_STARTABLE, target, f"the CPU features for {guest.name}")
    needed, says = described.added, f"the CPU of {guest.name} ({described.mode})"
    if described.mode == cpu.CUSTOM:
        says = f"the CPU of {guest.name} ({described.model})"
        models = cpu.startable_models(question, target)
        if models is None:
            return target_unknown(CPU_STARTABLE, target, f"the CPU models for {guest.name}")
        if described.model not in models:
            base = cpu.of_model(question.source, described.model)
            if base is None:
                return CPU_STARTABLE.refuses(
                    f"{target.name} cannot start guests with CPU model {described.model}, which {guest.name} has",
                    "choose a model that all hosts offer (`virsh domcapabilities`), or host-model",
                )
            needed = (base | needed) - described.removed
    missing = needed - there
    if missing:
        return CPU_STARTABLE.refuses(
            f"{says} needs what {target.name} does not have: {', '.join(sorted(missing))}",
            "choose a model that all hosts offer (`virsh domcapabilities`), or host-model",
        )
    return CPU_STARTABLE.allows(f"{says} can be had on {target.name}")


OFFLINE_RULES: tuple[tuple[RuleCard, Rule], ...] = (
    *bound(Method.OFFLINE, "registered-here"),
    (STATE_SETTLED, state_settled),
    *bound(Method.OFFLINE, *FIRST),
    (MACHINE_OFFERED, machine_offered),
    (CPU_STARTABLE, cpu_startable),
    *bound(Method.OFFLINE, *STORAGE, *REST),
)
"""In the order in which `explain` prints them; the first that refuses is the one that a decision names."""
