"""Which CPU features a guest sees, or will see when it boots next, and which of them a host lacks.

Called by the rules. What matters is what the guest *sees*: the features that its model stands for on the host that
booted it, and what its definition adds to and takes from them. Knows no verdicts; None is always unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.compatibility import Question
from reconciler.core.model import RunState
from reconciler.core.observed import HostFacts
from reconciler.drivers.libvirt.rulebook.attributes import (
    CPU_FEATURES,
    CPU_MODE,
    CPU_MODEL,
    FEATURES_OF_MODEL,
    FEATURES_OF_VIRT,
    MODELS_OF_VIRT,
    PARTIAL_OF_VIRT,
    STORED_CPU_FEATURES,
    STORED_CPU_MODE,
    STORED_CPU_MODEL,
    VIRT_TYPE,
    Attribute,
    host_list,
)

CUSTOM, HOST_MODEL, PASSTHROUGH, MAXIMUM = "custom", "host-model", "host-passthrough", "maximum"
WHOLE = (PASSTHROUGH, MAXIMUM)
"""Modes that give the guest whatever the host has."""

Features = frozenset[str]


@dataclass(frozen=True)
class Cpu:
    """A CPU as a definition describes it."""

    mode: str
    model: str
    added: Features
    removed: Features


def present(question: Question) -> Cpu | None:
    """The CPU that the guest has now; of a stopped one, the stored one."""
    return _read(question, CPU_MODE, CPU_MODEL, CPU_FEATURES)


def stored(question: Question) -> Cpu | None:
    """The CPU that the guest's next boot gives it."""
    described = _read(question, STORED_CPU_MODE, STORED_CPU_MODEL, STORED_CPU_FEATURES)
    return present(question) if described is None and question.guest.state is RunState.STOPPED else described


def _read(question: Question, mode: Attribute, model: Attribute, features: Attribute) -> Cpu | None:
    how, listed = mode.of(question), features.listed(question)
    if how not in (CUSTOM, HOST_MODEL, *WHOLE) or listed is None:
        return None
    name = model.of(question) or ""
    if how == CUSTOM and not name:
        return None
    added = frozenset(feature[1:] for feature in listed if feature.startswith("+"))
    removed = frozenset(feature[1:] for feature in listed if feature.startswith("-"))
    if len(added | removed) != len(listed) or "" in added | removed:
        return None  # a feature without a sign, with both, or without a name
    return Cpu(how, name, added, removed)


def of_model(host: HostFacts, model: str) -> Features | None:
    """The features that this model stands for on the host."""
    listed = host_list(host, f"{FEATURES_OF_MODEL}{model}")
    return None if listed is None else frozenset(listed)


def possible(question: Question, host: HostFacts) -> Features | None:
    """The features that a guest of this virt type can have on the host."""
    virt_type = VIRT_TYPE.of(question)
    listed = host_list(host, f"{FEATURES_OF_VIRT}{virt_type}") if virt_type else None
    return None if not listed else frozenset(listed)


def startable_models(question: Question, host: HostFacts) -> Features | None:
    """The models that a guest of this virt type can be started with on the host."""
    listed = host_list(host, f"{MODELS_OF_VIRT}{VIRT_TYPE.of(question)}")
    return None if listed is None else frozenset(listed)


def known_models(question: Question, host: HostFacts) -> Features | None:
    """The models that the host has heard of, whole or not: libvirt takes a running guest with no other."""
    whole = startable_models(question, host)
    partial = host_list(host, f"{PARTIAL_OF_VIRT}{VIRT_TYPE.of(question)}")
    return None if whole is None or partial is None else whole | frozenset(partial)


def seen(question: Question, cpu: Cpu) -> Features | None:
    """The features that the guest sees with this CPU on its source. Where that does not spell its model out, as a host
    on which the guest only rests, these are all that the source can give: it sees no more."""
    if cpu.mode == HOST_MODEL:
        return None  # a host model that libvirt has not spelled out
    base = None if cpu.mode in WHOLE else of_model(question.source, cpu.model)
    base = possible(question, question.source) if base is None else base
    return None if base is None else (base | cpu.added) - cpu.removed
