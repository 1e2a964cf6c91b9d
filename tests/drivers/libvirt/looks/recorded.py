"""Recordings of real libvirt hosts, in transcripts/: where they are from, `----`, the literal output.

Looks were recorded with observe.sh itself under the token `@t`; their heads say what was thinned out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from reconciler.core.observed import HostFacts
from reconciler.drivers.libvirt.looking.facts import Expansions, expanded, facts
from reconciler.drivers.libvirt.looking.reading import Reading, Stated
from reconciler.ssh.looks.sections import Section, split

FOLDER = Path(__file__).parent / "transcripts"
TOKEN = "@t"
LOOKS: Mapping[str, Mapping[str, Any]] = {
    "look-many": {"copy_folder": "/srv/local", "shared_paths": ("/srv/none", "/srv/san")},
    "look-arriving": {"copy_folder": "/srv/local"},
    "look-older": {"copy_folder": "/srv/local"},
}
"""Each with what the settings said."""


@cache
def recorded(name: str) -> str:
    """A recording's text."""
    head, _, text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").partition("----\n")
    assert {"command", "platform", "origin"} <= {line.partition(": ")[0] for line in head.splitlines()}
    return text


def answers(name: str) -> dict[str, Section]:
    """A look's sections, to be changed by a test."""
    return dict(split(recorded(name), TOKEN))


def expansions() -> Expansions:
    """What CPUs stand for, as the host of `look-many` said."""
    return expanded(answers("expand"))


def reading(name: str, changed: Mapping[str, str | None] | None = None, **stated: Any) -> Reading:
    """A recorded look, in which some sections hold another text, or are missing."""
    sections = answers(name)
    for section, text in (changed or {}).items():
        if text is None:
            sections.pop(section)
        else:
            sections[section] = Section(text, 0)
    return Reading("h1", sections, Stated(**{**LOOKS[name], **stated}))


def look(name: str, changed: Mapping[str, str | None] | None = None, **stated: Any) -> HostFacts:
    """What such a look comes to."""
    return facts(reading(name, changed, **stated), expansions())
