"""How the demo speaks: titles, paragraphs, commands with their `$`, what they printed.

Used by the story. Writes through the one function it is given; runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.render.escape import terminal_lines
from reconciler.render.layout import WIDTH, Paint, no_paint, wrap


@dataclass
class Teller:
    """Says things, one line at a time."""

    say: Callable[[str], None]
    paint: Paint = no_paint
    acts: int = 0

    def title(self, text: str) -> None:
        """The first line."""
        self.say(self.paint("strong", text))

    def act(self, text: str) -> None:
        """The title of the next act."""
        self.acts += 1
        line = f"── {self.acts}. {text} "
        self.say("")
        self.say(self.paint("strong", line.ljust(WIDTH, "─")))

    def text(self, text: str) -> None:
        """A paragraph."""
        self.say("")
        for line in wrap(text):
            self.say(line)

    def points(self, *texts: str) -> None:
        """What to take away from what was shown."""
        self.say("")
        for text in texts:
            for line in wrap(text, first="  • "):
                self.say(line)

    def command(self, text: str) -> None:
        """A command, as it is typed."""
        self.say("")
        self.say(self.paint("strong", f"$ {text}"))

    def output(self, text: str, *, lines_max: int = 40) -> None:
        """What another program printed, harmless, and only its beginning where it is long."""
        lines = terminal_lines(text)
        for line in lines[:lines_max]:
            self.say(line)
        if len(lines) > lines_max:
            self.say(self.paint("dim", f"… ({len(lines) - lines_max} more lines)"))

    def hint(self, command: str, what: str) -> None:
        """A command to try."""
        self.say(f"  $ {command.ljust(36)}  {self.paint('dim', f'# {what}')}")
