"""`reconciler refresh`: have the daemon make a pass now."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from reconciler.cli import options
from reconciler.cli.command import Command
from reconciler.errors import ExitCode


@click.command("refresh", cls=Command, examples=["reconciler refresh", "reconciler refresh --no-wait"])
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until that pass has ended.")
@click.option("--timeout", type=click.IntRange(1, 86400), default=600, show_default=True, help="Seconds to wait.")
@options.settings
@options.output("json")
def command(wait: bool, timeout: int, settings_file: Path | None, output: str) -> int:
    """Have the daemon look at git and at the hosts now.

    Waits for a pass that began after this was asked, and tells how it ended: the exit code is what `apply` would have
    given. Nothing is allowed that the daemon would not do by itself.
    """
    from reconciler.cli.sources import settings_of
    from reconciler.cli.terminal import data, json_data, say
    from reconciler.core.reports.json_values import headed
    from reconciler.errors import UsageError
    from reconciler.loop.daemon.control import NoDaemon, ask

    path = settings_of(settings_file).control_socket
    wanted = {"do": "refresh", "id": secrets.token_hex(8), "timeout_s": timeout if wait else 0}
    reply: dict[str, object] = {}
    try:
        for answer in ask(path, wanted, timeout_s=timeout + 5):
            reply.update(answer)
            if output == "text" and "accepted" in answer:
                say(f"asked for a pass ({answer['accepted']})")
    except NoDaemon as error:
        raise UsageError(
            f"no daemon answers at {error}",
            hint="start `reconciler run`, as the same user as this; or make one pass with `reconciler apply`",
        ) from error
    unheard = wait and "handled" not in reply
    code = int(str(reply.get("exit_code", int(ExitCode.HOST if unheard else ExitCode.OK))))
    told = {name: str(reply.get(name, "")) for name in ("pass", "result", "commit")}
    trouble = str(reply.get("error", ""))
    if output == "json":
        about = {"id": wanted["id"], "handled": "handled" in reply, **told, "exit_code": code, "trouble": trouble}
        json_data(headed("Refresh", about))
    elif trouble:
        say(f"error: pass-failed\n{trouble}\nhint: the daemon's log says more")
    elif unheard:
        say(f"no such pass has ended within {timeout} s: one is under way, or the daemon was stopped")
    elif "handled" in reply:
        data(f"Pass {told['pass']} at {told['commit'][:12]}: {told['result']}.")
    return code
