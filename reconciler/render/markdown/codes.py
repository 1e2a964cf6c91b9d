"""Where each reason code is explained: links from the status page into the pages of the reference beside it.

Called by status_tree, with the pages as they ship. A code that no page explains is shown without a link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.render.markdown.table import said
from reconciler.render.paths import REFERENCE

ROW = re.compile(r"\| `([A-Za-z]+)` \|")
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
HEADING = re.compile(r"#+ (.+)")

Links = Mapping[str, str]
"""Code -> where it is explained, as a link of README.md."""
NO_LINKS: Links = {}


def links(pages: Mapping[str, str]) -> dict[str, str]:
    """From the pages by name, earlier ones first: each code leads to the heading above its row."""
    found: dict[str, str] = {}
    for name, text in pages.items():
        anchor = ""
        for line in text.splitlines():
            if heading := HEADING.fullmatch(line):
                anchor = _anchor(heading[1])
            elif row := ROW.match(line):
                found.setdefault(row[1], f"{REFERENCE}{name}#{anchor}")
    return found


def standing_alone(pages: Mapping[str, str]) -> dict[str, str]:
    """The same pages where nothing else of the documentation is: a link to another page is left as its words."""

    def kept(link: re.Match[str]) -> str:
        target = link[2].partition("#")[0]
        return link[0] if not target or target in pages else link[1]

    return {name: LINK.sub(kept, text) for name, text in pages.items()}


def _anchor(heading: str) -> str:
    """As forges make it of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def code(reason: str, known: Links) -> str:
    """A code in bold, leading to its explanation where there is one."""
    shown = f"**{said(reason)}**"
    return f"[{shown}]({known[reason]})" if reason in known else shown
