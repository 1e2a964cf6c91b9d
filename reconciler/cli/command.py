"""What every command has beyond click's own: an example in its help, and --debug.

Used by every file of commands/ and by the program. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import click

DEBUG_HELP = "Show the traceback of an error."


@dataclass
class Invocation:
    """One command line being run: what is known of it when it fails."""

    debug: bool = False

    @staticmethod
    def note_debug(context: click.Context, _: click.Parameter, value: bool) -> None:
        """Keep --debug where an error is shown, wherever on the line it stood."""
        invocation = context.find_object(Invocation)
        if invocation is not None and value:
            invocation.debug = True


class Command(click.Command):
    """A command whose help ends with examples."""

    def __init__(self, *arguments: object, examples: Sequence[str], **settings: object) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]  # click's own long list, passed on as it is
        self.examples = tuple(examples)
        debug = ["--debug"]
        self.params.append(
            click.Option(debug, is_flag=True, expose_value=False, callback=Invocation.note_debug, help=DEBUG_HELP)
        )

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples as they are typed, never wrapped."""
        title = "Example" if len(self.examples) == 1 else "Examples"
        with formatter.section(title):
            for example in self.examples:
                formatter.write(f"  $ {example}\n")
