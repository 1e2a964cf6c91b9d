"""A verb and a move record as the platform's own command.

Called by the driver, for showing and for sending alike. Pure; never forces, never removes and never starts a guest
along with its migration: `-F`, `-D`, `-b` of hpvmmigrate and hpvmremove occur nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.core.commands import Command, Guard, Verb
from reconciler.core.model import Method, Setting
from reconciler.core.records import MoveRecord
from reconciler.drivers.hpvm.parse.processes import PROGRAM as MIGRATE
from reconciler.drivers.words import check_names, check_words
from reconciler.ssh.hostbook import NONE, Deed, How

ADDRESS_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-")
RESOURCE_CHARACTERS = ADDRESS_CHARACTERS | frozenset("/,")
RESOURCE_MAX = 1024
CHECK_TIMEOUT_S = 180.0
"""A check connects the two hosts, and may take as long as the Init phase of 4.3 (90 s) and then some."""
QUICK_S = 1
"""What fails at once is answered with its own exit status; what takes longer is followed."""


def command(verb: Verb, host: str, record: MoveRecord, guard: Guard | None) -> Command:
    """The one way a command is made. Raises UnsafeWord rather than putting a hostile word into argv."""
    check_names(host, record)
    check_words(host, (record.via,), ADDRESS_CHARACTERS, RESOURCE_MAX)
    check_words(host, record.copies, RESOURCE_CHARACTERS, RESOURCE_MAX)
    timeout_s = CHECK_TIMEOUT_S if verb is Verb.CHECK else Command.timeout_s
    return Command(host, verb, _argv(verb, record), record, guard, timeout_s)


def _argv(verb: Verb, record: MoveRecord) -> tuple[str, ...]:
    guest = ("-P", record.guest_name)
    match verb:
        case Verb.CHECK:
            return (MIGRATE, *_way(record), "-s")
        case Verb.MIGRATE:
            copies = tuple(word for resource in record.copies for word in ("-m", resource, "-C"))
            return (MIGRATE, *_way(record), *copies)
        case Verb.STOP:
            return ("hpvmstop", "-g", "-F", *guest)
        case Verb.STOP_HARD:
            return ("hpvmstop", "-F", *guest)
        case Verb.START:
            return ("hpvmstart", *guest)
        case Verb.SET if record.settings:
            name, value = record.settings[0]
            return ("hpvmmodify", *guest, *SET[Setting(name)](value))
        case _:
            return ("move-record", verb.value, record.id)


SET: Mapping[Setting, Callable[[str], tuple[str, ...]]] = {
    Setting.MEMORY: lambda mib: ("-x", f"ram_target={mib}"),
    Setting.ENTITLEMENT: lambda percent: ("-e", percent),
    Setting.AUTOSTART: lambda word: ("-B", "auto" if word == "on" else "manual"),
}
"""How each setting is spelt."""


def _way(record: MoveRecord) -> tuple[str, ...]:
    online = ("-o",) if record.method is Method.ONLINE else ()
    return (*online, "-P", record.guest_name, "-h", record.via or record.target)


def deed(command: Command) -> Deed:
    """How the host carries it out, once guard and record are in order."""
    record = command.record
    match command.verb:
        case Verb.CHECK:
            return Deed(How.RUN, command.argv)
        case Verb.MIGRATE:
            return Deed(How.JOB, command.argv, f"{record.id}.{record.attempt}.migrate", alone=MIGRATE)
        case Verb.START:
            job = f"{record.id}.{record.attempt}.start{record.starts}"
            return Deed(How.JOB, command.argv, job, QUICK_S, alone=MIGRATE)
        case Verb.STOP | Verb.STOP_HARD:
            return Deed(How.JOB, command.argv, f"{record.id}.{record.attempt}.{command.verb}", QUICK_S)
        case Verb.SET:
            return Deed(How.RUN, command.argv)
        case Verb.DELETE_COPY | Verb.PUT_ASIDE | Verb.DISCARD | Verb.PUT_BACK:
            refusal = "Integrity VM keeps what a migration left on its source: nothing is deleted"
            return Deed(How.RUN, ("sh", "-c", f"echo '{refusal}'; exit 1"))
        case _:
            return Deed(How.NONE, (), NONE)
