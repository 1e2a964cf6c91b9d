"""May the guest move while it runs? One pure function a rule; all must allow it.

Called through the rule book only. Unknown means no. Never asks a real host, never how much room the target has, which
is the planner's, and never whether the guest's disks may be copied meanwhile, which is its document's to say.
"""

from __future__ import annotations

import re

from reconciler.core.compatibility import Question, Rule, Verdict
from reconciler.core.model import Method, RunState
from reconciler.core.observed import HostFacts
from reconciler.drivers.libvirt.rulebook import cpu
from reconciler.drivers.libvirt.rulebook.answers import target_unknown, unknown
from reconciler.drivers.libvirt.rulebook.attributes import (
    CACHE,
    CPU_FEATURES,
    CPU_MODE,
    FEATURES_OF_MODEL,
    MACHINE,
    MACHINES,
    host_list,
)
from reconciler.drivers.libvirt.rulebook.either import FIRST, REST, STORAGE, bound
from reconciler.drivers.libvirt.rulebook.offline import machine_at_target
from reconciler.drivers.rules import Basis, RuleCard, names

_SOURCE = "libvirt 9.0, src/qemu/qemu_migration.c"
_COMPATIBILITY = "QEMU: Backwards compatibility"
GUEST_RUNNING = RuleCard("guest-running", Method.ONLINE, Basis("libvirt: virsh(1), migrate"))
MACHINE_OFFERED = RuleCard(
    "machine-offered", Method.ONLINE, Basis("QEMU: qemu-system-x86_64(1), -machine; " + _COMPATIBILITY)
)
EMULATOR_VERSION = RuleCard("emulator-version", Method.ONLINE, Basis(f"{_COMPATIBILITY}, cases 1 to 6"))
CPU_COMPATIBLE = RuleCard("cpu-compatible", Method.ONLINE, Basis("libvirt: Domain XML format, CPU model and topology"))
NO_INVARIANT_TSC = RuleCard("no-invariant-tsc", Method.ONLINE, Basis(f"{_SOURCE}, qemuMigrationSrcIsAllowed"))
CACHE_SAFE = RuleCard("cache-safe", Method.ONLINE, Basis(f"{_SOURCE}, qemuMigrationSrcIsSafe"))
PASSTHROUGH = Basis("libvirt: Domain XML format, host-passthrough; QEMU: qemu-cpu-models(7)")
INVARIANT_TSC = "invtsc"
VERSION = re.compile(r"\d{1,4}(\.\d{1,4}){1,3}", re.ASCII)


def guest_running(question: Question) -> Verdict:
    """Does the guest run? A stopped guest has nothing to keep running; one in between is left alone."""
    guest = question.guest
    match guest.state:
        case RunState.RUNNING:
            return GUEST_RUNNING.allows(f"{guest.name} runs on {question.source.name}")
        case RunState.STOPPED:
            return GUEST_RUNNING.refuses(f"{guest.name} is stopped: there is nothing to keep running")
    return GUEST_RUNNING.refuses(
        f"{guest.name} is neither running nor stopped (paused, starting, stopping or unknown)",
        "wait until it runs; `virsh resume` it if a person paused it",
    )


def machine_offered(question: Question) -> Verdict:
    """Does the target's emulator offer the machine type that the guest was booted with? That is what both ends must
    have in common."""
    machine = MACHINE.of(question)
    return (
        machine_at_target(MACHINE_OFFERED, question, machine)
        if machine
        else unknown(MACHINE_OFFERED, question, MACHINE)
    )


def release(version: str) -> tuple[int, ...] | None:
    """A version as numbers, without trailing noughts; None for what is no version."""
    if not VERSION.fullmatch(version):
        return None
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def emulator_version(question: Question) -> Verdict:
    """Do the QEMU versions of the hosts go together? A newer one takes guests of an older one by their machine type. An
    older one takes guests of a newer one where it offers their machine type: QEMU's developers mean that to work and
    mend it where it does not; where it does not, the target refuses and the guest runs on where it is."""
    source, target = question.source, question.target
    for host in (source, target):
        if release(host.version) is None:
            return EMULATOR_VERSION.refuses(
                f'{host.name} reports QEMU "{host.version}", which is no version',
                f"find out on {host.name} (`virsh version --daemon`)",
            )
    arrow = f"QEMU {source.version} → {target.version}"
    if not older(target, source):
        return EMULATOR_VERSION.allows(arrow)
    machine = MACHINE.of(question)
    if machine and machine in (host_list(target, MACHINES) or ()):
        return EMULATOR_VERSION.allows(f"{arrow} is a step back, but {machine} is the same machine on both")
    return EMULATOR_VERSION.refuses(
        f"{arrow} is a step back, and {target.name} does not offer the machine type of {question.guest.name}",
        f"update QEMU on {target.name}",
    )


def older(one: HostFacts, other: HostFacts) -> bool:
    """Whether one host has an older QEMU than the other. Both must be known."""
    return (release(one.version) or ()) < (release(other.version) or ())


