"""CPU models and features that guests can be given here, as `domcapabilities` and `hypervisor-cpu-baseline` print them.

Called by facts. A CPU is asked about, and remembered, as one line: the virtualisation type, then its XML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from reconciler.drivers.libvirt.looking.parse.trees import Element, attribute, tree, value
from reconciler.ssh.looks.sections import Unreadable

WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", re.ASCII)
"""What models and features are called: these words go into XML and onto command lines."""
OFFERED = "minimum"
OFFERS_REMEMBERED = 256
"""Most hosts of a fleet offer the same, look after look."""
GIVEN = ("require", "force")
TAKEN = ("disable", "forbid")


@dataclass(frozen=True)
class Cpu:
    """A CPU as a definition, or a host's offer, spells it out."""

    mode: str = ""
    model: str = ""
    given: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()

    @property
    def spelt(self) -> str:
        """Its features beside those of the model: `+aes,-svm`."""
        signs = dict.fromkeys(self.given, "+") | dict.fromkeys(self.taken, "-")
        return ",".join(f"{signs[name]}{name}" for name in sorted(signs))


@dataclass(frozen=True)
class Offer:
    """What `domcapabilities` says of one type of virtualisation."""

    models: tuple[str, ...] = ()
    """Those that can be used here."""
    partial: tuple[str, ...] = ()
    """Those that are known here, and lack features: of use to a guest that does without these."""
    host_model: Cpu | None = None


def cpu(element: Element | None) -> Cpu:
    """A `<cpu>` or `<mode>`. Raises Unreadable for words that cannot be meant."""
    if element is None:
        return Cpu()
    given, taken = set(), set()
    for feature in element.findall("feature"):
        name, policy = _word(feature.get("name", "")), feature.get("policy", "require")
        if policy in GIVEN:
            given.add(name)
        elif policy in TAKEN:
            taken.add(name)
    model = value(element, "model")
    return Cpu(element.get("mode", ""), _word(model) if model else "", frozenset(given), frozenset(taken))


@lru_cache(maxsize=OFFERS_REMEMBERED)
def offer(text: str, virt_type: str) -> Offer:
    """`domcapabilities --virttype`. Raises Unreadable, also where the host does not have it."""
    found = tree(text, "domainCapabilities", what="domcapabilities")
    if value(found, "domain") != virt_type:
        raise Unreadable(f"domcapabilities: not about {virt_type}", text)
    custom = found.find("cpu/mode[@name='custom']")
    models = [] if custom is None or custom.get("supported") != "yes" else custom.findall("model")
    named = {(model.text or "").strip(): model.get("usable") == "yes" for model in models}
    usable, partial = (
        tuple(name for name in sorted(named) if WORD.fullmatch(name) and named[name] is wanted)
        for wanted in (True, False)
    )
    supported = attribute(found, "cpu/mode[@name='host-model']", "supported") == "yes"
    host_model = cpu(found.find("cpu/mode[@name='host-model']")) if supported else None
    return Offer(usable, partial, host_model)


def model_question(virt_type: str, model: str) -> str:
    """The line that asks what a model stands for."""
    return f"{virt_type} <cpu mode='custom' match='exact'><model>{model}</model></cpu>"


def offer_question(virt_type: str, offered: Cpu) -> str:
    """The line that asks for all features of what a host offers."""
    features = dict.fromkeys(offered.given, "require") | dict.fromkeys(offered.taken, "disable")
    spelt = "".join(f"<feature policy='{features[name]}' name='{name}'/>" for name in sorted(features))
    return f"{virt_type} <cpu mode='custom' match='{OFFERED}'><model>{offered.model}</model>{spelt}</cpu>"


def expansion(asked: str, text: str) -> frozenset[str]:
    """`hypervisor-cpu-baseline --features`: all features of the CPU. Raises Unreadable.

    What a model stands for is all that is printed, also what is disabled as this host does not have it; provided that
    the answer is about the same model. What a host offers is what is not disabled.
    """
    said = cpu(tree(text, "cpu", what="hypervisor-cpu-baseline"))
    asked_for = tree(asked.partition(" ")[2], "cpu", what="the question")
    if asked_for.get("match") == OFFERED:
        return said.given
    if said.model != value(asked_for, "model"):
        raise Unreadable("hypervisor-cpu-baseline: not about that model", text)
    return said.given | said.taken


def _word(text: str) -> str:
    if not WORD.fullmatch(text):
        raise Unreadable("a CPU model or feature of such a name", text)
    return text
