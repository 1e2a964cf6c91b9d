"""`reconciler suspend`: have something left alone for a while."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command
from reconciler.errors import ExitCode


@click.command(
    "suspend",
    cls=Command,
    examples=[
        'reconciler suspend fleet --reason "storage upgrade" --for 4h',
        'reconciler suspend host vmhost-a --reason "new power supply"',
        'reconciler suspend guest web01 --reason "the shop is on sale" --until 2026-12-01T06:00:00Z',
        "reconciler suspend",
    ],
)
@options.subject(required=False)
@click.option("--reason", default="", help="Why: reports say it wherever they say that nothing is done.")
@click.option("--for", "duration", metavar="4h", default="", help="Until so long from now.")
@click.option("--until", metavar="MOMENT", default="", help="Until then, such as 2026-12-01T06:00:00Z.")
@options.settings
@options.output("json")
def command(
    what: str | None, name: str, reason: str, duration: str, until: str, settings_file: Path | None, output: str
) -> int:
    """Have the fleet, a host or a guest left alone; or list what is.

    Nothing begins with what is suspended: no move, start, stop or change of settings. Moves under way come to their
    end, and it is looked at and reported as ever. Holds for the daemon, also in the middle of a pass, and for `apply`.

    A name that no document declares is refused. Where the documents cannot be read, it is suspended all the same, and
    a warning says that nobody knows whether it is declared. Ends come by the clock that the fleet lives by.

    Kept in the state folder of this machine. To suspend in review, and for everybody, write it into the document.
    """
    from reconciler.cli.sources import settings_of
    from reconciler.cli.terminal import data, json_data, say
    from reconciler.core.desired import Suspension
    from reconciler.core.planning.stillness import told
    from reconciler.core.reports.json_values import headed
    from reconciler.errors import UsageError
    from reconciler.loop.answers.naming import subject
    from reconciler.loop.daemon import suspensions
    from reconciler.loop.daemon.control import tell_daemon
    from reconciler.render.words import when

    settings = settings_of(settings_file)
    if what is not None:
        options.check_subject(what, name)
        if not reason.strip():
            raise UsageError("say why", hint='--reason "…": whoever finds it still there in a month will want to know')
        by = os.environ.get("SUDO_USER") or getpass.getuser()
        # a whole fleet with no end to count is the emergency that must not wait for a repository that hangs
        about = subject(settings, what, name) if name or duration or until else None
        end_s = _end_s(duration, until, about.clock.now_s()) if about is not None else None
        order = suspensions.Order(what, name, Suspension(" ".join(reason.split()), end_s, by))
        suspensions.suspend(settings.state_folder, order)
        tell_daemon(settings.control_socket)
        if about is not None and about.doubt:
            say(f"warning: suspended, but nobody knows whether {what} {name} is declared: {about.doubt}", style="warn")
    found = suspensions.read(settings.state_folder)
    if output == "json":
        listed = [
            {
                "what": order.what,
                "name": order.name,
                "reason": order.suspension.reason,
                "by": order.suspension.by,
                "until": when(order.suspension.until_s) if order.suspension.until_s is not None else "",
            }
            for order in found
        ]
        json_data(headed("Suspensions", {"suspensions": listed}))
    else:
        lines = [f"{order.what} {order.name}".strip() + f"  {told(order.suspension)}" for order in found]
        data("\n".join(lines) or "Nothing is suspended on this machine.")
    return ExitCode.OK


def _end_s(duration: str, until: str, now_s: float) -> float | None:
    """When it ends, in seconds since the epoch; None: when somebody resumes it."""
    from reconciler.core.quantities import format_moment, parse_duration_s, parse_moment_s
    from reconciler.errors import UsageError

    if duration and until:
        raise UsageError("--for and --until exclude each other")
    try:
        end_s = now_s + parse_duration_s(duration) if duration else parse_moment_s(until) if until else None
    except ValueError as error:
        raise UsageError(str(error)) from error
    if end_s is not None and end_s <= now_s:
        what = f"--for {duration} ends at once" if duration else f"{until} is over: it is {format_moment(now_s)}"
        raise UsageError(
            what, hint="`reconciler resume` ends one" if duration else "give a moment to come, with its zone"
        )
    return end_s