def cpu_compatible(question: Question) -> Verdict:
    """Does the target have every CPU feature that the guest sees? A CPU that is passed through is safe only between
    hosts that are alike: same processor, same features, same QEMU."""
    guest, target = question.guest, question.target
    described, there = cpu.present(question), cpu.possible(question, target)
    if described is None:
        return unknown(CPU_COMPATIBLE, question, CPU_FEATURES if CPU_MODE.of(question) else CPU_MODE)
    if there is None:
        return target_unknown(CPU_COMPATIBLE, target, f"the CPU features for {guest.name}")
    if described.mode in cpu.WHOLE:
        return _passed_through(question, described, there)
    sees = cpu.seen(question, described)
    if sees is None:
        what = f"{FEATURES_OF_MODEL}{described.model}" if described.mode == cpu.CUSTOM else "its host model"
        return CPU_COMPATIBLE.refuses(
            f"which CPU features {guest.name} sees is not known: {question.source.name} does not spell out {what}",
            f"look at `virsh dumpxml {guest.name}` on {question.source.name}",
        )
    if sees - there:
        return _lacking(question, sees - there)
    models = cpu.known_models(question, target)
    doubtful = models is None and (release(target.version) is None or older(target, question.source))
    if doubtful or (models is not None and described.model not in models):
        return CPU_COMPATIBLE.refuses(
            f"{target.name} does not say that it knows CPU model {described.model}",
            f"update QEMU on {target.name}, or move {guest.name} offline",
        )
    return CPU_COMPATIBLE.allows(f"{target.name} has all {len(sees)} CPU features that {guest.name} sees")


def _lacking(question: Question, missing: frozenset[str]) -> Verdict:
    guest, target = question.guest, question.target
    return CPU_COMPATIBLE.refuses(
        f"{target.name} lacks CPU features that {guest.name} sees: {', '.join(sorted(missing))}",
        "boot it with a CPU model that all hosts offer (`virsh domcapabilities`), or move it offline",
    )


def _passed_through(question: Question, described: cpu.Cpu, there: cpu.Features) -> Verdict:
    source, target, name = question.source, question.target, question.guest.name
    here = cpu.possible(question, source)
    if here is None:
        return target_unknown(CPU_COMPATIBLE, source, f"the CPU features for {name}")
    for host in (source, target):
        if host.processor.family <= 0 or host.processor.model < 0:
            return CPU_COMPATIBLE.refuses(
                f"the processor of {host.name} is not known", f"see `virsh capabilities` on {host.name}"
            )
    one, other = source.processor, target.processor
    differs = [
        *([f"{one} and {other}"] if (one.family, one.model) != (other.family, other.model) else []),
        *([f"QEMU {source.version} and {target.version}"] if source.version != target.version else []),
        *([f"CPU features {', '.join(sorted(here ^ there))}"] if here != there else []),
    ]
    if differs:
        return CPU_COMPATIBLE.refuses(
            f"{name} has its host's own CPU ({described.mode}), and the hosts differ: {'; '.join(differs)}",
            "boot it with a CPU model that all hosts offer (`virsh domcapabilities`), or move it offline",
            PASSTHROUGH,
        )
    if described.added - described.removed - there:
        return _lacking(question, described.added - described.removed - there)
    return CPU_COMPATIBLE.allows(f"{name} has its host's own CPU, and the hosts are alike: {one}", PASSTHROUGH)


def no_invariant_tsc(question: Question) -> Verdict:
    """Is the guest's clock register not promised to be invariant? Another host's runs at another speed."""
    described, name = cpu.present(question), question.guest.name
    if described is None:
        return unknown(NO_INVARIANT_TSC, question, CPU_FEATURES if CPU_MODE.of(question) else CPU_MODE)
    if INVARIANT_TSC not in described.added:
        return NO_INVARIANT_TSC.allows(f"the CPU of {name} does not ask for {INVARIANT_TSC}")
    return NO_INVARIANT_TSC.refuses(
        f"the CPU of {name} asks for {INVARIANT_TSC}", f"boot it without {INVARIANT_TSC}, or move it offline"
    )


def cache_safe(question: Question) -> Verdict:
    """Does no disk on shared storage go through a cache of its host's? The other host would read what is old."""
    guest = question.guest
    shared = [disk for disk in guest.disks if disk.kind.shared]
    if not shared:
        return CACHE_SAFE.allows(f"{guest.name} has no disk on shared storage")
    cached = CACHE.listed(question)
    if cached is None:
        return unknown(CACHE_SAFE, question, CACHE)
    unsafe = [disk.id for disk in shared if disk.resource in cached or (cached and not disk.resource)]
    if unsafe:
        return CACHE_SAFE.refuses(
            f"{names(unsafe)} of {guest.name} goes through a cache of {question.source.name}",
            "set cache='none' for it and boot the guest, or move it offline",
        )
    return CACHE_SAFE.allows(f"no shared disk of {guest.name} goes through a cache of its host")


ONLINE_RULES: tuple[tuple[RuleCard, Rule], ...] = (
    *bound(Method.ONLINE, "registered-here"),
    (GUEST_RUNNING, guest_running),
    *bound(Method.ONLINE, *FIRST),
    (MACHINE_OFFERED, machine_offered),
    (EMULATOR_VERSION, emulator_version),
    (CPU_COMPATIBLE, cpu_compatible),
    (NO_INVARIANT_TSC, no_invariant_tsc),
    *bound(Method.ONLINE, *STORAGE),
    (CACHE_SAFE, cache_safe),
    *bound(Method.ONLINE, *REST),
)
"""In the order in which `explain` prints them; the first that refuses is the one that a decision names."""
