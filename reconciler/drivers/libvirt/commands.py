"""A verb and a move record as what runs on the host: virsh, or one of the scripts in jobs/.

Called by the driver, for showing and for sending alike. Pure. Guests are named by their uuid throughout: libvirt takes
a name made of digits for the number of another guest. Never `virsh migrate --offline`, which moves the definition of a
guest that runs (tried, libvirt 9.0), and never a command that takes storage away along with a definition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.core.commands import Command, Guard, Verb
from reconciler.core.execution.halfway import aside
from reconciler.core.model import Method, RunState, Setting
from reconciler.core.records import MoveRecord
from reconciler.drivers.libvirt.settings import LibvirtSettings
from reconciler.drivers.words import check_names, check_words
from reconciler.ssh.hostbook import NONE, Deed, How
from reconciler.ssh.programs import program

ADDRESS_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
DEVICE_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
WORD_MAX = 255
TIDIES = frozenset({Verb.DISCARD, Verb.PUT_BACK, Verb.PUT_ASIDE, Verb.DELETE_COPY})
"""What tidy.sh does."""
TIMEOUTS_S = {Verb.CHECK: 180.0, Verb.MIGRATE: 90.0, **dict.fromkeys(TIDIES, 300.0)}
"""Of what may take longer than other commands: a check speaks to the other host, whose libvirtd may be busy."""
MIGRATE_WAIT_S = 3
"""A migration that is over so soon is answered for at once; a longer one is followed."""
QUICK_S = 2
"""What fails at once is answered with its own exit status; what takes longer is followed."""
NAPS_PER_S = 20
SYSTEM = ("env", "LIBVIRT_DEFAULT_URI=qemu:///system")
"""Whatever a host's files call the usual libvirtd."""
PERIOD_US = 100_000
"""Over which a cap is measured: cgroup's usual period."""
MIB_PER_GIB = 1024


def command(verb: Verb, host: str, record: MoveRecord, guard: Guard | None) -> Command:
    """The one way a command is made. Raises UnsafeWord rather than putting a hostile word into argv."""
    check_names(host, record)
    check_words(host, (record.via,), ADDRESS_CHARACTERS, WORD_MAX)
    check_words(host, record.copies, DEVICE_CHARACTERS, WORD_MAX)
    return Command(host, verb, _argv(verb, host, record), record, guard, TIMEOUTS_S.get(verb, Command.timeout_s))


def _argv(verb: Verb, host: str, record: MoveRecord) -> tuple[str, ...]:
    uuid = record.guest_uuid
    match verb:
        case Verb.MIGRATE if record.method is Method.ONLINE:
            return _migrate(record)
        case Verb.MIGRATE:
            return ("relocate", uuid, record.via or record.target, *record.copies)
        case Verb.CHECK:
            return ("check", f"--{record.method}", uuid, record.via or record.target, *record.copies)
        case Verb.STOP:
            return ("virsh", "shutdown", uuid)
        case Verb.STOP_HARD:
            return ("virsh", "destroy", uuid)
        case Verb.START:
            return ("virsh", "start", uuid)
        case Verb.SET if record.settings:
            name, value = record.settings[0]
            return SET[Setting(name)](record, value)
        case verb if verb in TIDIES:
            return ("tidy", verb.value, uuid, _end(host, record))
        case _:
            return ("move-record", verb.value, record.id)


def _end(host: str, record: MoveRecord) -> str:
    """Which end of the move this host is."""
    return "source" if host == record.source else "target"


def _migrate(record: MoveRecord) -> tuple[str, ...]:
    """Peer to peer, so that the migration lives in libvirtd and not in a client that may die. Slowed down only once an
    attempt without has ended in vain. `--unsafe` only on the operator's word that the disks are shared: libvirt knows
    shared file systems by their type, and refuses all others (tried, libvirt 9.0)."""
    via = record.via or record.target
    copies = ("--copy-storage-all", "--migrate-disks", ",".join(record.copies)) if record.copies else ()
    return (
        *("virsh", "migrate", "--live", "--persistent", "--undefinesource", "--p2p"),
        *copies,
        *(("--auto-converge",) if record.converge and record.attempt > 1 else ()),
        *(("--unsafe",) if record.vouched else ()),
        *("--migrateuri", f"tcp://{via}", record.guest_uuid, f"qemu+ssh://root@{via}/system"),
    )


