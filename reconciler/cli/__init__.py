"""The command line: words in, tables and exit codes out.

    program     the commands there are, errors, exit codes
    command     what every command has: an example in its help, --debug
    options     the options that several commands share
    sources     the desired and the observed state that those options name
    codes       what was found -> exit code
    approval    what may be run: the question, and a plan that was reviewed before
    interrupts  Ctrl-C, once and twice
    progress    what a pass is doing; live shows it on a terminal
    terminal    data to stdout, everything else to stderr, colour where a person sees it
    reference   the pages of the manual that are made of all this
    commands/   one file a command

Called by people, by CI and by the demo. Decides nothing about guests, and imports little until a command needs it:
`reconciler --help` is there at once.
"""

from __future__ import annotations

import sys

from reconciler.cli.program import run

__all__ = ["main", "run"]


def main() -> None:
    """The `reconciler` executable."""
    sys.exit(run())
