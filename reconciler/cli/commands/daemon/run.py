"""`reconciler run`: the daemon."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from reconciler.cli import options
from reconciler.cli.command import Command
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.loop.daemon.daemon import Daemon


END_S = 9.5
"""After SIGTERM nothing lasts longer, not even a git server or a notify program that hangs."""


@click.command("run", cls=Command, examples=["reconciler run", "reconciler run --once"])
@click.option("--once", is_flag=True, help="One unattended pass, then end: for cron, or for CI after a merge.")
@options.settings
@options.output("json")
def command(once: bool, settings_file: Path | None, output: str) -> int:
    """Keep the fleet as declared: the daemon.

    Makes a pass at its start, on every new commit, on an interval (drift), on SIGHUP and on `reconciler refresh`. The
    newest commit wins. What it may do is the Fleet document's and the settings' to say: with `mode: report` it only
    reports. Events go to stderr, one line each: JSON, or text on a terminal; with --once, the report goes to stdout.

    SIGTERM begins nothing more and ends within ten seconds; migrations under way go on by themselves and are taken over
    at the next start. Settings, keys and known hosts are read anew before each pass.
    """
    from reconciler.loop.daemon.daemon import Daemon
    from reconciler.loop.daemon.telling.observer import Observers
    from reconciler.loop.settings import find_settings
    from reconciler.web.listeners import Listeners

    if once:
        return _once(settings_file, output)
    file = find_settings(settings_file)
    listeners = Listeners(file, sys.stderr)
    daemon = Daemon(file, Observers(listeners.observers))
    _heed_signals(daemon)
    listeners.open()
    try:
        code = daemon.run()
    finally:
        listeners.close()
    return _end_with(code)


def _once(settings_file: Path | None, output: str) -> int:
    """What `apply --yes` does, with no exceptions: nobody is there to make them."""
    from reconciler.cli.commands.apply import Application, Exceptions

    none = Exceptions({}, False, False, frozenset(), frozenset(), False)
    return Application(settings_file, "", output, True, none, None).run()


def _heed_signals(daemon: Daemon) -> None:
    def end(*_: object) -> None:
        daemon.stop()
        last = threading.Timer(END_S, os._exit, (ExitCode.OK,))  # whatever hangs: what counts is on disk and on hosts
        last.daemon = True
        last.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.signal(signal.SIGHUP, lambda *_: daemon.reload())


def _end_with(code: ExitCode) -> NoReturn:
    """At once: a thread that waits for a host would keep the interpreter from ending, and owns nothing that is lost."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
