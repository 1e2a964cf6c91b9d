"""Verdicts that many rules give in the same words: what is unknown, and lists that must be empty.

Called by the rules. Decides nothing that its caller has not asked.
"""

from __future__ import annotations

from reconciler.core.compatibility import Question, Verdict
from reconciler.core.observed import HostFacts
from reconciler.drivers.libvirt.rulebook.attributes import Attribute
from reconciler.drivers.rules import RuleCard, names


def unknown(card: RuleCard, question: Question, attribute: Attribute) -> Verdict:
    """The refusal where the guest's host has not said what the rule asks."""
    return card.refuses(attribute.told(question), f"find out on {question.source.name} why it cannot be read")


def target_unknown(card: RuleCard, host: HostFacts, what: str) -> Verdict:
    """The refusal where a host has not said what the rule asks of it."""
    return card.refuses(f"{what} of {host.name} are not known", f"find out on {host.name} why they cannot be read")


def unlisted(card: RuleCard, question: Question, attribute: Attribute, fine: str, says: str, fix: str) -> Verdict:
    """Allows where the guest's host lists nothing under the attribute; `{}` in what is said is the guest's name."""
    found = attribute.listed(question)
    if found is None:
        return unknown(card, question, attribute)
    name = question.guest.name
    return card.refuses(f"{says.format(name)}: {names(found)}", fix) if found else card.allows(fine.format(name))
