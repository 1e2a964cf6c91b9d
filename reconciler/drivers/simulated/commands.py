"""Make the simulated platform's commands from a verb and a move record, and read them back.

`command` is called by the driver, for showing and for sending alike; `parse` by the world: argv is the truth about what
was asked. Pure; never looks at a fleet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.core.commands import Command, Guard, Verb
from reconciler.core.model import Method, Setting
from reconciler.core.names import is_name
from reconciler.core.records import VALUES, MoveRecord
from reconciler.drivers.words import check_names

PROGRAM = "simctl"
RECORD_VERBS = {verb.value: verb for verb in (Verb.CLAIM, Verb.RENEW, Verb.RELEASE, Verb.PARK)}
SETTINGS = {Setting.MEMORY: "memory", Setting.ENTITLEMENT: "entitlement", Setting.AUTOSTART: "autostart"}
"""What simctl calls a setting."""
METHODS = {f"--{method.value}": method for method in Method}


@dataclass(frozen=True)
class Told:
    """What an argv asks for. Fields that the verb does not need are empty."""

    verb: Verb
    uuid: str = ""
    target: str = ""
    method: Method = Method.OFFLINE
    """For a check and a migration."""
    record_id: str = ""
    attempt: int = 0
    setting: Setting | None = None
    value: str = ""


def command(verb: Verb, host: str, record: MoveRecord, guard: Guard | None) -> Command:
    """The one way a command is made. Raises UnsafeWord rather than putting a hostile name into argv."""
    check_names(host, record)
    return Command(host, verb, (PROGRAM, *_words(verb, record)), record, guard)


def _words(verb: Verb, record: MoveRecord) -> tuple[str, ...]:
    match verb:
        case Verb.CLAIM | Verb.RENEW | Verb.RELEASE | Verb.PARK:
            return ("record", verb.value, record.id)
        case Verb.CHECK:
            return ("check", f"--{record.method.value}", record.guest_uuid, "--to", record.target)
        case Verb.MIGRATE:
            job = ("--job", record.id, str(record.attempt))
            return ("migrate", f"--{record.method.value}", record.guest_uuid, "--to", record.target, *job)
        case Verb.SET:
            return ("set", record.guest_uuid, *(f"{SETTINGS[Setting(name)]}={to}" for name, to in record.settings[:1]))
        case Verb.STOP_HARD:
            return ("stop", "--hard", record.guest_uuid)
        case Verb.STOP | Verb.START | Verb.DELETE_COPY | Verb.PUT_ASIDE | Verb.DISCARD | Verb.PUT_BACK:
            return (verb.value, record.guest_uuid)


def _told_setting(uuid: str, change: str) -> Told:
    """`memory=4096`, `entitlement=20` or `autostart=on`. Raises ValueError for anything else."""
    word, _, value = change.partition("=")
    for setting, spelled in SETTINGS.items():
        if word == spelled and VALUES[setting].fullmatch(value):
            return Told(Verb.SET, uuid, setting=setting, value=value)
    raise ValueError(f"usage: not a setting: {change}")


def parse(argv: tuple[str, ...]) -> Told:
    """What `command` spelt. Raises ValueError for anything it would not have."""
    match argv:
        case ("simctl", "record", word, record_id) if word in RECORD_VERBS:
            told = Told(RECORD_VERBS[word], record_id=record_id)
        case ("simctl", "check", how, uuid, "--to", target) if how in METHODS:
            told = Told(Verb.CHECK, uuid, target, METHODS[how])
        case ("simctl", "migrate", how, uuid, "--to", target, "--job", record_id, attempt) if how in METHODS:
            if not re.fullmatch(r"[0-9]{1,9}", attempt):
                raise ValueError(f"{attempt!r} is not an attempt")
            told = Told(Verb.MIGRATE, uuid, target, METHODS[how], record_id, int(attempt))
        case ("simctl", "set", uuid, change):
            told = _told_setting(uuid, change)
        case ("simctl", "stop", "--hard", uuid):
            told = Told(Verb.STOP_HARD, uuid)
        case ("simctl", "stop" | "start" | "delete-copy" | "put-aside" | "discard" | "put-back" as word, uuid):
            told = Told(Verb(word), uuid)
        case _:
            raise ValueError(f"usage: not a command of {PROGRAM}: {' '.join(argv)}")
    for name in (told.uuid, told.target, told.record_id):
        if name and not is_name(name):
            raise ValueError(f"not a name: {name!r}")
    return told
