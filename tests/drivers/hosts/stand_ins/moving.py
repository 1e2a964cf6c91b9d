"""The stand-in of hpvmmigrate: checks, then a migration by the simulated fleet's physics, for as long as it takes.

Called by the fleet's server. A client that is killed cuts its migration short, as killing the real command does.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from reconciler.core.commands import Verb
from reconciler.core.model import Method
from reconciler.drivers.simulated import looks, migration
from reconciler.drivers.simulated.commands import Told
from reconciler.drivers.simulated.fleet import SimCopy, SimJob
from tests.drivers.hosts.catalogue import long_version, version_of
from tests.drivers.hosts.server import Call, ClientGone
from tests.drivers.hosts.stand_ins.words import failed, named, physics, read, succeeded

ALIAS_SUFFIX = "-hpvm-migr"
SSH_FAILED = "hpvmmigrate: SSH execution error. Make sure ssh is setup right on both source and target systems.\n"
NO_DEVICE = (
    "hpvmmigrate: Target VM Host error - Device does not exist.\n"
    "hpvmmigrate: See HPVM command log file on target VM Host for more detail.\n"
)
NO_SWITCH = "hpvmmigrate: Target VM Host error - vswitch validation failed.\n"
STEPS = {"Init": 3, "Copy": 12, "I/O quiesce": 18, "Frozen": 23}
PROGRESS_EVERY_PERCENT = 5

_numbers = itertools.count(1)


@dataclass
class Progress:
    """The lines printed on the way; only the form of the last phase's is known."""

    call: Call
    job: SimJob
    printed: int = -PROGRESS_EVERY_PERCENT
    phase: str = ""

    def print(self) -> None:
        """A line, where there is something new to say."""
        if not self.call.variants.progress or self.job.method is not Method.ONLINE:
            return
        percent = looks.progress_percent(self.job, self.call.server.world.now_s)
        phase = next(phase for up_to, phase in looks.PHASES if percent < up_to)
        if phase != self.phase or percent >= self.printed + PROGRESS_EVERY_PERCENT:
            self.phase, self.printed = phase, percent
            self.call.out(f"hpvmmigrate: {phase} phase (step {STEPS[phase]}) - progress {percent}%\n")


def hpvmmigrate(call: Call) -> int:
    """Check with -s, migrate without."""
    options = read(call.argv, flags="osbdDCtqnTFvH", valued="PphmlNceEr")
    if "v" in options.flags:
        call.out(f"hpvmmigrate: Version {long_version(call.host.version)}\n")
        return 0
    with call.server.locked():
        copy = named(call, options)
        if copy is None:
            return call.variants.status_after_failure
        name = call.server.world.fleet.guests[copy.uuid].name
        method = Method.ONLINE if "o" in options.flags else Method.OFFLINE
        target = _host_called(call, options.one("h"))
        if not call.server.connected(call.host_name, target):
            return failed(call, SSH_FAILED)
        if "s" in options.flags:
            told = Told(Verb.CHECK, copy.uuid, target, method)
            done = migration.check(call.server.world.fleet, call.host, told, call.server.world.rules)
            if done.status:
                call.err(_refusal(call, name, physics(done.output)))
            return done.status
        missing = _not_copied(call, copy, options.values.get("m", []), "C" in options.flags)
        if method is Method.OFFLINE and missing:
            return failed(call, _refusal(call, name, f"Device {missing} must be copied to the target (-m, -C)."))
        job = _begin(call, Told(Verb.MIGRATE, copy.uuid, target, method, f"hand-{next(_numbers)}", 1))
    return _await(call, job, name)


def _begin(call: Call, told: Told) -> SimJob:
    world = call.server.world
    migration.migrate(world.fleet, call.host, told, world.rules, world.faults)
    return call.host.jobs[-1]


def _await(call: Call, job: SimJob, name: str) -> int:
    try:
        call.wait(lambda: job.ended, Progress(call, job).print)
    except ClientGone:
        with call.server.locked() as world:
            if not job.ended:
                migration.cut_short(world.fleet, job, None, "hpvmmigrate was killed")
        raise
    if job.status != 0:
        return failed(call, _refusal(call, name, physics(job.output)))
    with call.server.locked() as world:
        left, arrived = (world.fleet.hosts[end].copies[job.uuid] for end in (job.source, job.target))
        arrived.autostart = left.autostart if call.variants.start_type_carried else True
        world.fleet.touch(world.fleet.hosts[job.target])
    return succeeded(call, "hpvmmigrate: Guest migrated successfully.\n")


def _host_called(call: Call, word: str) -> str:
    """The host of this name, alias or address."""
    named_so = word.removesuffix(ALIAS_SUFFIX)
    return call.server.addresses.get(word, named_so)


def _not_copied(call: Call, copy: SimCopy, resources: list[str], copies: bool) -> str:
    """The first of the guest's own disks that no `-m RESOURCE -C` names."""
    wanted = {call.catalogue.path(call.host, disk) for disk in copy.disks if not disk.kind.shared}
    given = {resource.split(":", 4)[-1] for resource in resources} if copies else set()
    return min(wanted - given, default="")


def _refusal(call: Call, name: str, text: str) -> str:
    """The physics' words in the platform's, where its own are known."""
    newer = version_of(call.host.version) >= (4, 3)
    if text.startswith("SSH execution error"):
        return SSH_FAILED
    if " has no match on " in text:
        device = text.removeprefix("device ").partition(" has no match")[0]
        remote = f"Remote message:\nDevice 0x{device} has no match on this HPVM server.\n"
        return f"hpvmmigrate: ERROR ({name}): {remote}" if newer else NO_DEVICE
    if text.startswith("vswitch validation failed"):
        return NO_SWITCH
    return f"hpvmmigrate: ERROR ({name}): {text}\n"
