"""Options and arguments that several commands share, with the same words and the same help everywhere.

Used by the files of commands/. Reads nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.cli.codes import FINDINGS
from reconciler.errors import UsageError

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)


def settings(function: Decorated) -> Decorated:
    """--settings."""
    return click.option(
        "--settings",
        "settings_file",
        type=FILE,
        metavar="FILE",
        help="Settings file.  [default: $RECONCILER_SETTINGS, else /etc/reconciler/settings.toml]",
    )(function)


def rev(function: Decorated) -> Decorated:
    """--rev."""
    return click.option(
        "--rev", default="", metavar="REV", help="Commit, branch or tag to read.  [default: the settings' ref]"
    )(function)


def desired(function: Decorated) -> Decorated:
    """--desired."""
    return click.option(
        "--desired",
        type=FILE,
        metavar="PATH",
        help="Read documents from this folder instead of a commit: a draft, or a fleet without git.",
    )(function)


def observed(function: Decorated) -> Decorated:
    """--observed."""
    return click.option(
        "--observed",
        default="live",
        show_default=True,
        metavar="live|status|FILE",
        help="Where the hosts' state comes from: a look at them, the last report, or what `observe -o json` printed.",
    )(function)


def output(*formats: str) -> Callable[[Decorated], Decorated]:
    """-o, with text first."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["text", *formats]),
        default="text",
        show_default=True,
        help="How to print it. JSON has a schema in schemas/output/.",
    )


def subject(*, required: bool) -> Callable[[Decorated], Decorated]:
    """WHAT and NAME: the fleet, a host or a guest. For `check_subject` to look at."""

    def decorate(function: Decorated) -> Decorated:
        function = click.argument("name", default="", metavar="[NAME]")(function)
        return click.argument("what", type=click.Choice(["fleet", "host", "guest"]), required=required)(function)

    return decorate


def check_subject(what: str, name: str) -> None:
    """Raises UsageError where the fleet is given a name, or a host or a guest none."""
    if (what == "fleet") == bool(name):
        raise UsageError("say `fleet`, `host NAME` or `guest NAME`")


def exit_codes(function: Decorated) -> Decorated:
    """--exit-zero and --fail-on."""
    function = click.option(
        "--fail-on",
        "fail_on",
        default="",
        metavar="WHAT,…",
        callback=_fail_on,
        help=f"Exit 6 if the plan has any of these, else 0: {', '.join(FINDINGS)}. Trouble with documents and hosts"
        " counts all the same.",
    )(function)
    return click.option("--exit-zero", is_flag=True, help="Exit 0 whatever was found; only what failed counts.")(
        function
    )


def _fail_on(context: click.Context, parameter: click.Parameter, value: str) -> frozenset[str]:
    words = frozenset(word.strip() for word in value.split(",") if word.strip())
    unknown = sorted(words - set(FINDINGS))
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(FINDINGS)}", context, parameter)
    return words


def base(function: Decorated) -> Decorated:
    """--base."""
    return click.option(
        "--base", default="", metavar="REV", help="Show only what is different from a plan at this revision."
    )(function)


def moment(name: str, what: str) -> Callable[[Decorated], Decorated]:
    """--since, --until: a time, as run records spell it; empty where it is not given."""
    return click.option(
        name,
        default="",
        metavar="WHEN",
        callback=_moment,
        help=f"{what} (UTC): `2026-11-23`, `2026-11-23T20:15`, or how long ago: `45m`, `12h`, `7d`.",
    )


AGO = re.compile(r"([0-9]{1,6})([mhd])")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _moment(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """As run records spell it."""
    if not value:
        return ""
    ago = AGO.fullmatch(value)
    try:
        if ago is not None:
            at = datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        else:
            at = datetime.fromisoformat(value)
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{value!r} is no time, such as 2026-11-23 or 7d", context, parameter) from error