def _scheduler(record: MoveRecord, *words: str) -> tuple[str, ...]:
    """For the guest as it runs and as it boots next; a stopped guest has only the latter."""
    settings = tuple(word for each in words for word in ("--set", each))
    return ("virsh", "schedinfo", record.guest_uuid, *_scope(record), *settings)


def _scope(record: MoveRecord) -> tuple[str, ...]:
    return ("--live", "--config") if record.was is RunState.RUNNING else ("--config",)


def _quota(percent: int) -> str:
    return "-1" if percent >= 100 else str(PERIOD_US * percent // 100)


SET: Mapping[Setting, Callable[[MoveRecord, str], tuple[str, ...]]] = {
    Setting.MEMORY: lambda record, mib: ("virsh", "setmem", record.guest_uuid, f"{mib}MiB", "--live", "--config"),
    Setting.ENTITLEMENT: lambda record, percent: ("entitle", record.guest_uuid, f"{percent}%", *_scope(record)),
    Setting.CAP: lambda record, percent: _scheduler(
        record, f"vcpu_period={PERIOD_US}", f"vcpu_quota={_quota(int(percent))}"
    ),
    Setting.AUTOSTART: lambda record, word: (
        ("virsh", "autostart", record.guest_uuid, *(() if word == "on" else ("--disable",)))
    ),
}
"""How each setting is spelt."""


def deed(command: Command, settings: LibvirtSettings) -> Deed:
    """How the host carries it out, once guard and record are in order."""
    record, verb = command.record, command.verb
    job = f"{record.id}.{record.attempt}.{verb}"
    ends = (settings.record_folder, record.id, record.guest_uuid, record.via or record.target)
    match verb:
        case Verb.CHECK:
            return Deed(How.RUN, (*script("check.sh"), *ends, record.method.value, *record.copies))
        case Verb.MIGRATE if record.method is Method.ONLINE:
            limits = (str(_deadline_s(record, settings)), str(settings.online_stall_s))
            devices = ",".join(record.copies) or NONE
            argv = (*script("migrate.sh"), *ends, *limits, devices, *command.argv)
            return _job(argv, job, MIGRATE_WAIT_S)
        case Verb.MIGRATE:
            return _job((*script("relocate.sh"), *ends, *record.copies), job, MIGRATE_WAIT_S)
        case Verb.START:
            return _job((*SYSTEM, *command.argv), f"{job}{record.starts}", QUICK_S)
        case Verb.STOP | Verb.STOP_HARD:
            return _job((*SYSTEM, *command.argv), job, QUICK_S)
        case Verb.SET if record.settings and record.settings[0][0] == Setting.ENTITLEMENT:
            return Deed(How.RUN, (*script("entitle.sh"), *ends, record.settings[0][1], *_scope(record)))
        case Verb.SET:
            return Deed(How.RUN, (*SYSTEM, *command.argv))
        case verb if verb in TIDIES:
            end = _end(command.host, record)
            return Deed(How.RUN, (*script("tidy.sh"), *ends, verb.value, end, aside(record.id)))
        case _:
            return Deed(How.NONE, (), NONE)


def _job(argv: tuple[str, ...], name: str, wait_s: int) -> Deed:
    return Deed(How.JOB, argv, name, wait_s, naps_per_s=NAPS_PER_S)


def _deadline_s(record: MoveRecord, settings: LibvirtSettings) -> int:
    """What an online migration may take before it is aborted: by how much there is to carry."""
    carried_gib = (record.load.memory_mib + record.load.disk_mib) / MIB_PER_GIB
    return int(settings.online_deadline_s + settings.online_deadline_s_per_gib * carried_gib)


def script(name: str) -> tuple[str, ...]:
    """The script of this name, with what all of them begin with, as the first words of an argv."""
    package = "reconciler.drivers.libvirt.jobs"
    return ("sh", "-c", program(package, "between.sh") + program(package, name), "reconciler")
