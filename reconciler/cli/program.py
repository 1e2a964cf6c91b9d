"""The program as a whole: which commands there are, how an error is shown, which exit code it gives.

Called by the executable, by `python -m reconciler` and by the demo. Knows each command by name and first sentence
only; its module is imported when it is asked for.
"""

from __future__ import annotations

import importlib
import keyword
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches

import click

from reconciler.cli.command import DEBUG_HELP, Command, Invocation
from reconciler.errors import DesiredStateError, ExitCode, ReconcilerError

COMMANDS = {
    "validate": "Check documents: a folder, or what a commit holds.",
    "import": "Write documents for a fleet that exists.",
    "observe": "Look at all hosts: who runs where.",
    "check": "Find what stands in the way, before the first move.",
    "diff": "Show what differs between the documents and the hosts.",
    "plan": "Show what would be done, in which order, and what cannot be.",
    "verify": "Prove a plan from a file safe, or say what is wrong with it.",
    "propose": "Propose changed documents, as a branch to merge.",
    "apply": "Do it once: look, plan, ask, run, report.",
    "run": "Keep the fleet as declared: the daemon.",
    "refresh": "Have the daemon look at git and at the hosts now.",
    "suspend": "Have the fleet, a host or a guest left alone; or list what is.",
    "resume": "End what `reconciler suspend` began.",
    "status": "Show the fleet as the last report left it.",
    "history": "Show who moved what, when, why and how.",
    "explain": "Say why a guest can move, or why not, rule by rule.",
    "settings": "Show the settings in force and where each comes from.",
    "demo": "See all of it work, on a simulated fleet in a temporary folder.",
    "version": "Show the version.",
}
"""Name -> what it does, in the order in which help lists them: first those that only read."""

INTERRUPTED = 130
"""Ctrl-C, as shells say it."""

EXIT_CODES = {
    ExitCode.OK: "nothing to do, or done",
    ExitCode.DIFFERENCES: "something differs",
    ExitCode.USAGE: "wrong call or settings",
    ExitCode.DOCUMENTS: "documents invalid",
    ExitCode.HOST: "trouble with a host, or not all is done yet",
    ExitCode.GIT: "trouble with git",
    ExitCode.HELD: "blocked or held: a person must decide",
    ExitCode.BUG: "a bug of ours: nothing more was started",
}


FOLDERS = {
    **dict.fromkeys(("run", "refresh", "suspend", "resume"), "daemon"),
    **dict.fromkeys(("validate", "import", "propose"), "documents"),
}
"""Command -> the folder that it shares with others of its kind."""


def module_name(command: str) -> str:
    """The module of a command: `import`, a word of Python's own, is in `import_`."""
    module = f"{command}_" if keyword.iskeyword(command) else command
    return f"{FOLDERS[command]}.{module}" if command in FOLDERS else module


class Program(click.Group):
    """All commands, each imported only when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module = f"reconciler.cli.commands.{module_name(cmd_name)}"
        found = getattr(importlib.import_module(module), "command", None)
        if not isinstance(found, Command):
            raise TypeError(f"{module} has no command")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A word that is no command is answered with the command that may have been meant."""
        near = get_close_matches(args[0], COMMANDS, 1) if args[0] not in COMMANDS else []
        if near:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table, so that help imports nothing."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The exit codes."""
        with formatter.section("Exit codes, the highest that applies"):
            formatter.write_dl([(f"{int(code):2}", meaning) for code, meaning in EXIT_CODES.items()])


@click.command(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, expose_value=False, callback=Invocation.note_debug, help=DEBUG_HELP)
@click.version_option(package_name="reconciler", message="%(prog)s %(version)s")
def program() -> None:
    """Keep guests (virtual machines) on the hosts that git says.

    Documents in git declare which guest runs on which host. reconciler compares them with the hosts, plans the moves
    (online where the platform can, offline where the guest allows it), runs them, and reports in git.

    \b
    Example:
      $ reconciler demo
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (the process's own by default) and give its exit code. Never raises."""
    _never_fail_on_a_character()
    invocation = Invocation()
    try:
        code = program.main(args=arguments, prog_name="reconciler", standalone_mode=False, obj=invocation)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except click.Abort:
        click.echo("\ninterrupted", err=True)
        return INTERRUPTED
    except ReconcilerError as error:
        return _show_error(error, invocation.debug)
    except Exception as error:  # noqa: BLE001 - the last door: a person gets a sentence, and the way to the rest
        return _show_bug(error, invocation.debug)
    return int(code) if isinstance(code, int) else ExitCode.OK


def _show_error(error: ReconcilerError, debug: bool) -> int:
    from reconciler.cli.terminal import say, say_problems

    if debug:
        traceback.print_exception(error)
    if isinstance(error, DesiredStateError):
        say_problems(error.problems)
    else:
        say(str(error))
    return error.exit_code


def _show_bug(error: Exception, debug: bool) -> int:
    from reconciler.cli.terminal import say

    if debug:
        traceback.print_exception(error)
    hint = (
        "please report this with the traceback above" if debug else "run the same again with --debug for the traceback"
    )
    say(f"error: unexpected\n{type(error).__name__}: {error}\nhint: {hint}")
    return ExitCode.BUG


def _never_fail_on_a_character() -> None:
    """An arrow that the terminal's encoding lacks is shown as an escape; it must not end a run."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and stream.errors == "strict":
            reconfigure(errors="backslashreplace")
