"""Make text that documents or hosts said harmless: on a terminal and in markdown.

Called by everything in render/ for every string that is not its own. Never shortens, never decides what is shown.
"""

from __future__ import annotations

import html as entities
import re
import unicodedata
from collections.abc import Sequence

from reconciler.core.names import escaped

INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories nobody sees and that can reorder, hide or steer: controls, bidi overrides, zero widths, surrogates."""

UNSEEN_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5")
"""Letters and marks by category, blank or nothing on the screen."""

MARKDOWN_SPECIAL = re.compile(r"[\\`*_\[\]#|~$]")
LIST_START = re.compile(r"^([-+=]|[0-9]{1,9}[.)](?= |$))")
NO_MENTION = "&#8203;"
"""A zero width space: between `@` and a name, or `#` and a number, it keeps a forge from notifying or linking."""


def terminal(text: str) -> str:
    """On one line, with what is not seen shown as an escape: a tab as `\\t`, a bidi override as `\\u202e`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def terminal_lines(text: str) -> list[str]:
    """The lines of a command's output, each made harmless; white space and empty lines at the end are dropped."""
    lines = [terminal(line.expandtabs(8)).rstrip() for line in re.split(r"\r\n|\n|\r", text)]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def spelled(argv: Sequence[str]) -> str:
    """A command to be read, not pasted: quotes show where an argument that is empty or has blanks begins and ends."""
    shown = [terminal(argument) for argument in argv]
    return " ".join(repr(text) if " " in text or not text else text for text in shown)


def _shown(character: str) -> str:
    if unicodedata.category(character) not in INVISIBLE and character not in UNSEEN_LETTERS:
        return character
    return escaped(character)


def markdown(text: str) -> str:
    """For running text and table cells: one line, nothing in it is markup, a link, a mention or HTML."""
    flat = " ".join(text.split()) if text.isprintable() else " ".join(terminal(_spaces(text)).split())
    marked = MARKDOWN_SPECIAL.sub(lambda found: "\\" + found.group(), entities.escape(flat, quote=False))
    marked = LIST_START.sub(lambda found: _list_start(found.group()), marked)
    marked = marked.replace("://", "&#58;//").replace("www.", "www&#46;").replace("WWW.", "WWW&#46;")
    return _unmentioned(marked)


def fenced(lines: list[str]) -> str:
    """A code block, with a fence that nothing in it can close."""
    shown = [line for text in lines for line in terminal_lines(text) or [""]]
    longest = max((len(run) for line in shown for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *shown, fence])


def _spaces(text: str) -> str:
    return re.sub(r"[\t\n\r]+", " ", text)


def _list_start(found: str) -> str:
    return f"{found[:-1]}\\{found[-1]}"


def _unmentioned(text: str) -> str:
    text = text.replace("@", f"@{NO_MENTION}")
    return re.sub(r"(?<!&)#(?=[0-9])", f"#{NO_MENTION}", text)
