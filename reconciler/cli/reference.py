"""docs/reference/command-line.md and settings.md, made of what the program itself says.

Called by `python -m tests.cli.rewrite` in a checkout, and by the test that says when a page is stale. Adds no
knowledge: what an option does stands in its help, what a setting means in its schema.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import click

from reconciler.cli.command import Command
from reconciler.cli.program import COMMANDS, EXIT_CODES, program

Schema = Mapping[str, Any]
WIDTH = 120

COMMAND_LINE = """\
# Command line

Made from the program's own help by `python -m tests.cli.rewrite`; edit the help in `reconciler/cli/`, not this page.

Data goes to stdout, everything else to stderr: progress, questions, problems of documents, hints. There is colour on a
terminal only, and not when `NO_COLOR` is set. `-o json` prints a document with a [schema](outputs.md). Every command
takes `--help`, which ends with examples, and `--debug`, which shows the traceback of an error.
"""

EXIT_TITLE = """\
## Exit codes

Where several apply, the highest one.

| code | meaning |
| ---: | --- |
"""

EXIT_NOTES = """\
`status`, `explain` and `history` exit 0 unless they fail. `diff` and `plan` take `--exit-zero` (whatever was found is
fine, only what failed counts) and `--fail-on` (6 if the plan has what is named, else 0; trouble with documents and
hosts counts all the same). Ctrl-C before anything was begun is 130.

## Applying a plan that was reviewed

`reconciler apply PLAN.json` makes the plan anew and compares it with the file. Guest, hosts, method, whether the guest
runs, what is deleted, how it is stopped and what its document asks for must be the same; times and order may differ.
If any step differs, or is new, nothing is run at all: the guests are listed and the exit code is 6. Steps that are in
the file and no longer needed are mentioned and left out, with both commits where the file's was another one. Nothing is
ever run from the file. When a pass plans again on its way, for instance after a migration that was aborted, the same
comparison is made again.
"""

SETTINGS = """\
# Settings

Made from `schemas/settings.schema.json` by `python -m tests.cli.rewrite`; edit the schema, not this page.

One TOML file says what the operator of this machine decides, and what the repository cannot widen. It is the file that
`--settings` names, else the one in `RECONCILER_SETTINGS`, else `/etc/reconciler/settings.toml`. Unknown keys are
refused. Paths are relative to the file. `reconciler settings` checks the file and prints every setting as it holds.

```toml
[repository]
path = "/srv/git/fleet.git"
folder = "desired-state"

[state]
folder = "/var/lib/reconciler"

[ssh]
known_hosts_file = "known_hosts"      # under the names of the Host documents
key_file = "id_ed25519"

[network]
ssh_addresses = ["192.0.2.0/24"]
migration_addresses = ["*-hpvm-migr"]

[ceilings]
moves_per_pass = 50
stops_per_pass = 5

[[lost_hosts]]
host = "vmhost-c"
since = "2026-11-20"
reason = "scrapped after the fire"
```
"""


def command_line_page() -> str:
    """The page on commands: each with its words, arguments, options and examples."""
    lines = [COMMAND_LINE]
    context = click.Context(program, info_name="reconciler", help_option_names=["-h", "--help"])
    for name, sentence in COMMANDS.items():
        lines += [f"- [`{name}`](#reconciler-{name}): {sentence}"]
    lines += ["", EXIT_TITLE.rstrip("\n")]
    lines += [f"| {int(code)} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    lines += ["", EXIT_NOTES]
    for name in COMMANDS:
        command = program.get_command(context, name)
        if isinstance(command, Command):
            lines += _command(command, context)
    return "\n".join(lines).rstrip("\n") + "\n"


def _command(command: Command, parent: click.Context) -> list[str]:
    context = click.Context(command, info_name=command.name, parent=parent)
    usage = command.get_usage(context).removeprefix("Usage: ")
    lines = [f"## reconciler {command.name}", "", "```text", usage, "```", ""]
    for paragraph in textwrap.dedent(command.help or "").split("\n\n"):
        lines += [textwrap.fill(" ".join(paragraph.split()), WIDTH, break_on_hyphens=False), ""]
    rows = list(_options(command, context))
    if rows:
        lines += ["| option | meaning |", "| --- | --- |", *rows, ""]
    return [*lines, "```sh", *command.examples, "```", ""]


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and record[1]:
            option, meaning = (text.replace("|", "\\|") for text in record)
            yield f"| `{option}` | {meaning} |"


def settings_page(schema: Schema) -> str:
    """The page on settings, of schemas/settings.schema.json."""
    lines = [SETTINGS]
    for table, about in schema["properties"].items():
        entries = about.get("items", about)
        title = f"[[{table}]]" if "items" in about else f"[{table}]"
        if all("properties" in part for part in entries["properties"].values()):
            lines += [f"## {title}", "", about["description"], ""]
            for name, inner in entries["properties"].items():
                lines += [f"### [{table}.{name}]", "", inner["description"], "", *_settings(inner), ""]
        else:
            lines += [f"## {title}", "", about["description"], "", *_settings(entries), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _settings(table: Schema) -> list[str]:
    rows = []
    for key, about in table["properties"].items():
        kind = " or ".join(f"`{value}`" for value in about["enum"]) if "enum" in about else about["type"]
        usual = "needed" if key in table.get("required", ()) else "none"
        if "default" in about:
            default = about["default"]
            usual = f"`{default if isinstance(default, str) else json.dumps(default)}`"
        rows.append(f"| `{key}` | {kind} | {usual} | {about['description']} |")
    return ["| key | type | default | meaning |", "| --- | --- | --- | --- |", *rows]
