"""Names, routes and commands inside of running text: harmless, and not a line long.

Called by the pages of this folder. Never shortens what is not a name.
"""

from __future__ import annotations

from reconciler.render.escape import spelled, terminal
from reconciler.render.layout import shorten

NAME_CHARACTERS = 40


def name(text: str) -> str:
    """A guest's or a host's name."""
    return shorten(terminal(text), NAME_CHARACTERS)


def route(source: str, target: str) -> str:
    """`vmhost-a → vmhost-b`, or the one host where both are the same."""
    return name(source) if source == target else f"{name(source)} → {name(target)}"


def command(host: str, argv: tuple[str, ...]) -> str:
    """`vmhost-a$ hpvmmigrate -P web01 -h vmhost-b`."""
    return f"{name(host)}$ {spelled(argv)}"
